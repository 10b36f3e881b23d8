//! Texts that must not be seen.

use std::fmt;

use super::surroundings::variable;
use super::{Rejected, Setting, Surroundings};

/// A text that never appears in a log, an error or a picture of the configuration.
///
/// It may be kept elsewhere: `file:PATH` stands for what is in a file, but for the end of its last
/// line, and `env:NAME` for a variable of the environment. A relative path counts from the
/// directory of the file that names it.
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
    const EXPECTED: &'static str = "a secret text, or where it is: `file:PATH` or `env:NAME`";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, Rejected> {
        Ok(Self(text.to_owned()))
    }

    fn parse_amid(text: &str, surroundings: &Surroundings<'_>) -> Result<Self, Rejected> {
        match text.split_once(':') {
            Some(("env", name)) => variable(name).map(Self),
            Some(("file", path)) => surroundings.file(path).map(Self),
            _ => Self::parse(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use super::*;
    use crate::source::Sources;

    /// A directory of its own, with a file of this content named `secret`.
    fn directory(name: &str, content: &[u8]) -> PathBuf {
        let name = format!("pasteline-{}-secret-{name}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("secret"), content).unwrap();
        directory
    }

    fn read(text: &str, directory: &Path) -> Result<String, String> {
        let sources = Sources::default();
        let surroundings = Surroundings { directory, sources: &sources };
        let read = SecretString::parse_amid(text, &surroundings);
        read.map(|secret| secret.expose().to_owned()).map_err(|rejected| rejected.reason.unwrap())
    }

    #[test]
    fn a_file_has_it_but_for_the_end_of_its_last_line() {
        for (content, expected) in
            [("lemon", "lemon"), ("lemon\n", "lemon"), ("a b\r\n", "a b"), (" a\n\n", " a\n")]
        {
            let directory = directory("lines", content.as_bytes());
            assert_eq!(read("file:secret", &directory).as_deref(), Ok(expected));
            let absolute = format!("file:{}/secret", directory.display());
            assert_eq!(read(&absolute, Path::new("/")).as_deref(), Ok(expected));
            fs::remove_dir_all(directory).unwrap();
        }
    }

    #[test]
    fn a_variable_has_it() {
        let expected = env!("CARGO_MANIFEST_DIR").to_owned();
        assert_eq!(read("env:CARGO_MANIFEST_DIR", Path::new("/")), Ok(expected));
    }

    #[test]
    fn any_other_text_is_the_secret_itself() {
        for text in ["", "lemon", "File:x", "files:x", " file:x"] {
            assert_eq!(read(text, Path::new("/")).as_deref(), Ok(text));
        }
    }

    #[test]
    fn tells_why_it_cannot_be_had() {
        let directory = directory("faults", b"le\xffmon");
        fs::write(directory.join("empty"), "\n").unwrap();
        let shown = directory.display();
        for (text, expected) in [
            ("file:", "`file:` is followed by no path".to_owned()),
            ("file:none", format!("cannot read `{shown}/none`: no such file or directory")),
            ("file:.", format!("cannot read `{shown}/.`: it is a directory")),
            ("file:empty", format!("`{shown}/empty` is empty")),
            ("file:secret", format!("cannot read `{shown}/secret`: it is not UTF-8")),
            ("env:", "`env:` is followed by no name".to_owned()),
            ("env:NO_SUCH", "the variable `NO_SUCH` of the environment is not set".to_owned()),
        ] {
            assert_eq!(read(text, &directory), Err(expected));
        }
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn is_read_again_from_what_the_first_load_found() {
        let directory = directory("again", b"lemon\n");
        let first = Sources::default();
        let surroundings = Surroundings { directory: &directory, sources: &first };
        SecretString::parse_amid("file:secret", &surroundings).unwrap();
        fs::remove_dir_all(&directory).unwrap();
        let again = Sources::from_snapshot(Arc::new(first.snapshot()));
        let surroundings = Surroundings { directory: &directory, sources: &again };
        let secret = SecretString::parse_amid("file:secret", &surroundings).unwrap();
        assert_eq!(secret.expose(), "lemon");
        assert!(!format!("{first:?} {again:?}").contains("lemon"));
    }
}
