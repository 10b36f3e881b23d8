//! What the values of the options may be.

use std::str::FromStr;

use http::Uri;
use jsonwebtoken::{Algorithm, AlgorithmFamily};

use crate::settings::{Form, Rejected, Setting};

/// How the filter shows the authorization server who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AuthMethod {
    ClientSecretBasic,
    ClientSecretJwt,
    ClientSecretPost,
    PrivateKeyJwt,
    TlsClientAuth,
}

impl AuthMethod {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
        }
    }
}

impl Setting for AuthMethod {
    const EXPECTED: &'static str = "`client_secret_basic`, `client_secret_post`, \
        `client_secret_jwt`, `private_key_jwt` or `tls_client_auth`";
    const FORM: Form = Form::Words(&[
        "client_secret_basic",
        "client_secret_jwt",
        "client_secret_post",
        "private_key_jwt",
        "tls_client_auth",
    ]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        let all = [
            Self::ClientSecretBasic,
            Self::ClientSecretJwt,
            Self::ClientSecretPost,
            Self::PrivateKeyJwt,
            Self::TlsClientAuth,
        ];
        all.into_iter().find(|method| method.name() == text).ok_or_else(Rejected::default)
    }
}

/// How a JWT is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct JwtAlgorithm(pub(super) Algorithm);

impl JwtAlgorithm {
    /// Whether both sides have the same secret.
    pub(super) fn is_symmetric(self) -> bool {
        self.0.family() == AlgorithmFamily::Hmac
    }
}

impl Setting for JwtAlgorithm {
    const EXPECTED: &'static str = "a way to sign a JWT, such as `HS256` or `RS256`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "none" => Err(Rejected::because("who it is would not be shown by it")),
            _ => Algorithm::from_str(text).map(Self).map_err(|_| Rejected::default()),
        }
    }
}

/// Where the server is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Endpoint(Uri);

impl Endpoint {
    pub(super) fn uri(&self) -> Uri {
        self.0.clone()
    }
}

impl Setting for Endpoint {
    const EXPECTED: &'static str = "a URL as `https://host/path`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let uri: Uri = text.parse().map_err(|_| Rejected::default())?;
        let is_sound = matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && !text.contains('#');
        if is_sound { Ok(Self(uri)) } else { Err(Rejected::default()) }
    }
}

/// Where clients obtain tokens, as it stands between quotes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Audience(String);

impl Audience {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for Audience {
    const EXPECTED: &'static str = "a URL";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let is_sound = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        if is_sound { Ok(Self(text.to_owned())) } else { Err(Rejected::default()) }
    }
}

/// The name of something in an object, or the names that lead to it from object to object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Name(Vec<String>);

impl Name {
    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Setting for Name {
    const EXPECTED: &'static str = "a name such as `sub`, or several with points between them";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let parts: Vec<_> = text.split('.').map(str::to_owned).collect();
        let is_sound = parts.iter().all(|part| !part.is_empty());
        if is_sound { Ok(Self(parts)) } else { Err(Rejected::default()) }
    }
}
