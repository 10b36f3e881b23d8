//! The header `traceparent`.

use http::HeaderValue;
use uuid::Uuid;

use crate::settings::{Form, Rejected, Setting};

/// The flag of a trace that is recorded.
const SAMPLED: u128 = 1;

/// The flag of a trace whose id was made by chance.
const RANDOM: u128 = 2;

/// What a request is a part of: the trace, and in it the caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Parent {
    trace: u128,
    caller: u64,
    is_sampled: bool,
    /// Whether the trace's id was made by chance, as the flag says that Level 2 has.
    is_random: bool,
}

impl Parent {
    /// Reads the value of the header: `00-TRACE-CALLER-FLAGS`, in hexadecimal digits. A version
    /// that is not known yet may have more behind it.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (head, rest) = text.split_at_checked(55)?;
        let [version, trace, caller, flags] =
            [0..2, 3..35, 36..52, 53..55].map(|at| number(&head[at]));
        let is_divided = [2, 35, 52].iter().all(|at| head[*at] == b'-');
        let is_whole = match version? {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest[0] == b'-',
        };
        let (trace, caller) = (trace?, u64::try_from(caller?).ok()?);
        let flags = flags?;
        let parent = Self {
            trace,
            caller,
            is_sampled: flags & SAMPLED != 0,
            is_random: flags & RANDOM != 0,
        };
        (is_divided && is_whole && trace != 0 && caller != 0).then_some(parent)
    }

    /// The beginning of a new trace.
    pub(super) fn root() -> Self {
        let trace = (u128::from(random()) << 64) | u128::from(random());
        Self { trace, caller: 0, is_sampled: false, is_random: true }
    }

    /// This server as a part of the trace.
    pub(super) fn child(self, rate: Rate) -> Self {
        // No caller has the number 0.
        let caller = random().max(1);
        Self { caller, is_sampled: rate.samples(self.trace), ..self }
    }

    /// The value of the header.
    pub(super) fn value(self) -> HeaderValue {
        let Self { trace, caller, is_sampled, is_random } = self;
        let flags = u128::from(is_sampled) * SAMPLED + u128::from(is_random) * RANDOM;
        let text = format!("00-{trace:032x}-{caller:016x}-{flags:02x}");
        HeaderValue::try_from(text).expect("it is ASCII")
    }
}

/// 64 bits by chance. Six bits of a UUID are fixed, at other places in either half.
fn random() -> u64 {
    let [upper, lower] = halves(Uuid::new_v4().as_u128());
    upper ^ lower
}

/// A number in hexadecimal digits, in small letters.
fn number(digits: &[u8]) -> Option<u128> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(is_digit))?;
    u128::from_str_radix(text, 16).ok()
}

/// The upper and the lower half of a number.
fn halves(number: u128) -> [u64; 2] {
    let bytes = number.to_be_bytes();
    let half = |at: usize| {
        let half = bytes[at..].first_chunk().copied();
        u64::from_be_bytes(half.expect("there are sixteen bytes"))
    };
    [half(0), half(8)]
}

/// The share of traces that are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate(f64);

impl Rate {
    /// Whether a trace is recorded: as OpenTelemetry's samplers decide, by the lower half of its
    /// id.
    fn samples(self, trace: u128) -> bool {
        const ALL: f64 = 18_446_744_073_709_551_616.0;
        let [_, lower] = halves(trace);
        #[expect(clippy::cast_precision_loss, reason = "a share is no more precise")]
        let is_below = (lower as f64) < self.0 * ALL;
        is_below || self.0 >= 1.0
    }
}

impl Setting for Rate {
    const EXPECTED: &'static str = "a number from 0 to 1, such as `0.1`";
    const FORM: Form = Form::Number;

    fn parse(text: &str) -> Result<Self, Rejected> {
        let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
        rate.map(Self).ok_or_else(Rejected::default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn reads_what_it_writes() {
        let parent = Parent::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(parent.value(), GOOD);
        let flagged = Parent::parse(GOOD.replace("-01", "-ff").as_bytes()).unwrap();
        assert_eq!(flagged.value(), GOOD.replace("-01", "-03"));
        let child = parent.child(Rate(1.0));
        assert_eq!(Parent::parse(child.value().as_bytes()), Some(child));
    }

    #[test]
    fn a_later_version_may_say_more() {
        let rest = &GOOD[2..];
        for (version, more, is_read) in [
            ("00", "", true),
            ("00", "-more", false),
            ("01", "-more", true),
            ("01", "more", false),
            ("ff", "", false),
            ("0g", "", false),
        ] {
            let text = format!("{version}{rest}{more}");
            assert_eq!(Parent::parse(text.as_bytes()).is_some(), is_read, "{text}");
        }
        assert_eq!(Parent::parse(&GOOD.as_bytes()[..54]), None);
        assert_eq!(
            Parent::parse(GOOD.replace("b7ad6b7169203331", &"0".repeat(16)).as_bytes()),
            None
        );
    }

    #[test]
    fn a_rate_is_a_share() {
        assert_eq!(
            ["0", "1", "0.25"].map(Rate::parse),
            [0.0, 1.0, 0.25].map(|rate| Ok(Rate(rate)))
        );
        assert!(["-0.1", "1.1", "nan", "all", ""].iter().all(|text| Rate::parse(text).is_err()));
    }
}
