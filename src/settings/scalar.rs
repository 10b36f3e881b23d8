//! Values of one word.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::{Form, Rejected, Setting};

impl Setting for String {
    const EXPECTED: &'static str = "a text";

    fn parse(text: &str) -> Result<Self, Rejected> {
        Ok(text.to_owned())
    }
}

/// `true`, `yes`, `on`, `y`, `t` and `1`, and their opposites, in any case: what Paste and
/// oslo.config accept together.
impl Setting for bool {
    const EXPECTED: &'static str = "`true` or `false` (or `yes`, `no`, `on`, `off`, `1`, `0`)";
    const FORM: Form = Form::Boolean;

    fn parse(text: &str) -> Result<Self, Rejected> {
        match &*text.to_ascii_lowercase() {
            "true" | "yes" | "on" | "y" | "t" | "1" => Ok(true),
            "false" | "no" | "off" | "n" | "f" | "0" => Ok(false),
            _ => Err(Rejected::default()),
        }
    }
}

/// Implements [`Setting`] for whole numbers.
macro_rules! whole_number {
    ($($type:ty: $expected:literal;)*) => {$(
        impl Setting for $type {
            const EXPECTED: &'static str = $expected;
            const FORM: Form = Form::Whole { least: 0, most: <$type>::MAX as u64 };

            fn parse(text: &str) -> Result<Self, Rejected> {
                text.parse().map_err(|_| Rejected::default())
            }
        }
    )*};
}

whole_number! {
    u8: "a whole number from 0 to 255";
    u16: "a whole number from 0 to 65535";
    u32: "a whole number from 0 to 4294967295";
    u64: "a whole number of at least 0";
    usize: "a whole number of at least 0";
}

/// A span of time, written as a number of seconds with or without a fraction; at most a century,
/// so that it can be added to any point in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seconds(pub Duration);

impl Seconds {
    /// The longest span.
    pub const MOST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);
}

impl Setting for Seconds {
    const EXPECTED: &'static str = "a number of seconds, such as `30` or `0.5`";
    const FORM: Form = Form::Number;

    fn parse(text: &str) -> Result<Self, Rejected> {
        let seconds: f64 = text.parse().map_err(|_| Rejected::default())?;
        let time = Duration::try_from_secs_f64(seconds).map_err(|_| Rejected::default())?;
        if time > Self::MOST {
            return Err(Rejected::because("it is more than a century"));
        }
        Ok(Self(time))
    }
}

/// A path; a relative one counts from the directory of the file that it stands in.
impl Setting for PathBuf {
    const EXPECTED: &'static str =
        "a path, which counts from the directory of this file if it is relative";

    fn parse(text: &str) -> Result<Self, Rejected> {
        Self::parse_in(text, Path::new(""))
    }

    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        if text.is_empty() { Err(Rejected::default()) } else { Ok(directory.join(text)) }
    }
}

impl Setting for StatusCode {
    const EXPECTED: &'static str = "a status code from 200 to 599";
    const FORM: Form = Form::Whole { least: 200, most: 599 };

    fn parse(text: &str) -> Result<Self, Rejected> {
        let status: Self = text.parse().map_err(|_| Rejected::default())?;
        // 1xx is no final answer, and past 599 RFC 9110 (15) defines nothing.
        let is_final = (200..600).contains(&status.as_u16());
        if is_final { Ok(status) } else { Err(Rejected::default()) }
    }
}

impl Setting for HeaderName {
    const EXPECTED: &'static str = "the name of a header";

    fn parse(text: &str) -> Result<Self, Rejected> {
        text.parse().map_err(|_| Rejected::default())
    }
}

impl Setting for HeaderValue {
    const EXPECTED: &'static str = "the value of a header, in one line";

    fn parse(text: &str) -> Result<Self, Rejected> {
        text.parse().map_err(|_| Rejected::default())
    }
}

impl Setting for Method {
    const EXPECTED: &'static str = "a method, such as `GET`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        text.parse().map_err(|_| Rejected::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_booleans_of_paste_and_oslo() {
        assert_eq!(["True", "on", "Y", "1"].map(bool::parse), [const { Ok(true) }; 4]);
        assert_eq!(["no", "OFF", "f", "0"].map(bool::parse), [const { Ok(false) }; 4]);
        assert!(bool::parse("maybe").is_err());
    }

    #[test]
    fn reads_seconds_with_a_fraction() {
        assert_eq!(Seconds::parse("0.25"), Ok(Seconds(Duration::from_millis(250))));
        assert_eq!(Seconds::parse("3162240000"), Ok(Seconds(Seconds::MOST)));
        assert!(
            ["-1", "inf", "1e99", "1e19", "3162240001", "soon"]
                .iter()
                .all(|text| Seconds::parse(text).is_err())
        );
    }

    #[test]
    fn a_relative_path_counts_from_the_file() {
        let parsed = PathBuf::parse_in("docs", Path::new("/etc/api"));
        assert_eq!(parsed, Ok(PathBuf::from("/etc/api/docs")));
        let parsed = PathBuf::parse_in("/srv", Path::new("/etc/api"));
        assert_eq!(parsed, Ok(PathBuf::from("/srv")));
    }

    #[test]
    fn a_status_is_a_final_one() {
        assert!(["100", "600", "99", "ok"].iter().all(|text| StatusCode::parse(text).is_err()));
        assert_eq!(StatusCode::parse("503"), Ok(StatusCode::SERVICE_UNAVAILABLE));
    }
}
