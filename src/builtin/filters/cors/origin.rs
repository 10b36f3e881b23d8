//! An origin that may use an app from a browser.

use http::HeaderValue;
use http::uri::Authority;

use crate::settings::{Rejected, Setting};

/// An origin as a browser writes it, or any.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) enum Origin {
    Any,
    /// `scheme://host[:port]` in lower case, without the scheme's own port.
    One(HeaderValue),
}

impl Setting for Origin {
    const EXPECTED: &'static str = "an origin such as `https://example.com:8443`, or `*`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text == "null" {
            return Err(Rejected::because("every page in a sandbox and every file is `null`"));
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(Rejected::default)?;
        // Browsers put no slash at the end.
        let host = rest.strip_suffix('/').unwrap_or(rest);
        if let Some(slash) = host.find(['/', '?', '#']) {
            let start = scheme.len() + "://".len() + slash;
            return Err(Rejected::because("an origin has no path").at(start, text.len()));
        }
        let authority: Authority = host.parse().map_err(|_| Rejected::default())?;
        if authority.host().is_empty() || host.contains('@') {
            return Err(Rejected::default());
        }
        let scheme = scheme.to_ascii_lowercase();
        let own_port = match &*scheme {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        let host = host.strip_suffix(own_port).unwrap_or(host).to_ascii_lowercase();
        let origin = format!("{scheme}://{host}");
        origin.parse().map(Self::One).map_err(|_| Rejected::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match Origin::parse(text) {
            Ok(Origin::Any) => "any".to_owned(),
            Ok(Origin::One(origin)) => origin.to_str().unwrap().to_owned(),
            Err(rejected) => rejected.reason.unwrap_or_else(|| "refused".to_owned()),
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        assert_eq!(parsed("https://Example.com"), "https://example.com");
        assert_eq!(parsed("HTTPS://example.com:443/"), "https://example.com");
        assert_eq!(parsed("http://example.com:443"), "http://example.com:443");
        assert_eq!(parsed("http://[::1]:8080"), "http://[::1]:8080");
        assert_eq!(parsed("moz-extension://a-b"), "moz-extension://a-b");
        assert_eq!(parsed("*"), "any");
    }

    #[test]
    fn what_no_browser_writes_is_refused() {
        assert_eq!(parsed("null"), "every page in a sandbox and every file is `null`");
        assert_eq!(parsed("https://example.com/app"), "an origin has no path");
        for text in
            ["example.com", "https://", "https://user@a", "https://a b", "https://\u{fc}.de"]
        {
            assert_eq!(parsed(text), "refused", "{text}");
        }
    }
}
