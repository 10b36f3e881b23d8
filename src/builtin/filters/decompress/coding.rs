//! Codings of content, as `Content-Encoding` names them.

use std::pin::Pin;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::io::{AsyncBufRead, AsyncRead};

use crate::settings::{Form, Rejected, Setting};

/// A coding that can be undone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Coding {
    Brotli,
    Deflate,
    Gzip,
    Zstd,
}

/// How many codings one upon another are undone; each holds a window of its own.
const MOST: usize = 3;

/// The most that a body in `zstd` may look back, as a power of two: 8 MiB, which is what RFC 9659
/// allows. The format itself goes to 2 GiB, which would be kept in memory.
const ZSTD_WINDOW: u32 = 23;

impl Coding {
    /// Its name in `Content-Encoding`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Deflate => "deflate",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The coding of a name, in any case. `x-gzip` is an old name of `gzip` (RFC 9110, 8.4.1.3).
    fn named(name: &str) -> Option<Self> {
        let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
        let all = [Self::Brotli, Self::Deflate, Self::Gzip, Self::Zstd];
        all.into_iter().find(|coding| coding.name().eq_ignore_ascii_case(name))
    }

    /// Undoes it. What follows an end is another beginning, so that all of a body is looked at.
    pub(super) fn undo(self, body: impl AsyncBufRead + Send + 'static) -> Pin<Box<dyn Plain>> {
        macro_rules! boxed {
            ($decoder:expr) => {{
                let mut decoder = $decoder;
                decoder.multiple_members(true);
                Box::pin(decoder)
            }};
        }
        match self {
            Self::Brotli => boxed!(BrotliDecoder::new(body)),
            Self::Deflate => boxed!(ZlibDecoder::new(body)),
            Self::Gzip => boxed!(GzipDecoder::new(body)),
            Self::Zstd => {
                let window = DParameter::window_log_max(ZSTD_WINDOW);
                boxed!(ZstdDecoder::with_params(body, &[window]))
            }
        }
    }
}

/// What comes out of a decoder.
pub(super) trait Plain: AsyncRead + Send {}

impl<R: AsyncRead + Send> Plain for R {}

impl Setting for Coding {
    const EXPECTED: &'static str = "`br`, `deflate`, `gzip` or `zstd`";
    const FORM: Form = Form::Words(&["br", "deflate", "gzip", "zstd"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        let named = Self::named(text).filter(|coding| coding.name() == text);
        named.ok_or_else(Rejected::default)
    }
}

/// The codings that a body is in, in the order in which they were applied; none if one of them is
/// not among those that are known, or there are too many.
pub(super) fn codings(headers: &HeaderMap, known: &[Coding]) -> Option<Vec<Coding>> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let names = value.to_str().ok()?.split(',').map(str::trim);
        for name in names.filter(|name| !matches!(&*name.to_ascii_lowercase(), "" | "identity")) {
            let coding = Coding::named(name).filter(|coding| known.contains(coding))?;
            if codings.len() == MOST {
                return None;
            }
            codings.push(coding);
        }
    }
    Some(codings)
}
