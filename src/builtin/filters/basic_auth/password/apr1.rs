//! Apache's variant of MD5 for passwords, as old files have it.

use md5::{Digest as _, Md5};

use super::is_same;

/// So often each hash is hashed again.
const ROUNDS: usize = 1000;

/// A longer password, in bytes, is none: every round reads all of it.
const LONGEST: usize = 1024;

const MAGIC: &[u8] = b"$apr1$";

/// A hash: its salt, and the digest as it is written.
#[derive(Clone)]
pub(in super::super) struct Apr1 {
    salt: String,
    digest: String,
}

impl Apr1 {
    /// Reads what stands behind `$apr1$`: the salt of at most eight characters, and the digest.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (salt, digest) = text.split_once('$')?;
        let is_whole = salt.len() <= 8 && digest.len() == 22;
        let is_written = digest.bytes().all(|byte| ALPHABET.contains(&byte));
        (is_whole && is_written).then(|| Self { salt: salt.to_owned(), digest: digest.to_owned() })
    }

    /// Whether it is that of a password.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        if password.len() > LONGEST {
            return false;
        }
        let digest = digest(password, self.salt.as_bytes());
        is_same(written(&digest).as_bytes(), self.digest.as_bytes())
    }
}

/// The digest as FreeBSD's `crypt` has made it since 1994, with another magic word.
fn digest(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner =
        Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut outer = Md5::new().chain_update(password).chain_update(MAGIC).chain_update(salt);
    for at in (0..password.len()).step_by(16) {
        outer.update(&inner[..16.min(password.len() - at)]);
    }
    let mut bits = password.len();
    while bits > 0 {
        let first = password.first().copied().unwrap_or_default();
        outer.update([if bits & 1 == 1 { 0 } else { first }]);
        bits >>= 1;
    }
    let mut digest: [u8; 16] = outer.finalize().into();
    for round in 0..ROUNDS {
        let mut next = Md5::new();
        let (before, behind): (&[u8], &[u8]) =
            if round % 2 == 1 { (password, &digest) } else { (&digest, password) };
        next.update(before);
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(behind);
        digest = next.finalize().into();
    }
    digest
}

const ALPHABET: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A digest in the order and the alphabet of `crypt`.
fn written(digest: &[u8; 16]) -> String {
    const GROUPS: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let mut text = String::with_capacity(22);
    let mut write = |mut bits: u32, count: usize| {
        for _ in 0..count {
            text.push(char::from(ALPHABET[(bits & 63) as usize]));
            bits >>= 6;
        }
    };
    for group in GROUPS {
        let [high, middle, low] = group.map(|at| u32::from(digest[at]));
        write((high << 16) | (middle << 8) | low, 4);
    }
    write(u32::from(digest[11]), 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_openssl() {
        // `openssl passwd -apr1 -salt SALT PASSWORD`
        for (password, salt, expected) in [
            ("", "a", "lsAcX0kKaMIVmrCtUuk5b0"),
            (&*"x".repeat(100), "12345678", "yiFoyfrrVNwrIepED8sjv0"),
            ("w\u{f6}nder:land", "abcd", "B1mYxGUV6LHh9mBFJOhNE/"),
        ] {
            let hash = written(&digest(password.as_bytes(), salt.as_bytes()));
            assert_eq!(hash, expected, "{password}");
        }
    }

    #[test]
    fn reads_only_what_is_whole() {
        let good = "56pAkDOS$3GtOeDq9hP1JVRRMTkShe1";
        assert!(Apr1::parse(good).is_some());
        let longer = format!("x{good}");
        for bad in ["", "56pAkDOS", &good[..30], &longer, "56pAkDOS$3GtOeDq9hP1JVRRMTkSh\u{e9}"] {
            assert!(Apr1::parse(bad).is_none(), "{bad}");
        }
    }
}
