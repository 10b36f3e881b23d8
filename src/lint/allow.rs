//! Comments that silence warnings.

use std::collections::HashSet;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Excerpt, PAGES, nearest};
use crate::source::{Sources, Span};
use crate::syntax::{self, LineKind};

/// What such a comment begins with.
const MARK: &str = "pasteline:";

/// Takes out what comments silence.
pub fn silence(diagnostics: &mut Vec<Diagnostic>, sources: &Sources) {
    for (source, text) in sources.iter().map(|(id, source)| (id, source.text())) {
        if !text.contains(MARK) {
            continue;
        }
        let allowed = Allowed::read(text);
        diagnostics.retain(|found| {
            let place = found.span.filter(|span| span.source == source && !found.is_error());
            !place.is_some_and(|span| allowed.has(found.slug, span))
        });
    }
}

/// What is wrong with the comments that are to silence something.
pub(super) fn mistakes(sources: &Sources) -> impl Iterator<Item = Diagnostic> {
    let marked = sources.iter().filter(|(_, source)| source.text().contains(MARK));
    let places = marked.flat_map(|(id, source)| {
        let words = Allowed::read(source.text()).unknown;
        words.into_iter().map(move |range| Span::new(id, range.start, range.end))
    });
    places.map(|place| unknown(place, sources))
}

/// What the comments of a text allow.
#[derive(Debug, Default)]
struct Allowed<'text> {
    /// For the whole text.
    everywhere: HashSet<&'text str>,
    /// For single lines, in order.
    lines: Vec<(Range<usize>, Vec<&'text str>)>,
    /// Words that are no kind of warning.
    unknown: Vec<Range<usize>>,
}

impl<'text> Allowed<'text> {
    fn read(text: &'text str) -> Self {
        let mut allowed = Self::default();
        let mut above = Vec::new();
        for line in syntax::parse(text) {
            if line.kind == LineKind::Comment {
                allowed.comment(text, line.text, &mut above);
            } else if !above.is_empty() {
                allowed.lines.push((line.range, std::mem::take(&mut above)));
            }
        }
        allowed
    }

    /// Reads a comment; what it allows for the line below goes to `above`.
    fn comment(&mut self, text: &'text str, comment: Range<usize>, above: &mut Vec<&'text str>) {
        let start = comment.start;
        let mut words = words(&text[comment]).map(|(at, word)| (start + at, word));
        if words.next().is_none_or(|(_, word)| word != MARK) {
            return;
        }
        let Some((at, verb)) = words.next() else { return };
        let is_everywhere = match verb {
            "allow" => false,
            "allow-file" => true,
            _ if nearest(verb, VERBS).is_some() => {
                self.unknown.push(at..at + verb.len());
                return;
            }
            _ => return,
        };
        for (at, slug) in words {
            if !slugs().any(|known| known == slug) {
                self.unknown.push(at..at + slug.len());
            } else if is_everywhere {
                self.everywhere.insert(slug);
            } else if !above.contains(&slug) {
                above.push(slug);
            }
        }
    }

    fn has(&self, slug: &str, span: Span) -> bool {
        let start = span.range().start;
        let line = self.lines.partition_point(|(line, _)| line.end <= start);
        let line = self.lines.get(line).filter(|(line, _)| line.contains(&start));
        self.everywhere.contains(slug) || line.is_some_and(|(_, slugs)| slugs.contains(&slug))
    }
}

const VERBS: [&str; 2] = ["allow", "allow-file"];

/// The words of a comment without the signs that begin it; commas separate them too.
fn words(comment: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = comment.trim_start_matches(['#', ';']);
    let offset = comment.len() - text.len();
    let is_gap = |character: char| character == ',' || syntax::is_space(character);
    let words = text.split(is_gap).filter(|word| !word.is_empty());
    words.map(move |word| (offset + word.as_ptr() as usize - text.as_ptr() as usize, word))
}

fn slugs() -> impl Iterator<Item = &'static str> {
    PAGES.iter().filter(|page| page.can_be_silenced()).map(|page| page.slug)
}

fn unknown(place: Span, sources: &Sources) -> Diagnostic {
    let word = sources.text(place);
    let (what, known): (_, Vec<_>) = if nearest(word, VERBS).is_some() {
        ("is no instruction to pasteline", VERBS.to_vec())
    } else {
        ("is no kind of warning", slugs().collect())
    };
    Diagnostic::warning("unknown-allowance", format!("`{}` {what}", Excerpt(word)))
        .at(place)
        .label("it silences nothing")
        .suggest(word, known, sources)
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    const PAGE: &str = "[app:main]\nuse = egg:pasteline#echo\n";
    const FILTER: &str = "[filter:a]\n#^^^^^^^^ note unused-section: nothing in this file uses `[filter:a]`\nuse = egg:pasteline#pass\n";

    #[test]
    fn a_comment_above_silences_one_place() {
        for (above, is_silenced) in [
            ("# pasteline: allow unused-section", true),
            ("  ;; pasteline: allow repeated-filter, unused-section\n# It is for the tests", true),
            ("# pasteline: allow unused-section\n", false),
            ("# pasteline: allow repeated-filter", false),
            ("# pasteline allows unused-section", false),
        ] {
            let other = FILTER.replace("filter:a", "filter:b");
            let filter = if is_silenced {
                FILTER.replace("#^^^^^^^^ note ", "# ")
            } else {
                FILTER.to_owned()
            };
            assert_linted(&format!("{PAGE}{above}\n{filter}{other}"));
        }
    }

    #[test]
    fn a_comment_anywhere_silences_the_file() {
        let filter = FILTER.replace("#^^^^^^^^ note ", "# ");
        assert_linted(&format!("{PAGE}{filter}; pasteline: allow-file unused-section\n"));
    }

    #[test]
    fn tells_of_a_bounded_number_of_mistakes() {
        use crate::graph::{Input, Loader};
        use crate::registry::Registry;

        let words = "x ".repeat(super::super::Found::MOST + 1);
        let registry = Registry::builtin();
        let input = Input::new("/no/such.ini");
        let mut sources = super::Sources::default();
        sources.substitute(&input.file, format!("# pasteline: allow {words}\n{PAGE}"));
        let mut loader = Loader::open_with(&input, &registry, sources);
        let found = crate::lint::validate(&mut loader, &registry);
        assert_eq!(found.len(), super::super::Found::MOST);
    }

    #[test]
    fn says_what_such_a_comment_has_wrong() {
        assert_linted(
            "\
# pasteline: allow unused-sections
#                  ^^^^^^^^^^^^^^^ warning unknown-allowance: `unused-sections` is no kind of warning
# pasteline: alow unused-section
#            ^^^^ warning unknown-allowance: `alow` is no instruction to pasteline
# pasteline: this is prose
",
        );
    }
}
