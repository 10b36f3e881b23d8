//! Draws a diagnostic for people: message, place with carets, help.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet,
};

use super::{Diagnostic, Fix, Severity};
use crate::source::{Location, Sources, Span, shown};

/// How a diagnostic is drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// Several lines with the source and carets, in colours of the terminal.
    Colour,
    /// Several lines with the source and carets.
    Plain,
    /// One line: `path:line:column: error[slug]: message`.
    Short,
}

/// Draws a diagnostic, without a line end after its last line.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let renderer = match style {
        Style::Colour => Renderer::styled(),
        Style::Plain => Renderer::plain(),
        Style::Short => return short(diagnostic, sources),
    };
    let mut title = level(diagnostic.severity).primary_title(&*diagnostic.message);
    if !diagnostic.slug.is_empty() {
        title = title.id(diagnostic.slug);
    }
    let mut group = Group::with_title(title);
    let is_short = is_short(diagnostic, sources);
    if is_short {
        group = group.elements(snippets(diagnostic, sources));
    } else if let Some(span) = diagnostic.span {
        let Location { path, line, column } = sources.location(span);
        let place = Origin::path(shown(path)).line(line).char_column(column);
        group = group.element(place);
    }
    let fix = diagnostic.fix.as_ref().filter(|fix| is_short && !is_told(fix, &diagnostic.help));
    let is_drawn = |help: &&String| fix.is_some_and(|fix| fix.title == **help);
    for help in diagnostic.help.iter().filter(|help| !is_drawn(help)) {
        group = group.element(Level::HELP.message(&**help));
    }
    let mut report = vec![group];
    if let Some(fix) = fix {
        let title = Level::HELP.secondary_title(&*fix.title);
        report.push(title.elements(patches(fix, sources)));
    }
    renderer.render(&report)
}

/// Whether the help names already what a fix puts in the place of something.
fn is_told(fix: &Fix, help: &[String]) -> bool {
    let [(_, text)] = &fix.edits[..] else { return false };
    let names = [format!("`{text}`"), format!("`[{text}]`")];
    help.iter().any(|help| names.iter().any(|name| help.contains(name)))
}

fn short(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let Diagnostic { severity, slug, message, .. } = diagnostic;
    let place =
        diagnostic.span.map_or_else(String::new, |span| format!("{}: ", sources.location(span)));
    format!("{place}{}[{slug}]: {message}", severity.name())
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// Whether no line that would be shown is so long that to draw it takes a while. Of a line of
/// megabytes, nobody sees more than the place anyhow.
fn is_short(diagnostic: &Diagnostic, sources: &Sources) -> bool {
    let related = diagnostic.related.iter().map(|(span, _)| span);
    let edits = diagnostic.fix.iter().flat_map(|fix| &fix.edits).map(|(span, _)| span);
    let mut places = diagnostic.span.iter().chain(related).chain(edits);
    places.all(|span| Window::is_short(*span, sources))
}

/// The pieces of text to show, the one with the primary place first.
fn snippets<'a>(
    diagnostic: &'a Diagnostic,
    sources: &'a Sources,
) -> Vec<Snippet<'a, Annotation<'a>>> {
    let primary = diagnostic.span.map(|span| (span, (AnnotationKind::Primary, &*diagnostic.label)));
    let related = diagnostic
        .related
        .iter()
        .map(|(span, part)| (*span, (AnnotationKind::Context, part.as_str())));
    let draw = |Piece { window, places }: Piece<(AnnotationKind, &'a str)>| {
        let annotations = places.into_iter().map(|(span, (kind, words))| {
            let annotation = kind.span(window.relative(span));
            if words.is_empty() { annotation } else { annotation.label(words) }
        });
        window.snippet(sources).annotations(annotations.collect::<Vec<_>>())
    };
    pieces(primary.into_iter().chain(related), sources).into_iter().map(draw).collect()
}

/// The pieces of text that a fix changes.
fn patches<'a>(fix: &'a Fix, sources: &'a Sources) -> Vec<Snippet<'a, Patch<'a>>> {
    let edits = fix.edits.iter().map(|(span, text)| (*span, text.as_str()));
    let draw = |Piece { window, places }: Piece<&'a str>| {
        let patches =
            places.into_iter().map(|(span, text)| Patch::new(window.relative(span), text));
        window.snippet(sources).patches(patches.collect::<Vec<_>>())
    };
    pieces(edits, sources).into_iter().map(draw).collect()
}

/// A piece of text to show, with what there is to say about places in it.
struct Piece<T> {
    window: Window,
    places: Vec<(Span, T)>,
}

/// Places of one source that lie near each other share a piece.
fn pieces<T>(places: impl Iterator<Item = (Span, T)>, sources: &Sources) -> Vec<Piece<T>> {
    let mut pieces: Vec<Piece<T>> = Vec::new();
    for place in places {
        let window = Window::around(place.0, sources);
        match pieces.iter_mut().find(|other| other.window.is_near(&window)) {
            Some(other) => {
                other.window.grow(&window);
                other.places.push(place);
            }
            None => pieces.push(Piece { window, places: vec![place] }),
        }
    }
    pieces
}

/// The whole lines around a place, so that a large source is not searched for each diagnostic.
#[derive(Debug)]
struct Window {
    span: Span,
}

impl Window {
    /// Places at most this many bytes apart are shown in one piece.
    const NEAR: u32 = 4096;

    /// The longest line that is shown, in bytes: 16 KiB.
    const LONGEST: usize = 16 << 10;

    /// Whether the lines around a place are short enough to be shown.
    fn is_short(span: Span, sources: &Sources) -> bool {
        let text = sources.get(span.source).text().as_bytes();
        let Range { start, end } = span.range();
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let before = text[..start].iter().rev().take(Self::LONGEST).position(is_end);
        let after = text[end..].iter().take(Self::LONGEST).position(is_end);
        (before.is_some() || start < Self::LONGEST)
            && (after.is_some() || text.len() - end < Self::LONGEST)
            && end - start < Self::LONGEST
    }

    fn around(span: Span, sources: &Sources) -> Self {
        let text = sources.get(span.source).text();
        let Range { start, end } = span.range();
        let is_end = |c: char| c == '\n' || c == '\r';
        let from = text[..start].rfind(is_end).map_or(0, |at| at + 1);
        let to = text[end..].find(is_end).map_or(text.len(), |at| end + at);
        Self { span: Span::new(span.source, from, to) }
    }

    fn is_near(&self, other: &Self) -> bool {
        let (a, b) = (self.span, other.span);
        a.source == b.source
            && a.start.saturating_sub(b.end) <= Self::NEAR
            && b.start.saturating_sub(a.end) <= Self::NEAR
    }

    fn grow(&mut self, other: &Self) {
        self.span = self.span.to(other.span);
    }

    fn relative(&self, span: Span) -> Range<usize> {
        let base = self.span.start as usize;
        span.start as usize - base..span.end as usize - base
    }

    fn snippet<'a, T: Clone>(&self, sources: &'a Sources) -> Snippet<'a, T> {
        let source = sources.get(self.span.source);
        let (line, _) = source.line_and_column(self.span.start as usize);
        Snippet::source(lines(&source.text()[self.span.range()]))
            .line_start(line)
            .path(shown(source.name()))
    }
}

/// A text with `\n` for each `\r` that ends a line by itself, as only that is known to who draws.
fn lines(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let mut following = text.chars().skip(1);
    let line_end = |character| match (character, following.next()) {
        ('\r', Some('\n')) => '\r',
        ('\r', _) => '\n',
        (other, _) => other,
    };
    Cow::Owned(text.chars().map(line_end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> (Sources, Span, Span) {
        let mut sources = Sources::default();
        let id = sources.add("paste.ini", "[app:a]\nuse = corss\n[app:a]\n");
        (sources, Span::new(id, 14, 19), Span::new(id, 1, 6))
    }

    #[test]
    fn draws_both_places_in_one_piece() {
        let (sources, word, header) = sources();
        let diagnostic = Diagnostic::error("unknown-app", "no app is called `corss`")
            .at(word)
            .label("not known")
            .related(header, "in this section")
            .help("did you mean `cors`?");
        let expected = "\
error[unknown-app]: no app is called `corss`
 --> paste.ini:2:7
  |
1 | [app:a]
  |  ----- in this section
2 | use = corss
  |       ^^^^^ not known
  |
  = help: did you mean `cors`?";
        assert_eq!(render(&diagnostic, &sources, Style::Plain), expected);
    }

    #[test]
    fn names_the_place_alone_in_a_line_that_is_too_long_to_draw() {
        let mut sources = Sources::default();
        let id = sources.add("paste.ini", format!("[app:a]\nuse = x{}", " x".repeat(10_000)));
        let diagnostic = Diagnostic::error("unknown-app", "no app is called `x`")
            .at(Span::new(id, 20_002, 20_003))
            .help("there is `a`");
        let expected = "\
error[unknown-app]: no app is called `x`
--> paste.ini:2:19995
 = help: there is `a`";
        assert_eq!(render(&diagnostic, &sources, Style::Plain), expected);
    }

    #[test]
    fn knows_all_ends_of_lines() {
        let mut sources = Sources::default();
        let id = sources.add("paste.ini", "[s]\r\na = 1\r\rb = 2\ra = 2\r\n");
        let diagnostic = Diagnostic::error("duplicate-option", "it is given twice")
            .at(Span::new(id, 18, 19))
            .related(Span::new(id, 5, 6), "first");
        let expected = "\
error[duplicate-option]: it is given twice
 --> paste.ini:5:1
  |
2 | a = 1
  | - first
...
5 | a = 2
  | ^";
        assert_eq!(render(&diagnostic, &sources, Style::Plain), expected);
    }

    #[test]
    fn draws_one_line() {
        let (sources, word, _) = sources();
        let diagnostic = Diagnostic::warning("a-slug", "it is odd").at(word);
        let line = "paste.ini:2:7: warning[a-slug]: it is odd";
        assert_eq!(render(&diagnostic, &sources, Style::Short), line);
    }
}
