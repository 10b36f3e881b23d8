//! What the values of the options may be.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, Uri};

use crate::settings::{Form, Rejected, Setting};

/// Where Keystone is: the URL without a slash at its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) struct Url(String);

impl Url {
    /// The URL that Keystone itself tells.
    pub(super) fn told(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    pub(in crate::builtin::filters) fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of something below.
    pub(in crate::builtin::filters) fn join(&self, path: &str) -> Option<Uri> {
        format!("{}{path}", self.0).parse().ok()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for Url {
    const EXPECTED: &'static str = "a URL as `http://host:port` or `https://host/path`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let uri: Uri = text.parse().map_err(|_| Rejected::default())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(Rejected::default());
        };
        if !matches!(scheme, "http" | "https") {
            return Err(Rejected::because(format!("`{scheme}` is not a scheme that it speaks")));
        }
        if authority.as_str().contains('@') || text.contains(['?', '#']) {
            return Err(Rejected::default());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// Where users are sent to for a token, as it stands in `WWW-Authenticate`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) struct Challenge(pub(in crate::builtin::filters) HeaderValue);

impl Setting for Challenge {
    const EXPECTED: &'static str = "a URL";

    fn parse(text: &str) -> Result<Self, Rejected> {
        if text.contains(['"', '\\']) || text.contains(char::is_whitespace) {
            return Err(Rejected::default());
        }
        let value = HeaderValue::try_from(format!("Keystone uri=\"{text}\""));
        value.map(Self).map_err(|_| Rejected::default())
    }
}

/// Which of Keystone's endpoints is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) struct Interface(pub(super) &'static str);

impl Setting for Interface {
    const EXPECTED: &'static str = "`public`, `internal` or `admin`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text.strip_suffix("URL").unwrap_or(text) {
            "public" => Ok(Self("public")),
            "internal" => Ok(Self("internal")),
            "admin" => Ok(Self("admin")),
            _ => Err(Rejected::default()),
        }
    }
}

/// How long a token is remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) struct CacheTime(pub(in crate::builtin::filters) Duration);

impl Setting for CacheTime {
    const EXPECTED: &'static str = "a whole number of seconds, or `-1` for never";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "-1" => Ok(Self(Duration::ZERO)),
            // To memcached, more than 30 days would be a date.
            _ => match text.parse() {
                Ok(seconds @ 0..=2_592_000_u64) => Ok(Self(Duration::from_secs(seconds))),
                Ok(_) => Err(Rejected::because("no token is remembered for more than 30 days")),
                Err(_) => Err(Rejected::default()),
            },
        }
    }
}

/// How entries in memcached are protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) enum Strategy {
    /// They are signed and encrypted.
    Encrypt,
    /// They are signed.
    Mac,
    /// They are not.
    None,
}

impl Strategy {
    pub(in crate::builtin::filters) fn name(self) -> &'static str {
        match self {
            Self::Encrypt => "ENCRYPT",
            Self::Mac => "MAC",
            Self::None => "None",
        }
    }
}

impl Setting for Strategy {
    const EXPECTED: &'static str = "`None`, `MAC` or `ENCRYPT`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "ENCRYPT" => Ok(Self::Encrypt),
            "MAC" => Ok(Self::Mac),
            _ if text.eq_ignore_ascii_case("none") => Ok(Self::None),
            _ if text.eq_ignore_ascii_case("encrypt") || text.eq_ignore_ascii_case("mac") => {
                let upper = text.to_ascii_uppercase();
                // The original takes `encrypt`, and then does not encrypt.
                Err(Rejected::because(format!("write `{upper}`, in upper case")))
            }
            _ => Err(Rejected::default()),
        }
    }
}

/// How the filter itself logs in to Keystone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) enum AuthType {
    ApplicationCredential,
    Password,
}

impl Setting for AuthType {
    const EXPECTED: &'static str = "`password` or `v3applicationcredential`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "password" | "v3password" => Ok(Self::Password),
            "v3applicationcredential" => Ok(Self::ApplicationCredential),
            "v2password" => Err(Rejected::because("Keystone has no second API any more")),
            _ => Err(Rejected::default()),
        }
    }
}

/// What a system-scoped login is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) struct SystemScope;

impl Setting for SystemScope {
    const EXPECTED: &'static str = "`all`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        if text == "all" { Ok(Self) } else { Err(Rejected::default()) }
    }
}

/// How the binding of tokens to something else is enforced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) struct TokenBind;

impl Setting for TokenBind {
    const EXPECTED: &'static str = "`permissive` or `disabled`";
    const FORM: Form = Form::Words(&["permissive", "disabled"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "permissive" | "disabled" => Ok(Self),
            "strict" | "required" | "kerberos" => {
                Err(Rejected::because("Keystone binds no tokens any more"))
            }
            _ => Err(Rejected::default()),
        }
    }
}

/// What cannot be turned on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) struct Never;

impl Setting for Never {
    const EXPECTED: &'static str = "`false`";
    const FORM: Form = Form::Boolean;

    fn parse(text: &str) -> Result<Self, Rejected> {
        let reason = "it is not possible; `memcache_security_strategy = ENCRYPT` protects what \
            is stored";
        if bool::parse(text)? { Err(Rejected::because(reason)) } else { Ok(Self) }
    }
}

/// A path that needs no token, without a slash at its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) struct Route(String);

impl Route {
    pub(super) fn is(&self, path: &str) -> bool {
        path.strip_suffix('/').unwrap_or(path) == self.0
    }
}

impl Setting for Route {
    const EXPECTED: &'static str = "a path such as `/v1`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        if !text.starts_with('/') || text.contains(['?', '#']) || text.contains(char::is_whitespace)
        {
            return Err(Rejected::default());
        }
        if text.contains(['*', '+', '\\', '(', ')', '[', ']', '{', '}', '|', '^', '$']) {
            return Err(Rejected::because("it is no pattern; name each path by itself"));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}
