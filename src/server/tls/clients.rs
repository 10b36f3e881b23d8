//! Which certificates clients may show, or must.

use std::path::Path;
use std::sync::Arc;

use ::aws_lc_rs::digest::{Context, SHA256};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;

use super::Note;
use super::pair::{read_chain, unreadable};
use crate::diagnostic::Diagnostic;
use crate::server::settings::Settings;
use crate::settings::{Form, Rejected, Setting};
use crate::source::Sources;

/// Whether clients show certificates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientAuth {
    /// They are not asked for any.
    Off,
    /// They may. One that is shown must be right.
    Optional,
    /// They must.
    Required,
}

/// With gunicorn's numbers, which are those of Python's module `ssl`.
impl Setting for ClientAuth {
    const EXPECTED: &'static str = "`off`, `optional` or `required`";
    const FORM: Form = Form::Words(&["off", "optional", "required"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "off" | "0" | "CERT_NONE" => Ok(Self::Off),
            "optional" | "1" | "CERT_OPTIONAL" => Ok(Self::Optional),
            "required" | "2" | "CERT_REQUIRED" => Ok(Self::Required),
            _ => Err(Rejected::default()),
        }
    }
}

/// What clients are checked by.
pub(super) struct Clients {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    pub(super) is_asked: bool,
    /// Stands for all of it. A session that began under other rules is not resumed.
    pub(super) binding: [u8; 32],
}

/// Reads what clients are checked by; none if something is wrong, which is noted.
pub(super) fn read(settings: &Settings, sources: &Sources, note: Note<'_>) -> Option<Clients> {
    // As with oslo.service: who says by whom clients are certified means that they must be.
    let unset = settings.ca_file.as_ref().map_or(ClientAuth::Off, |_| ClientAuth::Required);
    let wanted = settings.client_auth.unwrap_or(unset);
    let mut binding = Context::new(&SHA256);
    binding.update(format!("{wanted:?}").as_bytes());
    let verifier = match (wanted, &settings.ca_file) {
        (ClientAuth::Off, _) => WebPkiClientVerifier::no_client_auth(),
        (_, None) => {
            let message = "`client_auth` needs `ca_file`: by it clients are checked";
            note("client_auth", Diagnostic::error("bad-value", message));
            return None;
        }
        (_, Some(authorities)) => {
            verifier((wanted, authorities), (settings, sources), &mut binding, note)?
        }
    };
    let mut whole = [0; 32];
    whole.copy_from_slice(binding.finish().as_ref());
    Some(Clients { verifier, is_asked: wanted != ClientAuth::Off, binding: whole })
}

fn verifier(
    (wanted, authorities): (ClientAuth, &Path),
    (settings, sources): (&Settings, &Sources),
    binding: &mut Context,
    note: Note<'_>,
) -> Option<Arc<dyn ClientCertVerifier>> {
    let chain = read_chain(authorities, sources).map_err(|found| note("ca_file", *found)).ok()?;
    let mut roots = RootCertStore::empty();
    for certificate in chain {
        binding.update(&certificate);
        if roots.add(certificate).is_err() {
            let path = authorities.display();
            let message = format!("`{path}` is of no use: a certificate in it cannot be read");
            note("ca_file", Diagnostic::error("bad-certificate", message));
            return None;
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if let Some(path) = &settings.crl_file {
        let text = sources.secret(path);
        let text = text.map_err(|error| note("crl_file", unreadable(&error))).ok()?;
        binding.update(text.as_bytes());
        let lists = CertificateRevocationListDer::pem_slice_iter(text.as_bytes());
        let lists: Vec<_> = lists.collect::<Result<_, _>>().unwrap_or_default();
        if lists.is_empty() {
            note("crl_file", no_list(path));
            return None;
        }
        // A list of one authority says nothing of the certificates of another.
        builder = builder.with_crls(lists).allow_unknown_revocation_status();
    }
    if wanted == ClientAuth::Optional {
        builder = builder.allow_unauthenticated();
    }
    let built = builder.build();
    built.map_err(|_| note("crl_file", no_list(authorities))).ok()
}

fn no_list(path: &Path) -> Diagnostic {
    let message =
        format!("`{}` is of no use: there is no list in it that can be read", path.display());
    Diagnostic::error("bad-certificate", message).help("expected PEM: `-----BEGIN X509 CRL-----`")
}
