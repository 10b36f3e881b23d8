//! Paste files that say in comments what is wrong with them, for tests.
//!
//! ```text
//! [pipeline:main]
//! pipeline = corss app
//! #          ^^^^^ unknown-section: no filter is called `corss`
//! ```
//!
//! An annotation is about the last line above it that is none. Its carets stand under the place;
//! the sign `;` counts as one of them, for places that begin a line. `#!` instead of carets tells
//! of a diagnostic without a place. `----` is about a related place, with its part.

use super::{Diagnostic, Severity};
use crate::source::{Sources, Span};

/// Compares what a text says is wrong with it with what was found.
///
/// Related places are compared only if the text tells of one.
pub(crate) fn assert_annotated(text: &str, diagnostics: &[Diagnostic], sources: &Sources) {
    let expected = annotations(text);
    let with_related = expected.iter().any(|expected| expected.contains(" ---- "));
    let mut found: Vec<_> = diagnostics.iter().map(|found| describe(found, sources)).collect();
    if with_related {
        let related = diagnostics.iter().flat_map(|found| &found.related);
        found.extend(related.map(|(span, part)| format!("{} ---- {part}", place(*span, sources))));
    }
    found.sort();
    found.dedup();
    assert_eq!(found, expected, "in\n{text}");
}

fn describe(found: &Diagnostic, sources: &Sources) -> String {
    let place = found.span.map_or_else(|| "nowhere".to_owned(), |span| place(span, sources));
    let severity = match found.severity {
        Severity::Error => "",
        Severity::Warning => "warning ",
        Severity::Note => "note ",
    };
    format!("{place} {severity}{}: {}", found.slug, found.message)
}

/// A place as `line:from-to`, up to the end of its first line; at least one column.
fn place(span: Span, sources: &Sources) -> String {
    let (line, column) = sources.get(span.source).line_and_column(span.start as usize);
    let width = sources.text(span).lines().next().unwrap_or_default().chars().count().max(1);
    format!("{line:>3}:{column}-{}", column + width)
}

fn annotations(text: &str) -> Vec<String> {
    let mut annotations = Vec::new();
    let mut subject = 0;
    for (number, line) in (1..).zip(text.lines()) {
        match annotation(line) {
            None => subject = number,
            Some((Some((from, to)), words)) => {
                annotations.push(format!("{subject:>3}:{from}-{to} {words}"));
            }
            Some((None, words)) => annotations.push(format!("nowhere {words}")),
        }
    }
    annotations.sort();
    annotations
}

/// The columns and the words of a line, if it is an annotation.
fn annotation(line: &str) -> Option<(Option<(usize, usize)>, String)> {
    let own = usize::from(line.starts_with(';'));
    let rest = line.strip_prefix(['#', ';'])?;
    if let Some(words) = rest.strip_prefix('!') {
        return Some((None, words.trim().to_owned()));
    }
    let marks = rest.trim_start_matches(' ');
    let blanks = rest.len() - marks.len();
    let mark = marks.chars().next().filter(|mark| matches!(mark, '^' | '-'))?;
    let words = marks.trim_start_matches(mark);
    let from = blanks + 2 - own;
    let to = blanks + 2 + marks.len() - words.len();
    let kind = if mark == '-' { "---- " } else { "" };
    Some((Some((from, to)), format!("{kind}{}", words.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_annotations() {
        let text =
            "[a]\nkey = value\n#^^ a: b\n;^^ i: j\n#     ^^^^^ c: d\n#! e: f\n#  -- g\n# no\n";
        let expected =
            ["  2:1-4 i: j", "  2:2-4 a: b", "  2:4-6 ---- g", "  2:7-12 c: d", "nowhere e: f"];
        assert_eq!(annotations(text), expected);
    }
}
