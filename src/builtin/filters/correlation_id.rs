//! Gives every request an id that the services behind it share.

use std::ops::ControlFlow;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use uuid::Uuid;

use crate::app::{Filter, Phase, Request, Response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::Dialect;

pub(super) const DEFINITION: Definition =
    Definition::filter::<CorrelationId>("correlation_id").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:oslo.middleware#correlation_id").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware.correlation_id:CorrelationId.factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware:CorrelationId.factory").dialect(OSLO).note(NOTE),
];

const OSLO: Dialect = Dialect::lenient().ignored(super::OSLO_CONFIG);

const NOTE: &str = "The original hands on whatever a client sends as its id.";

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The longest id that is taken from a client, in bytes.
const LONGEST: usize = 255;

settings! {
    /// Gives every request an id in `X-Correlation-Id`, which the app and the services behind it
    /// hand on, so that their logs can be put together.
    ///
    /// An id that the client sends stays: one of up to 255 visible ASCII characters. In the place
    /// of anything else, or of several, stands a new UUID. The response does not have it.
    ///
    /// ```ini
    /// [filter:correlation_id]
    /// use = egg:pasteline#correlation_id
    /// ```
    pub(super) struct CorrelationId {}
}

impl FilterFactory for CorrelationId {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::phase(self))
    }
}

impl Phase for CorrelationId {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        let headers = request.headers_mut();
        if !has_id(headers) {
            let id = Uuid::new_v4().hyphenated().to_string();
            let id = HeaderValue::try_from(id).expect("a UUID is ASCII");
            headers.insert(CORRELATION_ID, id);
        }
        ControlFlow::Continue(())
    }
}

/// Whether there is a single id that can be handed on.
fn has_id(headers: &HeaderMap) -> bool {
    let mut ids = headers.get_all(CORRELATION_ID).iter();
    let Some(id) = ids.next() else { return false };
    let id = id.as_bytes();
    ids.next().is_none() && (1..=LONGEST).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::app::{App, Body, response};
    use crate::builtin::fixture::{filter, text, values};

    const SECTION: &str =
        "[filter:id]\npaste.filter_factory = oslo_middleware:CorrelationId.factory\n";

    /// What the app sees as the id.
    async fn seen(sent: &[&[u8]]) -> String {
        let app = App::ready(|request: Request| {
            response::text(StatusCode::OK, values(request.headers(), "x-correlation-id"))
        });
        let mut request = Request::new(Body::empty());
        for id in sent {
            request.headers_mut().append(CORRELATION_ID, HeaderValue::from_bytes(id).unwrap());
        }
        let response = app.behind(&[filter(SECTION)]).answer(request).await;
        assert!(!response.headers().contains_key(CORRELATION_ID));
        text(response).await
    }

    #[tokio::test]
    async fn an_id_of_the_clients_stays() {
        let longest = "x".repeat(LONGEST);
        for id in ["1", "a-b_c:d", &longest] {
            assert_eq!(seen(&[id.as_bytes()]).await, id);
        }
    }

    #[tokio::test]
    async fn whatever_else_is_sent_is_replaced_by_a_new_one() {
        let too_long = "x".repeat(LONGEST + 1);
        let sent: [&[&[u8]]; 7] =
            [&[], &[b""], &[b"a b"], &[b"\xe9"], &[b"a", b"a"], &[b"a\tb"], &[too_long.as_bytes()]];
        for sent in sent {
            let (first, second) = (seen(sent).await, seen(sent).await);
            assert!(Uuid::parse_str(&first).is_ok(), "{first}");
            assert_ne!(first, second);
        }
    }
}
