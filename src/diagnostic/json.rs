//! A diagnostic as JSON, for tools.

use serde_json::{Value as Json, json};

use super::Diagnostic;
use crate::source::{Sources, Span};

impl Diagnostic {
    /// The diagnostic as a JSON object: `slug`, `severity`, `message`, `help` and, where it has a
    /// place, `file` as it was named, `line`, `column` and `end` with the same two. All count
    /// from 1, columns in characters; the end is behind the last character.
    pub fn json(&self, sources: &Sources) -> Json {
        let mut object = json!({
            "slug": self.slug,
            "severity": self.severity.name(),
            "message": self.message,
            "help": self.help,
        });
        if let Some(span) = self.span {
            let start = sources.location(span);
            let end = sources.location(Span { start: span.end, ..span });
            object["file"] = json!(start.path.to_string_lossy());
            object["line"] = json!(start.line);
            object["column"] = json!(start.column);
            object["end"] = json!({"line": end.line, "column": end.column});
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_place_only_if_it_is_about_one() {
        let mut sources = Sources::default();
        let id = sources.add("paste.ini", "[app:é]\nuse = corss\n");
        let diagnostic = Diagnostic::error("unknown-app", "no app is called `corss`");
        let expected = json!({
            "slug": "unknown-app",
            "severity": "error",
            "message": "no app is called `corss`",
            "help": ["did you mean `cors`?"],
        });
        let mut diagnostic = diagnostic.help("did you mean `cors`?");
        assert_eq!(diagnostic.json(&sources), expected);
        diagnostic.span = Some(Span::new(id, 15, 20));
        let placed = diagnostic.json(&sources);
        assert_eq!(placed["file"], "paste.ini");
        assert_eq!((&placed["line"], &placed["column"]), (&json!(2), &json!(7)));
        assert_eq!(placed["end"], json!({"line": 2, "column": 12}));
    }
}
