//! Reads certificates and their keys.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::Note;
use crate::diagnostic::Diagnostic;
use crate::server::settings::Settings;
use crate::source::Sources;

/// A certificate with its key.
#[derive(Debug)]
pub(in crate::server) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    /// The names of hosts that it is for, in lower case; one may begin with `*.`.
    pub(super) names: Vec<String>,
}

/// What is wrong with a file.
fn bad(path: &Path, why: impl Display) -> Diagnostic {
    Diagnostic::error("bad-certificate", format!("`{}` is of no use: {why}", path.display()))
}

/// Reads all pairs that the settings name; none if something is wrong, which is noted.
pub(super) fn read_all(
    settings: &Settings,
    sources: &Sources,
    note: Note<'_>,
) -> Option<Vec<Pair>> {
    let Settings { tls_cert: certificates, tls_key: keys, tls_staple: staples, .. } = settings;
    let mut is_right = true;
    for (option, given) in [("tls_key", keys), ("tls_staple", staples)] {
        if !given.is_empty() && given.len() != certificates.len() {
            let message = format!(
                "`{option}` is refused: it names {} files, but `tls_cert` names {}",
                given.len(),
                certificates.len()
            );
            note(option, Diagnostic::error("bad-value", message));
            is_right = false;
        }
    }
    if !is_right {
        return None;
    }
    let pairs = certificates.iter().enumerate().map(|(number, certificate)| {
        let files = Files {
            certificate,
            // It may stand in the file of the certificate, as Paste's `ssl_pem` has it.
            key: keys.get(number).unwrap_or(certificate),
            staple: staples.get(number),
        };
        files.read(sources, note)
    });
    // All of them are read, so that all that is wrong is told.
    let pairs: Vec<_> = pairs.collect();
    pairs.into_iter().collect()
}

struct Files<'a> {
    certificate: &'a PathBuf,
    key: &'a PathBuf,
    staple: Option<&'a PathBuf>,
}

impl Files<'_> {
    fn read(&self, sources: &Sources, note: Note<'_>) -> Option<Pair> {
        let key_option = if self.key == self.certificate { "tls_cert" } else { "tls_key" };
        let chain = read_chain(self.certificate, sources).map_err(|found| note("tls_cert", *found));
        let key = self.read_key(sources).map_err(|found| note(key_option, *found));
        let staple = self.staple.map(|path| {
            let read = sources.bytes(path);
            read.map_err(|error| note("tls_staple", unreadable(&error)))
        });
        if sources.is_open_to_others(self.key) {
            let message =
                format!("every user of this machine may read the key `{}`", self.key.display());
            let help = format!("run `chmod o= {}`", self.key.display());
            note(key_option, Diagnostic::warning("exposed-key", message).help(help));
        }
        let (chain, key) = (chain.ok()?, key.ok()?);
        let facts =
            facts(&chain[0], self.certificate).map_err(|found| note("tls_cert", *found)).ok()?;
        if let Some(found) = facts.age(self.certificate) {
            note("tls_cert", found);
        }
        let key = any_supported_type(&key).map_err(|_| {
            note(key_option, bad(self.key, "its key is of a kind that cannot be used"));
        });
        let mut certified = CertifiedKey::new(chain, key.ok()?);
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(_) => {
                let certificate = self.certificate.display();
                let why = format!("its key is not that of the certificate `{certificate}`");
                note(key_option, bad(self.key, why));
                return None;
            }
        }
        certified.ocsp = staple.transpose().ok()?;
        Some(Pair { key: Arc::new(certified), names: facts.names })
    }

    fn read_key(&self, sources: &Sources) -> Result<PrivateKeyDer<'static>, Box<Diagnostic>> {
        let text = sources.secret(self.key).map_err(|error| Box::new(unreadable(&error)))?;
        PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
            let is_locked = text.contains("ENCRYPTED");
            let (why, help) = if is_locked { LOCKED } else { NO_KEY };
            bad(self.key, why).help(help).into()
        })
    }
}

const LOCKED: (&str, &str) = (
    "its key is locked by a passphrase, which nobody can enter at a reload",
    "unlock it with `openssl pkey -in KEY -out UNLOCKED`",
);

const NO_KEY: (&str, &str) = (
    "there is no private key in it",
    "expected PEM: `-----BEGIN PRIVATE KEY-----`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`",
);

pub(super) fn unreadable(error: &crate::source::ReadError) -> Diagnostic {
    Diagnostic::error("bad-certificate", error.to_string())
}

/// The certificates in a file, at least one.
pub(super) fn read_chain(
    path: &Path,
    sources: &Sources,
) -> Result<Vec<CertificateDer<'static>>, Box<Diagnostic>> {
    let text = sources.secret(path).map_err(|error| Box::new(unreadable(&error)))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => {
            let found = bad(path, "there is no certificate in it");
            Err(found.help("expected PEM: `-----BEGIN CERTIFICATE-----`").into())
        }
    }
}

/// What is in a certificate.
struct Facts {
    names: Vec<String>,
    begins: SystemTime,
    ends: SystemTime,
}

fn facts(certificate: &CertificateDer<'_>, path: &Path) -> Result<Facts, Box<Diagnostic>> {
    let parsed = Certificate::from_der(certificate);
    let parsed = parsed.map_err(|_| Box::new(bad(path, "its certificate cannot be read")))?;
    let parsed = parsed.tbs_certificate();
    let validity = parsed.validity();
    let mut names = Vec::new();
    if let Ok(Some((_, told))) = parsed.get_extension::<SubjectAltName>() {
        names.extend(told.0.iter().filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
            _ => None,
        }));
    }
    Ok(Facts {
        names,
        begins: validity.not_before.to_system_time(),
        ends: validity.not_after.to_system_time(),
    })
}

impl Facts {
    /// What is to be said of its age, if anything.
    fn age(&self, path: &Path) -> Option<Diagnostic> {
        let now = SystemTime::now();
        let what = if now >= self.ends {
            "has expired"
        } else if now < self.begins {
            "is not valid yet"
        } else {
            return None;
        };
        let message = format!("the certificate `{}` {what}", path.display());
        Some(Diagnostic::warning("expired-certificate", message).help("clients will refuse it"))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::date_time_ymd;

    use super::*;
    use crate::diagnostic::Severity;
    use crate::server::tls::fixture::{Authority, Directory, made};

    /// What is found in a certificate and a key: `severity option: message`, paths left out.
    fn found(certificate: &Path, key: &Path) -> Vec<String> {
        let mut settings = Settings::default();
        settings.tls_cert.push(certificate.to_owned());
        settings.tls_key.push(key.to_owned());
        let mut found = Vec::new();
        let mut note = |option, told: Diagnostic| {
            let what = if told.severity == Severity::Warning { "warning" } else { "error" };
            let message = told.message.split('`').step_by(2).collect::<Vec<_>>().join("*");
            found.push(format!("{what} {option}: {message}"));
        };
        let pairs = read_all(&settings, &Sources::default(), &mut note);
        assert_eq!(pairs.is_some(), found.iter().all(|line| line.starts_with("warning")));
        found
    }

    #[test]
    fn a_pair_belongs_together() {
        let (directory, one, other) = (Directory::new("pair"), made(&["a"]), made(&["b"]));
        let certificate = directory.file("cert", one.certificate.pem());
        let key = directory.file("key", one.key.serialize_pem());
        assert_eq!(found(&certificate, &key), [""; 0]);
        let both = directory.file("both", one.certificate.pem() + &one.key.serialize_pem());
        assert_eq!(found(&both, &both), [""; 0]);
        let strange = directory.file("strange", other.key.serialize_pem());
        let expected = ["error tls_key: * is of no use: its key is not that of the certificate *"];
        assert_eq!(found(&certificate, &strange), expected);
    }

    #[test]
    fn what_is_none_is_told_by_what_was_expected() {
        let (directory, own) = (Directory::new("none"), made(&["a"]));
        let certificate = directory.file("cert", own.certificate.pem());
        let locked =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nYQ==\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let locked = directory.file("locked", locked);
        let expected = format!("error tls_key: * is of no use: {}", LOCKED.0);
        assert_eq!(found(&certificate, &locked), [expected]);
        let expected = [
            "error tls_cert: * is of no use: there is no certificate in it",
            "error tls_key: * is of no use: there is no private key in it",
        ];
        assert_eq!(found(&directory.file("text", "text"), &certificate), expected);
        let expected = [
            "error tls_cert: cannot read *: no such file or directory",
            "error tls_key: cannot read *: no such file or directory",
        ];
        assert_eq!(found("/no/cert".as_ref(), "/no/key".as_ref()), expected);
    }

    #[test]
    fn age_and_permissions_are_warnings() {
        let (directory, authority) = (Directory::new("age"), Authority::new("one"));
        let old = authority.certify("a", |params| params.not_after = date_time_ymd(2020, 1, 1));
        let young = authority.certify("a", |params| params.not_before = date_time_ymd(2090, 1, 1));
        for (made, what) in [(old, "has expired"), (young, "is not valid yet")] {
            let certificate = directory.file("cert", made.certificate.pem());
            let key = directory.file("key", made.key.serialize_pem());
            let age = format!("warning tls_cert: the certificate * {what}");
            assert_eq!(found(&certificate, &key), std::slice::from_ref(&age));
            directory.open_to_others("key");
            let exposed = "warning tls_key: every user of this machine may read the key *";
            assert_eq!(found(&certificate, &key), [exposed.to_owned(), age]);
        }
    }

    #[test]
    fn there_are_as_many_keys_as_certificates() {
        let mut settings = Settings::default();
        settings.tls_cert.push("a".into());
        settings.tls_key = vec!["b".into(), "c".into()];
        let mut found = Vec::new();
        let mut note = |_, told: Diagnostic| found.push(told.message);
        assert!(read_all(&settings, &Sources::default(), &mut note).is_none());
        let expected = "`tls_key` is refused: it names 2 files, but `tls_cert` names 1";
        assert_eq!(found, [expected]);
    }
}
