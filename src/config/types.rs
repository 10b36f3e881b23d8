//! The types of oslo.config, as far as ours are not the same.

use crate::settings::{Form, Rejected, Setting};

/// A boolean by the words of oslo.config, which are fewer than Paste's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flag(pub bool);

impl Setting for Flag {
    const EXPECTED: &'static str = "`true`, `yes`, `on` or `1`, or `false`, `no`, `off` or `0`";
    const FORM: Form = Form::Boolean;

    fn parse(text: &str) -> Result<Self, Rejected> {
        match &*text.to_ascii_lowercase() {
            "true" | "1" | "on" | "yes" => Ok(Self(true)),
            "false" | "0" | "off" | "no" => Ok(Self(false)),
            _ => Err(Rejected::default()),
        }
    }
}

/// A whole number within bounds, written as Python reads it: with blanks around it, a sign, and
/// `_` between digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Whole<const LEAST: u64, const MOST: u64>(pub u64);

impl<const LEAST: u64, const MOST: u64> Setting for Whole<LEAST, MOST> {
    const EXPECTED: &'static str = "a whole number";
    const FORM: Form = Form::Whole { least: LEAST, most: MOST };

    fn parse(text: &str) -> Result<Self, Rejected> {
        let number = python_integer(text).ok_or_else(Rejected::default)?;
        match u64::try_from(number) {
            Ok(number) if number > MOST => {
                let reason = format!("it should be less than or equal to {MOST}");
                Err(Rejected::because(reason))
            }
            Ok(number) if number >= LEAST => Ok(Self(number)),
            _ => {
                let reason = format!("it should be greater than or equal to {LEAST}");
                Err(Rejected::because(reason))
            }
        }
    }
}

/// The number of a port; for 0 the system chooses one.
pub type Port = Whole<0, 65535>;

/// A text as Python's `int` reads it, within 128 bits.
pub(super) fn python_integer(text: &str) -> Option<i128> {
    let text = text.trim_matches(super::scan::is_space);
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if text.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, text),
    };
    let is_grouped = digits
        .split('_')
        .all(|group| !group.is_empty() && group.chars().all(|digit| digit.is_ascii_digit()));
    let digits = digits.replace('_', "");
    if is_grouped { digits.parse::<i128>().ok().map(|number| sign * number) } else { None }
}

/// What stands in process titles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Title {
    /// The role of the process.
    Brief,
    /// Nothing but the command line.
    Off,
    /// The role of the process and its command line.
    On,
}

impl Setting for Title {
    const EXPECTED: &'static str = "`on`, `brief` or `off`";
    const FORM: Form = Form::Words(&["brief", "off", "on"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "brief" => Ok(Self::Brief),
            "off" => Ok(Self::Off),
            "on" => Ok(Self::On),
            _ => Err(Rejected::default()),
        }
    }
}

/// From which level on the lines of one logger are written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoggerLevel {
    /// The logger: a module of the program, its parts separated by `::`.
    pub logger: String,
    /// The level.
    pub level: tracing::Level,
}

impl Setting for LoggerLevel {
    const EXPECTED: &'static str = "a logger and its level, as `logger=INFO`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let (logger, level) = text.split_once('=').ok_or_else(Rejected::default)?;
        let level = match &*level.trim().to_ascii_uppercase() {
            "TRACE" | "NOTSET" => tracing::Level::TRACE,
            "DEBUG" => tracing::Level::DEBUG,
            "INFO" => tracing::Level::INFO,
            "WARN" | "WARNING" => tracing::Level::WARN,
            "ERROR" | "CRITICAL" | "FATAL" => tracing::Level::ERROR,
            level => {
                let levels = "TRACE, DEBUG, INFO, WARN and ERROR";
                let reason = format!("`{level}` is not one of the levels {levels}");
                return Err(Rejected::because(reason));
            }
        };
        // Python's loggers have dots in their names.
        Ok(Self { logger: logger.trim().replace('.', "::"), level })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_integers_as_python_does() {
        for (text, expected) in [
            ("4096", Some(4096)),
            (" +1_0 ", Some(10)),
            ("-3", Some(-3)),
            ("007", Some(7)),
            ("0x10", None),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("", None),
            ("1.0", None),
            ("- 1", None),
        ] {
            assert_eq!(python_integer(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        let reason = |text| Port::parse(text).unwrap_err().reason;
        assert_eq!(Port::parse("65535"), Ok(Whole(65535)));
        assert_eq!(reason("65536").unwrap(), "it should be less than or equal to 65535");
        assert_eq!(reason("-1").unwrap(), "it should be greater than or equal to 0");
        assert_eq!(reason("http"), None);
    }

    #[test]
    fn booleans_are_those_of_oslo_config() {
        assert_eq!(["TRUE", "1", "On", "yes"].map(Flag::parse), [const { Ok(Flag(true)) }; 4]);
        assert_eq!(["false", "0", "off", "NO"].map(Flag::parse), [const { Ok(Flag(false)) }; 4]);
        assert!(["y", "t", "", "maybe"].iter().all(|text| Flag::parse(text).is_err()));
    }

    #[test]
    fn levels_are_those_of_python() {
        let parsed = LoggerLevel::parse("oslo.messaging = warning").unwrap();
        assert_eq!((&*parsed.logger, parsed.level), ("oslo::messaging", tracing::Level::WARN));
        let reason = LoggerLevel::parse("a=loud").unwrap_err().reason.unwrap();
        assert_eq!(reason, "`LOUD` is not one of the levels TRACE, DEBUG, INFO, WARN and ERROR");
    }
}
