//! What can be wrong with the lines of a paste file.

use crate::diagnostic::{Applicability, Diagnostic, Excerpt, Fix};
use crate::source::Span;

pub(super) const DUPLICATE_OPTION: &str = "DuplicateOptionError";
pub(super) const DUPLICATE_SECTION: &str = "DuplicateSectionError";
pub(super) const MISSING_SECTION_HEADER: &str = "MissingSectionHeaderError";
pub(super) const PARSING: &str = "ParsingError";

/// Of the diagnostics of one file, in their order, those that Paste Deploy would raise, as one
/// exception of their class: the first fault that it stops at, or else all lines that it could
/// not parse. None of them if it would read the file.
pub fn raised(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let known = diagnostics.iter().filter(|diagnostic| !diagnostic.class.is_empty());
    match known.clone().find(|diagnostic| diagnostic.class != PARSING) {
        Some(first) => vec![first],
        None => known.collect(),
    }
}

/// The faults of a file, in the order of its lines.
#[derive(Debug, Default)]
pub(super) struct Faults {
    found: Vec<Diagnostic>,
    /// Whether Paste Deploy would have stopped at one of them.
    is_stopped: bool,
    /// How many are left out.
    more: usize,
}

impl Faults {
    /// How many faults of a file are kept. A file that is no paste file at all would fill the
    /// memory with them.
    const MOST: usize = 10_000;

    /// Adds a fault of a class, which may be empty. It has a number if it is kept.
    pub(super) fn add(
        &mut self,
        class: &'static str,
        fault: impl FnOnce() -> Diagnostic,
    ) -> Option<usize> {
        let stops = !class.is_empty() && class != PARSING && !self.is_stopped;
        // What Paste Deploy stops at is kept even if it comes late.
        if self.found.len() < Self::MOST || stops {
            self.is_stopped |= stops;
            self.found.push(fault().class(class));
            Some(self.found.len() - 1)
        } else {
            self.more += 1;
            None
        }
    }

    /// How many faults there are.
    pub(super) fn count(&self) -> usize {
        self.found.len() + self.more
    }

    /// Sets what mends the fault of a number.
    pub(super) fn fix(&mut self, number: Option<usize>, fix: Fix) {
        if let Some(fault) = number.and_then(|number| self.found.get_mut(number)) {
            fault.fix = Some(fix);
        }
    }

    /// Has nothing mend the faults of these numbers.
    pub(super) fn leave(&mut self, numbers: impl Iterator<Item = usize>) {
        for number in numbers {
            if let Some(fault) = self.found.get_mut(number) {
                fault.fix = None;
            }
        }
    }

    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        if self.more > 0 {
            let message = format!("the file has {} more faults, which are not shown", self.more);
            self.found.push(Diagnostic::error("too-many-faults", message));
        }
        self.found
    }
}

pub(super) fn byte_order_mark(span: Span) -> Diagnostic {
    let title = "remove the byte order mark".to_owned();
    let edits = vec![(span, String::new())];
    Diagnostic::error("byte-order-mark", "the file begins with a byte order mark, U+FEFF")
        .at(span)
        .label("three bytes that editors do not show")
        .help(
            "Paste Deploy takes it for a part of the first line; save the file as UTF-8 without it",
        )
        .fix(Fix { title, edits, applicability: Applicability::Safe })
}

/// The first of the lines that no header stands above; `end` is how it ends.
pub(super) fn missing_header(line: &str, span: Span, end: &str) -> Diagnostic {
    if line.starts_with('[') {
        return no_option(line, span);
    }
    let message = format!("`{}` stands before any section header", Excerpt(line));
    let fault = Diagnostic::error("missing-section-header", message)
        .at(span)
        .label("no section above it")
        .help("begin with a header, such as `[DEFAULT]` for options that all sections share");
    // What has no `=` is most likely no paste file.
    if !line.contains('=') {
        return fault;
    }
    let start = Span { end: span.start, ..span };
    fault.fix(Fix {
        title: "put `[DEFAULT]` above it".to_owned(),
        edits: vec![(start, format!("[DEFAULT]{end}"))],
        applicability: Applicability::Unsafe,
    })
}

pub(super) fn duplicate_section(name: &str, span: Span, first: Span) -> Diagnostic {
    let message = format!("section `[{}]` is given twice", Excerpt(name));
    Diagnostic::error("duplicate-section", message)
        .at(span)
        .label("given again here")
        .related(first, "first given here")
        .help("move its options into the first, or rename one of them")
}

pub(super) fn duplicate_option(key: &str, section: &str, span: Span, first: Span) -> Diagnostic {
    let (key, section) = (Excerpt(key), Excerpt(section));
    Diagnostic::error("duplicate-option", format!("option `{key}` is given twice in `[{section}]`"))
        .at(span)
        .label("given again here")
        .related(first, "first given here")
        .help("remove one of them")
}

pub(super) fn empty_key(value: &str, delimiter: Span, first: Option<Span>) -> Diagnostic {
    let message = match value {
        "" => "an option has neither a key nor a value".to_owned(),
        value => format!("the value `{}` has no key", Excerpt(value)),
    };
    Diagnostic::error("empty-key", message)
        .at(delimiter)
        .label("no key before it")
        .related(first, "nor here")
        .help("write a key before the delimiter, as in `key = value`")
}

/// A line that is neither a header nor an option.
pub(super) fn no_option(line: &str, span: Span) -> Diagnostic {
    let excerpt = Excerpt(line);
    if line == "[]" {
        return Diagnostic::error("not-an-option", "the header `[]` has no name")
            .at(span)
            .label("nothing between the brackets")
            .help("a section is headed by its kind and its name, as in `[app:main]`");
    }
    if let Some(name) = line.strip_prefix('[') {
        return Diagnostic::error(
            "unclosed-header",
            format!("the header `{excerpt}` is not closed"),
        )
        .at(span)
        .label("no `]` after it")
        .fix(close_header(span, certainty(name)));
    }
    let message = format!("`{excerpt}` is neither an option nor a header");
    Diagnostic::error("not-an-option", message)
        .at(span)
        .label("no `=` or `:` in it")
        .help("write `key = value`, or indent the line to go on with the value above it")
}

/// `[app:main`, which Python reads as an option with the key `[app`.
pub(super) fn open_header(line: &str, span: Span) -> Diagnostic {
    let message = format!("the header `{}` is not closed, so it is an option", Excerpt(line));
    Diagnostic::warning("unclosed-header", message)
        .at(span)
        .label("no `]` after it")
        .fix(close_header(span, Applicability::Unsafe))
}

/// How certain it is that a text is the name of a section.
fn certainty(text: &str) -> Applicability {
    let is_letter =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':');
    let is_name = text.starts_with(char::is_alphabetic) && text.chars().all(is_letter);
    if is_name { Applicability::Safe } else { Applicability::Unsafe }
}

fn close_header(span: Span, applicability: Applicability) -> Fix {
    let end = Span { start: span.end, ..span };
    let title = "close the header".to_owned();
    Fix { title, edits: vec![(end, "]".to_owned())], applicability }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(class: &'static str) -> Diagnostic {
        Diagnostic::error("a-slug", "it is wrong").class(class)
    }

    #[test]
    fn paste_deploy_stops_at_the_first_fault_but_gathers_lines_it_cannot_parse() {
        let (lines, stop) = (fault(PARSING), fault(DUPLICATE_OPTION));
        let unknown = fault("");
        let all = [lines.clone(), unknown.clone(), lines.clone(), stop.clone(), fault("Other")];
        assert_eq!(raised(&all), [&stop]);
        assert_eq!(raised(&all[..3]), [&lines, &lines]);
        assert!(raised(&[unknown]).is_empty());
    }

    #[test]
    fn keeps_a_bounded_number_of_faults_and_the_one_that_paste_deploy_stops_at() {
        let mut faults = Faults::default();
        for _ in 0..Faults::MOST + 5 {
            faults.add(PARSING, || fault(""));
        }
        faults.add("", || fault(""));
        faults.add(DUPLICATE_SECTION, || fault(""));
        faults.add(DUPLICATE_OPTION, || fault(""));
        let found = faults.finish();
        assert_eq!(found.len(), Faults::MOST + 2);
        assert_eq!(raised(&found), [&fault(DUPLICATE_SECTION)]);
        let last = found.last().map(|fault| &*fault.message);
        assert_eq!(last, Some("the file has 7 more faults, which are not shown"));
    }
}
