//! Texts that must not be seen.

use std::fmt;

use super::{Rejected, Setting};

/// A text that never appears in a log, an error or a picture of the configuration.
#[derive(Clone, Eq, PartialEq)]
pub struct SecretString(String);

impl SecretString {
    /// Hands out the text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl Setting for SecretString {
    const EXPECTED: &'static str = "a secret text";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, Rejected> {
        Ok(Self(text.to_owned()))
    }
}
