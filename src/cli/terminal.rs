//! Where commands print: results to standard output, all else to standard error.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::OnceLock;

use clap::ColorChoice;
use serde::Serialize;

/// What the command line says about colours, once for the whole process.
static COLOURS: OnceLock<ColorChoice> = OnceLock::new();

/// Prints a result, which ends its own last line.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// Prints JSON as a result, however large.
pub(super) fn print_json(json: &impl Serialize) -> io::Result<()> {
    let mut output = BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut output, json)?;
    writeln!(output)?;
    output.flush()
}

/// Tells of something beside the result, in a line or more.
pub(super) fn tell(text: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{text}")
}

/// Decides whether colours are shown, unless that is decided already.
pub(super) fn choose_colours(choice: ColorChoice) {
    COLOURS.get_or_init(|| choice);
}

/// Whether standard error shows colours: unless it is decided, if it is a terminal and the
/// environment does not ask for none (<https://no-color.org>).
pub(super) fn is_colourful() -> bool {
    shows_colours(&io::stderr())
}

/// Whether standard output does.
pub(super) fn is_colourful_output() -> bool {
    shows_colours(&io::stdout())
}

fn shows_colours(stream: &impl IsTerminal) -> bool {
    match COLOURS.get() {
        Some(ColorChoice::Always) => true,
        Some(ColorChoice::Never) => false,
        Some(ColorChoice::Auto) | None => {
            stream.is_terminal() && allows_colours(|name| env::var_os(name))
        }
    }
}

/// Whether an environment, given by its variables, has nothing against colours.
fn allows_colours(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let refuses = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = variable("TERM").is_none_or(|kind| kind == "dumb");
    !refuses && !is_dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(variables: &[(&str, &str)]) -> bool {
        allows_colours(|name| {
            let variable = variables.iter().find(|(known, _)| *known == name);
            variable.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_environment_may_refuse_colours() {
        assert!(allows(&[("TERM", "xterm")]));
        assert!(allows(&[("TERM", "xterm"), ("NO_COLOR", "")]));
        assert!(!allows(&[("TERM", "xterm"), ("NO_COLOR", "1")]));
        assert!(!allows(&[("TERM", "dumb")]));
        assert!(!allows(&[]));
    }
}
