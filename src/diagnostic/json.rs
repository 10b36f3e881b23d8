//! A diagnostic as JSON, for tools.

use serde_json::{Value as Json, json};

use super::{Applicability, Diagnostic, Fix};
use crate::source::{Sources, Span};

impl Diagnostic {
    /// The diagnostic as a JSON object: `slug`, `severity`, `message`, `help` and, where it has a
    /// place, `file` as it was named, `line`, `column` and `end` with the same two. All count
    /// from 1, columns in characters; the end is behind the last character. With the place goes a
    /// `label`, a few words to stand there, if there are any.
    ///
    /// Where other places have a part in it, `related` has each with its `label`.
    /// Where it can be mended there is a `fix`: its `title`, whether it is `safe`, and `edits`,
    /// each a place with the `text` to put there.
    pub fn json(&self, sources: &Sources) -> Json {
        let mut object = json!({
            "slug": self.slug,
            "severity": self.severity.name(),
            "message": self.message,
            "help": self.help,
        });
        if let Some(span) = self.span {
            add_place(&mut object, span, sources);
            add_label(&mut object, &self.label);
        }
        if !self.related.is_empty() {
            let related = self.related.iter().map(|(span, part)| {
                let mut other = json!({});
                add_place(&mut other, *span, sources);
                add_label(&mut other, part);
                other
            });
            object["related"] = related.collect();
        }
        if let Some(Fix { title, edits, applicability }) = &self.fix {
            let edits = edits.iter().map(|(span, text)| {
                let mut edit = json!({ "text": text });
                add_place(&mut edit, *span, sources);
                edit
            });
            object["fix"] = json!({
                "title": title,
                "safe": *applicability == Applicability::Safe,
                "edits": edits.collect::<Json>(),
            });
        }
        object
    }
}

fn add_place(object: &mut Json, span: Span, sources: &Sources) {
    let start = sources.location(span);
    let end = sources.location(Span { start: span.end, ..span });
    object["file"] = json!(start.path.to_string_lossy());
    object["line"] = json!(start.line);
    object["column"] = json!(start.column);
    object["end"] = json!({"line": end.line, "column": end.column});
}

fn add_label(object: &mut Json, label: &str) {
    if !label.is_empty() {
        object["label"] = json!(label);
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

    #[test]
    fn tells_where_others_have_a_part_in_it() {
        let mut sources = Sources::default();
        let id = sources.add("paste.ini", "[a]\nb = 1\nb = 2\n");
        let diagnostic = Diagnostic::error("duplicate-option", "option `b` is given twice")
            .at(Span::new(id, 10, 11))
            .label("given again here")
            .related(Span::new(id, 4, 5), "first given here");
        let told = diagnostic.json(&sources);
        let end = json!({"line": 2, "column": 2});
        let first = json!({
            "label": "first given here", "file": "paste.ini", "line": 2, "column": 1, "end": end,
        });
        assert_eq!(told["label"], "given again here");
        assert_eq!(told["related"], json!([first]));
    }

    #[test]
    fn tells_what_mends_it() {
        let mut sources = Sources::default();
        let id = sources.add("paste.ini", "[app:é]\nuse = corss\n");
        let diagnostic = Diagnostic::error("unknown-app", "no app is called `corss`")
            .at(Span::new(id, 15, 20))
            .suggest("corss", ["cors"], &sources);
        let place = json!({"line": 2, "column": 12});
        let edit =
            json!({"text": "cors", "file": "paste.ini", "line": 2, "column": 7, "end": place});
        let fix =
            json!({"title": "write `cors` instead of `corss`", "safe": false, "edits": [edit]});
        assert_eq!(diagnostic.json(&sources)["fix"], fix);
    }
}
