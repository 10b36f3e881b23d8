//! The keys of a URL map: `/v2.0`, `domain example.com port 8080 /v2.0`.

use crate::syntax::{self, MountPart};

/// The words of a key, by what they are for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key<'key> {
    domain: Option<&'key str>,
    port: Option<&'key str>,
    path: Option<&'key str>,
}

/// What requests a key takes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Address {
    /// The host in lower case, and the port if the key names one; none for any host.
    pub(super) host: Option<String>,
    /// The path, no slash doubled and none at its end: empty for every path.
    pub(super) path: String,
}

/// What is wrong with a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault<'key> {
    pub(super) message: String,
    /// The word at fault; none for the whole key.
    pub(super) word: Option<&'key str>,
    /// The name of Python's error.
    pub(super) class: &'static str,
}

impl<'key> Fault<'key> {
    fn value(message: impl Into<String>, word: impl Into<Option<&'key str>>) -> Self {
        Self { message: message.into(), word: word.into(), class: "ValueError" }
    }
}

impl<'key> Key<'key> {
    /// Sorts the words of a key.
    pub(super) fn parse(text: &'key str) -> Result<Self, Fault<'key>> {
        let mut key = Self::default();
        for part in syntax::mount(text) {
            match part {
                MountPart::Domain(domain) => fill(&mut key.domain, "domain", domain)?,
                MountPart::Port(port) => fill(&mut key.port, "port", port)?,
                MountPart::Path(path) => key.add_path(path)?,
            }
        }
        if key.port.is_some() && key.domain.is_none() {
            return Err(Fault::value(
                "a port needs a domain, which the key does not give",
                key.port,
            ));
        }
        Ok(key)
    }

    fn add_path(&mut self, path: &'key str) -> Result<(), Fault<'key>> {
        match self.path.replace(path) {
            None => Ok(()),
            Some(first) => {
                Err(Fault::value(format!("a key has one path, not `{first}` and `{path}`"), path))
            }
        }
    }

    /// The address, as Paste normalises it.
    pub(super) fn address(self) -> Result<Address, Fault<'key>> {
        let path = self.path.unwrap_or_default();
        let Some(domain) = self.domain else {
            if !path.is_empty() && !path.starts_with('/') {
                let message = format!("the path `{path}` does not begin with `/`");
                return Err(Fault { message, word: Some(path), class: "AssertionError" });
            }
            return Ok(Address { host: None, path: normalize(path) });
        };
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        // What follows a slash in the domain is a part of the path.
        let url = format!("{domain}{port}/{path}");
        let (host, path) = url.split_once('/').unwrap_or((&url, ""));
        let host = Some(host.to_lowercase()).filter(|host| !host.is_empty());
        Ok(Address { host, path: normalize(&format!("/{path}")) })
    }
}

/// Whether a request may name a host, and perhaps a port, as [`Address::host`] has it. An address
/// of version 6 has colons, at which a key would end.
pub(super) fn is_possible(host: &str) -> bool {
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    name.bytes().all(is_part) && port.is_none_or(is_port)
}

fn fill<'key>(
    place: &mut Option<&'key str>,
    name: &'static str,
    word: Option<&'key str>,
) -> Result<(), Fault<'key>> {
    let Some(word) = word else {
        return Err(Fault::value(format!("nothing follows `{name}`"), None));
    };
    match place.replace(word) {
        None => Ok(()),
        Some(_) => Err(Fault::value(format!("`{name}` is given twice"), word)),
    }
}

/// Makes one slash of several and takes those at the end away.
fn normalize(path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.flat_map(|segment| ["/", segment]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<(Option<String>, String), (&'static str, String)> {
        let address = Key::parse(text).and_then(Key::address);
        address
            .map(|address| (address.host, address.path))
            .map_err(|fault| (fault.class, fault.message))
    }

    #[test]
    fn a_key_stands_for_an_address() {
        for (text, host, path) in [
            ("/", None, ""),
            ("//v2//servers//", None, "/v2/servers"),
            ("domain example.com", Some("example.com"), ""),
            ("/x port 81 domain B.org", Some("b.org:81"), "/x"),
            ("domain a.org x/y", Some("a.org"), "/x/y"),
            ("domain a.org/x /y", Some("a.org"), "/x/y"),
            ("/v2.1/+", None, "/v2.1/+"),
        ] {
            assert_eq!(address(text), Ok((host.map(str::to_owned), path.to_owned())), "{text}");
        }
    }

    #[test]
    fn knows_which_hosts_are_possible() {
        for (host, expected) in [
            ("api.example.com", true),
            ("my_host:8080", true),
            ("*.example.com", false),
            ("example.com:http", false),
            ("example.com:0", false),
            ("bücher.example.com", false),
            ("me@example.com", false),
        ] {
            assert_eq!(is_possible(host), expected, "{host}");
        }
    }

    #[test]
    fn a_bad_key_is_refused_as_paste_refuses_it() {
        for (text, class, message) in [
            ("/a domain", "ValueError", "nothing follows `domain`"),
            ("domain a domain b", "ValueError", "`domain` is given twice"),
            ("domain a port", "ValueError", "nothing follows `port`"),
            ("domain a port 1 port 2", "ValueError", "`port` is given twice"),
            ("/a b", "ValueError", "a key has one path, not `/a` and `b`"),
            ("port 80 /a", "ValueError", "a port needs a domain, which the key does not give"),
            ("debug", "AssertionError", "the path `debug` does not begin with `/`"),
        ] {
            assert_eq!(address(text), Err((class, message.to_owned())), "{text}");
        }
    }
}
