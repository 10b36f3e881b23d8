//! Where the lines of a log go, as operators write it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::settings::{Rejected, Setting};

/// Where the lines of a log go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// To the end of a file, or into a named pipe.
    File(PathBuf),
    /// To standard error.
    Stderr,
    /// To standard output.
    Stdout,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Stderr => f.write_str("stderr"),
            Self::Stdout => f.write_str("stdout"),
        }
    }
}

impl Setting for Destination {
    const EXPECTED: &'static str = "`stdout`, `stderr` or the path of a file";

    fn parse(text: &str) -> Result<Self, Rejected> {
        Self::parse_in(text, Path::new(""))
    }

    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        match text {
            "stderr" => Ok(Self::Stderr),
            "stdout" => Ok(Self::Stdout),
            path => PathBuf::parse_in(path, directory).map(Self::File),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_counts_from_the_file() {
        let parsed = Destination::parse_in("access.log", Path::new("/etc/api"));
        assert_eq!(parsed, Ok(Destination::File("/etc/api/access.log".into())));
    }
}
