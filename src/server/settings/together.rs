//! What several settings mean together.

use std::time::Duration;

use super::Settings;
use crate::app::Scheme;
use crate::server::address::{Address, Host};
use crate::server::path::Paths;
use crate::settings::{Seconds, Words};

impl Settings {
    /// The addresses to listen at, at least one.
    pub fn addresses(&self) -> Vec<Address> {
        if !self.bind.0.is_empty() {
            return self.bind.0.clone();
        }
        let port = self.port.unwrap_or(9696);
        if self.host.is_empty() {
            return vec![Address::new("127.0.0.1", port)];
        }
        let address = |host: &Host| Address::new(&*host.name, host.port.unwrap_or(port));
        self.host.iter().map(address).collect()
    }

    /// Whether any address is given; if not, there is a default.
    pub fn names_addresses(&self) -> bool {
        !self.bind.0.is_empty() || !self.host.is_empty() || self.port.is_some()
    }

    /// Makes these the addresses to listen at, whatever was set before.
    pub fn bind_to(&mut self, addresses: Vec<Address>) {
        self.bind = Words(addresses);
    }

    /// The settings of the server that tells how this one is; none if there is to be none.
    pub fn admin(&self) -> Option<Self> {
        let bind = self.admin_bind.clone();
        let (socket_mode, socket_owner) = (self.socket_mode, self.socket_owner.clone());
        let retry_until_window = self.retry_until_window;
        (!bind.0.is_empty()).then(|| Self {
            bind,
            // Few ask for numbers, and files are for clients of the others.
            max_connections: Some(100),
            retry_until_window,
            socket_mode,
            socket_owner,
            ..Self::default()
        })
    }

    /// How the paths of requests are made plain.
    pub fn paths(&self) -> Paths {
        Paths {
            dots: self.path_dots,
            double_escapes: self.path_double_escapes,
            escaped_slashes: self.path_escaped_slashes,
            escapes: self.path_escapes,
            nul: self.path_nul,
            parameters: self.path_parameters,
            slashes: self.path_slashes,
        }
    }

    /// The scheme of the URLs that clients come by.
    pub fn scheme(&self) -> Scheme {
        if self.tls_cert.is_empty() { Scheme::Http } else { Scheme::Https }
    }

    /// How long connections that go on in another protocol live on when the server ends; as long
    /// as they do if there is no limit.
    pub(in crate::server) fn upgrade_drain(&self) -> Option<Duration> {
        const USUAL: Duration = Duration::from_secs(10);
        let grace = Some(self.graceful_shutdown_timeout.0).filter(|grace| !grace.is_zero());
        let usual = grace.map_or(USUAL, |grace| USUAL.min(grace / 2));
        let span = self.upgrade_drain_timeout.map_or(usual, |Seconds(span)| span);
        Some(span).filter(|span| !span.is_zero())
    }
}
