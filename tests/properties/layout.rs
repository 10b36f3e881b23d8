//! What holds for every text that is formatted. The fuzz target `fmt` calls this as well.

use pasteline::diagnostic::Diagnostic;
use pasteline::format::format;
use pasteline::ini::{Document, Setting, parse};
use pasteline::source::Sources;
use pasteline::syntax::{self, Line, LineKind};

/// A text means the same and says the same when it is formatted, and a second time it does not
/// change. Only a text with faults may be refused.
pub(crate) fn is_formatted(text: &str) {
    let mut sources = Sources::default();
    let (document, faults) = read(text, &mut sources);
    let is_faulty = faults.iter().any(Diagnostic::is_error);
    let Ok(formatted) = format(&document, &sources) else {
        return assert!(is_faulty, "{text:?}");
    };
    let (again, others) = read(&formatted, &mut sources);
    assert_eq!(meaning(&document), meaning(&again), "{text:?}");
    if is_faulty {
        return;
    }
    assert_eq!(said(text), said(&formatted), "{text:?}");
    assert_eq!(slugs(&faults), slugs(&others), "{text:?}");
    assert_eq!(format(&again, &sources), Ok(formatted), "{text:?}");
}

fn read(text: &str, sources: &mut Sources) -> (Document, Vec<Diagnostic>) {
    let source = sources.add("paste.ini", text);
    parse(source, sources)
}

/// What Paste Deploy sees of a file: the names of sections with their keys and values.
fn meaning(document: &Document) -> Vec<(&str, Vec<(&str, &str)>)> {
    let options = |options| -> Vec<_> {
        let options: &[Setting] = options;
        options.iter().map(|option| (&*option.key, &*option.raw)).collect()
    };
    let sections = document.sections.iter();
    let sections = sections.map(|section| (&*section.name, options(&section.options)));
    std::iter::once(("DEFAULT", options(&document.defaults))).chain(sections).collect()
}

/// What people see of a file: its lines, comments too, but for blanks and delimiters.
fn said(text: &str) -> Vec<(&str, &str)> {
    let said = |line: Line| match line.kind {
        LineKind::Blank => None,
        LineKind::Option { key, value } => Some((&text[key], &text[value])),
        _ => Some((&text[line.text], "")),
    };
    syntax::parse(text).filter_map(said).collect()
}

fn slugs(faults: &[Diagnostic]) -> Vec<&str> {
    faults.iter().map(|fault| fault.slug).collect()
}
