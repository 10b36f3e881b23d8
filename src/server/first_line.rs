//! The first line of a head that has not come to its end.

use std::time::SystemTime;

use http::StatusCode;
use httpdate::fmt_http_date;

use super::activity::Activity;

/// How long a method may be.
const METHOD: usize = 32;

/// Tells when the first line of a head is to be looked at.
#[derive(Debug)]
pub(super) struct Watch {
    /// How much of a head there may be before.
    limit: usize,
    /// Up to how many bytes there may be in all.
    end: usize,
}

impl Default for Watch {
    /// It never is.
    fn default() -> Self {
        Self { limit: usize::MAX, end: usize::MAX }
    }
}

impl Watch {
    /// Watches a head that began when so many bytes had been read, and those after it.
    pub(super) fn new(limit: usize, begin: usize) -> Self {
        Self { limit, end: begin.saturating_add(limit) }
    }

    /// Has the same line looked at again when there is more of it than so many bytes in all.
    pub(super) fn go_on(&mut self, end: usize) {
        self.end = end;
    }

    /// How many bytes may be read at once after so many in all, so that the line is looked at in time;
    /// none if that is now, which is said once.
    pub(super) fn room(&mut self, activity: &Activity, received: usize) -> Option<usize> {
        if !activity.is_head_next() {
            return Some(usize::MAX);
        }
        if activity.is_waiting() {
            *self = Self::new(self.limit, received);
        }
        let Some(left) = self.end.checked_sub(received) else {
            self.end = usize::MAX;
            return None;
        };
        Some(left.saturating_add(1))
    }
}

/// How much of a host may come before the line is looked at again.
const LONG_HOST: usize = 1024;

/// What is known of the target of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    /// It has ended within the limit, or is not to be found.
    Known,
    /// It may still become too long, with more than so many bytes.
    Open(usize),
    /// It is longer than the limit.
    TooLong,
}

/// How far the target of a request reaches, by as much as there is of its head.
///
/// hyper looks into a head when that has ended, and of one that is too large by then it does not say
/// what is too large. A server that gets a longer target than it takes must say so (RFC 9112, 3).
pub(super) fn reach(head: &[u8], limit: usize) -> Reach {
    // Empty lines before a request are passed over (RFC 9112, 2.2).
    let begin = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
    let line = &head[begin..];
    let Some(method) = line.iter().take(METHOD + 1).position(|byte| *byte == b' ') else {
        let left = METHOD.checked_sub(line.len());
        return left.map_or(Reach::Known, |left| Reach::Open(left + limit));
    };
    let target = &line[method + 1..];
    let end = target.iter().position(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
    let target = path(&target[..end.unwrap_or(target.len())]);
    if target.is_empty() && end.is_none() {
        // To look after each byte would cost more the longer a host is.
        Reach::Open(limit.max(LONG_HOST))
    } else if target.len() > limit {
        Reach::TooLong
    } else if end.is_some() {
        Reach::Known
    } else {
        Reach::Open(limit - target.len())
    }
}

/// The path and query of a target, which are all of it that the limit is about.
fn path(target: &[u8]) -> &[u8] {
    // What follows is dropped, as it is none of a request (RFC 9110, 7.1).
    let end = target.iter().position(|byte| *byte == b'#').unwrap_or(target.len());
    let target = &target[..end];
    if target.starts_with(b"/") {
        return target;
    }
    let scheme = target.windows(3).position(|three| three == b"://").map_or(0, |at| at + 3);
    let rest = &target[scheme..];
    let begin = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    &rest[begin..]
}

/// The answer to a request of which no more is wanted, as its head is not.
pub(super) fn answer(status: StatusCode) -> Vec<u8> {
    let date = fmt_http_date(SystemTime::now());
    let fields = format!("connection: close\r\ncontent-length: 0\r\ndate: {date}\r\n");
    format!("HTTP/1.1 {status}\r\n{fields}\r\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_reaches_as_far_as_it_is_there() {
        for (head, expected) in [
            ("", Reach::Open(37)),
            ("GET", Reach::Open(34)),
            ("GET /123", Reach::Open(1)),
            ("GET /1234", Reach::Open(0)),
            ("GET /12345", Reach::TooLong),
            ("\r\n\r\nGET /12345", Reach::TooLong),
            ("GET /1234 ", Reach::Known),
            ("GET /1234\r\nx: 123456", Reach::Known),
            ("GET /12345 HTTP/1.1\r\n", Reach::TooLong),
            ("GET http://host/1234", Reach::Open(0)),
            ("GET http://host/12345", Reach::TooLong),
            ("GET http://host?1234", Reach::Open(0)),
            ("GET http://host?12345", Reach::TooLong),
            ("OPTIONS * HTTP/1.1", Reach::Known),
            ("CONNECT host.of.some.length:443", Reach::Open(LONG_HOST)),
            ("GET /#fragment", Reach::Open(4)),
            ("NO_METHOD_HAS_AS_MANY_LETTERS_AS", Reach::Open(5)),
            ("NO_METHOD_HAS_AS_MANY_LETTERS_AS /12345", Reach::TooLong),
            ("NO_METHOD_HAS_AS_MANY_LETTERS_AS_ /12345", Reach::Known),
        ] {
            assert_eq!(reach(head.as_bytes(), 5), expected, "{head}");
        }
    }

    #[test]
    fn an_answer_has_a_date() {
        let answer = String::from_utf8(answer(StatusCode::URI_TOO_LONG)).unwrap();
        let (line, fields) = answer.split_once("\r\n").unwrap();
        assert_eq!(line, "HTTP/1.1 414 URI Too Long");
        let fields: Vec<_> = fields.lines().collect();
        assert_eq!(fields[..2], ["connection: close", "content-length: 0"]);
        let date = fields[2].strip_prefix("date: ").unwrap();
        assert!(httpdate::parse_http_date(date).is_ok(), "{date}");
        assert_eq!(fields[3..], [""]);
    }
}
