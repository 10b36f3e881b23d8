//! Hides secrets in what is shown to people.

mod literals;
mod login;
mod places;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;

use self::literals::Literals;
pub(crate) use self::login::passwords;
use crate::diagnostic::{Diagnostic, Excerpt, Fix};
use crate::source::{Sources, Span, cover};

/// What stands in place of a secret.
pub const MASK: &str = "****";

/// Ends of the names that options with secrets have, whatever factory they belong to.
const SECRET_ENDS: [&str; 13] = [
    "_key",
    "_pass",
    "_pwd",
    "apikey",
    "hmac_keys",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "secret",
    "secrets",
    "token",
    "tokens",
];

/// Names that are those ends without what comes before.
const SECRET_NAMES: [&str; 2] = ["pass", "pwd"];

/// What the names of Swift's options for users begin with: `user_ACCOUNT_USER = KEY GROUP`.
const USERS: [&str; 2] = ["user_", "user64_"];

/// What begins like these and is none.
const NO_USERS: [&str; 1] = ["user_domain_"];

/// Hides secrets in the values of options: what an option that is secret holds, and of a URL its
/// password.
///
/// An option is secret if its name is that of a secret option of any factory that is known, or
/// looks like one.
///
/// ```
/// use pasteline::settings::Mask;
///
/// let mask = Mask::new(["recipe"]);
/// assert_eq!(mask.value("recipe", "leaves"), "****");
/// assert_eq!(mask.value("admin_password", "lemon"), "****");
/// assert_eq!(mask.value("cache", "redis://me:lemon@db/1"), "redis://me:****@db/1");
/// assert_eq!(mask.value("greeting", "hello"), "hello");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mask {
    names: HashSet<Cow<'static, str>>,
}

impl Mask {
    /// A mask for options of these names, and those that look like secrets.
    pub fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self { names: names.into_iter().map(Cow::Borrowed).collect() }
    }

    /// The same mask, to which the options are secret as well that secrets of these texts are made
    /// of by references.
    #[must_use]
    pub fn following(&self, sources: &Sources) -> Self {
        let mut names = self.names.clone();
        for (_, source) in sources.iter() {
            let parts = places::parts(self, source.text()).into_iter();
            names.extend(parts.map(|part| Cow::Owned(part.to_owned())));
        }
        Self { names }
    }

    /// The value of an option as people may see it.
    pub fn value<'a>(&self, name: &str, text: &'a str) -> Cow<'a, str> {
        if !text.is_empty() && self.is_secret(name) {
            return Cow::Borrowed(MASK);
        }
        without_passwords(text)
    }

    /// The text of a paste file as people may see it. All places stay the same.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &places::secrets(self, text)[..] {
            [] => Cow::Borrowed(text),
            secrets => Cow::Owned(cover(text, secrets)),
        }
    }

    /// Diagnostics and the texts that they are about, as people may see them. All places stay the
    /// same.
    pub fn told(
        &self,
        diagnostics: &[Diagnostic],
        sources: &Sources,
    ) -> (Vec<Diagnostic>, Sources) {
        let covered = sources.covered(|text| places::secrets(self, text));
        let literals = OnceCell::new();
        let literals = || literals.get_or_init(|| Literals::of(self, sources));
        let told = diagnostics.iter().map(|found| {
            let told = self.diagnostic(found, sources, &covered);
            if is_interpolated(found, sources) { literals().hide(told) } else { told }
        });
        (told.collect(), covered)
    }

    fn diagnostic(&self, found: &Diagnostic, sources: &Sources, covered: &Sources) -> Diagnostic {
        let mut told = found.clone();
        if let Some(span) = found.span {
            told.message = quoted(told.message, span, (sources, covered));
        }
        if let Some(fix) = told.fix.take_if(|fix| self.reveals(fix, sources, covered)) {
            told.help.push(fix.title);
        }
        let related = told.related.iter_mut().map(|(_, part)| part);
        let texts = [&mut told.message, &mut told.label].into_iter();
        for text in texts.chain(related).chain(&mut told.help) {
            if let Cow::Owned(masked) = without_passwords(text) {
                *text = masked;
            }
        }
        told
    }

    /// Whether a fix would write a secret: it has one itself, or changes what may be one and does
    /// not only take it out.
    fn reveals(&self, fix: &Fix, sources: &Sources, covered: &Sources) -> bool {
        let is_covered = |span: Span| sources.text(span) != covered.text(span);
        let changes = fix.edits.iter().any(|(span, _)| is_covered(*span));
        let mut texts = fix.edits.iter().map(|(_, text)| text).filter(|text| !text.is_empty());
        texts.any(|text| changes || !places::secrets(self, text).is_empty())
    }

    /// Whether the name of a secret may stand in a text. Most texts have none, and that is known
    /// far sooner than what their lines are.
    fn may_have_names_in(&self, text: &str) -> bool {
        let folded = fold(text);
        let mut known = SECRET_ENDS.iter().chain(&SECRET_NAMES).chain(&USERS);
        known.any(|part| folded.contains(part))
            || self.names.iter().any(|name| text.contains(&**name))
    }

    /// Whether an option of this name holds a secret.
    pub fn is_secret(&self, name: &str) -> bool {
        let folded = fold(name);
        self.names.contains(name)
            || SECRET_ENDS.into_iter().any(|end| folded.ends_with(end))
            || SECRET_NAMES.contains(&&*folded)
            || is_user(&folded)
    }
}

/// A text in which names are alike that differ only in case, or in `-` and `_`.
fn fold(text: &str) -> String {
    text.to_ascii_lowercase().replace('-', "_")
}

/// Whether an option of this name gives a user of Swift a key.
fn is_user(name: &str) -> bool {
    let user = USERS.into_iter().find_map(|start| name.strip_prefix(start));
    user.is_some_and(|user| user.contains('_'))
        && !NO_USERS.into_iter().any(|start| name.starts_with(start))
}

/// Whether a message may quote what references have brought in.
fn is_interpolated(found: &Diagnostic, sources: &Sources) -> bool {
    let related = found.related.iter().map(|(span, _)| *span);
    found.span.into_iter().chain(related).any(|span| sources.text(span).contains("%("))
}

/// A message that quotes the text of its place, with what is covered there covered in it too. One
/// sign, such as a stray `%`, gives nothing away.
fn quoted(message: String, span: Span, (sources, covered): (&Sources, &Sources)) -> String {
    let (text, seen) = (sources.text(span), covered.text(span));
    if text == seen || text.chars().nth(1).is_none() {
        return message;
    }
    let [text, seen] = [text, seen].map(|text| format!("`{}`", Excerpt(text)));
    message.replace(&text, &seen)
}

/// A text with the passwords of its URLs hidden.
pub(super) fn without_passwords(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut at = 0;
    for password in passwords(text) {
        masked.extend([&text[at..password.start], MASK]);
        at = password.end;
    }
    if at == 0 { Cow::Borrowed(text) } else { Cow::Owned(masked + &text[at..]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_what_has_the_name_of_a_secret() {
        let seen = |name, text| Mask::default().value(name, text).into_owned();
        for name in [
            "password",
            "X_PASSWORD",
            "memcache_secret_key",
            "hmac_keys",
            "admin_token",
            "admin_pass",
            "pass",
            "os_pwd",
            "passphrase",
            "apikey",
            "Api-Key",
            "secret-key",
            "auth_secrets",
            "tokens",
            "user_admin_admin",
            "user64_dGVzdA_dGVzdA",
        ] {
            assert_eq!(seen(name, "lemon"), MASK, "{name}");
        }
        for name in ["token_cache_time", "bypass", "user_agent", "user_domain_name", "key"] {
            assert_eq!(seen(name, "300"), "300", "{name}");
        }
        assert_eq!(seen("password", ""), "");
    }

    #[test]
    fn hides_the_secrets_of_a_whole_text() {
        let mask = Mask::new(["recipe"]);
        let text = "recipe = te\u{e9} a\r\n  b\nx = y://u:p@h";
        assert_eq!(mask.text(text), "recipe = **\u{d7}**\r\n  *\nx = y://u:*@h");
        assert!(matches!(mask.text("x = y"), Cow::Borrowed("x = y")));
    }

    #[test]
    fn hides_the_password_of_each_url_and_nothing_else() {
        let seen = |text| Mask::default().value("x", text).into_owned();
        assert_eq!(seen("a://u:p@h:1/p, b://u:p@q@h"), "a://u:****@h:1/p, b://u:****@h");
        for text in ["http://h:80/a@b:c", "u:p@h", "a://u@h", "://", "a://b/c:d@e"] {
            assert_eq!(seen(text), text);
        }
    }
}
