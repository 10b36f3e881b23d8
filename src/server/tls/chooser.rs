//! Chooses the certificate for the name that a client asks for.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::pair::Pair;
use crate::settings::{Form, Rejected, Setting};

/// What becomes of a client that asks for a name which no certificate has, or for none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnknownName {
    /// It gets the first certificate.
    First,
    /// It is refused.
    Refuse,
}

impl Setting for UnknownName {
    const EXPECTED: &'static str = "`first` or `refuse`";
    const FORM: Form = Form::Words(&["first", "refuse"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "first" => Ok(Self::First),
            "refuse" => Ok(Self::Refuse),
            _ => Err(Rejected::default()),
        }
    }
}

/// Chooses the certificate for the name that a client asks for.
#[derive(Debug)]
pub(super) struct Chooser {
    keys: Vec<Arc<CertifiedKey>>,
    /// The certificates for each name, which may have keys of several kinds. A name that stands
    /// for many is without its `*`.
    by_name: HashMap<Box<str>, Vec<usize>>,
    /// Those for all other names.
    others: Vec<usize>,
}

impl Chooser {
    pub(super) fn new(pairs: Vec<Pair>, unknown: UnknownName) -> Self {
        let mut by_name: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        let first = pairs.first().map(|pair| pair.names.clone()).unwrap_or_default();
        let mut others = Vec::new();
        let mut keys = Vec::new();
        for (number, Pair { key, names }) in pairs.into_iter().enumerate() {
            if number == 0 || names.iter().any(|name| first.contains(name)) {
                others.push(number);
            }
            for name in names {
                let name = name.strip_prefix('*').unwrap_or(&name);
                by_name.entry(name.into()).or_default().push(number);
            }
            keys.push(key);
        }
        if unknown == UnknownName::Refuse {
            others.clear();
        }
        Self { keys, by_name, others }
    }

    /// The certificates that have a name, by their numbers.
    fn known(&self, name: &str) -> Option<&[usize]> {
        let name = name.to_ascii_lowercase();
        let many = || self.by_name.get(name.get(name.find('.')?..)?);
        self.by_name.get(&*name).or_else(many).map(Vec::as_slice)
    }

    fn find(&self, name: Option<&str>) -> &[usize] {
        name.and_then(|name| self.known(name)).unwrap_or(&self.others)
    }

    /// Whether other certificates have the host of a request than the name by which its connection
    /// began, if there was one.
    pub(super) fn differ(&self, asked: Option<&str>, host: &str, rules: Rules) -> bool {
        // So it is for nearly all, and neither name need be looked up.
        if asked.map_or(rules == Rules::Lenient, |asked| asked.eq_ignore_ascii_case(host)) {
            return false;
        }
        match (asked.and_then(|name| self.known(name)), self.known(host)) {
            (Some(asked), Some(host)) => asked != host,
            (None, Some(host)) => rules == Rules::Strict && host != self.others,
            (Some(_), None) => rules == Rules::Strict,
            (None, None) => false,
        }
    }
}

/// Whether a name that no certificate has counts as one with another certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::server) enum Rules {
    Lenient,
    Strict,
}

impl ResolvesServerCert for Chooser {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = self.find(hello.server_name()).iter().map(|number| &self.keys[*number]);
        let fits =
            |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        // Where none fits, the handshake fails by it and says so.
        found.clone().find(fits).or_else(|| found.clone().next()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::tls::fixture::pair;

    fn chooser(names: &[&[&str]], unknown: UnknownName) -> Chooser {
        Chooser::new(names.iter().map(|names| pair(names)).collect(), unknown)
    }

    #[test]
    fn a_name_stands_before_one_for_many_and_that_before_the_first() {
        let names: [&[&str]; 3] = [&["a.example"], &["*.b.example"], &["c.b.example"]];
        let first = chooser(&names, UnknownName::First);
        let found = |name| first.find(Some(name)).to_vec();
        assert_eq!(found("A.example"), [0]);
        assert_eq!(found("x.b.example"), [1]);
        assert_eq!(found("c.b.example"), [2]);
        for other in ["b.example", "x.y.b.example", "d", "", "."] {
            assert_eq!(found(other), [0], "{other}");
        }
        assert_eq!(first.find(None), [0]);
        let refusing = chooser(&names, UnknownName::Refuse);
        assert_eq!(refusing.find(Some("d")), [0; 0]);
        assert_eq!(refusing.find(None), [0; 0]);
        assert_eq!(refusing.find(Some("x.b.example")), [1]);
    }

    #[test]
    fn keys_of_several_kinds_may_have_a_name() {
        let several = chooser(&[&["a", "b"], &["c"], &["b"]], UnknownName::First);
        assert_eq!(several.find(Some("b")), [0, 2]);
        assert_eq!(several.find(Some("x")), [0, 2]);
    }

    #[test]
    fn a_host_with_another_certificate_differs() {
        let two = chooser(&[&["a", "b"], &["c"]], UnknownName::First);
        let differ = |asked, host| {
            [Rules::Lenient, Rules::Strict].map(|rules| two.differ(asked, host, rules))
        };
        assert_eq!(differ(Some("a"), "B"), [false, false]);
        assert_eq!(differ(Some("a"), "c"), [true, true]);
        assert_eq!(differ(Some("a"), "unknown"), [false, true]);
        assert_eq!(differ(Some("unknown"), "c"), [false, true]);
        assert_eq!(differ(None, "c"), [false, true]);
        assert_eq!(differ(None, "a"), [false, false]);
        assert_eq!(differ(None, "192.0.2.1"), [false, false]);
    }
}
