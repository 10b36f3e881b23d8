//! Hands requests to the apps of a URL map.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::key::Address;
use super::paths::Paths;
use crate::app::{Answer, App, Request, RequestExt, ResponseFuture, Scheme, response};

/// The app that a URL map is.
#[derive(Debug)]
pub(super) struct Router {
    apps: Vec<App>,
    not_found: Option<usize>,
    /// The paths of each host, or host and port, that some key names.
    hosts: HashMap<Box<[u8]>, Paths<usize>>,
    /// The paths of keys that name no host.
    anywhere: Paths<usize>,
}

impl Router {
    pub(super) fn new(apps: Vec<App>, not_found: Option<usize>) -> Self {
        Self { apps, not_found, hosts: HashMap::new(), anywhere: Paths::default() }
    }

    pub(super) fn mount(&mut self, address: &Address, app: usize) {
        let paths = match &address.host {
            Some(host) => self.hosts.entry(host.as_bytes().into()).or_default(),
            None => &mut self.anywhere,
        };
        paths.insert(&address.path, app);
    }

    /// The app for a request, and how much of its path that app is mounted under.
    fn find(&self, request: &Request) -> Option<(usize, usize)> {
        let path = request.path_info();
        self.find_by_host(request, path).or_else(|| self.anywhere.find(path))
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

impl Answer for Router {
    fn answer(&self, mut request: Request) -> ResponseFuture {
        if let Some((app, length)) = self.find(&request) {
            request.mount(length);
            return self.apps[app].answer(request);
        }
        match self.not_found {
            Some(app) => self.apps[app].answer(request),
            None => ResponseFuture::ready(response::not_found(request.headers())),
        }
    }
}

fn default_port(scheme: Scheme) -> &'static [u8] {
    match scheme {
        Scheme::Http => b":80",
        Scheme::Https => b":443",
    }
}
