//! What trusted proxies tell of requests.

mod claim;
mod header;

use std::net::{IpAddr, Ipv4Addr};

use http::StatusCode;
use http::header::{HOST, HeaderMap, HeaderValue};
use http::uri::{Authority, Uri};

use self::claim::{Claim, Contradiction, Told};
use crate::app::{Request, RequestExt, Response, response};
use crate::settings::{Form, HeaderPattern, Network, Rejected, Setting};

/// Which headers the proxies write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProxyHeaders {
    /// Either kind, or both if they tell the same.
    Any,
    /// `Forwarded`.
    Forwarded,
    /// `X-Forwarded-For` and its like.
    XForwarded,
}

impl Setting for ProxyHeaders {
    const EXPECTED: &'static str = "`any`, `forwarded` or `x-forwarded`";
    const FORM: Form = Form::Words(&["any", "forwarded", "x-forwarded"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "any" => Ok(Self::Any),
            "forwarded" => Ok(Self::Forwarded),
            "x-forwarded" => Ok(Self::XForwarded),
            _ => Err(Rejected::default()),
        }
    }
}

/// Whom to believe what headers tell of a request.
#[derive(Clone, Debug)]
pub struct Trust {
    networks: Box<[Network]>,
    /// Headers that are removed before the others are read.
    unread: Vec<HeaderPattern>,
    /// Headers that only a proxy may send.
    all: Vec<HeaderPattern>,
}

impl Trust {
    /// Trust in the proxies of these networks, which write headers of this kind.
    pub fn new(networks: &[Network], headers: ProxyHeaders) -> Self {
        let patterns = |texts: &[&str]| -> Vec<HeaderPattern> {
            let parse = |text: &&str| HeaderPattern::parse(text).expect("it begins as a name does");
            texts.iter().map(parse).collect()
        };
        Self {
            networks: networks.into(),
            unread: match headers {
                ProxyHeaders::Any => Vec::new(),
                ProxyHeaders::Forwarded => patterns(&["x-forwarded-*"]),
                ProxyHeaders::XForwarded => patterns(&["forwarded"]),
            },
            all: patterns(&["forwarded", "x-forwarded-*"]),
        }
    }

    /// Notes what a proxy tells of a request, if it is trusted; else takes these headers away.
    ///
    /// # Errors
    ///
    /// A refusal, where the two kinds of headers do not tell the same, or one cannot be read.
    #[expect(clippy::result_large_err, reason = "a refusal is a response, which is moved on")]
    pub fn apply(&self, request: &mut Request) -> Result<(), Response> {
        let peer = request.context().connection.peer.map(|peer| peer.ip());
        if !self.has(peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))) {
            HeaderPattern::remove_all(&self.all, request.headers_mut());
            return Ok(());
        }
        if !self.unread.is_empty() {
            HeaderPattern::remove_all(&self.unread, request.headers_mut());
        }
        match self.claim(request.headers()) {
            Ok(None) => Ok(()),
            Ok(Some(claim)) => {
                apply(claim, request);
                Ok(())
            }
            Err(contradiction) => Err(refuse(contradiction, request.headers())),
        }
    }

    fn has(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    fn claim(&self, headers: &HeaderMap) -> Result<Option<Claim>, Contradiction> {
        let told = Told::by(headers);
        if told.is_nothing() {
            return Ok(None);
        }
        Claim::of(&told, |address| self.has(address)).map(Some)
    }
}

fn apply(claim: Claim, request: &mut Request) {
    let context = request.context_mut();
    context.has_told_proxy = true;
    context.forwarded_for = claim.client.or(context.forwarded_for);
    if let (Some(journal), Some(client)) = (&context.journal, claim.client) {
        journal.tell_client(client);
    }
    context.forwarded_scheme = claim.scheme.or(context.forwarded_scheme);
    context.forwarded_prefix = claim.prefix.or(context.forwarded_prefix.take());
    if let Some(host) = claim.host {
        set_host(request, host);
    }
}

fn refuse(contradiction: Contradiction, headers: &HeaderMap) -> Response {
    tracing::info!(reason = contradiction.0, "what a proxy tells of a request is not believed");
    response::refusal(StatusCode::BAD_REQUEST, contradiction.0, headers)
}

/// Sets the host wherever it stands: in the header, and in the URI of HTTP/2.
pub(crate) fn set_host(request: &mut Request, host: Authority) {
    let Ok(value) = HeaderValue::from_str(host.as_str()) else { return };
    request.headers_mut().insert(HOST, value);
    if request.uri().authority().is_some() {
        let mut parts = request.uri().clone().into_parts();
        parts.authority = Some(host);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
}
