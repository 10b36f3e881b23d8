//! Finds the app for a request by host and path.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::key::Address;
use super::paths::Paths;
use crate::app::{Request, RequestExt, Scheme};

/// Which app takes which requests.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The paths of each host, or host and port, that some key names.
    hosts: HashMap<Box<[u8]>, Paths<usize>>,
    /// The paths of keys that name no host.
    anywhere: Paths<usize>,
}

/// What was found for a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Mounted {
    pub(super) app: usize,
    /// How much of the path the app is mounted under.
    pub(super) length: usize,
}

impl Table {
    /// Has an app take the requests for an address, whichever took them before.
    pub(super) fn mount(&mut self, address: &Address, app: usize) {
        let paths = match &address.host {
            Some(host) => self.hosts.entry(host.as_bytes().into()).or_default(),
            None => &mut self.anywhere,
        };
        paths.insert(&address.path, app);
    }

    /// The app that takes all requests before they come to an address with a port: that of a key
    /// with the same host and no port.
    pub(super) fn covering(&self, address: &Address) -> Option<usize> {
        let (name, _port) = address.host.as_deref()?.split_once(':')?;
        self.hosts.get(name.as_bytes())?.covering(&address.path)
    }

    /// The app for a request, and how much of its path that app is mounted under.
    pub(super) fn find(&self, request: &Request) -> Option<Mounted> {
        let path = request.path_info();
        let found = self.find_by_host(request, path).or_else(|| self.anywhere.find(path));
        found.map(|(app, length)| Mounted { app, length })
    }

    /// Keys that name a host come first, and those without a port before those with one.
    fn find_by_host(&self, request: &Request, path: &str) -> Option<(usize, usize)> {
        if self.hosts.is_empty() {
            return None;
        }
        let host = request.host()?.bytes().map(|byte| byte.to_ascii_lowercase());
        let mut host: SmallVec<[u8; 64]> = host.collect();
        let name = host.iter().position(|byte| *byte == b':').unwrap_or(host.len());
        let find = |host: &[u8]| self.hosts.get(host).and_then(|paths| paths.find(path));
        find(&host[..name]).or_else(|| {
            if name == host.len() {
                host.extend_from_slice(default_port(request.context().scheme()));
            }
            find(&host)
        })
    }
}

fn default_port(scheme: Scheme) -> &'static [u8] {
    match scheme {
        Scheme::Http => b":80",
        Scheme::Https => b":443",
    }
}
