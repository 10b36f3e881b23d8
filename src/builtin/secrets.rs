//! Hides secrets in headers that are logged.

use std::fmt;

use http::header::{CONTENT_LOCATION, HeaderMap, HeaderName, HeaderValue, LOCATION, REFERER};

/// Headers for the log, in one line, what may be a secret masked.
pub(super) struct Masked<'a>(pub(super) &'a HeaderMap);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            match value.as_bytes().iter().position(|byte| matches!(byte, b'?' | b'#')) {
                _ if is_secret(name) => write!(f, "{comma}{name}: ****")?,
                Some(end) if is_url(name) => {
                    let path = HeaderValue::from_bytes(&value.as_bytes()[..end]);
                    let path = path.map_err(|_| fmt::Error)?;
                    write!(f, "{comma}{name}: {path:?}****")?;
                }
                _ => write!(f, "{comma}{name}: {value:?}")?,
            }
        }
        Ok(())
    }
}

/// Whether a header may carry a secret, by the words in its name. One masked in vain does less
/// harm than one that was forgotten.
fn is_secret(name: &HeaderName) -> bool {
    const WORDS: [&str; 11] = [
        "assertion",
        "auth",
        "cookie",
        "credential",
        "hmac",
        "key",
        "pass",
        "secret",
        "session",
        "sign",
        "token",
    ];
    WORDS.iter().any(|word| name.as_str().contains(word))
}

/// Whether a header is a URL, whose query and fragment may hold a secret.
fn is_url(name: &HeaderName) -> bool {
    [CONTENT_LOCATION, LOCATION, REFERER].contains(name)
}
