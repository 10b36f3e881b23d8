//! What encrypts the connections of a server: certificates, and who may connect.

mod chooser;
mod ciphers;
mod clients;
#[cfg(test)]
pub(super) mod fixture;
mod pair;
mod tickets;
mod versions;

pub use self::chooser::UnknownName;
pub use self::ciphers::Ciphers;
pub use self::clients::ClientAuth;
pub use self::tickets::{TICKET_PERIOD, TicketKeys, Tickets};
pub use self::versions::Version;

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;

use self::chooser::{Chooser, Rules};
use self::tickets::Ticketer;
use super::host::without_port;
use super::settings::Settings;
use crate::diagnostic::Diagnostic;
use crate::settings::Reader;
use crate::source::Sources;

/// What encrypts the connections of a server. Clones share it.
#[derive(Clone)]
pub struct Tls {
    pub(super) config: Arc<ServerConfig>,
    chooser: Arc<Chooser>,
    /// By which rules the host of a request is held against the name of its connection.
    rules: Rules,
}

/// What is found on the way, and the option that it is about.
type Note<'a> = &'a mut dyn FnMut(&'static str, Diagnostic);

impl Tls {
    /// Reads what the settings name; none if connections are not to be encrypted. Sessions are
    /// resumed by the tickets of this process.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn load(settings: &Settings, sources: &Sources) -> Result<Option<Self>, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let mut note =
            |_, found: Diagnostic| faults.extend(Some(found).filter(Diagnostic::is_error));
        let tls = Self::read(settings, sources, &mut note);
        if faults.is_empty() { Ok(tls) } else { Err(faults) }
    }

    /// Notes with the reader what is wrong with what the settings name. It reads these files.
    pub(super) fn check(settings: &Settings, reader: &mut Reader<'_>) {
        let mut found = Vec::new();
        let mut note = |option, diagnostic| found.push((option, diagnostic));
        Self::read(settings, reader.sources(), &mut note);
        for (option, diagnostic) in found {
            reader.note(option, diagnostic);
        }
    }

    fn read(settings: &Settings, sources: &Sources, note: Note<'_>) -> Option<Self> {
        let pairs = pair::read_all(settings, sources, note);
        if settings.tls_cert.is_empty() {
            clients::refuse_in_clear(settings, note);
            return None;
        }
        let clients = clients::read(settings, sources, note);
        let provider = provider(settings);
        let versions: Vec<_> = versions::chosen(&settings.tls_versions.0);
        let builder = ServerConfig::builder_with_provider(Arc::new(provider));
        let Ok(builder) = builder.with_protocol_versions(&versions) else {
            let message = "`tls_ciphers` has none for the versions of `tls_versions`";
            note("tls_ciphers", Diagnostic::error("bad-value", message));
            return None;
        };
        let clients::Clients { verifier, binding, is_asked } = clients?;
        let chooser = Arc::new(Chooser::new(pairs?, settings.tls_unknown_name));
        let builder = builder.with_client_cert_verifier(verifier);
        let mut config = builder.with_cert_resolver(Arc::clone(&chooser) as _);
        config.alpn_protocols = settings.http2.offered();
        config.ticketer = Arc::new(Ticketer::new(Tickets::of_this_process(), binding));
        // Sessions are in tickets, which any process can read.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // The client knows best what is quick on its machine, and no suite is weak.
        config.ignore_client_order = false;
        let rules = if is_asked { Rules::Strict } else { Rules::Lenient };
        Some(Self { config: Arc::new(config), chooser, rules })
    }
}

impl Tls {
    /// Whether a request is for somebody else than the client asked for when the connection
    /// began: for a host with other certificates. Where clients show certificates, whoever asks
    /// by one name must not be served under another, known or not.
    pub(super) fn is_misdirected(&self, asked: Option<&str>, host: &str) -> bool {
        self.chooser.differ(asked, without_port(host), self.rules)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.chooser).finish()
    }
}

/// The cryptography, with the suites that the settings choose.
fn provider(settings: &Settings) -> CryptoProvider {
    let provider = aws_lc_rs::default_provider();
    let Some(chosen) = ciphers::chosen(&settings.tls_ciphers) else { return provider };
    CryptoProvider { cipher_suites: chosen, ..provider }
}
