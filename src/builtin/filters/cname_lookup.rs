//! Finds the domain of the storage behind the name of a host.

mod resolver;
mod server;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HOST, LOCATION};
use http::{HeaderValue, StatusCode};

use self::resolver::Resolver;
use self::server::NameServer;
use crate::app::{Answer, App, Filter, Request, RequestExt, Response, ResponseFuture, response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Reader};

pub(super) const DEFINITION: Definition = Definition::filter::<CnameLookup>("cname_lookup")
    .aliases(ALIASES)
    .outside_of(&[("domain_remap", "the host would not be known yet")]);

const ALIASES: &[Alias] = &[
    Alias::of("egg:swift#cname_lookup").dialect(SWIFT).note(NOTE),
    Alias::of("swift.common.middleware.cname_lookup:filter_factory").dialect(SWIFT).note(NOTE),
];

const SWIFT: Dialect = Dialect::lenient()
    .globals(&["lookup_depth", "nameservers", "storage_domain"])
    .ignored(super::SWIFT_LOG);

const NOTE: &str = "The original remembers answers in memcached if the filter `memcache` stands \
    before it, and asks for every request if not; each worker remembers them here. It reads \
    `[::1]` as a name.";

settings! {
    /// Takes requests for a name that is an alias (CNAME) of one in `storage_domain` for requests
    /// for that one: with `www.example.org` an alias of `photos.auth-alice.storage.example.com`, the
    /// filters and the app see the latter as the host.
    ///
    /// Aliases of aliases are followed to `lookup_depth`. A host that leads nowhere is refused with
    /// 400; one within `storage_domain`, or one that is an address, passes as it is. `Location` in
    /// an answer names the host that the client asked for. What DNS answers is remembered for as
    /// long as it says.
    ///
    /// ```ini
    /// [filter:cname_lookup]
    /// use = egg:pasteline#cname_lookup
    /// storage_domain = storage.example.com
    /// lookup_depth = 2
    /// ```
    struct CnameLookup {
        /// The domains of the storage; if the list is empty, nothing is looked up.
        storage_domain: Vec<String> = "example.com",
        /// How many aliases are followed at most, at least 1.
        lookup_depth: u8 = "1",
        /// The name servers to ask: addresses, each with `:port` or without. Unless set, those of
        /// the system.
        nameservers: Vec<NameServer>,
    }
}

impl FilterFactory for CnameLookup {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.lookup_depth == 0 {
            reader.reject(
                "lookup_depth",
                "it is at least 1; leave the filter out to look up nothing",
            );
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        if self.storage_domain.is_empty() {
            return Ok(Filter::pass());
        }
        let domain =
            |domain: &String| format!(".{}", domain.trim_start_matches('.').to_lowercase());
        let lookup = Arc::new(Lookup {
            domains: self.storage_domain.iter().map(domain).collect(),
            depth: self.lookup_depth,
            resolver: Resolver::new(&self.nameservers),
        });
        Ok(Filter::wrap(move |next| App::new(Mapped { lookup: Arc::clone(&lookup), next })))
    }
}

struct Lookup {
    /// The domains of the storage, each with the point before it.
    domains: Vec<String>,
    depth: u8,
    resolver: Resolver,
}

/// An app that sees the host of the storage.
struct Mapped {
    lookup: Arc<Lookup>,
    next: App,
}

impl Answer for Mapped {
    fn answer(&self, request: Request) -> ResponseFuture {
        let Some(host) = request.host().filter(|host| self.lookup.is_elsewhere(host)) else {
            return self.next.answer(request);
        };
        let (host, lookup, next) = (host.to_owned(), Arc::clone(&self.lookup), self.next.clone());
        ResponseFuture::new(async move { lookup.pass(request, &host, &next).await })
    }
}

impl Lookup {
    /// Whether a host is a name outside of the storage.
    fn is_elsewhere(&self, host: &str) -> bool {
        let (name, _) = parts(host);
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let is_address = address.unwrap_or(name).parse::<IpAddr>().is_ok();
        !is_address && !self.is_storage(name)
    }

    fn is_storage(&self, name: &str) -> bool {
        let name = format!(".{}", name.to_ascii_lowercase());
        self.domains.iter().any(|domain| name.ends_with(domain))
    }

    async fn pass(&self, mut request: Request, host: &str, next: &App) -> Response {
        let (name, port) = parts(host);
        let found = match self.find(name).await {
            Ok(found) => found,
            Err(refusal) => return response::text(StatusCode::BAD_REQUEST, refusal),
        };
        let mapped = port.map_or_else(|| found.clone(), |port| format!("{found}:{port}"));
        let Ok(value) = HeaderValue::from_str(&mapped) else {
            return response::text(StatusCode::BAD_REQUEST, NOWHERE);
        };
        tracing::debug!(%host, %mapped, "a host is an alias");
        request.headers_mut().insert(HOST, value);
        let mut response = next.answer(request).await;
        restore(&mut response, &mapped, host);
        response
    }

    /// The name in the storage that a name is an alias of.
    async fn find(&self, name: &str) -> Result<String, String> {
        let mut name = name.to_owned();
        for _ in 0..self.depth {
            match self.resolver.alias(&name).await {
                Some(found) if found.eq_ignore_ascii_case(&name) => return Err(NOWHERE.to_owned()),
                Some(found) if !is_host(&found) => return Err(NOWHERE.to_owned()),
                Some(found) if self.is_storage(&found) => return Ok(found),
                Some(found) => name = found,
                None => return Err(NOWHERE.to_owned()),
            }
        }
        Err(format!("CNAME lookup failed after {} tries", self.depth))
    }
}

/// What clients know from Swift.
const NOWHERE: &str = "CNAME lookup failed to resolve to a valid domain";

/// Whether a name can be one of a host: whoever owns a zone may write anything in it.
fn is_host(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// The name and the port of a host. One that ends in a colon has none.
fn parts(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => {
            (name, Some(port).filter(|port| !port.is_empty()))
        }
        _ => (host, None),
    }
}

/// Has `Location` name the host that the client asked for.
fn restore(response: &mut Response, mapped: &str, asked: &str) {
    let Some(location) = response.headers().get(LOCATION).and_then(|value| value.to_str().ok())
    else {
        return;
    };
    let restored = ["http://", "https://"].into_iter().find_map(|scheme| {
        let rest = location.strip_prefix(scheme)?.strip_prefix(mapped)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{scheme}{asked}{rest}"))
    });
    if let Some(Ok(value)) = restored.map(HeaderValue::try_from) {
        response.headers_mut().insert(LOCATION, value);
    }
}
