//! Asks an authorization server about tokens.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method as HttpMethod, StatusCode, Uri};
use http_body_util::Full;
use jsonwebtoken::{AlgorithmFamily, EncodingKey, Header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::options::JwtAlgorithm;
use crate::builtin::filters::auth_token::{Fault, Moment, Wire, request};
use crate::registry::Error;
use crate::settings::SecretString;

/// Asks an authorization server about tokens (RFC 7662).
pub(super) struct Client {
    pub(super) endpoint: Uri,
    pub(super) method: Method,
    /// The name of the filter at the server.
    pub(super) id: String,
    pub(super) wire: Wire,
}

/// How the filter shows who it is.
pub(super) enum Method {
    /// By a secret, in a header.
    Basic(SecretString),
    /// By the certificate of its connection.
    Certificate,
    /// By a JWT that it signs for each question (RFC 7523).
    Jwt(Assertion),
    /// By a secret, in the form.
    Post(SecretString),
}

/// What a JWT of the filter is made of.
pub(super) struct Assertion {
    pub(super) key: Key,
    pub(super) audience: String,
    pub(super) lifetime: Duration,
}

/// A key, and how it signs.
pub(super) struct Key {
    key: EncodingKey,
    algorithm: JwtAlgorithm,
}

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

const BY_JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What need not be escaped in a form.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Client {
    /// What the server says of a token.
    pub(super) async fn ask(&self, token: &str) -> Result<Json, Fault> {
        let mut request = request(HttpMethod::POST, self.endpoint.clone());
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, FORM);
        if let Method::Basic(secret) = &self.method {
            headers.insert(AUTHORIZATION, basic(&self.id, secret.expose())?);
        }
        *request.body_mut() = Full::from(self.form(token)?);
        let answer = self.wire.send(&request).await?;
        if answer.status != StatusCode::OK {
            return Err(Fault::Refused(answer.status));
        }
        let metadata: Json = serde_json::from_slice(&answer.body)
            .map_err(|error| Fault::Broken(error.to_string()))?;
        if metadata.is_object() {
            Ok(metadata)
        } else {
            Err(Fault::Broken("it is not an object".to_owned()))
        }
    }

    fn form(&self, token: &str) -> Result<String, Fault> {
        let mut fields = match &self.method {
            Method::Basic(_) => Vec::new(),
            _ => vec![("client_id", self.id.clone())],
        };
        match &self.method {
            Method::Basic(_) | Method::Certificate => {}
            Method::Jwt(assertion) => {
                fields.push(("client_assertion_type", BY_JWT.to_owned()));
                fields.push(("client_assertion", assertion.sign(&self.id)?));
            }
            Method::Post(secret) => fields.push(("client_secret", secret.expose().to_owned())),
        }
        fields.push(("token", token.to_owned()));
        fields.push(("token_type_hint", "access_token".to_owned()));
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ESCAPED)));
        Ok(fields.collect::<Vec<_>>().join("&"))
    }
}

impl Assertion {
    /// A JWT by which a client shows who it is.
    fn sign(&self, client: &str) -> Result<String, Fault> {
        let now = Moment::now().seconds();
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        self.key.sign(&json!({
            "jti": Uuid::new_v4().to_string(),
            "iat": now,
            "exp": now.saturating_add(lifetime),
            "iss": client,
            "sub": client,
            "aud": self.audience,
        }))
    }
}

impl Key {
    /// The key that a secret is.
    pub(super) fn of_secret(algorithm: JwtAlgorithm, secret: &SecretString) -> Result<Self, Error> {
        let key = EncodingKey::from_secret(secret.expose().as_bytes())
            .map_err(|error| Error::new("`client_secret` cannot sign anything").caused_by(error))?;
        Self { key, algorithm }.tried("`client_secret`")
    }

    /// The private key in a file.
    pub(super) fn of_file(algorithm: JwtAlgorithm, path: &Path) -> Result<Self, Error> {
        let shown = format!("`{}`", path.display());
        let pem = fs::read(path)
            .map_err(|error| Error::new(format!("cannot read {shown}")).caused_by(error))?;
        let key = match algorithm.0.family() {
            AlgorithmFamily::Ec => EncodingKey::from_ec_pem(&pem),
            AlgorithmFamily::Ed => EncodingKey::from_ed_pem(&pem),
            _ => EncodingKey::from_rsa_pem(&pem),
        };
        let key = key.map_err(|_| {
            Error::new(format!(
                "{shown} holds no private key in PEM (PKCS #8) for `{:?}`",
                algorithm.0
            ))
        })?;
        Self { key, algorithm }.tried(&shown)
    }

    /// The key, if it can sign: what does not fit comes to light at start.
    fn tried(self, shown: &str) -> Result<Self, Error> {
        match self.sign(&json!({})) {
            Ok(_) => Ok(self),
            Err(fault) => Err(Error::new(format!("{shown} cannot sign: {fault}"))),
        }
    }

    fn sign(&self, claims: &Json) -> Result<String, Fault> {
        jsonwebtoken::encode(&Header::new(self.algorithm.0), claims, &self.key)
            .map_err(|error| Fault::Broken(error.to_string()))
    }
}

/// A name and a secret as `Authorization` has them.
fn basic(name: &str, secret: &str) -> Result<HeaderValue, Fault> {
    let encoded = STANDARD.encode(format!("{name}:{secret}"));
    let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
        .map_err(|error| Fault::Broken(error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}
