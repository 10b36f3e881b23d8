//! Options that `[DEFAULT]` has too, for which reason Paste Deploy does not give them to a section.

use std::collections::HashMap;

use super::{File, Found, Lint, Look};
use crate::diagnostic::{Applicability, Diagnostic, Excerpt, Fix};

pub(super) const LINT: Lint = Lint { slug: "hidden-option", looks: &[Look::File(look)] };

fn look(file: &File<'_>, found: &mut Found) {
    let File { document, defaults, sources, .. } = file;
    let given = document.defaults.iter().map(|setting| (&*setting.key, setting));
    let given: HashMap<_, _> = given.collect();
    if given.is_empty() {
        return;
    }
    for section in file.sections() {
        let scope = defaults.scope(Some(section), sources);
        for option in section.options.iter().filter(|option| scope.is_hidden(&option.key)) {
            let Some(default) = given.get(&*option.key) else { continue };
            // Options that act in a section, such as `set x`, do so all the same. A template such
            // as `{% if x == y %}` has options only when it has been filled in.
            if ["set ", "get ", "{"].iter().any(|start| option.key.starts_with(start)) {
                continue;
            }
            let key = Excerpt(&option.key);
            let message = format!(
                "`{key}` of `[{}]` is hidden by that of `[DEFAULT]`",
                Excerpt(&section.name)
            );
            found.add(
                Diagnostic::warning(LINT.slug, message)
                    .at(option.key_span)
                    .label("the factory does not see it")
                    .related(default.key_span, "this one counts")
                    .help(format!(
                        "`set {key} = …` sets the global option for this section, and for all \
                         that it is made of"
                    ))
                    .fix(Fix {
                        title: format!("set it: `set {key}`"),
                        edits: vec![(option.key_span.part(0, 0), "set ".to_owned())],
                        applicability: Applicability::Unsafe,
                    }),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    #[test]
    fn tells_of_an_option_that_does_not_count() {
        assert_linted(
            "\
[DEFAULT]
body = hello
;--- this one counts
set status = 200
{% if debug = true
[app:main]
use = egg:pasteline#respond
body = good bye
;^^^ warning hidden-option: `body` of `[app:main]` is hidden by that of `[DEFAULT]`
set status = 404
status = 404
{% if debug = false
[logger_x]
body = free
",
        );
    }
}
