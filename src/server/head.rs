//! What must be true of the head of a request, whichever protocol it came by.

use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};

use super::claims::is_claim;
use super::host::is_host;
use super::nominated::names_fields;
use super::scan::has;
use crate::metrics::Refusal;

/// The longest method; those that are registered have up to 17 letters.
const LONGEST_METHOD: usize = 32;

/// The most digits of a length: no body has a petabyte.
const MOST_DIGITS: usize = 15;

/// Why a request is refused by its head alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It has a transfer coding that nobody can decode here.
    Coding,
    /// It does not say in one way where its body ends.
    Framing,
    /// It does not name one host.
    Host,
    /// Its body is longer than any can be.
    Length,
    /// It has a method that is none or is not served.
    Method,
    /// It has a field whose name looks like another one to some.
    Name,
    /// Its path can be read in several ways.
    Path,
    /// Its target is none.
    Target,
    /// It is of a version that is not spoken.
    Version,
}

impl Fault {
    /// With which status a request is refused for it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Framing | Self::Host | Self::Name | Self::Path | Self::Target => {
                StatusCode::BAD_REQUEST
            }
            Self::Coding | Self::Method => StatusCode::NOT_IMPLEMENTED,
            Self::Length => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }

    /// What the client is told.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Coding => "The body of the request has a coding that is not known here.",
            Self::Framing => "The request does not say in one way where its body ends.",
            Self::Host => "The request does not name one valid host.",
            Self::Length => "The body of the request is too large.",
            Self::Method => "The method of the request is not known here.",
            Self::Name => "A field of the request has a name that is not allowed here.",
            Self::Path => "The path of the request can be read in several ways.",
            Self::Target => "The target of the request is not valid.",
            Self::Version => "The version of the protocol is not spoken here.",
        }
    }

    /// What it is counted as.
    pub(super) fn refusal(self) -> Refusal {
        match self {
            Self::Coding | Self::Framing | Self::Length => Refusal::Framing,
            Self::Host => Refusal::Host,
            Self::Method => Refusal::Method,
            Self::Name => Refusal::FieldName,
            Self::Path => Refusal::Path,
            Self::Target => Refusal::Target,
            Self::Version => Refusal::Malformed,
        }
    }
}

/// Checks the head of a request, but for its path.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn check<B>(request: &http::Request<B>) -> Result<Seen, Fault> {
    let version = request.version();
    if !matches!(version, Version::HTTP_10 | Version::HTTP_11 | Version::HTTP_2) {
        return Err(Fault::Version);
    }
    check_method(request.method())?;
    let fields = Fields::of(request.headers())?;
    check_target(request.uri(), request.method())?;
    fields.check_host(request.uri(), version)?;
    fields.check_framing()?;
    Ok(fields.seen)
}

/// What was seen in passing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each may be seen without the others")]
pub(super) struct Seen {
    /// Whether cookies come in more than one field.
    pub(super) has_crumbs: bool,
    /// Whether some field says what only a gateway may.
    pub(super) has_claims: bool,
    /// Whether `Connection` may name fields.
    pub(super) has_nominations: bool,
    /// Whether the name of some field has an underscore.
    pub(super) has_underscores: bool,
}

/// Methods are told apart by case, and all that there are have capitals; so what is no method is
/// not passed on to those who might take it for one.
fn check_method(method: &Method) -> Result<(), Fault> {
    let is_of_method = |byte: u8| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_');
    let method = method.as_str();
    let is_method = method.len() <= LONGEST_METHOD && method.bytes().all(is_of_method);
    if is_method { Ok(()) } else { Err(Fault::Method) }
}

/// The target has one of the forms of RFC 9112, 3.2, for its method, and only visible ASCII.
fn check_target(uri: &Uri, method: &Method) -> Result<(), Fault> {
    let path = uri.path();
    let is_path = path.starts_with('/') || (path == "*" && method == Method::OPTIONS);
    let is_target = match (uri.scheme(), uri.authority()) {
        (None, None) => is_path,
        (None, Some(_)) => method == Method::CONNECT && path.is_empty(),
        (Some(scheme), _) => is_path && (*scheme == Scheme::HTTP || *scheme == Scheme::HTTPS),
    };
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    let is_hidden = |octet: u8| octet.wrapping_sub(b'!') > b'~' - b'!';
    if is_target && !has::<16>(target.as_bytes(), is_hidden) { Ok(()) } else { Err(Fault::Target) }
}

/// The fields that tell where a request goes to and where it ends.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    cookie: Option<&'a [u8]>,
    seen: Seen,
}

impl<'a> Fields<'a> {
    /// One walk over all fields costs less than to look three of them up.
    fn of(headers: &'a HeaderMap) -> Result<Self, Fault> {
        let mut fields = Self::default();
        for (name, value) in headers {
            match name.as_str().as_bytes() {
                b"host" => set_once(&mut fields.host, value).ok_or(Fault::Host)?,
                b"content-length" => set_once(&mut fields.length, value).ok_or(Fault::Framing)?,
                b"transfer-encoding" => {
                    set_once(&mut fields.coding, value).ok_or(Fault::Framing)?;
                }
                b"cookie" => {
                    fields.seen.has_crumbs |= set_once(&mut fields.cookie, value).is_none();
                }
                b"connection" => fields.seen.has_nominations |= names_fields(value.as_bytes()),
                name => {
                    fields.seen.has_underscores |= has::<8>(name, |octet| octet == b'_');
                    fields.seen.has_claims |= is_claim(name);
                }
            }
        }
        Ok(fields)
    }

    /// There is one host, in the target, the header or both (RFC 9112, 3.2; RFC 9113, 8.3.1).
    /// HTTP/1.0 may do without, HTTP/1.1 has it in the header whatever the target says.
    fn check_host(&self, uri: &Uri, version: Version) -> Result<(), Fault> {
        let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
        let is_named = match (authority, self.host) {
            (None, None) => version == Version::HTTP_10,
            (None, Some(host)) => is_host(host),
            (Some(authority), None) => version != Version::HTTP_11 && is_host(authority),
            (Some(authority), Some(host)) => {
                is_host(authority) && authority.eq_ignore_ascii_case(host)
            }
        };
        if is_named { Ok(()) } else { Err(Fault::Host) }
    }

    /// The end of the body is told by a length or by chunks, never by both (RFC 9112, 6.3).
    fn check_framing(&self) -> Result<(), Fault> {
        match (self.coding, self.length) {
            (Some(coding), None) if !coding.eq_ignore_ascii_case(b"chunked") => Err(Fault::Coding),
            (None, Some(length)) if !is_number(length) => Err(Fault::Framing),
            (None, Some(length)) if length.len() > MOST_DIGITS => Err(Fault::Length),
            (Some(_), Some(_)) => Err(Fault::Framing),
            _ => Ok(()),
        }
    }
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn set_once<'a>(place: &mut Option<&'a [u8]>, value: &'a HeaderValue) -> Option<()> {
    place.replace(value.as_bytes()).is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of a request: `METHOD TARGET`, and fields.
    fn verdict(version: Version, line: &str, fields: &[(&str, &str)]) -> Result<Seen, Fault> {
        let (method, target) = line.split_once(' ').unwrap();
        let mut request = http::Request::builder().method(method).uri(target).version(version);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap())
    }

    fn fault(line: &str, fields: &[(&str, &str)]) -> Option<Fault> {
        verdict(Version::HTTP_11, line, &[&[("host", "a")], fields].concat()).err()
    }

    #[test]
    fn a_usual_request_passes() {
        let fields = [("accept", "*/*"), ("content-length", "5")];
        assert_eq!(fault("POST /v2.0/networks?a=%zz|{}", &fields), None);
        assert_eq!(fault("PUT /", &[("transfer-encoding", "Chunked")]), None);
    }

    #[test]
    fn http_1_1_has_one_host() {
        let verdict = |line, fields: &[_]| verdict(Version::HTTP_11, line, fields).err();
        assert_eq!(verdict("GET /", &[]), Some(Fault::Host));
        assert_eq!(verdict("GET http://a/", &[]), Some(Fault::Host));
        assert_eq!(verdict("GET /", &[("host", "")]), Some(Fault::Host));
        assert_eq!(verdict("GET /", &[("host_", "a")]), Some(Fault::Host));
        assert_eq!(verdict("GET /", &[("host", "a"), ("host", "a")]), Some(Fault::Host));
        assert_eq!(verdict("GET http://a/", &[("host", "b")]), Some(Fault::Host));
        assert_eq!(verdict("GET http://a:80/", &[("host", "a")]), Some(Fault::Host));
        assert_eq!(verdict("GET http://u@a/", &[("host", "u@a")]), Some(Fault::Host));
        assert_eq!(verdict("GET http://A/", &[("host", "a")]), None);
    }

    #[test]
    fn http_1_0_may_do_without_a_host() {
        let verdict = |line, fields: &[_]| verdict(Version::HTTP_10, line, fields).err();
        assert_eq!(verdict("GET /", &[]), None);
        assert_eq!(verdict("GET http://a/", &[]), None);
        assert_eq!(verdict("GET /", &[("host", "a"), ("host", "b")]), Some(Fault::Host));
        assert_eq!(verdict("GET /", &[("host", "a b")]), Some(Fault::Host));
    }

    #[test]
    fn in_http_2_the_authority_is_the_host() {
        let verdict = |line, fields: &[_]| verdict(Version::HTTP_2, line, fields).err();
        assert_eq!(verdict("GET https://a/", &[]), None);
        assert_eq!(verdict("GET https://a/", &[("host", "A")]), None);
        assert_eq!(verdict("GET https://a/", &[("host", "b")]), Some(Fault::Host));
        assert_eq!(verdict("GET https://u@a/", &[]), Some(Fault::Host));
        assert_eq!(verdict("GET /", &[("host", "a")]), None);
        assert_eq!(verdict("GET /", &[]), Some(Fault::Host));
        assert_eq!(verdict("GET https://a/", &[("host", "a"), ("host", "a")]), Some(Fault::Host));
    }

    #[test]
    fn a_method_is_a_word_in_capitals() {
        let longest = "M".repeat(LONGEST_METHOD);
        for method in ["GET", "COPY", "VERSION-CONTROL", "BIND_", &longest] {
            assert_eq!(fault(&format!("{method} /"), &[]), None, "{method}");
        }
        for method in ["get", "Get", "GET1", "G!", &format!("{longest}M")] {
            assert_eq!(fault(&format!("{method} /"), &[]), Some(Fault::Method), "{method}");
        }
    }

    #[test]
    fn a_target_has_the_form_that_its_method_takes() {
        for line in ["OPTIONS *", "OPTIONS /", "GET http://a/", "GET https://a?b", "CONNECT a"] {
            assert_eq!(fault(line, &[]), None, "{line}");
        }
        for line in ["GET *", "GET a", "GET a:80", "GET ftp://a/", "GET /\u{e9}", "GET /?\u{e9}"] {
            assert_eq!(fault(line, &[]), Some(Fault::Target), "{line}");
        }
    }

    #[test]
    fn the_end_of_a_body_is_told_in_one_way() {
        let both = [("content-length", "5"), ("transfer-encoding", "chunked")];
        let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        let lengths = [("content-length", "5"), ("content-length", "5")];
        for fields in [&both, &twice, &lengths] {
            assert_eq!(fault("POST /", fields), Some(Fault::Framing), "{fields:?}");
        }
        for length in ["", "+5", "5, 5", "0x5", "-1", "5 5"] {
            let fields = [("content-length", length)];
            assert_eq!(fault("POST /", &fields), Some(Fault::Framing), "{length}");
        }
        for coding in ["gzip, chunked", "chunked, chunked", ", chunked", "identity", ""] {
            let fields = [("transfer-encoding", coding)];
            assert_eq!(fault("POST /", &fields), Some(Fault::Coding), "{coding}");
        }
    }

    #[test]
    fn a_length_has_as_many_digits_as_there_can_be_bytes() {
        let longest = "9".repeat(MOST_DIGITS);
        assert_eq!(fault("POST /", &[("content-length", &longest)]), None);
        let longer = format!("1{longest}");
        assert_eq!(fault("POST /", &[("content-length", &longer)]), Some(Fault::Length));
    }

    #[test]
    fn other_versions_are_not_spoken() {
        for version in [Version::HTTP_09, Version::HTTP_3] {
            let verdict = verdict(version, "GET /", &[("host", "a")]);
            assert_eq!(verdict.err(), Some(Fault::Version));
        }
    }

    #[test]
    fn names_are_seen_in_passing() {
        let seen = |name| verdict(Version::HTTP_11, "GET /", &[("host", "a"), (name, "b")]);
        let nothing = Seen::default();
        assert_eq!(seen("x_user"), Ok(Seen { has_underscores: true, ..nothing }));
        assert_eq!(seen("x-user"), Ok(Seen { has_claims: true, ..nothing }));
        assert_eq!(seen("x-users"), Ok(nothing));
        assert_eq!(seen("connection"), Ok(Seen { has_nominations: true, ..nothing }));
    }
}
