//! Lets requests through to the app, or refuses them by their heads.

use std::borrow::Cow;

use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Uri, Version};

use super::claims::is_claim;
use super::crumbs;
use super::head::{self, Fault};
use super::nominated;
use super::path::Paths;
use super::settings::Settings;
use crate::settings::{Form, Rejected, Setting};

/// What becomes of header fields of some names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Names {
    /// They are taken away.
    Drop,
    /// They stay.
    Pass,
    /// The request is refused.
    Reject,
}

impl Setting for Names {
    const EXPECTED: &'static str = "`drop`, `pass` or `reject`";
    const FORM: Form = Form::Words(&["drop", "pass", "reject"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "drop" => Ok(Self::Drop),
            "pass" => Ok(Self::Pass),
            "reject" => Ok(Self::Reject),
            _ => Err(Rejected::default()),
        }
    }
}

/// Lets requests through to the app, or refuses them by their heads. It decides about each once,
/// so that all who see the request after it see the same.
#[derive(Clone, Debug)]
pub struct Gate {
    claims: Names,
    paths: Paths,
    refused: Box<[Method]>,
    underscores: Names,
}

impl Gate {
    /// The gate that settings describe.
    pub fn new(settings: &Settings) -> Self {
        Self {
            claims: settings.identity_headers,
            paths: settings.paths(),
            refused: settings.refused_methods.0.as_slice().into(),
            underscores: settings.underscore_headers,
        }
    }

    /// Makes a request fit for the app: its path plain, its header without names that pretend and
    /// without what ends here, so that nothing that filters add can be named away later.
    ///
    /// # Errors
    ///
    /// Why it is refused. What is left of it is of no use then.
    pub fn admit<B>(&self, request: &mut http::Request<B>) -> Result<(), Fault> {
        let seen = head::check(request)?;
        if self.refused.contains(request.method()) {
            return Err(Fault::Method);
        }
        if seen.has_crumbs && request.version() == Version::HTTP_2 {
            crumbs::join(request.headers_mut());
        }
        if seen.has_nominations {
            nominated::remove(request.headers_mut());
        }
        if seen.has_underscores {
            self.underscores.keep_to(request.headers_mut(), |name| name.contains('_'))?;
            // What is left of them, CGI and WSGI take for names with dashes.
            self.claims.keep_to(request.headers_mut(), is_claim_with_underscores)?;
        }
        if seen.has_claims {
            self.claims.keep_to(request.headers_mut(), |name| is_claim(name.as_bytes()))?;
        }
        if let Cow::Owned(path) = self.paths.plain(request.uri().path())? {
            set_path(request.uri_mut(), &path)?;
        }
        Ok(())
    }
}

impl Names {
    /// Does what is to be done with fields whose names are meant.
    #[cold]
    fn keep_to(self, headers: &mut HeaderMap, is_meant: fn(&str) -> bool) -> Result<(), Fault> {
        match self {
            Self::Drop => {
                let meant = headers.keys().filter(|name| is_meant(name.as_str()));
                for name in meant.cloned().collect::<Vec<_>>() {
                    headers.remove(name);
                }
                Ok(())
            }
            Self::Pass => Ok(()),
            Self::Reject => Err(Fault::Name),
        }
    }
}

#[cold]
fn is_claim_with_underscores(name: &str) -> bool {
    name.contains('_') && is_claim(name.replace('_', "-").as_bytes())
}

#[cold]
fn set_path(uri: &mut Uri, path: &str) -> Result<(), Fault> {
    let target = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(target.map_err(|_| Fault::Target)?);
    *uri = Uri::from_parts(parts).map_err(|_| Fault::Target)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(change: impl FnOnce(&mut Settings)) -> Gate {
        let mut settings = Settings::default();
        change(&mut settings);
        Gate::new(&settings)
    }

    /// The target and the names of a request when it is through.
    fn through(gate: &Gate, line: &str, name: &'static str) -> Result<String, Fault> {
        let (method, target) = line.split_once(' ').unwrap();
        let request = http::Request::builder().method(method).uri(target);
        let mut request = request.header("host", "a").header(name, "b").body(()).unwrap();
        gate.admit(&mut request)?;
        let names: Vec<_> = request.headers().keys().map(http::HeaderName::as_str).collect();
        Ok(format!("{} {}", request.uri(), names.join(" ")))
    }

    #[test]
    fn the_path_is_plain_and_the_rest_stays() {
        let gate = gate(|_| ());
        for (target, expected) in [
            ("/a/../b?c=/../%61", "/b?c=/../%61"),
            ("http://a//b", "http://a/b"),
            ("/%61", "/a"),
            ("/a?", "/a?"),
        ] {
            let line = format!("GET {target}");
            assert_eq!(through(&gate, &line, "x"), Ok(format!("{expected} host x")));
        }
        assert_eq!(through(&gate, "GET /a%2fb", "x"), Err(Fault::Path));
        assert_eq!(through(&gate, "OPTIONS *", "x"), Ok("* host x".to_owned()));
    }

    #[test]
    fn cookies_of_http2_are_one_field() {
        for (version, expected) in [(Version::HTTP_2, 1), (Version::HTTP_11, 2)] {
            let request = http::Request::get("/").version(version).header("host", "a");
            let request = request.header("cookie", "a=1").header("cookie", "b=2");
            let mut request = request.body(()).unwrap();
            gate(|_| ()).admit(&mut request).unwrap();
            assert_eq!(request.headers().get_all("cookie").iter().count(), expected);
        }
    }

    #[test]
    fn names_with_underscores_are_dropped_unless_set_otherwise() {
        let line = "GET /";
        for (setting, expected) in [
            (Names::Drop, Ok("/ host".to_owned())),
            (Names::Pass, Ok("/ host x_a".to_owned())),
            (Names::Reject, Err(Fault::Name)),
        ] {
            let gate = gate(|settings| settings.underscore_headers = setting);
            assert_eq!(through(&gate, line, "x_a"), expected);
            assert_eq!(through(&gate, line, "x-a"), Ok("/ host x-a".to_owned()));
        }
        assert_eq!(Settings::default().underscore_headers, Names::Drop);
    }

    #[test]
    fn claims_of_clients_are_dropped_unless_set_otherwise() {
        for (setting, expected) in [
            (Names::Drop, Ok("/ host".to_owned())),
            (Names::Pass, Ok("/ host x-roles".to_owned())),
            (Names::Reject, Err(Fault::Name)),
        ] {
            let gate = gate(|settings| settings.identity_headers = setting);
            assert_eq!(through(&gate, "GET /", "x-roles"), expected);
            let token = Ok("/ host x-auth-token".to_owned());
            assert_eq!(through(&gate, "GET /", "x-auth-token"), token);
        }
        assert_eq!(Settings::default().identity_headers, Names::Drop);
    }

    #[test]
    fn claims_hide_behind_no_underscore() {
        let gate = gate(|settings| settings.underscore_headers = Names::Pass);
        for name in ["x_roles", "x-user_id", "remote_user"] {
            assert_eq!(through(&gate, "GET /", name), Ok("/ host".to_owned()), "{name}");
        }
        assert_eq!(through(&gate, "GET /", "api_key"), Ok("/ host api_key".to_owned()));
    }

    #[test]
    fn what_connection_names_is_gone_before_filters_add_theirs() {
        let request = http::Request::get("/").header("host", "a").header("x-a", "b");
        let request = request.header("connection", "close, X-A, X-Roles, X-Identity-Status");
        let mut request = request.body(()).unwrap();
        gate(|_| ()).admit(&mut request).unwrap();
        let fields =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let fields: Vec<_> = fields.collect();
        assert_eq!(fields, [("host", &b"a"[..]), ("connection", b"close")]);
    }

    #[test]
    fn methods_are_refused_by_setting() {
        let strict = gate(|_| ());
        assert_eq!(through(&strict, "TRACE /", "x"), Err(Fault::Method));
        assert_eq!(through(&strict, "CONNECT a", "x"), Err(Fault::Method));
        let open = gate(|settings| settings.refused_methods.0.clear());
        assert!(through(&open, "TRACE /", "x").is_ok());
    }
}
