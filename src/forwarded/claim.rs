//! What the headers of proxies tell of a request, as far as it can be believed.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;
use smallvec::SmallVec;

use super::header::{self, Element};
use crate::app::Scheme;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// The headers that tell of proxies. One look at every name costs less than to search for each.
pub(super) struct Told<'a>(SmallVec<[(&'a HeaderName, &'a HeaderValue); 6]>);

impl<'a> Told<'a> {
    pub(super) fn by(headers: &'a HeaderMap) -> Self {
        let is_told = |(name, _): &(&HeaderName, _)| {
            let name = name.as_str();
            name.strip_prefix("x-").unwrap_or(name).starts_with("forwarded")
        };
        Self(headers.iter().filter(is_told).collect())
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the headers is there that stand beside `Forwarded`.
    fn has_plain(&self) -> bool {
        self.0.iter().any(|(name, _)| [FOR, PROTO, HOST, PREFIX].contains(name))
    }

    /// The values of a header, in their order.
    pub(super) fn values(
        &self,
        name: HeaderName,
    ) -> impl DoubleEndedIterator<Item = &'a HeaderValue> {
        let named = self.0.iter().filter(move |(told, _)| **told == name);
        named.map(|(_, value)| *value)
    }
}

/// What proxies tell of a request, as far as it can be believed.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Claim {
    pub(super) client: Option<IpAddr>,
    pub(super) scheme: Option<Scheme>,
    pub(super) host: Option<Authority>,
    /// Without a slash at its end.
    pub(super) prefix: Option<HeaderValue>,
}

/// Why nothing that is told can be believed, for the client to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Contradiction(pub(super) &'static str);

impl Claim {
    /// Makes a claim of what is told; those are proxies that `trusts` says.
    pub(super) fn of(
        told: &Told<'_>,
        trusts: impl Fn(IpAddr) -> bool,
    ) -> Result<Self, Contradiction> {
        if told.values(FORWARDED).next().is_none() {
            return Ok(Self::plain(told, trusts));
        }
        // A proxy adds its element to whatever the client sent: if that cannot be read, neither
        // can the proxy's.
        let elements = header::parse(told.values(FORWARDED))
            .ok_or(Contradiction("The header Forwarded is malformed."))?;
        let standard = Self::standard(&elements, &trusts);
        // A proxy that writes one kind passes the other on as the client sent it. So what only
        // one of them tells may be the client's, and cannot be left out either: its client could
        // so hide an address or a scheme.
        if told.has_plain() && standard != Self::plain(told, trusts) {
            return Err(Contradiction(
                "The headers Forwarded and X-Forwarded do not tell the same.",
            ));
        }
        Ok(standard)
    }

    /// What `Forwarded` tells, by the element of the outermost trusted proxy.
    fn standard(elements: &[Element<'_>], trusts: impl Fn(IpAddr) -> bool) -> Self {
        let nodes = elements.iter().rev().map(|element| address(element.node.as_deref()?));
        let (client, hop) = outermost(nodes, trusts);
        let Some(element) = elements.iter().rev().nth(hop) else { return Self::default() };
        Self {
            client,
            scheme: element.scheme.as_deref().and_then(scheme),
            host: element.host.as_deref().and_then(host),
            prefix: None,
        }
    }

    /// What `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` tell.
    fn plain(told: &Told<'_>, trusts: impl Fn(IpAddr) -> bool) -> Self {
        let (client, _) = outermost(from_the_right(told, FOR).map(address), trusts);
        // Nothing says which proxies add to these lists, so that the last item alone is certain to
        // be a proxy's: a list in which only some have written may begin with the client's word.
        let value = |name| from_the_right(told, name).next();
        Self {
            client,
            scheme: value(PROTO).and_then(scheme),
            host: value(HOST).and_then(host),
            prefix: told.values(PREFIX).next_back().and_then(prefix),
        }
    }
}

/// The items of a list that may stand in several headers, from the right.
fn from_the_right<'a>(told: &Told<'a>, name: HeaderName) -> impl Iterator<Item = &'a str> {
    let values = told.values(name).rev();
    values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(',')).map(str::trim)
}

/// The client, and which of the hops, counted from the right, told of it: the first that is no
/// trusted proxy, as what is to the left of it is that one's word.
fn outermost(
    nodes: impl Iterator<Item = Option<IpAddr>>,
    trusts: impl Fn(IpAddr) -> bool,
) -> (Option<IpAddr>, usize) {
    let mut told = (None, 0);
    for (hop, node) in nodes.enumerate() {
        let Some(node) = node else { return (told.0, hop) };
        told = (Some(node), hop);
        if !trusts(node) {
            break;
        }
    }
    told
}

/// The address of a node: with or without a port, an IPv6 one with or without brackets. None if
/// it is unknown or hidden.
fn address(node: &str) -> Option<IpAddr> {
    let bare = || node.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let address = node.parse().ok();
    let address = address.or_else(|| node.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.or_else(|| bare().map(IpAddr::V6)).map(|address| address.to_canonical())
}

fn scheme(name: &str) -> Option<Scheme> {
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|scheme| name.eq_ignore_ascii_case(scheme.name()))
}

/// A host with or without a port; no user.
fn host(text: &str) -> Option<Authority> {
    let host: Authority = text.parse().ok()?;
    if host.host().is_empty() || text.contains('@') { None } else { Some(host) }
}

/// A prefix that is a path; without the slash at its end.
fn prefix(value: &HeaderValue) -> Option<HeaderValue> {
    let path = value.to_str().ok()?.trim_end_matches('/');
    // What begins with two slashes is a host where a client resolves a link.
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', ',']);
    if is_path { HeaderValue::from_str(path).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::settings::{Network, Setting};

    /// What headers, given as lines, tell where private addresses are trusted:
    /// `client scheme host`, a dash for what is missing.
    fn told(lines: &str) -> String {
        let mut headers = HeaderMap::new();
        for line in lines.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let private = Network::parse("private").unwrap();
        match Claim::of(&Told::by(&headers), |address| private.contains(address)) {
            Err(Contradiction(reason)) => reason.to_owned(),
            Ok(Claim { client, scheme, host, .. }) => {
                let client = client.map(|client| client.to_string());
                let scheme = scheme.map(|scheme| scheme.name().to_owned());
                let parts = [client, scheme, host.map(|host| host.to_string())];
                parts.map(|part| part.unwrap_or_else(|| "-".to_owned())).join(" ")
            }
        }
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxy_is_the_client() {
        assert_eq!(told("x-forwarded-for: 192.0.2.1"), "192.0.2.1 - -");
        assert_eq!(told("x-forwarded-for: 203.0.113.6, 192.0.2.1"), "192.0.2.1 - -");
        assert_eq!(told("x-forwarded-for: 6.6.6.6, 192.0.2.1, 10.0.0.2,10.0.0.1"), "192.0.2.1 - -");
        assert_eq!(told("x-forwarded-for: 6.6.6.6\nx-forwarded-for: 192.0.2.1"), "192.0.2.1 - -");
        assert_eq!(told("forwarded: for=6.6.6.6, for=192.0.2.1, for=10.0.0.1"), "192.0.2.1 - -");
    }

    #[test]
    fn where_all_are_trusted_the_first_is_the_client() {
        assert_eq!(told("x-forwarded-for: 10.0.0.3, 10.0.0.2"), "10.0.0.3 - -");
    }

    #[test]
    fn addresses_have_many_forms() {
        for (form, address) in [
            ("192.0.2.1:8080", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(told(&format!("x-forwarded-for: {form}")), format!("{address} - -"));
            assert_eq!(told(&format!("forwarded: for=\"{form}\"")), format!("{address} - -"));
        }
    }

    #[test]
    fn what_is_left_of_something_unreadable_is_not_believed() {
        for unreadable in ["unknown", "_hidden", "", "192.0.2.999", "<script>", "\u{e9}"] {
            assert_eq!(told(&format!("x-forwarded-for: 6.6.6.6, {unreadable}")), "- - -");
            let list = format!("x-forwarded-for: 6.6.6.6, {unreadable}\nx-forwarded-for: 10.0.0.1");
            assert_eq!(told(&list), "10.0.0.1 - -");
        }
    }

    #[test]
    fn the_proxy_that_saw_the_client_tells_scheme_and_host_too() {
        let list = "forwarded: for=6.6.6.6;proto=http;host=evil, \
            for=192.0.2.1;proto=https;host=api.example, for=10.0.0.1;proto=http;host=inside";
        assert_eq!(told(list), "192.0.2.1 https api.example");
    }

    #[test]
    fn of_other_lists_the_last_item_counts_as_a_proxy_has_written_it() {
        let list = "x-forwarded-for: 192.0.2.1, 10.0.0.5\nx-forwarded-proto: http, https\n\
            x-forwarded-host: evil.example, real.example";
        assert_eq!(told(list), "192.0.2.1 https real.example");
        let list = "x-forwarded-for: 192.0.2.1, 10.0.0.5, 10.0.0.6\nx-forwarded-host: evil\n\
            x-forwarded-host: real";
        assert_eq!(told(list), "192.0.2.1 - real");
    }

    #[test]
    fn of_several_prefixes_the_last_counts() {
        let told = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(PREFIX, HeaderValue::from_static(line));
            }
            let claim = Claim::of(&Told::by(&headers), |_| true).unwrap();
            claim.prefix.map(|prefix| prefix.to_str().unwrap().to_owned())
        };
        assert_eq!(told(&["/evil", "/network"]).as_deref(), Some("/network"));
        assert_eq!(told(&["/network", "evil"]), None);
    }

    #[test]
    fn one_scheme_holds_for_all_hops() {
        let list = "x-forwarded-for: 192.0.2.1, 10.0.0.1\nx-forwarded-proto: HTTPS";
        assert_eq!(told(list), "192.0.2.1 https -");
    }

    #[test]
    fn only_schemes_and_hosts_are_told() {
        assert_eq!(told("x-forwarded-proto: \"https\"\nx-forwarded-host: a/b"), "- - -");
        assert_eq!(told("x-forwarded-proto: javascript\nx-forwarded-host: user@a"), "- - -");
        assert_eq!(told("forwarded: proto=\"https\";host=\"a:80\""), "- https a:80");
    }

    #[test]
    fn both_kinds_must_tell_the_same() {
        let both = |forwarded: &str| {
            told(&format!(
                "forwarded: {forwarded}\nx-forwarded-for: 192.0.2.1\nx-forwarded-proto: https"
            ))
        };
        assert_eq!(both("for=192.0.2.1;proto=https"), "192.0.2.1 https -");
        assert_eq!(
            both("for=10.9.9.9;proto=https, for=192.0.2.1;proto=HTTPS"),
            "192.0.2.1 https -"
        );
        let contradiction = "The headers Forwarded and X-Forwarded do not tell the same.";
        for forwarded in [
            "for=10.9.9.9;proto=https",
            "for=192.0.2.1;proto=http",
            "for=192.0.2.1;proto=https;host=evil",
            "for=192.0.2.1",
            "proto=https",
            "host=evil",
            "",
        ] {
            assert_eq!(both(forwarded), contradiction, "{forwarded}");
        }
        for plain in ["x-forwarded-host: evil", "x-forwarded-prefix: /evil"] {
            assert_eq!(told(&format!("forwarded: for=192.0.2.1\n{plain}")), contradiction);
        }
        let others = "forwarded: for=192.0.2.1\nx-forwarded-port: 443\nx-forwarded-server: a";
        assert_eq!(told(others), "192.0.2.1 - -");
        assert_eq!(both("for=\"10.9.9.9"), "The header Forwarded is malformed.");
    }
}
