//! How the lines of the log look.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, format};
use tracing_subscriber::registry::LookupSpan;

use crate::app::trace;
use crate::config::Config;

/// How the lines of the log look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Look {
    /// Each is a JSON object.
    Json,
    /// Each is a text.
    Text {
        /// Whether levels have colours.
        coloured: bool,
        /// Whether they tell the module that they come from.
        detailed: bool,
    },
}

impl Look {
    pub(super) fn of(config: &Config, coloured: bool) -> Self {
        let detailed = config.main.debug.0;
        if config.main.use_json.0 { Self::Json } else { Self::Text { coloured, detailed } }
    }
}

/// The look that is in force, with the id of the request that a line belongs to.
pub(super) struct Current;

impl<S, N> FormatEvent<S, N> for Current
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(look) = super::output().as_ref().map(|(_, look)| *look) else { return Ok(()) };
        let mut line = String::new();
        let format: Format = format();
        match look {
            Look::Json => {
                format.json().format_event(context, Writer::new(&mut line), event)?;
            }
            Look::Text { coloured, detailed } => {
                let format = format.with_ansi(coloured).with_target(detailed);
                format.format_event(context, Writer::new(&mut line), event)?;
            }
        }
        if let Some(id) = trace::current_id() {
            add_id(&mut line, look, &String::from_utf8_lossy(id.as_bytes()));
        }
        writer.write_str(&line)
    }
}

/// Adds the id of a request at the end of a line.
fn add_id(line: &mut String, look: Look, id: &str) {
    line.truncate(line.trim_end_matches('\n').len());
    match look {
        // An id has no characters that would have to be escaped.
        Look::Json if line.ends_with('}') => {
            line.pop();
            line.extend([",\"request_id\":\"", id, "\"}"]);
        }
        Look::Json | Look::Text { .. } => line.extend([" request_id=", id]),
    }
    line.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_stands_at_the_end() {
        let text = Look::Text { coloured: false, detailed: false };
        let cases = [
            (text, "INFO slow\n", "INFO slow request_id=req-1\n"),
            (
                Look::Json,
                "{\"level\":\"INFO\"}\n",
                "{\"level\":\"INFO\",\"request_id\":\"req-1\"}\n",
            ),
        ];
        for (look, line, expected) in cases {
            let mut line = line.to_owned();
            add_id(&mut line, look, "req-1");
            assert_eq!(line, expected);
        }
    }
}
