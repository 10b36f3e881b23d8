//! Certificates for tests.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::PrivateKeyDer;

use super::pair::Pair;
use crate::source::fixture;

/// A pair in memory for names.
pub(in crate::server) fn pair(names: &[&str]) -> Pair {
    let Made { certificate, key } = made(names);
    let key: PrivateKeyDer<'_> = key.serialize_der().try_into().unwrap();
    let key = any_supported_type(&key).unwrap();
    let key = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key));
    Pair { key, names: names.iter().map(|name| (*name).to_owned()).collect() }
}

pub(in crate::server) struct Made {
    pub(in crate::server) certificate: rcgen::Certificate,
    pub(in crate::server) key: KeyPair,
}

/// A certificate for names that is its own authority.
pub(in crate::server) fn made(names: &[&str]) -> Made {
    made_with(KeyPair::generate().unwrap(), names)
}

/// A certificate for names that is its own authority, with a key.
pub(in crate::server) fn made_with(key: KeyPair, names: &[&str]) -> Made {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    Made { certificate, key }
}

/// An authority, by which clients are certified.
pub(in crate::server) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(in crate::server) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(in crate::server) fn issuer(&self) -> &rcgen::Issuer<'static, KeyPair> {
        &self.0
    }

    pub(in crate::server) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate that it gives out, for a common name.
    pub(in crate::server) fn certify(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Made {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Made { certificate, key }
    }
}

/// A directory of its own, for the files of a test.
pub(in crate::server) struct Directory(fixture::Directory);

impl Directory {
    pub(in crate::server) fn new(name: &str) -> Self {
        Self(fixture::Directory::named(name))
    }

    /// Writes a file, which only its owner may read.
    pub(in crate::server) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Lets everybody read a file.
    pub(in crate::server) fn open_to_others(&self, name: &str) {
        fs::set_permissions(self.0.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
}
