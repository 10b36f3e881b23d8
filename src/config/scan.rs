//! Finds the lines of a file as oslo.config does, each part with its place.
//!
//! What a value comes to is not decided here but by `values`, which hands this to rust-ini.

use std::ops::Range;

/// The parts of a file, each by its bytes.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// In their order; a group that is headed again is here again.
    pub(super) groups: Vec<Group>,
    /// What no part of a file can be, in the order of lines.
    pub(super) faults: Vec<Fault>,
}

/// A header and the options below it.
#[derive(Debug)]
pub(super) struct Group {
    /// What stands between the brackets, blanks included.
    pub(super) name: Range<usize>,
    pub(super) options: Vec<Written>,
}

/// An option as it is written.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Written {
    pub(super) key: Range<usize>,
    /// The first line of the value, quotes included, and those that continue it, each without the
    /// blanks around it.
    pub(super) lines: Vec<Range<usize>>,
}

impl Written {
    /// The whole value, with what stands between its lines.
    pub(super) fn value(&self) -> Range<usize> {
        let start = self.lines.first().map_or(self.key.end, |line| line.start);
        start..self.lines.last().map_or(start, |line| line.end)
    }
}

/// A line that cannot be there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// The narrowest place.
    pub(super) place: Range<usize>,
}

/// Why a line cannot be there: what oslo.config complains of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FaultKind {
    EmptyKey,
    EmptyName,
    NoAssignment,
    NoGroup,
    StrayContinuation,
    UnclosedHeader,
}

/// Finds the parts of a text. What is at fault is left out, and the rest is found all the same.
pub(super) fn scan(text: &str) -> Scan {
    let mut scanner = Scanner { text, found: Scan::default(), above: Above::Nothing };
    for line in lines(text) {
        scanner.line(line);
    }
    scanner.found
}

/// Whether Python counts a character as white space.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The value of one line without quotes that match around it.
pub(super) fn unquoted(value: &str) -> &str {
    let quote = value.chars().next().filter(|quote| "\"'".contains(*quote));
    match quote {
        // A quote alone matches itself.
        Some(quote) if value.ends_with(quote) => value.get(1..value.len() - 1).unwrap_or_default(),
        _ => value,
    }
}

struct Scanner<'a> {
    text: &'a str,
    found: Scan,
    above: Above,
}

/// What a line that begins with a blank would continue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Above {
    /// What has been told to be at fault.
    Fault,
    Nothing,
    Option,
}

impl Scanner<'_> {
    fn line(&mut self, line: Range<usize>) {
        let end = line.start + self.text[line.clone()].trim_end_matches(is_space).len();
        let line = line.start..end;
        let text = &self.text[line.clone()];
        if text.starts_with([' ', '\t']) {
            return self.continuation(line);
        }
        self.above = Above::Nothing;
        if text.starts_with('[') {
            self.header(line);
        } else if !text.is_empty() && !text.starts_with(['#', ';']) {
            self.option(line);
        }
    }

    fn continuation(&mut self, line: Range<usize>) {
        let line = self.stripped(line);
        let option = self.found.groups.last_mut().and_then(|group| group.options.last_mut());
        match (self.above, option) {
            (Above::Option, Some(option)) => option.lines.push(line),
            (Above::Fault, _) => {}
            _ => self.fault(FaultKind::StrayContinuation, line),
        }
    }

    fn header(&mut self, line: Range<usize>) {
        let text = &self.text[line.clone()];
        let is_closed = text.ends_with(']') && text.len() > 1;
        if !is_closed {
            self.fault(FaultKind::UnclosedHeader, line.clone());
        } else if text.len() == 2 {
            self.fault(FaultKind::EmptyName, line.clone());
        }
        // One that is at fault still parts what is below it from what is above.
        let end = if is_closed { line.end - 1 } else { line.end };
        self.found.groups.push(Group { name: line.start + 1..end, options: Vec::new() });
    }

    fn option(&mut self, line: Range<usize>) {
        let Some(delimiter) = self.text[line.clone()].find(['=', ':']) else {
            return self.fault(FaultKind::NoAssignment, line);
        };
        self.above = Above::Fault;
        let delimiter = line.start + delimiter;
        let key = self.stripped(line.start..delimiter);
        if key.is_empty() {
            return self.fault(FaultKind::EmptyKey, delimiter..delimiter + 1);
        }
        let value = self.stripped(delimiter + 1..line.end);
        if let Some(group) = self.found.groups.last_mut() {
            group.options.push(Written { key, lines: vec![value] });
            self.above = Above::Option;
        } else if !self.found.faults.iter().any(|fault| fault.kind == FaultKind::NoGroup) {
            // One header above all of them is missing.
            self.fault(FaultKind::NoGroup, key);
        }
    }

    fn fault(&mut self, kind: FaultKind, place: Range<usize>) {
        self.found.faults.push(Fault { kind, place });
    }

    /// A range without the blanks at its ends.
    fn stripped(&self, range: Range<usize>) -> Range<usize> {
        let text = self.text[range.clone()].trim_end_matches(is_space);
        let end = range.start + text.len();
        end - text.trim_start_matches(is_space).len()..end
    }
}

/// The lines of a text, ended by `\n`, `\r` or both, as Python reads files.
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = start..start + length;
        start = line.end + if rest[length..].starts_with("\r\n") { 2 } else { 1 };
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options of a text as `group.key=line|line`, and its faults as `line:column kind`.
    fn found(text: &str) -> (Vec<String>, Vec<String>) {
        let Scan { groups, faults } = scan(text);
        let mut options = Vec::new();
        for Group { name, options: written } in groups {
            for Written { key, lines } in written {
                let lines: Vec<_> = lines.into_iter().map(|line| &text[line]).collect();
                options.push(format!("{}.{}={}", &text[name.clone()], &text[key], lines.join("|")));
            }
        }
        let fault = |Fault { kind, place }: Fault| {
            let before = &text[..place.start];
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            format!("{line}:{column} {kind:?}")
        };
        (options, faults.into_iter().map(fault).collect())
    }

    #[test]
    fn reads_lines_as_oslo_config_does() {
        let text = "\
# c
; c
[DEFAULT]
a = 1 # not a comment
b: 2 = 3
 c=d
\t# e

f=
[a b]
g = \"h\"
";
        let (options, faults) = found(text);
        let expected =
            ["DEFAULT.a=1 # not a comment", "DEFAULT.b=2 = 3|c=d|# e", "DEFAULT.f=", "a b.g=\"h\""];
        assert_eq!(options, expected);
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn places_every_fault() {
        let text = "a=1\nb=2\n[s\n[]\n  x\nc\n=v\n d\n[t]\nk=v\n\n w\n";
        let (options, faults) = found(text);
        assert_eq!(options, ["t.k=v"]);
        let expected = [
            "1:1 NoGroup",
            "3:1 UnclosedHeader",
            "4:1 EmptyName",
            "5:3 StrayContinuation",
            "6:1 NoAssignment",
            "7:1 EmptyKey",
            "12:2 StrayContinuation",
        ];
        assert_eq!(faults, expected);
    }

    #[test]
    fn lines_end_as_python_ends_them() {
        assert_eq!(found("[s]\ra=1\r\nb=2\u{2028}c=3\n").0, ["s.a=1", "s.b=2\u{2028}c=3"]);
    }

    #[test]
    fn quotes_are_removed_where_they_match() {
        for (value, expected) in [
            ("\" a \"", " a "),
            ("'a", "'a"),
            ("\"", ""),
            ("'a\"", "'a\""),
            ("", ""),
            ("a''", "a''"),
        ] {
            assert_eq!(unquoted(value), expected);
        }
    }
}
