//! The cipher suites, in the names of OpenSSL, IANA and rustls.

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;

use crate::diagnostic::nearest;
use crate::settings::{Rejected, Setting};

/// One name in a list of ciphers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Cipher(Choice);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Choice {
    /// Those whose OpenSSL name begins and ends with these.
    Like(&'static str, &'static str),
    /// None: what it takes away was never there.
    Nothing,
    /// One, by its OpenSSL name.
    One(&'static str),
}

/// Each suite by the name that OpenSSL has for it and by that of IANA. Those of rustls are the
/// latter, with `TLS13` for `TLS` where only that version has it.
const NAMES: [(&str, &str); 9] = [
    ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    ("TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
];

/// The words of OpenSSL for several suites at once.
const GROUPS: [(&str, Choice); 11] = [
    ("AESGCM", Choice::Like("ECDHE-", "")),
    ("ALL", Choice::Like("", "")),
    ("CHACHA20", Choice::Like("ECDHE-", "CHACHA20-POLY1305")),
    ("DEFAULT", Choice::Like("", "")),
    ("ECDHE", Choice::Like("ECDHE-", "")),
    ("ECDHE+AESGCM", Choice::Like("ECDHE-", "GCM")),
    ("ECDHE+CHACHA20", Choice::Like("ECDHE-", "CHACHA20-POLY1305")),
    ("EECDH", Choice::Like("ECDHE-", "")),
    ("EECDH+AESGCM", Choice::Like("ECDHE-", "GCM")),
    ("HIGH", Choice::Like("", "")),
    ("SECURE", Choice::Like("", "")),
];

/// Names of cipher suites, as OpenSSL lists them: `ECDHE-RSA-AES128-GCM-SHA256:HIGH:!aNULL`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ciphers(Vec<Cipher>);

impl Setting for Ciphers {
    const EXPECTED: &'static str =
        "cipher suites by the names of OpenSSL or IANA, separated by colons, commas or blanks";
    const OPTIONAL: bool = true;

    fn parse(text: &str) -> Result<Self, Rejected> {
        let mut ciphers = Vec::new();
        for name in text.split([':', ',', ' ', '\t', '\n']).filter(|name| !name.is_empty()) {
            let start = name.as_ptr() as usize - text.as_ptr() as usize;
            let cipher = Cipher::parse(name)
                .map_err(|reason| Rejected::because(reason).at(start, start + name.len()))?;
            ciphers.push(cipher);
        }
        Ok(Self(ciphers))
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

impl Cipher {
    fn parse(text: &str) -> Result<Self, String> {
        // No suite that anyone takes away is there: none is weak. `@STRENGTH` only sorts.
        if text.starts_with(['!', '-', '@']) {
            return Ok(Self(Choice::Nothing));
        }
        let upper = text.to_ascii_uppercase();
        let name = upper
            .strip_prefix("TLS13_")
            .map_or_else(|| upper.clone(), |rest| format!("TLS_{rest}"));
        if let Some((openssl, _)) = NAMES.iter().find(|names| names.0 == name || names.1 == name) {
            return Ok(Self(Choice::One(openssl)));
        }
        if let Some((_, choice)) = GROUPS.iter().find(|(group, _)| *group == name) {
            return Ok(Self(*choice));
        }
        let known = NAMES.iter().flat_map(|names| [names.0, names.1]);
        let near = nearest(text, known).map(|near| format!(": did you mean `{near}`?"));
        let near = near.unwrap_or_else(|| {
            let names: Vec<_> = NAMES.iter().map(|names| format!("`{}`", names.0)).collect();
            format!(": there are {}", names.join(", "))
        });
        Err(format!("`{text}` is no cipher suite that is safe to offer{near}"))
    }

    fn has(self, name: &str) -> bool {
        match self.0 {
            Choice::Like(start, part) => name.starts_with(start) && name.contains(part),
            Choice::Nothing => false,
            Choice::One(one) => name == one,
        }
    }
}

/// The suites that a list chooses, in the order of rustls; none if there is no list. One that
/// names no suite of TLS 1.3 leaves those as they are, as it does with OpenSSL.
pub(super) fn chosen(Ciphers(ciphers): &Ciphers) -> Option<Vec<SupportedCipherSuite>> {
    if ciphers.is_empty() {
        return None;
    }
    let names_13 = NAMES.iter().any(|names| {
        is_13(names.0) && ciphers.iter().any(|cipher| cipher.0 == Choice::One(names.0))
    });
    let has = |suite: &&SupportedCipherSuite| {
        let name = openssl(suite);
        is_13(name) && !names_13 || ciphers.iter().any(|cipher| cipher.has(name))
    };
    Some(ALL_CIPHER_SUITES.iter().filter(has).copied().collect())
}

fn is_13(name: &str) -> bool {
    name.starts_with("TLS_")
}

/// The name that OpenSSL has for a suite.
fn openssl(suite: &SupportedCipherSuite) -> &'static str {
    let name = suite.suite().as_str().unwrap_or_default().replace("TLS13_", "TLS_");
    NAMES.iter().find(|names| names.1 == name).map_or("", |names| names.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The suites that a list chooses, by the names of OpenSSL.
    fn names(list: &str) -> Vec<&'static str> {
        chosen(&Ciphers::parse(list).unwrap()).unwrap().iter().map(openssl).collect()
    }

    const TLS13: [&str; 3] =
        ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"];

    #[test]
    fn every_suite_has_a_name() {
        assert_eq!(ALL_CIPHER_SUITES.len(), NAMES.len());
        assert!(ALL_CIPHER_SUITES.iter().all(|suite| !openssl(suite).is_empty()));
    }

    #[test]
    fn suites_are_chosen_by_any_of_their_names() {
        for name in ["ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] {
            assert_eq!(names(name), [&TLS13[..], &["ECDHE-RSA-AES128-GCM-SHA256"]].concat());
        }
        assert_eq!(names("TLS13_AES_128_GCM_SHA256"), ["TLS_AES_128_GCM_SHA256"]);
        assert_eq!(names("HIGH:!aNULL:!MD5:@STRENGTH").len(), 9);
        assert_eq!(names("ECDHE+AESGCM").len(), 7);
        assert!(chosen(&Ciphers::default()).is_none());
    }

    #[test]
    fn others_are_refused_with_the_nearest_name() {
        let reason = |name| Ciphers::parse(name).unwrap_err().reason.unwrap();
        let expected = "`ECDHE-RSA-AES128-GCM-SHA265` is no cipher suite that is safe to offer: \
            did you mean `ECDHE-RSA-AES128-GCM-SHA256`?";
        assert_eq!(reason("ECDHE-RSA-AES128-GCM-SHA265"), expected);
        let reason = reason("RC4-MD5");
        let expected = "`RC4-MD5` is no cipher suite that is safe to offer: there are ";
        assert!(reason.starts_with(expected), "{reason}");
    }
}
