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
        let is_declared = factories.iter().any(|factory| declares(factory, name(option)));
        if is_literal(&option.raw) && (is_declared || has_secret_name(name(option))) {
            let fault = fault(option, "a secret");
            let help = "or write `file:PATH` or `env:NAME`, and keep it there";
            found.add(if is_declared { fault.help(help) } else { fault });
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

/// Whether an option is a secret one of a factory. What it holds may be kept elsewhere then.
fn declares(factory: &Factory<'_>, name: &str) -> bool {
    let native = factory.alias.map_or(name, |alias| alias.dialect.native(name));
    factory.definition.options.iter().any(|known| known.secret && known.name == native)
}

fn has_secret_name(name: &str) -> bool {
    let folded = name.to_ascii_lowercase();
    // `get` gives the name of a global option.
    !name.starts_with("get ") && ENDS.iter().any(|end| folded.ends_with(end))
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
    let is_elsewhere = ["env:", "file:"].iter().any(|kind| value.starts_with(kind));
    let is_other = ["false", "no", "none", "off", "on", "true", "yes"].contains(&&*folded);
    let is_stand_in = is_filled_in || is_mark || is_name || is_hidden || is_prompt || is_elsewhere;
    !(value.is_empty() || is_stand_in || is_other)
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
            "env:TOKEN",
            "file:/run/secret",
            "true",
        ] {
            assert!(!is_literal(value), "{value}");
        }
        for value in ["lemon", "999888777666", "LE5ON", "A SECRET", "le%%mon", "x@y"] {
            assert!(is_literal(value), "{value}");
        }
    }
}
