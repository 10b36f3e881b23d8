//! By which certificates Keystone is trusted, and what is shown to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
};

use crate::registry::Error;

/// Files of certificates and keys, all in PEM.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) struct Files {
    pub(in crate::builtin::filters) authorities: Authorities,
    /// The certificate that is shown to the server, and its key.
    pub(in crate::builtin::filters) own: Option<(PathBuf, PathBuf)>,
}

/// Whose signature a server's certificate needs.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) enum Authorities {
    /// Nobody's.
    Anyone,
    /// That of one in a file.
    File(PathBuf),
    /// That of one the system knows.
    System,
}

impl Files {
    /// Reads the files.
    pub(in crate::builtin::filters) fn read(self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new("no version of TLS can be spoken").caused_by(error))?;
        let builder = match self.authorities {
            Authorities::Anyone => {
                let verifier = Arc::new(Trusting(provider));
                builder.dangerous().with_custom_certificate_verifier(verifier)
            }
            Authorities::File(path) => builder.with_root_certificates(roots(&path)?),
            Authorities::System => builder.with_root_certificates(roots_of_system()),
        };
        show(builder, self.own)
    }
}

fn show(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    own: Option<(PathBuf, PathBuf)>,
) -> Result<ClientConfig, Error> {
    let Some((certificate, key)) = own else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(&certificate)?;
    let key = PrivateKeyDer::from_pem_file(&key).map_err(|error| {
        Error::new(format!("`{}` holds no private key", key.display())).caused_by(error)
    })?;
    builder.with_client_auth_cert(chain, key).map_err(|error| {
        let path = certificate.display();
        Error::new(format!("the certificate `{path}` cannot be shown")).caused_by(error)
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unreadable =
        |error| Error::new(format!("`{}` holds no certificates", path.display())).caused_by(error);
    let read = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
    let certificates: Vec<_> = read.collect::<Result<_, _>>().map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(Error::new(format!("`{}` holds no certificates", path.display())));
    }
    Ok(certificates)
}

fn roots(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| {
            Error::new(format!("a certificate of `{}` is broken", path.display())).caused_by(error)
        })?;
    }
    Ok(roots)
}

/// Those that cannot be read are left out: they stand beside hundreds of others.
fn roots_of_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!("the system knows no certificate authorities; set `cafile`");
    }
    roots
}

/// Trusts whoever answers, as `insecure` asks for.
#[derive(Debug)]
struct Trusting(Arc<CryptoProvider>);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
