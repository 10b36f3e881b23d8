//! Makes the path of a request plain, so that all who look at it read it in the same way.

mod rule;

use std::borrow::Cow;

use smallvec::SmallVec;

pub use self::rule::{Leave, Rule};
use super::head::Fault;
use super::scan::has_pair;

/// How paths are made plain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Paths {
    /// Segments `.` and `..`, also those with `%2e`.
    pub dots: Rule,
    /// Escapes of escapes, such as `%252e`.
    pub double_escapes: Leave,
    /// Slashes written as `%2f`, `%5c` or `\`.
    pub escaped_slashes: Rule,
    /// Escapes of what needs none, such as `%61`.
    pub escapes: Rule,
    /// The escape `%00`.
    pub nul: Leave,
    /// What follows a `;` in a segment.
    pub parameters: Rule,
    /// Slashes that follow one another.
    pub slashes: Rule,
}

impl Paths {
    /// The path as all who look at it read it; nothing is allocated where it is that already.
    ///
    /// # Errors
    ///
    /// It is to be refused, or an escape in it is none.
    pub fn plain(self, path: &str) -> Result<Cow<'_, str>, Fault> {
        if is_plain(path.as_bytes()) {
            return Ok(Cow::Borrowed(path));
        }
        let plain = Writer::new(&self).write(path.as_bytes())?;
        if *plain == *path.as_bytes() {
            return Ok(Cow::Borrowed(path));
        }
        // Only whole ASCII characters are taken out and put in.
        let plain = String::from_utf8(plain.into_vec()).map_err(|_| Fault::Target)?;
        Ok(Cow::Owned(plain))
    }
}

/// Whether there is nothing in a path that a rule could be for. Most paths are left with this.
fn is_plain(path: &[u8]) -> bool {
    let Some((last, others)) = path.split_last() else { return true };
    // What is zero where two octets are the same is put together before it is looked at, as one
    // comparison of many octets costs less than several.
    let mark = |octet: u8| (octet ^ b'%').min(octet ^ b';').min(octet ^ b'\\');
    let pair = |octet: u8, next: u8| (octet ^ b'/') | (next ^ b'/').min(next ^ b'.');
    let is_any = |octet, next| mark(octet).min(pair(octet, next)) == 0;
    mark(*last) != 0 && !has_pair::<16>(others, &path[1..], is_any)
}

type Bytes = SmallVec<[u8; 256]>;

/// Writes a path anew, by the rules.
struct Writer<'a> {
    rules: &'a Paths,
    plain: Bytes,
    /// Where the segment begins that is being written.
    start: usize,
    /// Whether what comes is left out until the segment ends.
    skips: bool,
}

impl<'a> Writer<'a> {
    fn new(rules: &'a Paths) -> Self {
        Self { rules, plain: Bytes::new(), start: 0, skips: false }
    }

    fn write(mut self, path: &[u8]) -> Result<Bytes, Fault> {
        let mut rest = path;
        while let Some((octet, length)) = octet(rest) {
            let written;
            (written, rest) = rest.split_at(length);
            let octet = octet.ok_or(Fault::Target)?;
            self.take(octet, written, rest)?;
        }
        self.end_segment()?;
        Ok(self.plain)
    }

    /// Takes an octet, as it is written and with what follows it.
    fn take(&mut self, octet: u8, written: &[u8], rest: &[u8]) -> Result<(), Fault> {
        let Paths { double_escapes, escaped_slashes, escapes, nul, parameters, .. } = *self.rules;
        let (rule, resolved) = match (octet, written.len() > 1) {
            (b'/', false) => return self.slash(),
            (b'/' | b'\\', _) if escaped_slashes == Rule::Resolve => return self.slash(),
            (b'/', true) | (b'\\', _) => (escaped_slashes, &[][..]),
            (b';', false) => {
                self.skips |= parameters == Rule::Resolve;
                (parameters, &[][..])
            }
            (b'%', true) if is_escape(rest) => (double_escapes.into(), &[][..]),
            (0, true) => (nul.into(), &[][..]),
            (_, true) if is_unreserved(octet) => (escapes, &[octet][..]),
            _ => (Rule::Pass, &[][..]),
        };
        match rule {
            Rule::Reject => return Err(Fault::Path),
            _ if self.skips => {}
            Rule::Pass => self.plain.extend_from_slice(written),
            Rule::Resolve => self.plain.extend_from_slice(resolved),
        }
        Ok(())
    }

    fn slash(&mut self) -> Result<(), Fault> {
        self.skips = false;
        let is_gone = self.end_segment()?;
        let is_second = self.plain.last() == Some(&b'/');
        match self.rules.slashes {
            // The slash before the segment stands for both.
            _ if is_gone => return Ok(()),
            Rule::Reject if is_second => return Err(Fault::Path),
            Rule::Resolve if is_second => return Ok(()),
            _ => self.plain.push(b'/'),
        }
        self.start = self.plain.len();
        Ok(())
    }

    /// Ends the segment that was written. One of dots may be gone then, with the one before it.
    fn end_segment(&mut self) -> Result<bool, Fault> {
        let Dots::Some(is_double) = dots(&self.plain[self.start..], self.rules.dots)? else {
            return Ok(false);
        };
        self.plain.truncate(self.start);
        if is_double {
            // What lies above the root is asked for by mistake at best.
            let parent = self.start.checked_sub(1).map(|slash| &self.plain[..slash]);
            let slash = parent.and_then(|parent| parent.iter().rposition(|byte| *byte == b'/'));
            self.start = slash.ok_or(Fault::Path)? + 1;
            self.plain.truncate(self.start);
        }
        Ok(true)
    }
}

/// What a segment is.
#[derive(Clone, Copy)]
enum Dots {
    None,
    /// One of dots, which is to be resolved; whether there are two.
    Some(bool),
}

/// Looks for dots in a segment, which may be all of it, or what a server sees that decodes slashes
/// or cuts parameters off.
fn dots(segment: &[u8], rule: Rule) -> Result<Dots, Fault> {
    if rule == Rule::Pass || (segment.first() != Some(&b'.') && is_plain(segment)) {
        return Ok(Dots::None);
    }
    let mut decoded = Bytes::new();
    let mut rest = segment;
    while let Some((octet, length)) = octet(rest) {
        decoded.push(octet.unwrap_or(b'%'));
        rest = &rest[length..];
    }
    let is_dots = |part: &[u8]| matches!(part, b"." | b"..");
    let name =
        |part: &[u8]| part.iter().position(|byte| matches!(byte, b';' | 0)).unwrap_or(part.len());
    let mut parts = decoded.split(|byte| matches!(byte, b'/' | b'\\'));
    match &*decoded {
        dots if is_dots(dots) && rule == Rule::Resolve => Ok(Dots::Some(dots.len() == 2)),
        _ if parts.any(|part| is_dots(&part[..name(part)])) => Err(Fault::Path),
        _ => Ok(Dots::None),
    }
}

/// The first octet, decoded, and the length in which it is written; without the octet where what
/// begins like an escape is none.
fn octet(text: &[u8]) -> Option<(Option<u8>, usize)> {
    match text {
        [] => None,
        [b'%', rest @ ..] => Some(escaped(rest).map_or((None, 1), |octet| (Some(octet), 3))),
        [octet, ..] => Some((Some(*octet), 1)),
    }
}

/// Whether what follows a percent sign makes an escape with it once it is decoded.
fn is_escape(text: &[u8]) -> bool {
    let is_digit = |octet: Option<u8>| octet.is_some_and(|octet| octet.is_ascii_hexdigit());
    octet(text).is_some_and(|(first, length)| {
        is_digit(first) && octet(&text[length..]).is_some_and(|(second, _)| is_digit(second))
    })
}

/// The octet of an escape, by what follows its percent sign.
fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? << 4 | digit(1)?).ok()
}

/// What means the same with and without an escape (RFC 3986, 2.3).
fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}
