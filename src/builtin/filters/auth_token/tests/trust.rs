//! Which Keystone is believed.

use std::fs;
use std::sync::Arc;

use http::StatusCode;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;

use super::fake::{Fake, token};
use super::{guarded, section, seen};
use crate::builtin::fixture::{Directory, try_filter};

const GOOD: &[(&str, &str)] = &[("x-auth-token", "good")];

#[tokio::test]
async fn only_one_whose_certificate_is_signed_by_whom_it_should() {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let fake = Fake::start_encrypted(config).await;
    fake.knows("good", token());
    let directory = Directory::new();
    fs::write(directory.path("authority"), signed.cert.pem()).unwrap();
    let trusted = format!("cafile = {}", directory.path("authority").display());
    assert_eq!(seen(&guarded(&fake, ""), GOOD).await, Err(StatusCode::SERVICE_UNAVAILABLE));
    for believed in [&*trusted, "insecure = true"] {
        assert!(seen(&guarded(&fake, believed), GOOD).await.is_ok(), "{believed}");
    }
}

#[test]
fn files_that_hold_no_certificates_are_refused_at_start() {
    let directory = Directory::new();
    fs::write(directory.path("empty"), "").unwrap();
    let empty = directory.path("empty").display().to_string();
    for option in ["cafile", "certfile"] {
        let section = section("https://127.0.0.1:1", &format!("{option} = {empty}"));
        let error = try_filter(&section).unwrap_err();
        assert_eq!(error.to_string(), format!("`{empty}` holds no certificates"));
    }
    let missing = section("https://127.0.0.1:1", "cafile = /no/such/file");
    let error = try_filter(&missing).unwrap_err().to_string();
    assert!(error.starts_with("`/no/such/file` holds no certificates: "), "{error}");
}
