//! The log of the program itself: where its lines go, and how they look.

mod look;

use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, reload};

use self::look::Look;
use crate::access_log::{Destination, Writer};
use crate::config::Config;
use crate::source::describe;

/// Whether a terminal is to show colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colours {
    /// On standard error.
    Shown,
    /// Nowhere.
    Unused,
}

/// The log as settings describe it, opened.
#[derive(Debug)]
pub struct Log {
    writer: Writer,
    look: Look,
    levels: Targets,
}

impl Log {
    /// Opens the log that settings describe, to which nothing is written before it is
    /// [put in force](Self::put_in_force).
    ///
    /// # Errors
    ///
    /// The file cannot be opened, in words.
    pub fn open(config: &Config) -> Result<Self, String> {
        let destination = config.log_file().map_or(Destination::Stderr, Destination::File);
        let colours = COLOURS.get().copied().unwrap_or(Colours::Unused);
        let look =
            Look::of(config, destination == Destination::Stderr && colours == Colours::Shown);
        let words = format!("cannot write the log to {destination}");
        let writer = Writer::open_promptly(destination);
        let writer = writer.map_err(|error| format!("{words}: {}", describe(&error)))?;
        Ok(Self { writer, look, levels: levels(config) })
    }

    /// Has all lines written as this log has it from now on.
    pub fn put_in_force(self) {
        let Self { writer, look, levels } = self;
        if let Some(handle) = LEVELS.get() {
            // It fails only where there is no log any more.
            let _ = handle.reload(levels);
        }
        *output() = Some((writer, look));
    }
}

/// What is in force, unless the program has a log of its own.
static OUTPUT: Mutex<Option<(Writer, Look)>> = Mutex::new(None);

static LEVELS: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

static COLOURS: OnceLock<Colours> = OnceLock::new();

fn output() -> MutexGuard<'static, Option<(Writer, Look)>> {
    OUTPUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the log written as settings say, unless the program has its own log already.
///
/// # Errors
///
/// The file of the log cannot be opened, in words.
pub fn start(config: &Config, colours: Colours) -> Result<(), String> {
    COLOURS.get_or_init(|| colours);
    let log = Log::open(config)?;
    let (levels, handle) = reload::Layer::new(log.levels.clone());
    let lines = tracing_subscriber::fmt::layer().event_format(look::Current).with_writer(Output);
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(levels));
    // It fails only if there is one.
    if subscriber.try_init().is_ok() {
        LEVELS.get_or_init(|| handle);
        log.put_in_force();
    }
    Ok(())
}

/// What speaks HTTP/2. It warns of each client that does something wrong, without saying which
/// one: whoever attacks could fill the log. They are counted instead.
const HTTP2: &str = "h2";

/// From which level on lines are written.
fn levels(config: &Config) -> Targets {
    let level = if config.main.debug.0 { Level::DEBUG } else { Level::INFO };
    let single = config.main.default_log_levels.iter();
    let single = single.map(|single| (single.logger.clone(), single.level));
    Targets::new().with_default(level).with_target(HTTP2, Level::ERROR).with_targets(single)
}

/// Takes whole lines, and has them written off the threads that serve: whoever reads the log
/// keeps nobody waiting.
struct Output;

impl MakeWriter<'_> for Output {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl io::Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some((writer, _)) = &*output() {
            writer.append(String::from_utf8_lossy(line));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Input;
    use crate::source::Sources;

    /// Whether a line of a logger is written where an option is given, or none.
    fn writes(option: Option<(&str, &str)>, logger: &str, level: Level) -> bool {
        let given = option.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let input = Input { arguments: given.into_iter().collect(), ..Input::default() };
        levels(&Config::read(&input, &mut Sources::default()).0).would_enable(logger, &level)
    }

    #[test]
    fn no_client_of_http2_fills_the_log_unless_that_is_asked_for() {
        let h2 = "h2::proto::streams::recv";
        assert!(!writes(None, h2, Level::WARN) && writes(None, "pasteline", Level::INFO));
        assert!(!writes(Some(("debug", "true")), h2, Level::WARN));
        assert!(writes(Some(("default_log_levels", "h2=DEBUG")), h2, Level::DEBUG));
    }
}
