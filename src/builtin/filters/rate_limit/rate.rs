//! Rates, as settings have them.

use std::time::Duration;

use crate::settings::{Rejected, Setting};

/// A number of requests in a span of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rate {
    pub(super) requests: u32,
    pub(super) time: Duration,
}

/// At which a request takes a nanosecond of a second.
const MOST: u32 = 1_000_000_000;

impl Setting for Rate {
    const EXPECTED: &'static str =
        "a number of requests from 1 to 1000000000 for a time, such as `10/s`, `600/m` or `1000/h`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let (requests, unit) = text.split_once('/').ok_or_else(Rejected::default)?;
        let at = requests.len() + 1;
        let time = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            _ => {
                let rejected = Rejected::because("a time is `s`, `m` or `h`");
                return Err(rejected.at(at.min(text.len()), text.len()));
            }
        };
        let requests =
            requests.trim().parse().ok().filter(|requests| (1..=MOST).contains(requests));
        let requests = requests.ok_or_else(|| Rejected::default().at(0, at - 1))?;
        Ok(Self { requests, time: Duration::from_secs(time) })
    }
}
