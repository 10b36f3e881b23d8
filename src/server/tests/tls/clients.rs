//! Which clients may connect, and for which hosts they may ask.

use std::sync::Arc;

use rcgen::{CertificateRevocationListParams, ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::HandshakeKind;
use rustls::client::Resumption;
use rustls::version::{TLS12, TLS13};

use super::{Client, ask, connect, encrypted, fault, mirror, start};
use crate::metrics::Metrics;
use crate::server::tests::start_counted;
use crate::server::tls::fixture::{Authority, Directory, made};
use crate::server::{ClientAuth, Settings};

#[tokio::test]
async fn clients_must_show_a_certificate_that_is_right() {
    let (directory, own) = (Directory::new("clients"), made(&["a.example"]));
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let right = authority.certify("compute1", |_| ());
    let revoked = authority.certify("lost", |params| params.serial_number = Some(7.into()));
    let mut settings = encrypted(&directory, &[&own]);
    settings.ca_file = Some(directory.file("ca.pem", authority.pem()));
    settings.crl_file = Some(directory.file("crl.pem", authority.revoke(7)));
    let (_running, address) = start(settings.clone()).await;
    let client = || Client::new(&[&own]);
    let answer = client().showing(&right).ask(address, "a.example").await.unwrap();
    assert_eq!(answer, "200 https 127.0.0.1 TLSv1_3 a.example CN=compute1");
    let expired = authority.certify("old", |params| params.not_after = date_time_ymd(2020, 1, 1));
    let server_only = authority.certify("server", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    for (why, wrong, alert) in [
        ("expired", &expired, "CertificateExpired"),
        ("for servers", &server_only, "UnsupportedCertificate"),
        ("of another authority", &other.certify("compute1", |_| ()), "UnknownCA"),
        ("revoked", &revoked, "CertificateRevoked"),
    ] {
        let message = fault(client().showing(wrong).ask(address, "a.example").await);
        assert!(message.contains(alert), "{why}: {message}");
    }
    let message = fault(client().ask(address, "a.example").await);
    assert!(message.contains("CertificateRequired"), "{message}");
    settings.client_auth = Some(ClientAuth::Optional);
    let (_running, address) = start(settings).await;
    let answer = client().ask(address, "a.example").await.unwrap();
    assert_eq!(answer, "200 https 127.0.0.1 TLSv1_3 a.example -");
    let message = fault(client().showing(&revoked).ask(address, "a.example").await);
    assert!(message.contains("CertificateRevoked"), "{message}");
}

impl Authority {
    /// A list that revokes one certificate, by its number.
    fn revoke(&self, number: u64) -> String {
        let now = date_time_ymd(2026, 1, 1);
        let revoked = rcgen::RevokedCertParams {
            serial_number: number.into(),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: now,
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        params.signed_by(self.issuer()).unwrap().pem().unwrap()
    }
}

#[tokio::test]
async fn sessions_are_resumed_at_a_server_that_asks_for_no_more() {
    let (directory, own) = (Directory::new("sessions"), made(&["a.example"]));
    let settings = encrypted(&directory, &[&own]);
    let authority = directory.file("ca.pem", Authority::new("one").pem());
    let (_one, one) = start(settings.clone()).await;
    let (_other, other) = start(settings.clone()).await;
    let asking =
        Settings { ca_file: Some(authority), client_auth: Some(ClientAuth::Optional), ..settings };
    let (_asking, asking) = start(asking).await;
    for version in [&TLS13, &TLS12] {
        let mut client = Client::new(&[&own]);
        client.versions = vec![version];
        let mut config = Arc::unwrap_or_clone(client.config());
        config.resumption = Resumption::in_memory_sessions(8);
        let config = Arc::new(config);
        let kind = async |address| {
            let mut stream = connect(&config, address, "a.example").await.unwrap();
            // The ticket comes before the answer.
            ask(&mut stream, "a.example").await.unwrap();
            stream.get_ref().1.handshake_kind().unwrap()
        };
        assert_eq!(kind(one).await, HandshakeKind::Full);
        assert_eq!(kind(other).await, HandshakeKind::Resumed);
        assert_eq!(kind(asking).await, HandshakeKind::Full);
    }
}

#[tokio::test]
async fn a_request_for_the_host_of_another_certificate_is_misdirected() {
    let directory = Directory::new("misdirected");
    let (first, second) = (made(&["a.example"]), made(&["b.example"]));
    let settings = encrypted(&directory, &[&first, &second]);
    let metrics = Metrics::default();
    let (running, address) = start_counted(settings.clone(), mirror(), metrics.meter("main")).await;
    let client = Client::new(&[&first, &second]);
    let status = async |address, host| {
        let mut stream = client.connect(address, "a.example").await.unwrap();
        ask(&mut stream, host).await.unwrap()[..3].to_owned()
    };
    assert_eq!(status(address, "a.example:8443").await, "200");
    assert_eq!(status(address, "B.example").await, "421");
    assert_eq!(status(address, "inside").await, "200");
    running.end().await;
    let served = metrics.snapshot().apps.remove("main").unwrap();
    assert_eq!((served.refusals["misdirected"], served.statuses[&421]), (1, 1));
    let authority = directory.file("ca.pem", Authority::new("one").pem());
    let (ca_file, client_auth) = (Some(authority), Some(ClientAuth::Optional));
    let (_running, address) = start(Settings { client_auth, ca_file, ..settings }).await;
    assert_eq!(status(address, "a.example").await, "200");
    assert_eq!(status(address, "inside").await, "421");
}
