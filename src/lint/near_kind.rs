//! Sections whose kind is nearly one of Paste Deploy's, so that it passes over them.

use super::{File, Found, Lint, Look};
use crate::diagnostic::{Applicability, Diagnostic, Excerpt, Fix, nearest_within};
use crate::graph::Loadable;
use crate::syntax;

pub(super) const LINT: Lint = Lint { slug: "near-kind", looks: &[Look::File(look)] };

/// How many letters of a kind may be wrong.
const MOST_EDITS: usize = 2;

fn look(file: &File<'_>, found: &mut Found) {
    for section in &file.document.sections {
        let header = &*section.name;
        if Loadable::of(section).is_some() {
            continue;
        }
        let Some(meant) = meant(header) else { continue };
        found.add(
            Diagnostic::warning(
                LINT.slug,
                format!("`[{}]` is no section of Paste Deploy", Excerpt(header)),
            )
            .at(section.span)
            .label("it is passed over")
            .help(format!("did you mean `[{}]`?", Excerpt(&meant)))
            .fix(Fix {
                title: format!("write `[{}]`", Excerpt(&meant)),
                edits: vec![(section.span, meant)],
                // It may be a section of another program all the same.
                applicability: Applicability::Unsafe,
            }),
        );
    }
}

/// The header that one most likely stands for; none for sections of other programs.
fn meant(header: &str) -> Option<String> {
    if let Some((kind, name)) = header.split_once(':') {
        let stripped = syntax::strip(kind);
        let is_kind = Loadable::kinds().any(|known| known == stripped);
        // What is meant for this program is never misspelt for the other.
        if stripped == env!("CARGO_PKG_NAME") {
            return None;
        }
        let near = || nearest_within(MOST_EDITS, stripped, Loadable::kinds());
        let kind = if is_kind { stripped } else { near()? };
        return (!is_other_word(stripped, kind)).then(|| format!("{kind}:{name}"));
    }
    let (kind, name) = syntax::strip(header).split_once(syntax::is_space)?;
    let is_kind = Loadable::kinds().any(|known| known == kind);
    is_kind.then(|| format!("{kind}:{}", syntax::strip(name)))
}

/// Whether a word is as short as `app` and has another letter, such as `api`, which most likely
/// means something else.
fn is_other_word(word: &str, kind: &str) -> bool {
    let is_as_short = word.len() == kind.len() && kind.len() < 4;
    is_as_short && word.to_lowercase().chars().any(|letter| !kind.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::fixture::assert_linted;

    #[test]
    fn tells_of_a_kind_that_is_misspelt() {
        assert_linted(
            "\
[filters:a]
#^^^^^^^^^ warning near-kind: `[filters:a]` is no section of Paste Deploy
[loggers]
[alembic:x]
[app:main]
use = egg:pasteline#echo
",
        );
    }

    #[test]
    fn knows_what_is_meant() {
        for (header, expected) in [
            ("filters:x", Some("filter:x")),
            ("pipline:main", Some("pipeline:main")),
            ("App:main", Some("app:main")),
            ("filter :x", Some("filter:x")),
            ("filter x", Some("filter:x")),
            ("filter_app:x", Some("filter-app:x")),
            ("filterapp:x", Some("filter-app:x")),
            ("fitler:x", Some("filter:x")),
            ("PIPELINE:x", Some("pipeline:x")),
            ("apps:x", Some("app:x")),
            ("pap:x", Some("app:x")),
            ("api:x", None),
            ("pasteline:x", None),
            ("pastelines:x", None),
            ("service:x", None),
            ("handler:x", None),
            ("logger_root", None),
            ("watcher:static", None),
            ("filters", None),
        ] {
            assert_eq!(meant(header).as_deref(), expected, "{header}");
        }
    }
}
