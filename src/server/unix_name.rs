//! The names of Unix sockets.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use socket2::SockAddr;

use super::address::InvalidAddress;

/// The most bytes that a name may have: 108 with the zero byte before or after it.
const LONGEST: usize = 107;

/// The name of a Unix socket.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum UnixName {
    /// A name that is no file and vanishes with its socket; it is written with `@` before it.
    Abstract(String),
    /// The path of a file.
    Path(PathBuf),
}

impl UnixName {
    /// Reads a name as it follows `unix:`; a relative path counts from a directory.
    pub(super) fn parse(text: &str, directory: &Path) -> Result<Self, InvalidAddress> {
        let name = text.strip_prefix('@').map_or_else(
            || Self::Path(directory.join(text)),
            |name| Self::Abstract(name.to_owned()),
        );
        if matches!(text, "" | "@") || text.ends_with('/') || text.contains('\0') {
            return Err(InvalidAddress(format!("`unix:{text}` does not name a socket")));
        }
        let length = match &name {
            Self::Abstract(name) => name.len(),
            Self::Path(path) => path.as_os_str().len(),
        };
        if length > LONGEST {
            let reason = format!("`{name}` is too long: {length} bytes, of at most {LONGEST}");
            return Err(InvalidAddress(reason));
        }
        Ok(name)
    }

    /// The name of the socket that has an address; none if it has no name.
    pub(super) fn of(address: &SockAddr) -> Option<Self> {
        if let Some(path) = address.as_pathname() {
            return Some(Self::Path(path.to_owned()));
        }
        let name = address.as_abstract_namespace()?;
        Some(Self::Abstract(String::from_utf8_lossy(name).into_owned()))
    }

    pub(super) fn to_address(&self) -> io::Result<SockAddr> {
        match self {
            Self::Abstract(name) => SockAddr::unix(format!("\0{name}")),
            Self::Path(path) => SockAddr::unix(path),
        }
    }
}

impl fmt::Display for UnixName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abstract(name) => write!(f, "unix:@{name}"),
            Self::Path(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_count_from_a_directory() {
        let read = |text: &str| UnixName::parse(text, Path::new("/etc/api")).unwrap().to_string();
        assert_eq!(read("run/api.sock"), "unix:/etc/api/run/api.sock");
        assert_eq!(read("/run/api.sock"), "unix:/run/api.sock");
        assert_eq!(read("@api"), "unix:@api");
    }

    #[test]
    fn refuses_what_is_no_name_of_a_socket() {
        let wrong = |text: &str| UnixName::parse(text, Path::new("")).unwrap_err().to_string();
        for text in ["", "@", "/run/", "a\0b"] {
            assert_eq!(wrong(text), format!("`unix:{text}` does not name a socket"));
        }
        let long = format!("/{}", "x".repeat(107));
        let expected = format!("`unix:{long}` is too long: 108 bytes, of at most 107");
        assert_eq!(wrong(&long), expected);
        let longest = &long[..107];
        UnixName::parse(longest, Path::new("")).unwrap().to_address().unwrap();
        let longest = format!("@{}", "x".repeat(107));
        UnixName::parse(&longest, Path::new("")).unwrap().to_address().unwrap();
    }
}
