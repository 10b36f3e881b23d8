//! How many connections the system lets wait.

use std::fs;

/// Where Linux keeps its own limit.
const LIMIT: &str = "/proc/sys/net/core/somaxconn";

/// Warns if the system cuts a backlog off, which it does without a word.
pub(super) fn warn_if_cut_off(backlog: u32) {
    let limit = fs::read(LIMIT).ok().and_then(|text| parse(&text));
    if let Some(limit) = limit.filter(|limit| *limit < backlog) {
        tracing::warn!(
            "`backlog` is {backlog}, of which the system allows {limit}: set \
             `net.core.somaxconn` by sysctl"
        );
    }
}

fn parse(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_the_system_is_read() {
        assert_eq!(parse(b"4096\n"), Some(4096));
        assert_eq!(parse(b"many"), None);
    }
}
