//! The certificate by which a client has shown who it is.

use std::fmt::{self, Write};
use std::sync::OnceLock;

use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The certificate by which a client has shown who it is. The server has checked it.
///
/// What is in it is read when somebody asks for the first time.
#[derive(Clone)]
pub struct ClientCertificate {
    der: Box<[u8]>,
    identity: OnceLock<Identity>,
}

#[derive(Clone, Debug, Default)]
struct Identity {
    subject: String,
    names: Vec<String>,
    fingerprint: String,
}

impl ClientCertificate {
    /// A certificate by its bytes (DER).
    pub fn new(der: impl Into<Box<[u8]>>) -> Self {
        Self { der: der.into(), identity: OnceLock::new() }
    }

    /// Its bytes (DER).
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whom it is for, as RFC 4514 writes it: `CN=compute1,O=Example`. Empty if it does not say.
    pub fn subject(&self) -> &str {
        &self.identity().subject
    }

    /// The other names of whom it is for: of hosts, addresses, URIs and mailboxes.
    pub fn names(&self) -> &[String] {
        &self.identity().names
    }

    /// The SHA-256 of its bytes in hexadecimal, by which it is known from all others.
    pub fn fingerprint(&self) -> &str {
        &self.identity().fingerprint
    }

    fn identity(&self) -> &Identity {
        self.identity.get_or_init(|| Identity::of(&self.der))
    }
}

impl Identity {
    fn of(der: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        let fingerprint = digest.as_ref().iter().fold(String::new(), |mut text, byte| {
            // A text takes whatever is written.
            let _ = write!(text, "{byte:02x}");
            text
        });
        // One that cannot be read would not have been taken.
        let Ok(certificate) = Certificate::from_der(der) else {
            return Self { fingerprint, ..Self::default() };
        };
        let certificate = certificate.tbs_certificate();
        let names = certificate.get_extension::<SubjectAltName>().ok().flatten();
        let names = names.iter().flat_map(|(_, names)| &names.0).filter_map(name);
        Self { subject: certificate.subject().to_string(), names: names.collect(), fingerprint }
    }
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name)
        | GeneralName::Rfc822Name(name)
        | GeneralName::UniformResourceIdentifier(name) => Some(name.to_string()),
        GeneralName::IpAddress(octets) => match octets.as_bytes() {
            octets if octets.len() == 4 => <[u8; 4]>::try_from(octets)
                .ok()
                .map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
            octets => <[u8; 16]>::try_from(octets)
                .ok()
                .map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
        },
        _ => None,
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientCertificate").field(&self.subject()).finish()
    }
}
