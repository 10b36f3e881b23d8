//! Which certificate a client gets, and what with it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::{Client, ask, connect, encrypted, fault, start};
use crate::server::tls::fixture::{Directory, Made, made, made_with};
use crate::server::{Settings, Tls, UnknownName};
use crate::source::Sources;

#[tokio::test]
async fn requests_come_by_either_version() {
    let (directory, own) = (Directory::new("versions"), made(&["a.example"]));
    let (_running, address) = start(encrypted(&directory, &[&own])).await;
    let mut client = Client::new(&[&own]);
    let answer = client.ask(address, "a.example").await.unwrap();
    assert_eq!(answer, "200 https 127.0.0.1 TLSv1_3 a.example -");
    client.versions = vec![&TLS12];
    let answer = client.ask(address, "a.example").await.unwrap();
    assert_eq!(answer, "200 https 127.0.0.1 TLSv1_2 a.example -");
}

#[tokio::test]
async fn the_name_chooses_the_certificate() {
    let directory = Directory::new("names");
    let (first, second) = (made(&["a.example"]), made(&["*.b.example"]));
    let settings = encrypted(&directory, &[&first, &second]);
    let (_running, address) = start(settings.clone()).await;
    let client = Client::new(&[&first, &second]);
    for name in ["a.example", "x.b.example"] {
        assert!(client.ask(address, name).await.unwrap().starts_with("200 "), "{name}");
    }
    let message = fault(client.ask(address, "unknown.example").await);
    assert!(message.contains("not valid for"), "it was given the first one: {message}");
    let settings = Settings { tls_unknown_name: UnknownName::Refuse, ..settings };
    let (_running, address) = start(settings).await;
    let message = fault(client.ask(address, "unknown.example").await);
    assert!(message.contains("received fatal alert"), "{message}");
}

/// A client that knows some kinds of keys, trusts any certificate, and keeps what it is shown.
#[derive(Debug)]
struct Looker {
    provider: CryptoProvider,
    kinds: Vec<SignatureScheme>,
    shown: Mutex<Option<Shown>>,
}

#[derive(Debug)]
struct Shown {
    certificate: Vec<u8>,
    staple: Vec<u8>,
}

impl Looker {
    /// What a server shows to a client that knows these kinds of keys.
    async fn look(address: SocketAddr, kinds: &[SignatureScheme]) -> io::Result<Shown> {
        let (provider, kinds) = (aws_lc_rs::default_provider(), kinds.to_vec());
        let looker = Arc::new(Self { provider, kinds, shown: Mutex::default() });
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&[&TLS13]).unwrap().dangerous();
        let builder = builder.with_custom_certificate_verifier(Arc::clone(&looker) as _);
        let config = Arc::new(builder.with_no_client_auth());
        connect(&config, address, "a.example").await?;
        let shown = looker.shown.lock().unwrap().take();
        Ok(shown.expect("a server shows a certificate"))
    }
}

impl ServerCertVerifier for Looker {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        staple: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (certificate, staple) = (certificate.to_vec(), staple.to_vec());
        *self.shown.lock().unwrap() = Some(Shown { certificate, staple });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("it speaks only TLS 1.3".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.kinds.clone()
    }
}

const RSA: SignatureScheme = SignatureScheme::RSA_PSS_SHA256;
const ECDSA: SignatureScheme = SignatureScheme::ECDSA_NISTP256_SHA256;

fn made_of_rsa() -> Made {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    made_with(key, &["a.example"])
}

fn made_of_ecdsa() -> Made {
    made_with(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(), &["a.example"])
}

#[tokio::test]
async fn of_several_the_first_is_chosen_whose_kind_of_key_the_client_knows() {
    let (directory, rsa, ecdsa) = (Directory::new("kinds"), made_of_rsa(), made_of_ecdsa());
    let (_running, address) = start(encrypted(&directory, &[&ecdsa, &rsa])).await;
    for (kinds, expected) in
        [(&[ECDSA][..], &ecdsa), (&[RSA], &rsa), (&[RSA, ECDSA], &ecdsa), (&[ECDSA, RSA], &ecdsa)]
    {
        let shown = Looker::look(address, kinds).await.unwrap();
        assert_eq!(shown.certificate, expected.certificate.der().to_vec(), "{kinds:?}");
    }
    let message = fault(Looker::look(address, &[SignatureScheme::ED25519]).await);
    assert!(message.contains("received fatal alert"), "{message}");
}

#[tokio::test]
async fn what_the_authority_says_comes_with_the_certificate() {
    let (directory, one) = (Directory::new("staple"), made_of_ecdsa());
    let other = made_of_rsa();
    let mut settings = encrypted(&directory, &[&one, &other]);
    let (_running, address) = start(settings.clone()).await;
    assert_eq!(Looker::look(address, &[ECDSA]).await.unwrap().staple, b"");
    settings.tls_staple = vec![
        directory.file("one.ocsp", b"it is valid"),
        directory.file("other.ocsp", b"it is valid, too"),
    ];
    let (_running, address) = start(settings).await;
    assert_eq!(Looker::look(address, &[ECDSA]).await.unwrap().staple, b"it is valid");
    assert_eq!(Looker::look(address, &[RSA]).await.unwrap().staple, b"it is valid, too");
}

/// The value of what begins a text in DER, and what follows it.
fn value(der: &[u8]) -> (&[u8], &[u8]) {
    let (length, begin) = match usize::from(der[1]) {
        short @ ..0x80 => (short, 2),
        long => {
            let end = 2 + (long & 0x7f);
            (der[2..end].iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), end)
        }
    };
    der[begin..].split_at(length)
}

/// A key as it stands in PKCS#8, for programs that know but one kind of it.
fn bare(key: &KeyPair, kind: &str) -> String {
    let key = key.serialize_der();
    let (all, _) = value(&key);
    let (_version, rest) = value(all);
    let (_kind, rest) = value(rest);
    let (bare, _) = value(rest);
    let lines = BASE64_STANDARD.encode(bare).into_bytes();
    let lines: Vec<_> = lines.chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}

#[tokio::test]
async fn keys_may_be_written_in_the_ways_of_their_kinds() {
    let directory = Directory::new("ways");
    for (number, (made, kind, scheme)) in
        [(made_of_rsa(), "RSA PRIVATE KEY", RSA), (made_of_ecdsa(), "EC PRIVATE KEY", ECDSA)]
            .into_iter()
            .enumerate()
    {
        let mut settings = encrypted(&directory, &[&made]);
        let key = directory.file(&format!("{number}.bare"), bare(&made.key, kind));
        settings.tls_key = vec![key];
        let (_running, address) = start(settings).await;
        let shown = Looker::look(address, &[scheme]).await.unwrap();
        assert_eq!(shown.certificate, made.certificate.der().to_vec(), "{kind}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_for_connections_that_begin_with_it() {
    let (directory, before) = (Directory::new("renewed"), made(&["a.example"]));
    let settings = encrypted(&directory, &[&before]);
    let (running, address) = start(settings).await;
    let mut open = Client::new(&[&before]).connect(address, "a.example").await.unwrap();
    let after = made(&["a.example"]);
    let renewed = encrypted(&directory, &[&after]);
    running.encrypt_by(Tls::load(&renewed, &Sources::default()).unwrap());
    assert!(ask(&mut open, "a.example").await.unwrap().starts_with("200 "));
    assert!(Client::new(&[&after]).ask(address, "a.example").await.unwrap().starts_with("200 "));
    let message = fault(Client::new(&[&before]).ask(address, "a.example").await);
    assert!(message.contains("invalid peer certificate"), "{message}");
}
