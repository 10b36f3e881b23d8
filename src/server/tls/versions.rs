//! The versions of TLS.

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::settings::{Rejected, Setting};

/// A version of TLS, or all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// 1.2 and 1.3.
    All,
    /// 1.2.
    Tls12,
    /// 1.3.
    Tls13,
}

/// In its own spelling, in those of OpenSSL and nginx, and in those of Python's module `ssl`,
/// which oslo.service and gunicorn have.
impl Setting for Version {
    const EXPECTED: &'static str = "`1.2` or `1.3`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let name = text.to_ascii_lowercase().replace('_', ".");
        let name = name.strip_prefix("protocol.").unwrap_or(&name);
        match name {
            "sslv23" | "tls" | "tls.server" => return Ok(Self::All),
            "sslv2" | "sslv3" => return Err(too_old(text)),
            _ => {}
        }
        match name.strip_prefix("tlsv").unwrap_or(name) {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            "1" | "1.0" | "1.1" => Err(too_old(text)),
            _ => Err(Rejected::default()),
        }
    }
}

fn too_old(text: &str) -> Rejected {
    Rejected::because(format!("`{text}` is broken, and no client needs it"))
}

/// The versions that are chosen; all if none is.
pub(super) fn chosen(versions: &[Version]) -> Vec<&'static SupportedProtocolVersion> {
    let has = |version| {
        versions.is_empty()
            || versions.iter().any(|chosen| [version, Version::All].contains(chosen))
    };
    let all = [(Version::Tls13, &TLS13), (Version::Tls12, &TLS12)];
    all.into_iter().filter(|(version, _)| has(*version)).map(|(_, version)| version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_many_names() {
        for name in ["1.2", "TLSv1.2", "TLSv1_2", "tlsv1_2", "PROTOCOL_TLSv1_2"] {
            assert_eq!(Version::parse(name), Ok(Version::Tls12), "{name}");
        }
        assert_eq!(Version::parse("TLSv1.3"), Ok(Version::Tls13));
        assert_eq!(Version::parse("SSLv23"), Ok(Version::All));
        for name in ["SSLv3", "TLSv1", "tlsv1_1", "1.0"] {
            let reason = format!("`{name}` is broken, and no client needs it");
            assert_eq!(Version::parse(name), Err(Rejected::because(reason)));
        }
        assert_eq!(Version::parse("bogus"), Err(Rejected::default()));
    }

    #[test]
    fn none_stands_for_all() {
        let count = |versions: &[Version]| chosen(versions).len();
        assert_eq!((count(&[]), count(&[Version::All]), count(&[Version::Tls12])), (2, 2, 1));
    }
}
