//! Passwords and the like that stand in the main file for all to read.

use super::{File, Found, Lint, Look};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::ini::Setting;
use crate::registry::Found as Factory;
use crate::settings::passwords;

pub(super) const LINT: Lint = Lint { slug: "plain-secret", looks: &[Look::File(look)] };

/// Ends of the names that options with secrets have, whatever factory they belong to. More than
/// these are masked, which does no harm where it is done in vain.
const ENDS: [&str; 6] = ["api_key", "passwd", "password", "secret", "secret_key", "token"];

fn look(file: &File<'_>, found: &mut Found) {
    look_at(&file.document.defaults, &[], (file, &mut *found));
    for section in file.sections() {
        let factories: Vec<_> = file.factories(section).collect();
        look_at(&section.options, &factories, (file, &mut *found));
    }
}

/// Looks at options that factories may read.
fn look_at(options: &[Setting], factories: &[Factory<'_>], (file, found): (&File<'_>, &mut Found)) {
    // An overlay can be a file that only the service may read.
    for option in options.iter().filter(|option| option.key_span.source == file.document.source) {
        if is_literal(&option.raw) && is_secret(option, factories) {
            found.add(fault(option, "a secret"));
        } else if passwords(&option.raw).any(|password| is_literal(&option.raw[password])) {
            found.add(fault(option, "a password"));
        }
    }
}

/// The place is the name of the option: the value is not to be shown.
fn fault(option: &Setting, what: &str) -> Diagnostic {
    let message = format!("`{}` has {what} in plain sight", Excerpt(name(option)));
    Diagnostic::warning(LINT.slug, message)
        .at(option.key_span)
        .label("whoever may read the file may read it")
        .help("give it in an overlay that only the service may read")
}

/// The name of what an option sets.
fn name(option: &Setting) -> &str {
    option.key.strip_prefix("set ").unwrap_or(&option.key)
}

fn is_secret(option: &Setting, factories: &[Factory<'_>]) -> bool {
    let name = name(option);
    let folded = name.to_ascii_lowercase();
    let declares = |factory: &Factory<'_>| {
        let native = factory.alias.map_or(name, |alias| alias.dialect.native(name));
        factory.definition.options.iter().any(|known| known.secret && known.name == native)
    };
    // `get` gives the name of a global option.
    !name.starts_with("get ")
        && (ENDS.iter().any(|end| folded.ends_with(end)) || factories.iter().any(declares))
}

/// Whether a value is one, and not there to be replaced: `%(password)s`, `@PASSWORD@`,
/// `<secret>`, `ADMIN_TOKEN`.
fn is_literal(value: &str) -> bool {
    let folded = value.to_ascii_lowercase();
    let is_word = !value.contains(char::is_whitespace);
    let is_made_of = |is_in: fn(char) -> bool| value.chars().all(is_in);
    let is_filled_in = ["%(", "${", "{{", "{%"].iter().any(|mark| value.contains(mark));
    let is_mark = value.starts_with(['%', '$', '<', '@', '/']);
    let is_name = is_word && is_made_of(|c| c.is_ascii_uppercase() || "_-".contains(c));
    let is_hidden = is_made_of(|c| "*.xX".contains(c));
    let is_prompt = ["change", "replace", "your"].iter().any(|verb| folded.starts_with(verb));
    let is_other = ["false", "no", "none", "off", "on", "true", "yes"].contains(&&*folded);
    !(value.is_empty() || is_filled_in || is_mark || is_name || is_hidden || is_prompt || is_other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::fixture::assert_linted;

    #[test]
    fn tells_which_option_has_a_secret() {
        assert_linted(
            "\
[DEFAULT]
database = mysql://nova:lemon@db/nova
;^^^^^^^ warning plain-secret: `database` has a password in plain sight
[app:main]
use = egg:pasteline#echo
set admin_password = lemon
;^^^^^^^^^^^^^^^^^ warning plain-secret: `admin_password` has a secret in plain sight
set Auth_Token = lime
;^^^^^^^^^^^^^ warning plain-secret: `Auth_Token` has a secret in plain sight
set secret = %(here)s
set cache = redis://cache:6379/%(here)s@x:y
[logger_x]
password = free
",
        );
    }

    #[test]
    fn a_stand_in_is_no_secret() {
        for value in [
            "",
            "%(password)s",
            "%SERVICE_PASSWORD%",
            "$PASSWORD",
            "a${b}c",
            "{{ secret }}",
            "<secret>",
            "@TOKEN@",
            "ADMIN_TOKEN",
            "****",
            "changeme",
            "Your password here",
            "/run/secret",
            "true",
        ] {
            assert!(!is_literal(value), "{value}");
        }
        for value in ["lemon", "999888777666", "LE5ON", "A SECRET", "le%%mon", "x@y"] {
            assert!(is_literal(value), "{value}");
        }
    }
}
