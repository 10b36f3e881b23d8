//! Protects what lies in memcached as keystonemiddleware does.

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac::{HMAC_SHA384, Key, sign};
use aws_lc_rs::iv::FixedLength;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::options::Strategy;

/// The keys for what is remembered of one token.
pub(super) struct Seal {
    strategy: Strategy,
    /// Three keys of 16 bytes: the name of the entry, that of its signature, that of its cipher.
    keys: [u8; 48],
}

const PART: usize = 16;

/// The length of a signature in base64.
const SIGNATURE: usize = 64;

impl Seal {
    pub(super) fn new(strategy: Strategy, secret: &[u8], token: &[u8]) -> Option<Self> {
        let message = [token, strategy.name().as_bytes()].concat();
        let tag = sign(&Key::new(HMAC_SHA384, secret), &message);
        Some(Self { strategy, keys: tag.as_ref().try_into().ok()? })
    }

    /// What the entry is named by: what Python makes of the bytes of a name in base64.
    pub(super) fn name(&self) -> String {
        format!("b'{}'", STANDARD.encode(&self.keys[..PART]))
    }

    /// Data as it is stored: a signature, and what it is of, both in base64.
    pub(super) fn close(&self, data: &[u8]) -> Option<Vec<u8>> {
        let content = match self.strategy {
            Strategy::Encrypt => STANDARD.encode(self.encrypt(data).ok()?),
            Strategy::Mac | Strategy::None => STANDARD.encode(data),
        };
        let mut stored = self.signature(content.as_bytes()).into_bytes();
        stored.extend_from_slice(content.as_bytes());
        Some(stored)
    }

    /// The data that was stored; none if it is not as it was.
    pub(super) fn open(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let (signature, content) = stored.split_at_checked(SIGNATURE)?;
        let expected = self.signature(content);
        verify_slices_are_equal(signature, expected.as_bytes()).ok()?;
        let data = STANDARD.decode(content).ok()?;
        match self.strategy {
            Strategy::Encrypt => self.decrypt(&data).ok(),
            Strategy::Mac | Strategy::None => Some(data),
        }
    }

    fn signature(&self, content: &[u8]) -> String {
        let key = Key::new(HMAC_SHA384, &self.keys[PART..2 * PART]);
        STANDARD.encode(sign(&key, content))
    }

    fn cipher(&self) -> Result<UnboundCipherKey, Unspecified> {
        UnboundCipherKey::new(&AES_128, &self.keys[2 * PART..])
    }

    fn encrypt(&self, data: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut content = data.to_vec();
        let context = PaddedBlockEncryptingKey::cbc_pkcs7(self.cipher()?)?.encrypt(&mut content)?;
        let vector: &[u8] = (&context).try_into()?;
        Ok([vector, &content].concat())
    }

    fn decrypt(&self, stored: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let (vector, content) = stored.split_first_chunk::<PART>().ok_or(Unspecified)?;
        let context = DecryptionContext::Iv128(FixedLength::from(*vector));
        let mut content = content.to_vec();
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(self.cipher()?)?;
        Ok(key.decrypt(&mut content, context)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &[u8] = br#"{"token": {"user": "alice"}}"#;

    fn seal(strategy: Strategy) -> Seal {
        Seal::new(strategy, b"secret", b"token").unwrap()
    }

    #[test]
    fn reads_what_it_wrote() {
        for strategy in [Strategy::Mac, Strategy::Encrypt] {
            let stored = seal(strategy).close(DATA).unwrap();
            assert_eq!(seal(strategy).open(&stored).as_deref(), Some(DATA));
        }
    }

    /// Written by keystonemiddleware 13.0.1.
    #[test]
    fn reads_what_the_original_wrote() {
        let signed = concat!(
            "Pu585BK7EqzBpseDjbiQPgm2myc4FD8fq/XI6Bxv8zsCwKHAvuhQAj7skJG5loDf",
            "eyJ0b2tlbiI6IHsidXNlciI6ICJhbGljZSJ9fQ==",
        );
        let encrypted = concat!(
            "rudjNSQsCPg/gmeAarciGeqV0OM5cx0cxtxozkQM3lhb02gInveCov8sKmYEihjd",
            "94WGQeD+jPuxVYPv/8RULw1kL+xU5HQDIojwRBnyni2RyeDR7F3HWtKrtdq4lG64",
        );
        for (strategy, name, stored) in [
            (Strategy::Mac, "b'yC4apZW6eWwsziSdyhzD9A=='", signed),
            (Strategy::Encrypt, "b'9OrjCB1e+PqL+pPVKcPZzA=='", encrypted),
        ] {
            let seal = seal(strategy);
            assert_eq!(seal.name(), name);
            assert_eq!(seal.open(stored.as_bytes()).as_deref(), Some(DATA));
        }
    }

    #[test]
    fn what_was_changed_is_nothing() {
        for strategy in [Strategy::Mac, Strategy::Encrypt] {
            let seal = seal(strategy);
            let stored = seal.close(DATA).unwrap();
            for at in 0..stored.len() {
                let mut changed = stored.clone();
                changed[at] ^= 1;
                assert_eq!(seal.open(&changed), None);
            }
            assert_eq!(seal.open(&stored[..stored.len() - 4]), None);
            assert_eq!(seal.open(b""), None);
        }
    }
}
