//! Decodes the bodies of requests for the app.

mod coding;
mod decoded;
mod received;
mod stage;

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::Body as _;

use self::coding::{Coding, codings};
use self::decoded::decode;
use self::stage::{Bounds, Fault};
use crate::app::response::Form;
use crate::app::{App, Body, Filter, Handler, RefusedBy, Request, Response};
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Form as Looks, Reader, Rejected, Setting};

pub(super) const DEFINITION: Definition = Definition::filter::<Decompress>("decompress");

settings! {
    /// Decodes the body of a request that names codings in `Content-Encoding`, so that the app gets
    /// it plain.
    ///
    /// The body is decoded as the app reads it. `Content-Encoding` and `Content-Length` are taken
    /// off the request, and so are digests, which are of the bytes that were sent. A body past
    /// `max_size` or `max_ratio` is refused with 413, one that is not in its coding with 400: the
    /// app's reading fails there, and whatever it answers then becomes that. Up to three codings
    /// one upon another are undone; a part of a body (`Content-Range`) is left alone.
    ///
    /// How large a body may be on the wire is the affair of `sizelimit`, which belongs before this
    /// filter.
    ///
    /// ```ini
    /// [filter:decompress]
    /// use = egg:pasteline#decompress
    /// encodings = gzip, zstd
    /// max_size = 10485760
    /// ```
    struct Decompress {
        /// The codings to undo: `br`, `deflate` (zlib), `gzip` and `zstd`. Any other is unknown.
        encodings: Vec<Coding> = "br, deflate, gzip, zstd",
        /// The largest body that comes out, in bytes.
        max_size: u64 = "104857600",
        /// How many times larger than what was received of it a body may become. The first MiB that
        /// comes out may be of any ratio, as short texts may well repeat themselves.
        max_ratio: u64 = "100",
        /// What becomes of a request in a coding that is unknown: `refuse` answers 415 and tells in
        /// `Accept-Encoding` which are known, `pass` leaves it to the app.
        unknown: Unknown = "refuse",
    }
}

/// What becomes of codings that are unknown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Unknown {
    Pass,
    Refuse,
}

impl Setting for Unknown {
    const EXPECTED: &'static str = "`pass` or `refuse`";
    const FORM: Looks = Looks::Words(&["pass", "refuse"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "pass" => Ok(Self::Pass),
            "refuse" => Ok(Self::Refuse),
            _ => Err(Rejected::default()),
        }
    }
}

impl FilterFactory for Decompress {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.max_ratio == 0 {
            reader.reject("max_ratio", "nothing would come out".to_owned());
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let names: Vec<_> = self.encodings.iter().map(|coding| coding.name()).collect();
        // With none at all, what is sent is to be in no coding.
        let accepted = if names.is_empty() { "identity".to_owned() } else { names.join(", ") };
        let accepted = HeaderValue::try_from(accepted).expect("names are plain words");
        let bounds = Bounds { size: self.max_size, ratio: self.max_ratio };
        let Self { encodings, unknown, .. } = self;
        Ok(Filter::handler(Decoder { encodings, unknown, accepted, bounds }))
    }
}

struct Decoder {
    encodings: Vec<Coding>,
    unknown: Unknown,
    accepted: HeaderValue,
    bounds: Bounds,
}

impl Handler for Decoder {
    async fn handle(&self, mut request: Request, next: App) -> Response {
        let headers = request.headers();
        if !headers.contains_key(CONTENT_ENCODING) || headers.contains_key(CONTENT_RANGE) {
            return next.answer(request).await;
        }
        let codings = match codings(headers, &self.encodings) {
            Some(codings) => codings,
            None if self.unknown == Unknown::Pass => return next.answer(request).await,
            None => return self.refuse(headers),
        };
        let form = Form::asked(headers);
        undress(request.headers_mut());
        // A body of no bytes is empty in any coding.
        if codings.is_empty() || request.body().is_end_stream() {
            return next.answer(request).await;
        }
        request.headers_mut().remove(CONTENT_LENGTH);
        let body = std::mem::take(request.body_mut());
        let (body, fault) = decode(body, &codings, self.bounds);
        *request.body_mut() = Body::new(body);
        let response = next.answer(request).await;
        // Apps report a body that they could not read in many ways; none of them names the cause.
        fault.get().map_or(response, |fault| self.tell(*fault, form))
    }
}

impl Decoder {
    fn refuse(&self, asked: &HeaderMap) -> Response {
        let detail = "The body of the request is in a coding that is not known.";
        let mut response = Form::asked(asked).refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
        response.headers_mut().insert(ACCEPT_ENCODING, self.accepted.clone());
        response
    }

    fn tell(&self, fault: Fault, form: Form) -> Response {
        let Bounds { size, ratio } = self.bounds;
        tracing::info!(?fault, "the body of a request is not decoded further");
        let (status, detail) = match fault {
            Fault::Ratio => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "The body of the request grows more than {ratio} times when it is decoded."
                ),
            ),
            Fault::Size => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The body of the request is larger than {size} bytes when it is decoded."),
            ),
            Fault::Undecodable => (
                StatusCode::BAD_REQUEST,
                "The body of the request is not in the coding that it names.".to_owned(),
            ),
        };
        let refusal = form.refusal(status, &detail);
        // What is in another coding than it says has met no limit.
        if fault == Fault::Undecodable { refusal } else { RefusedBy(DEFINITION.name).mark(refusal) }
    }
}

/// Takes off a request what is true of the encoded bytes only.
fn undress(headers: &mut HeaderMap) {
    const DIGESTS: [HeaderName; 4] = [
        HeaderName::from_static("content-digest"),
        HeaderName::from_static("content-md5"),
        HeaderName::from_static("digest"),
        HeaderName::from_static("repr-digest"),
    ];
    headers.remove(CONTENT_ENCODING);
    for digest in DIGESTS {
        headers.remove(digest);
    }
}

#[cfg(test)]
mod tests;
