//! Filters and apps that nothing uses.
//!
//! It is a note and no warning: the files that projects ship hold filters to choose from.

use super::file::split;
use super::{File, Found, Lint, Look};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::ini::{Section, Setting};
use crate::syntax::Factory;

pub(super) const LINT: Lint = Lint { slug: "unused-section", looks: &[Look::File(look)] };

fn look(file: &File<'_>, found: &mut Found) {
    let sections = &file.document.sections;
    // A name that is not found may be the misspelt one of a section.
    let is_misspelt = file.faults.iter().any(|fault| fault.slug == "unknown-section");
    // Without anything to serve it is a library, for other files to use.
    if is_misspelt || !sections.iter().any(is_served) {
        return;
    }
    for section in file.alone.iter().filter_map(|number| sections.get(*number)) {
        let Some((kind @ ("app" | "application" | "filter"), name)) = split(&section.name) else {
            continue;
        };
        if kind != "filter" && is_served(section) {
            continue;
        }
        let help = match kind {
            "filter" => format!("put `{}` into a pipeline", Excerpt(name)),
            _ => format!("put `{}` at the end of a pipeline or into a composite", Excerpt(name)),
        };
        let message = format!("nothing in this file uses `[{}]`", Excerpt(&section.name));
        found.add(
            Diagnostic::note(LINT.slug, message)
                .at(section.span)
                .label(format!("no section names this {kind}"))
                .help(format!("{help}, or remove the section")),
        );
    }
}

/// Whether a section is there to be asked for by the operator: what puts others together, or is
/// the app `main`.
fn is_served(section: &Section) -> bool {
    match split(&section.name) {
        Some(("app" | "application", name)) => name == "main" || section.options.iter().any(leads),
        Some(("composite" | "composit" | "pipeline" | "filter-app", _)) => true,
        _ => false,
    }
}

/// Whether an option of an app leads to another section of the file.
fn leads(option: &Setting) -> bool {
    match &*option.key {
        "use" => matches!(Factory::parse(&option.raw), Factory::Section(_)),
        key => key == "filter-with",
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    const ECHO: &str = "use = egg:pasteline#echo\n";
    const PASS: &str = "use = egg:pasteline#pass\n";

    #[test]
    fn tells_of_filters_and_apps_that_nothing_leads_to() {
        assert_linted(
            "\
[DEFAULT]
last = page
[pipeline:main]
pipeline = used %(last)s
[filter:used]
use = egg:pasteline#pass
[filter:unused]
#^^^^^^^^^^^^^ note unused-section: nothing in this file uses `[filter:unused]`
use = used
[app:page]
use = egg:pasteline#echo
[app:extra]
#^^^^^^^^^ note unused-section: nothing in this file uses `[app:extra]`
use = egg:pasteline#echo
[server:extra]
use = egg:pasteline#http
[loggers]
keys = root
",
        );
    }

    #[test]
    fn what_puts_others_together_is_there_to_be_served() {
        assert_linted(&format!(
            "[pipeline:a]\npipeline = pass echo\n[composite:b]\nuse = egg:pasteline#urlmap\n\
             / = echo\n[filter-app:c]\nuse = pass\nnext = echo\n[app:d]\nuse = echo\n\
             [app:main]\n{ECHO}[app:e]\nfilter-with = pass\n{ECHO}\
             [app:echo]\n{ECHO}[filter:pass]\n{PASS}"
        ));
    }

    #[test]
    fn blanks_before_a_name_do_not_count() {
        assert_linted(&format!(
            "[app: main]\n{ECHO}[pipeline:other]\npipeline = echo\n[app: echo ]\n{ECHO}"
        ));
    }

    #[test]
    fn a_library_is_for_other_files() {
        assert_linted(&format!("[app:echo]\n{ECHO}[filter:pass]\n{PASS}"));
    }

    #[test]
    fn a_section_counts_as_used_where_what_names_it_is_at_fault() {
        assert_linted(&format!(
            "[composite:main]\nuse = egg:unknown#kind\n\
             #     ^^^^^^^^^^^^^^^^ application-code: `egg:unknown#kind` is code of the Python \
             package `unknown`\n/ = echo\n[app:echo]\n{ECHO}"
        ));
    }

    #[test]
    fn a_section_counts_as_used_where_a_name_is_not_found() {
        assert_linted(&format!(
            "[pipeline:main]\npipeline = pas echo\n\
             #          ^^^ unknown-section: no filter is called `pas`\n\
             [app:echo]\n{ECHO}[filter:pass]\n{PASS}"
        ));
    }
}
