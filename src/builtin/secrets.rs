//! Hides secrets in headers that are logged.

use std::fmt;

use http::{HeaderMap, HeaderName};

/// Headers for the log, in one line, what may be a secret masked.
pub(super) struct Masked<'a>(pub(super) &'a HeaderMap);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            if is_secret(name) {
                write!(f, "{comma}{name}: ****")?;
            } else {
                write!(f, "{comma}{name}: {value:?}")?;
            }
        }
        Ok(())
    }
}

/// Whether a header may carry a secret, by the words in its name. One masked in vain does less
/// harm than one that was forgotten.
fn is_secret(name: &HeaderName) -> bool {
    const WORDS: [&str; 10] = [
        "assertion",
        "auth",
        "cookie",
        "credential",
        "key",
        "passw",
        "secret",
        "session",
        "sign",
        "token",
    ];
    WORDS.iter().any(|word| name.as_str().contains(word))
}
