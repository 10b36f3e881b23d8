//! Hides secrets in what is shown to people.

use std::borrow::Cow;
use std::collections::HashSet;

/// What stands in place of a secret.
const MASK: &str = "****";

/// Ends of the names that options with secrets have, whatever factory they belong to.
const SECRET_ENDS: [&str; 6] = ["_key", "hmac_keys", "passwd", "password", "secret", "token"];

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
    names: HashSet<&'static str>,
}

impl Mask {
    /// A mask for options of these names, and those that look like secrets.
    pub fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self { names: names.into_iter().collect() }
    }

    /// The value of an option as people may see it.
    pub fn value<'a>(&self, name: &str, text: &'a str) -> Cow<'a, str> {
        if !text.is_empty() && self.is_secret(name) {
            return Cow::Borrowed(MASK);
        }
        without_passwords(text)
    }

    fn is_secret(&self, name: &str) -> bool {
        let folded = name.to_ascii_lowercase();
        self.names.contains(name) || SECRET_ENDS.iter().any(|end| folded.ends_with(end))
    }
}

/// A text with the passwords of its URLs hidden: what stands between `:` and the last `@` of
/// `scheme://user:password@host`.
fn without_passwords(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c.is_whitespace() || "/?#,".contains(c));
        let authority = &after[..end.unwrap_or(after.len())];
        masked.push_str(before);
        masked.push_str("://");
        rest = &after[authority.len()..];
        match authority
            .rsplit_once('@')
            .and_then(|(user, host)| Some((user.split_once(':')?, host)))
        {
            Some(((user, _), host)) => masked.extend([user, ":", MASK, "@", host]),
            None => masked.push_str(authority),
        }
    }
    if masked.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(masked + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_what_has_the_name_of_a_secret() {
        let seen = |name, text| Mask::default().value(name, text).into_owned();
        for name in ["password", "X_PASSWORD", "memcache_secret_key", "hmac_keys", "admin_token"] {
            assert_eq!(seen(name, "lemon"), MASK, "{name}");
        }
        assert_eq!(seen("token_cache_time", "300"), "300");
        assert_eq!(seen("password", ""), "");
    }

    #[test]
    fn hides_the_password_of_each_url_and_nothing_else() {
        let seen = |text| Mask::default().value("x", text).into_owned();
        assert_eq!(seen("a://u:p@h:1/p, b://u:p@q@h"), "a://u:****@h:1/p, b://u:****@h");
        for text in ["http://h:80/a@b:c", "u:p@h", "a://u@h", "://", "a://:b/c@d"] {
            assert_eq!(seen(text), text);
        }
    }
}
