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

/// Refuses that clients are to be checked where they are not asked for anything.
pub(super) fn refuse_in_clear(settings: &Settings, note: Note<'_>) {
    let is_asked = settings.client_auth.is_some_and(|wanted| wanted != ClientAuth::Off);
    let is_off = settings.client_auth == Some(ClientAuth::Off);
    let given = [
        ("client_auth", is_asked),
        ("ca_file", settings.ca_file.is_some() && !is_off),
        ("crl_file", settings.crl_file.is_some() && !is_off),
    ];
    for (option, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
        let message = format!(
            "`{option}` needs `tls_cert`: without it nothing is encrypted, and no client shows a \
             certificate"
        );
        note(option, Diagnostic::error("bad-value", message));
    }
}

/// Reads what clients are checked by; none if something is wrong, which is noted.
pub(super) fn read(settings: &Settings, sources: &Sources, note: Note<'_>) -> Option<Clients> {
    // As with oslo.service: who says by whom clients are certified means that they must be.
    let unset = settings.ca_file.as_ref().map_or(ClientAuth::Off, |_| ClientAuth::Required);
    let wanted = settings.client_auth.unwrap_or(unset);
    if let (Some(_), None) = (&settings.crl_file, &settings.ca_file) {
        let message = "`crl_file` needs `ca_file`: the authorities whose lists it has";
        note("crl_file", Diagnostic::error("bad-value", message));
        return None;
    }
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
    // Nothing but the lists can be at fault by now.
    let lists = settings.crl_file.as_deref().unwrap_or(authorities);
    builder.build().map_err(|_| note("crl_file", no_list(lists))).ok()
}

fn no_list(path: &Path) -> Diagnostic {
    let message =
        format!("`{}` is of no use: there is no list in it that can be read", path.display());
    Diagnostic::error("bad-certificate", message).help("expected PEM: `-----BEGIN X509 CRL-----`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::tls::fixture::{Authority, Directory};

    fn faults(settings: &Settings) -> Vec<String> {
        let mut found = Vec::new();
        let mut note = |option, told: Diagnostic| found.push(format!("{option}: {}", told.message));
        if settings.tls_cert.is_empty() {
            refuse_in_clear(settings, &mut note);
        } else {
            assert!(read(settings, &Sources::default(), &mut note).is_none());
        }
        found
    }

    #[test]
    fn nobody_is_checked_in_clear() {
        let directory = Directory::new("in-clear");
        let authority = directory.file("ca.pem", Authority::new("one").pem());
        let mut settings = Settings { ca_file: Some(authority), ..Settings::default() };
        let needs = "needs `tls_cert`: without it nothing is encrypted, and no client shows a \
                     certificate";
        assert_eq!(faults(&settings), [format!("ca_file: `ca_file` {needs}")]);
        settings.client_auth = Some(ClientAuth::Off);
        assert_eq!(faults(&settings), [""; 0], "it is turned off by intention");
        settings.client_auth = Some(ClientAuth::Required);
        settings.ca_file = None;
        assert_eq!(faults(&settings), [format!("client_auth: `client_auth` {needs}")]);
    }

    #[test]
    fn a_bad_list_is_told_by_its_own_name() {
        let directory = Directory::new("lists");
        let list = "-----BEGIN X509 CRL-----\nYQ==\n-----END X509 CRL-----\n";
        let list = directory.file("list.pem", list);
        let mut settings = Settings { crl_file: Some(list.clone()), ..Settings::default() };
        settings.tls_cert.push("cert.pem".into());
        let expected = "crl_file: `crl_file` needs `ca_file`: the authorities whose lists it has";
        assert_eq!(faults(&settings), [expected]);
        settings.ca_file = Some(directory.file("ca.pem", Authority::new("one").pem()));
        let no_list = "is of no use: there is no list in it that can be read";
        let expected = format!("crl_file: `{}` {no_list}", list.display());
        assert_eq!(faults(&settings), [expected]);
    }
}
