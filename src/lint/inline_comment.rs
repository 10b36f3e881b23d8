//! Comments at the end of a line, which are a part of the value.

use super::{File, Found, Lint, Look};
use crate::diagnostic::{Applicability, Diagnostic, Excerpt, Fix};
use crate::ini::Setting;
use crate::source::{Sources, Span, line_end, line_start};
use crate::syntax;

pub(super) const LINT: Lint = Lint { slug: "inline-comment", looks: &[Look::File(look)] };

fn look(file: &File<'_>, found: &mut Found) {
    for option in file.options() {
        for line in &option.lines {
            if let Some(place) = comment(*line, file.sources) {
                found.add(fault(option, place, file.sources));
            }
        }
    }
}

fn fault(option: &Setting, place: Span, sources: &Sources) -> Diagnostic {
    let sign = sources.text(place).chars().next().unwrap_or('#');
    let message = format!("the value of `{}` goes on after `{sign}`", Excerpt(&option.key));
    Diagnostic::warning(LINT.slug, message)
        .at(place)
        .label("this is a part of the value")
        .help("a comment stands on a line of its own")
        .fix(move_above(place, sources))
}

/// Puts a comment on a line of its own above that in which it stands.
fn move_above(place: Span, sources: &Sources) -> Fix {
    let text = sources.get(place.source).text();
    let before = &text[..place.range().start];
    let start = line_start(text, before.len());
    let value = syntax::strip_end(before).len();
    let comment = format!("{}{}", sources.text(place), line_end(text, place.range().end));
    Fix {
        title: "put the comment above the line".to_owned(),
        edits: vec![
            (Span::new(place.source, start, start), comment),
            (Span::new(place.source, value, place.range().end), String::new()),
        ],
        applicability: Applicability::Unsafe,
    }
}

/// What of a line of a value reads like a comment: after a blank, a sign and a word.
fn comment(line: Span, sources: &Sources) -> Option<Span> {
    let text = sources.text(line);
    let mut signs = text.match_indices(['#', ';']);
    let (at, _) = signs.find(|(at, sign)| {
        let before = text[..*at].chars().next_back();
        let after = &text[at + sign.len()..];
        let words = after.trim_start_matches(['#', ';']).trim_start_matches(syntax::is_space);
        before.is_some_and(syntax::is_space) && words.starts_with(char::is_alphabetic)
    })?;
    Some(line.part(at, text.len()))
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    #[test]
    fn tells_of_what_reads_like_a_comment() {
        assert_linted(
            "\
[DEFAULT]
enabled = yes  #DEPRECATED
#              ^^^^^^^^^^^ warning inline-comment: the value of `enabled` goes on after `#`
[app:main]
use = egg:pasteline#respond
body = one
  two ;; it is short
#     ^^^^^^^^^^^^^^ warning inline-comment: the value of `body` goes on after `;`
  # no part of it
content_type = text/plain;charset=utf-8
[logger_x]
format = a # b
",
        );
    }

    #[test]
    fn signs_that_begin_no_words_are_values() {
        assert_linted(
            "\
[app:main]
use = egg:pasteline#respond
body = #fff ; #1 a;b c# d
",
        );
    }
}
