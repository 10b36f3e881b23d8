//! Hides secrets in what is shown to people.

use std::borrow::Cow;

use super::OptionSpec;

/// What stands in place of a secret.
const MASK: &str = "****";

/// Ends of the names that options with secrets have, whatever factory they belong to.
const SECRET_ENDS: [&str; 6] = ["_key", "hmac_keys", "passwd", "password", "secret", "token"];

/// The value of an option as people may see it: a secret is hidden altogether, of a URL its
/// password.
///
/// An option is secret if the factory that knows it, `spec`, says so, or by its name.
///
/// ```
/// use pasteline::settings::masked;
///
/// assert_eq!(masked("admin_password", "lemon", None), "****");
/// assert_eq!(masked("cache", "redis://me:lemon@db/1", None), "redis://me:****@db/1");
/// assert_eq!(masked("greeting", "hello", None), "hello");
/// ```
pub fn masked<'a>(name: &str, text: &'a str, spec: Option<&OptionSpec>) -> Cow<'a, str> {
    let name = name.to_ascii_lowercase();
    let is_secret = spec.is_some_and(|spec| spec.secret);
    if is_secret || SECRET_ENDS.iter().any(|end| name.ends_with(end)) {
        return Cow::Borrowed(if text.is_empty() { text } else { MASK });
    }
    without_passwords(text)
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
        for name in ["password", "X_PASSWORD", "memcache_secret_key", "hmac_keys", "admin_token"] {
            assert_eq!(masked(name, "lemon", None), MASK, "{name}");
        }
        assert_eq!(masked("token_cache_time", "300", None), "300");
        assert_eq!(masked("password", "", None), "");
    }

    #[test]
    fn hides_what_its_factory_says_is_secret() {
        let spec = OptionSpec::of::<crate::settings::SecretString>("recipe", "", None);
        assert_eq!(masked("recipe", "leaves", Some(&spec)), MASK);
    }

    #[test]
    fn hides_the_password_of_each_url_and_nothing_else() {
        let seen = |text| masked("x", text, None).into_owned();
        assert_eq!(seen("a://u:p@h:1/p, b://u:p@q@h"), "a://u:****@h:1/p, b://u:****@h");
        for text in ["http://h:80/a@b:c", "u:p@h", "a://u@h", "://", "a://:b/c@d"] {
            assert_eq!(seen(text), text);
        }
    }
}
