//! The ids that Swift gives to requests.

use std::ops::ControlFlow;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use uuid::Uuid;

use crate::app::{Phase, REQUEST_ID, Request, RequestExt, Response, trace};

const TRANSACTION_ID: HeaderName = HeaderName::from_static("x-trans-id");

/// What a client wants to see at the end of the id.
const EXTRA: HeaderName = HeaderName::from_static("x-trans-id-extra");

/// How much of it is taken, in bytes.
const LONGEST_EXTRA: usize = 32;

/// How many digits of a UUID there are in an id.
const DIGITS: usize = 21;

/// Gives every request an id of the form `tx<digits>-<time>`.
pub(super) struct Transactions {
    /// What ids end with, of which cluster they are say.
    pub(super) suffix: String,
}

impl Phase for Transactions {
    type Memo = HeaderValue;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, HeaderValue> {
        let id = self.id(request.headers());
        trace::identify(&id);
        request.context_mut().request_id = Some(id.clone());
        ControlFlow::Continue(id)
    }

    fn response(&self, id: HeaderValue, response: &mut Response) {
        let headers = response.headers_mut();
        headers.entry(TRANSACTION_ID).or_insert_with(|| id.clone());
        headers.entry(REQUEST_ID).or_insert(id);
    }
}

impl Transactions {
    fn id(&self, headers: &HeaderMap) -> HeaderValue {
        let digits = Uuid::new_v4().simple().to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut end = self.suffix.clone().into_bytes();
        let extra: Vec<_> = headers.get_all(EXTRA).iter().map(HeaderValue::as_bytes).collect();
        let extra = extra.join(&b", "[..]);
        if !extra.is_empty() {
            end.push(b'-');
            end.extend_from_slice(&extra[..extra.len().min(LONGEST_EXTRA)]);
        }
        let end = percent_encode(&end, QUOTED);
        let id = format!("tx{}-{now:010x}{end}", &digits[..DIGITS]);
        HeaderValue::try_from(id).expect("it is ASCII without control characters")
    }
}

/// What Python's `quote` writes in hexadecimal digits.
const QUOTED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'_').remove(b'.').remove(b'-').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    /// An id, without what is new each time.
    fn id(suffix: &str, extra: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in extra {
            headers.append(EXTRA, HeaderValue::from_static(value));
        }
        let id = Transactions { suffix: suffix.to_owned() }.id(&headers);
        let id = id.to_str().unwrap();
        let (digits, time) = (&id[2..23], &id[24..34]);
        assert!(digits.chars().all(|digit| digit.is_ascii_hexdigit()), "{id}");
        assert!(u64::from_str_radix(time, 16).is_ok(), "{id}");
        id.replace(digits, "DIGITS").replace(time, "TIME")
    }

    #[test]
    fn an_id_ends_with_what_the_cluster_and_the_client_say() {
        assert_eq!(id("", &[]), "txDIGITS-TIME");
        assert_eq!(id("", &[""]), "txDIGITS-TIME");
        assert_eq!(id("-a/b c", &["d e"]), "txDIGITS-TIME-a/b%20c-d%20e");
        assert_eq!(id("", &["a", "b"]), "txDIGITS-TIME-a%2C%20b");
        let long = "x".repeat(LONGEST_EXTRA);
        let longer = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
        assert_eq!(id("", &[longer]), format!("txDIGITS-TIME-{long}"));
    }
}
