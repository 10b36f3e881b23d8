//! Options that are a part of the value before them, because they are indented.

use std::collections::HashSet;

use super::{File, Found, Lint, Look};
use crate::diagnostic::{Applicability, Diagnostic, Excerpt, Fix};
use crate::ini::{Section, Setting};
use crate::source::{Sources, Span};
use crate::syntax;

pub(super) const LINT: Lint = Lint { slug: "joined-options", looks: &[Look::File(look)] };

/// The options that Paste Deploy takes itself.
const OWN: [&str; 5] = ["filter-with", "next", "paste.app_factory", "paste.filter_factory", "use"];

fn look(file: &File<'_>, found: &mut Found) {
    for section in file.sections() {
        let is_folded = |option: &&Setting| option.lines.len() > 1;
        let mut folded = section.options.iter().filter(is_folded).peekable();
        if folded.peek().is_none() {
            continue;
        }
        let known = known(file, section);
        for option in folded {
            let lines = || option.lines.iter().map(|line| file.sources.text(*line));
            // A value may well be pairs itself.
            let is_free =
                lines().next().is_none_or(|first| first.is_empty() || first.contains('='));
            for (line, key) in option.lines.iter().zip(lines().map(key)).skip(1) {
                let Some(key) = key else { continue };
                if !is_free || known.contains(key) {
                    found.add(fault((key, *line), option, file.sources));
                }
            }
        }
    }
}

/// The options that the factory of a section knows, and Paste Deploy.
fn known<'a>(file: &File<'a>, section: &'a Section) -> HashSet<&'a str> {
    let options = file.definitions(section).flat_map(|definition| definition.options);
    options.map(|option| option.name).chain(OWN).collect()
}

/// The key of a line that reads like an option.
fn key(line: &str) -> Option<&str> {
    let key = syntax::strip(line.split_once('=')?.0);
    let name = ["set ", "get "].iter().find_map(|verb| key.strip_prefix(verb)).unwrap_or(key);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    (name.starts_with(char::is_alphabetic) && name.chars().all(is_name)).then_some(key)
}

fn fault((key, line): (&str, Span), option: &Setting, sources: &Sources) -> Diagnostic {
    let message = format!(
        "`{}` is a part of the value of `{}`, as it is indented",
        Excerpt(key),
        Excerpt(&option.key)
    );
    let before = &sources.get(line.source).text()[..line.range().start];
    let indentation = before.len() - before.trim_end_matches(is_indentation).len();
    let blanks = Span::new(line.source, before.len() - indentation, before.len());
    Diagnostic::warning(LINT.slug, message)
        .at(line.part(0, key.len()))
        .label("this reads like an option")
        .related(option.key_span, "the value begins here")
        .help("an option begins at the start of its line")
        .fix(Fix {
            title: "remove the indentation".to_owned(),
            edits: vec![(blanks, String::new())],
            applicability: Applicability::Unsafe,
        })
}

/// Blanks that do not end a line.
fn is_indentation(character: char) -> bool {
    syntax::is_space(character) && !matches!(character, '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    #[test]
    fn tells_of_options_that_run_together() {
        assert_linted(
            "\
[app:main]
use = egg:pasteline#respond
body = one
;--- the value begins here
  status = 404
# ^^^^^^ warning joined-options: `status` is a part of the value of `body`, as it is indented
  anything = 1
# ^^^^^^^^ warning joined-options: `anything` is a part of the value of `body`, as it is indented
",
        );
    }

    #[test]
    fn a_value_may_be_pairs() {
        assert_linted(
            "\
[app:main]
use = egg:pasteline#respond
body =
  a = 1
  status = 404
# ^^^^^^ warning joined-options: `status` is a part of the value of `body`, as it is indented
  two words = 2
",
        );
    }
}
