//! What can be wrong with the lines of a settings file, in oslo.config's words.

use super::scan::FaultKind;
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::source::Span;

/// What oslo.config raises for all of them.
const CLASS: &str = "ConfigFileParseError";

/// A fault at a place, where this text stands.
pub(super) fn diagnostic(kind: FaultKind, text: &str, place: Span) -> Diagnostic {
    let shown = Excerpt(text);
    let diagnostic = match kind {
        FaultKind::EmptyKey => Diagnostic::error("empty-key", "key cannot be empty")
            .label("no key before it")
            .help("write a key before the delimiter, as in `key = value`"),
        FaultKind::EmptyName => Diagnostic::error("not-an-option", "empty section name")
            .label("nothing between the brackets")
            .help("a group is headed by its name, as in `[DEFAULT]`"),
        FaultKind::NoAssignment => {
            let message = format!("no `:` or `=` found in assignment: `{shown}`");
            Diagnostic::error("not-an-option", message)
                .label("expected `key = value`")
                .help("write `key = value`, or `#` before what is a comment")
        }
        FaultKind::NoGroup => {
            let message = format!("section must be started before assignment: `{shown}`");
            Diagnostic::error("missing-section-header", message)
                .label("no section above it")
                .help("begin the file with `[DEFAULT]`")
        }
        FaultKind::StrayContinuation => {
            let message = format!("unexpected continuation line: `{shown}`");
            Diagnostic::error("stray-continuation", message)
                .label("no value above it to go on with")
                .help("a blank line or a comment ends a value; remove the blanks before this line")
        }
        FaultKind::UnclosedHeader => {
            let message = format!("invalid section (must end with `]`): `{shown}`");
            Diagnostic::error("unclosed-header", message)
                .label("nothing may follow the bracket, no comment either")
                .help("write the header alone in its line, as in `[DEFAULT]`")
        }
    };
    diagnostic.at(place).class(CLASS)
}
