//! Hashes of passwords.

mod apr1;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use sha1::{Digest as _, Sha1};

use self::apr1::Apr1;

/// The hash of a password.
#[derive(Clone)]
pub(super) enum Hash {
    /// Apache's variant of MD5, `$apr1$…`, of old files.
    Apr1(Apr1),
    /// Argon2 in the PHC string format.
    Argon2(String),
    /// bcrypt, `$2y$…`.
    Bcrypt(String),
    /// SHA-1 without a salt, `{SHA}…`, of old files.
    Sha1([u8; 20]),
}

impl Hash {
    /// Reads a hash as it stands in a file.
    ///
    /// # Errors
    ///
    /// What it is instead, in words that follow "the password is".
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix)) {
            let parts: HashParts = text.parse().map_err(|_| "hashed with bcrypt, but cut off")?;
            // Two digits may say more than bcrypt can do.
            return match parts.get_cost() {
                4..=31 => Ok(Self::Bcrypt(text.to_owned())),
                _ => Err("hashed with bcrypt at a cost that there is not"),
            };
        }
        if text.starts_with("$argon2") {
            // One may end after the salt.
            let whole = PasswordHash::new(text).is_ok_and(|hash| hash.hash.is_some());
            let hash = whole.then(|| Self::Argon2(text.to_owned()));
            return hash.ok_or("hashed with Argon2, but cut off");
        }
        if let Some(rest) = text.strip_prefix("$apr1$") {
            return Apr1::parse(rest).map(Self::Apr1).ok_or("hashed with MD5, but cut off");
        }
        if let Some(rest) = text.strip_prefix("{SHA}") {
            let digest = STANDARD.decode(rest).ok().and_then(|digest| digest.try_into().ok());
            return digest.map(Self::Sha1).ok_or("hashed with SHA-1, but cut off");
        }
        Err(foreign(text))
    }

    /// Why it is no longer safe, in words that follow "the password is"; none if it is.
    pub(super) fn weakness(&self) -> Option<&'static str> {
        match self {
            Self::Apr1(_) => Some("hashed with MD5, which is broken"),
            Self::Argon2(_) | Self::Bcrypt(_) => None,
            Self::Sha1(_) => Some("hashed with SHA-1, which is broken"),
        }
    }

    /// Whether it is that of a password. This takes long, but for hashes that are no longer safe.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        match self {
            Self::Apr1(hash) => hash.is_of(password),
            Self::Argon2(hash) => Argon2::default().verify_password(password, &**hash).is_ok(),
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Self::Sha1(digest) => is_same(&Sha1::digest(password), digest),
        }
    }
}

/// Whether two digests are the same, in a time that does not tell where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let pairs = one.iter().zip(other);
    one.len() == other.len() && pairs.fold(0, |found, (a, b)| found | (a ^ b)) == 0
}

fn foreign(text: &str) -> &'static str {
    const KINDS: [(&str, &str); 5] = [
        ("$1$", "hashed with MD5, which is broken"),
        ("$5$", "hashed with SHA-256, which is fast to guess"),
        ("$6$", "hashed with SHA-512, which is fast to guess"),
        ("$y$", "hashed with yescrypt, which is not known here"),
        ("{SSHA}", "hashed with SHA-1, which is broken"),
    ];
    let kind = KINDS.iter().find(|(prefix, _)| text.starts_with(prefix));
    kind.map_or("hashed with crypt or not at all", |(_, kind)| kind)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `wonderland`.
    pub(in super::super) const ALICE: &str =
        "$2y$04$VIBsJ1k9apJtT1IWAdWm5eJAZo.Mon6WXxo83Wedpzith3BMHxzBm";
    /// `builder`.
    pub(in super::super) const BUILDER: &str = "$argon2id$v=19$m=32,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$\
        zDWv1eUUzUe36cQ8aPX/n527TQ0lPut1JHMjoF57248";

    /// `lemon`.
    pub(in super::super) const OLD: &str = "$apr1$56pAkDOS$fBZGRXcsNwTb5CO/AV9730";

    fn wrong(text: &str) -> &'static str {
        Hash::parse(text).err().unwrap()
    }

    #[test]
    fn a_hash_is_that_of_one_password() {
        for (hash, password) in [
            (ALICE, "wonderland"),
            (BUILDER, "builder"),
            (OLD, "lemon"),
            ("{SHA}3917zirZ+J1yBN2DFh1m0eUhdZw=", "lemon"),
        ] {
            let hash = Hash::parse(hash).unwrap();
            assert!(hash.is_of(password.as_bytes()));
            for other in ["", "Wonderland", "wonderland ", "builde", &"x".repeat(100_000)] {
                assert!(!hash.is_of(other.as_bytes()), "{other}");
            }
        }
    }

    #[test]
    fn says_what_another_hash_is() {
        assert_eq!(wrong("$1$56pAkDOS$3GtOeDq9hP1JVRRMTkShe1"), "hashed with MD5, which is broken");
        assert_eq!(wrong("{SSHA}6dcfXufJLW3J6S/9rRe4vU"), "hashed with SHA-1, which is broken");
        assert_eq!(wrong("{SHA}6dcfXufJLW3J"), "hashed with SHA-1, but cut off");
        assert_eq!(wrong("$apr1$56pAkDOS$3GtOeDq9h"), "hashed with MD5, but cut off");
        assert_eq!(wrong("rqXexS6ZhobKA"), "hashed with crypt or not at all");
        assert_eq!(wrong(&ALICE[..59]), "hashed with bcrypt, but cut off");
        assert_eq!(
            wrong(&ALICE.replace("$04$", "$99$")),
            "hashed with bcrypt at a cost that there is not"
        );
        assert_eq!(wrong(BUILDER.rsplit_once('$').unwrap().0), "hashed with Argon2, but cut off");
        assert_eq!(wrong(&BUILDER[..70]), "hashed with Argon2, but cut off");
        assert_eq!(wrong(""), "hashed with crypt or not at all");
    }
}
