//! Compresses responses.

use std::ops::ControlFlow;

use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};

use crate::app::{Filter, Phase, Request, Response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Form, Rejected, Setting};

pub(super) const DEFINITION: Definition =
    Definition::filter::<Compress>("compress").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:Paste#gzip").dialect(PASTE).note(NOTE),
    Alias::of("glance.api.middleware.gzip:GzipMiddleware.factory").dialect(GLANCE).note(NOTE),
    Alias::of("paste.gzipper:make_gzip_middleware").dialect(PASTE).note(NOTE),
    Alias::of("subject.api.middleware.gzip:GzipMiddleware.factory").dialect(GLANCE).note(NOTE),
];

const PASTE: Dialect = Dialect::new().renamed(&[("compress_level", "level")]).defaults(&[
    ("encodings", "gzip"),
    ("level", "6"),
    ("min_size", "0"),
]);

const GLANCE: Dialect =
    Dialect::lenient().defaults(&[("encodings", "gzip"), ("level", "6"), ("min_size", "0")]);

const NOTE: &str = "The original looks for `gzip` anywhere in `Accept-Encoding` and holds the \
    whole response in memory; here quality values count, and responses are streamed.";

settings! {
    /// Compresses responses in an encoding that the client accepts.
    ///
    /// Texts and documents are compressed as they are sent; what is compressed already (images,
    /// archives, a response with `Content-Encoding`) is not, nor are ranges, event streams and
    /// what says `Cache-Control: no-transform`. The response varies by `Accept-Encoding`, and a
    /// strong `ETag` becomes a weak one.
    ///
    /// A response that holds a secret beside a text of the client's choice should not be
    /// compressed over TLS: its length tells of the secret (BREACH).
    ///
    /// ```ini
    /// [filter:compress]
    /// use = egg:pasteline#compress
    /// encodings = zstd, br, gzip
    /// min_size = 1024
    /// ```
    pub(super) struct Compress {
        /// The encodings to offer: `br`, `gzip` and `zstd`. Of those that the client likes best,
        /// `zstd` comes first, then `br`.
        encodings: Vec<Encoding> = "br, gzip, zstd",
        /// How hard to try, from 0; higher is smaller and slower. The highest is 9 for `gzip`,
        /// 11 for `br`, 22 for `zstd`; a higher one counts as the highest. Unset, each takes its
        /// usual one: 6, 4 and 3.
        level: Option<u8>,
        /// Responses shorter than this, in bytes, are left alone.
        min_size: u64 = "256",
    }
}

/// An encoding to offer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Zstd,
}

impl Setting for Encoding {
    const EXPECTED: &'static str = "`br`, `gzip` or `zstd`";
    const FORM: Form = Form::Words(&["br", "gzip", "zstd"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "br" => Ok(Self::Brotli),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(Rejected::default()),
        }
    }
}

impl FilterFactory for Compress {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let level = self
            .level
            .map_or(CompressionLevel::Default, |level| CompressionLevel::Precise(i32::from(level)));
        let offers = |encoding| self.encodings.contains(&encoding);
        let compression = CompressionLayer::new()
            .br(offers(Encoding::Brotli))
            .gzip(offers(Encoding::Gzip))
            .zstd(offers(Encoding::Zstd))
            .quality(level)
            .compress_when(SizeAbove::new(self.min_size).and(is_worth_it as Worth));
        // Whether the layer did anything can only be seen from both sides of it.
        let filters = [Filter::phase(Mend), Filter::layer(compression), Filter::phase(Mark)];
        Ok(Filter::wrap(move |app| app.behind(&filters)))
    }
}

type Worth = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// Whether a response may be compressed, and gets smaller by it.
fn is_worth_it(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let no_transform = |control: &str| control.to_ascii_lowercase().contains("no-transform");
    let content_type = text(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    is_compressible(content_type.split(';').next().unwrap_or_default().trim())
        && !text(CACHE_CONTROL).is_some_and(no_transform)
}

fn is_compressible(media_type: &str) -> bool {
    match media_type.split_once('/') {
        Some(("text", kind)) => kind != "event-stream",
        Some(("application", kind)) => !["compress", "grpc", "octet-stream", "pdf", "zip", "zstd"]
            .iter()
            .any(|other| kind.contains(other)),
        Some((_, kind)) => kind.ends_with("+xml") || kind.ends_with("+json"),
        None => false,
    }
}

/// What a response was like before the layer.
#[derive(Clone)]
struct Before {
    status: StatusCode,
    /// Whether it had a tag and was not encoded yet.
    is_tagged: bool,
}

/// Marks the responses that have to be mended once the layer is done with them, inside of it.
struct Mark;

impl Phase for Mark {
    /// Whether the client refuses an encoding.
    type Memo = bool;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, bool> {
        let mut accepted = request.headers().get_all(ACCEPT_ENCODING).iter();
        ControlFlow::Continue(accepted.any(|value| value.as_bytes().contains(&b'0')))
    }

    fn response(&self, is_picky: bool, response: &mut Response) {
        let headers = response.headers();
        let is_tagged = headers.contains_key(ETAG) && !headers.contains_key(CONTENT_ENCODING);
        if is_tagged || is_picky {
            let status = response.status();
            response.extensions_mut().insert(Before { status, is_tagged });
        }
    }
}

/// Mends the marked responses.
///
/// The tag of what the layer has encoded is weakened: it stands for other bytes now, which no
/// range may be joined with. And the status is that of the app: for a client that accepts nothing,
/// not even what is not encoded, the layer makes 406 of whatever the app has said and done.
struct Mend;

impl Phase for Mend {
    type Memo = ();

    fn request(&self, _: &mut Request) -> ControlFlow<Response> {
        ControlFlow::Continue(())
    }

    fn response(&self, (): (), response: &mut Response) {
        let Some(before) = response.extensions_mut().remove::<Before>() else { return };
        *response.status_mut() = before.status;
        let headers = response.headers_mut();
        if !before.is_tagged || !headers.contains_key(CONTENT_ENCODING) {
            return;
        }
        if let Some(tag) = headers.get_mut(ETAG)
            && !tag.as_bytes().starts_with(b"W/")
            && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
        {
            *tag = weak;
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::app::{App, Body};
    use crate::builtin::fixture::{faults, filter, values};

    const SECTION: &str = "[filter:compress]\nuse = egg:pasteline#compress\nmin_size = 10\n";

    /// The response to a client that accepts encodings, from an app that answers with headers,
    /// given as lines, and this many bytes.
    async fn answer(
        section: &str,
        accept: &'static str,
        lines: &'static str,
        size: usize,
    ) -> Response {
        let app = App::ready(move |_| {
            let mut response = Response::new(Body::from(vec![b'x'; size]));
            for line in lines.lines() {
                let (name, value) = line.split_once(": ").unwrap();
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            response
        });
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert("accept-encoding", HeaderValue::from_static(accept));
        app.behind(&[filter(section)]).answer(request).await
    }

    async fn encoding(
        section: &str,
        accept: &'static str,
        lines: &'static str,
        size: usize,
    ) -> String {
        values(answer(section, accept, lines, size).await.headers(), "content-encoding")
    }

    const TEXT: &str = "content-type: text/plain";

    #[tokio::test]
    async fn compresses_as_the_client_likes_best() {
        for (accept, expected) in [
            ("gzip", "gzip"),
            ("br;q=0.5, gzip;q=0.1", "br"),
            ("zstd, br, gzip", "zstd"),
            ("gzip;q=0", ""),
            ("deflate", ""),
            ("", ""),
        ] {
            assert_eq!(encoding(SECTION, accept, TEXT, 1000).await, expected, "{accept}");
        }
    }

    #[tokio::test]
    async fn the_response_says_what_it_varies_by_and_gets_smaller() {
        let response = answer(SECTION, "gzip", TEXT, 1000).await;
        assert_eq!(values(response.headers(), "vary"), "accept-encoding");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"\x1f\x8b") && body.len() < 100, "{body:?}");
    }

    #[tokio::test]
    async fn leaves_alone_what_gets_no_smaller() {
        for lines in [
            "content-type: image/png",
            "content-type: application/zip",
            "content-type: text/event-stream",
            "content-type: text/plain\ncontent-range: bytes 0-999/5000",
            "content-type: text/plain\ncache-control: max-age=5, No-Transform",
            "",
        ] {
            assert_eq!(encoding(SECTION, "gzip", lines, 1000).await, "", "{lines}");
        }
        assert_eq!(encoding(SECTION, "gzip", TEXT, 9).await, "");
        assert_eq!(encoding(SECTION, "gzip", TEXT, 10).await, "gzip");
    }

    #[tokio::test]
    async fn compresses_documents_of_many_types() {
        for lines in [
            "content-type: application/json",
            "content-type: Text/HTML; charset=utf-8",
            "content-type: image/svg+xml",
        ] {
            assert_eq!(encoding(SECTION, "gzip", lines, 1000).await, "gzip", "{lines}");
        }
    }

    #[tokio::test]
    async fn a_tag_is_weakened_only_by_what_is_done_here() {
        let tag = async |accept, lines| {
            values(answer(SECTION, accept, lines, 1000).await.headers(), "etag")
        };
        let tagged = "content-type: text/plain\netag: \"a\"";
        assert_eq!(tag("gzip", tagged).await, "W/\"a\"");
        assert_eq!(tag("gzip", "content-type: text/plain\netag: W/\"a\"").await, "W/\"a\"");
        assert_eq!(tag("identity", tagged).await, "\"a\"");
        let encoded = "content-type: text/plain\ncontent-encoding: br\netag: \"a\"";
        assert_eq!(tag("gzip", encoded).await, "\"a\"");
    }

    #[tokio::test]
    async fn who_accepts_nothing_gets_what_the_app_answers() {
        for accept in ["*;q=0", "identity;q=0", "gzip;q=0, identity;q=0.000"] {
            let response = answer(SECTION, accept, TEXT, 1000).await;
            assert_eq!(response.status(), StatusCode::OK, "{accept}");
            assert_eq!(values(response.headers(), "content-encoding"), "", "{accept}");
        }
    }

    #[tokio::test]
    async fn pastes_gzip_knows_no_other_encoding() {
        let section = "[filter:gzip]\nuse = egg:Paste#gzip\ncompress_level = 9";
        assert_eq!(encoding(section, "br, gzip", TEXT, 1).await, "gzip");
        assert_eq!(encoding(section, "br", TEXT, 1000).await, "");
    }

    #[test]
    fn says_which_encodings_there_are() {
        let section = "[filter:compress]\nuse = egg:pasteline#compress\nencodings = gzip, deflate";
        let [fault] = &*faults(section) else { panic!("one fault") };
        let place = "test.ini:3:19: error[bad-value]";
        assert!(fault.starts_with(place) && fault.contains("`br`, `gzip` or `zstd`"), "{fault}");
    }
}
