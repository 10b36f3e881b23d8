//! Gives every request an id.

use std::ops::ControlFlow;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::app::{Filter, Phase, REQUEST_ID, Request, RequestExt, Response, trace};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::Dialect;

pub(super) const DEFINITION: Definition =
    Definition::filter::<RequestId>("request_id").aliases(ALIASES).outside_of(&[
        ("basic_auth", "a refusal would have no id"),
        ("catch_errors", "what is caught would be logged without the id of the request"),
        ("timeout", "the answer for what takes too long would have no id"),
    ]);

const ALIASES: &[Alias] = &[
    Alias::of("cinder.api.middleware.request_id:RequestId.factory").dialect(OSLO),
    Alias::of("cinder.openstack.common.middleware.request_id:RequestIdMiddleware.factory")
        .dialect(OSLO)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("egg:oslo.middleware#request_id").dialect(OSLO),
    Alias::of("heat.openstack.common.middleware.request_id:RequestIdMiddleware.factory")
        .dialect(OSLO)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("neutron.openstack.common.middleware.request_id:RequestIdMiddleware.factory")
        .dialect(OSLO)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("nova.api.compute_req_id:ComputeReqIdMiddleware.factory").dialect(NOVA),
    Alias::of("nova.openstack.common.middleware.request_id:RequestIdMiddleware.factory")
        .dialect(OSLO)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("oslo.middleware.request_id:RequestId.factory")
        .dialect(OSLO)
        .retired(super::NAMESPACE, SUCCESSOR),
    Alias::of("oslo.middleware:RequestId.factory")
        .dialect(OSLO)
        .retired(super::NAMESPACE, SUCCESSOR),
    Alias::of("oslo_middleware.request_id:RequestId.factory").dialect(OSLO),
    Alias::of("oslo_middleware:RequestId.factory").dialect(OSLO),
];

const SUCCESSOR: &str = "oslo_middleware:RequestId.factory";

const OSLO: Dialect = Dialect::lenient().ignored(super::OSLO_CONFIG);
const NOVA: Dialect = OSLO.defaults(&[("compat_headers", "x-compute-request-id")]);

/// The length of `req-` and a UUID.
const LENGTH: usize = 4 + Hyphenated::LENGTH;

settings! {
    /// Gives every request an id of the form `req-<uuid>`.
    ///
    /// The id is new for each request, whatever the client sends; log lines and error responses
    /// carry it, and the response has it as `X-Openstack-Request-Id` unless the app set one. The
    /// same header on a request is the id of a whole operation over several services: one of
    /// the right form stays for the app to see, anything else is removed.
    ///
    /// ```ini
    /// [filter:request_id]
    /// use = egg:pasteline#request_id
    /// compat_headers = X-Compute-Request-Id
    /// ```
    pub(super) struct RequestId {
        /// Names of further response headers that carry the id, unless the app set them.
        compat_headers: Vec<HeaderName>,
    }
}

impl FilterFactory for RequestId {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::phase(self))
    }
}

impl Phase for RequestId {
    type Memo = HeaderValue;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, HeaderValue> {
        remove_malformed(request.headers_mut());
        let id = generate();
        trace::identify(&id);
        request.context_mut().request_id = Some(id.clone());
        ControlFlow::Continue(id)
    }

    fn response(&self, id: HeaderValue, response: &mut Response) {
        let headers = response.headers_mut();
        for name in &self.compat_headers {
            headers.entry(name).or_insert_with(|| id.clone());
        }
        headers.entry(REQUEST_ID).or_insert(id);
    }
}

/// A new id, in one allocation.
fn generate() -> HeaderValue {
    let mut id = *b"req-00000000-0000-0000-0000-000000000000";
    Uuid::new_v4().hyphenated().encode_lower(&mut id[LENGTH - Hyphenated::LENGTH..]);
    // Bytes made of a vector would allocate once more when they are shared.
    HeaderValue::from_maybe_shared(Bytes::from_owner(id)).expect("the id is ASCII")
}

/// Removes an id from outside unless it is a single one of the right form.
fn remove_malformed(headers: &mut HeaderMap) {
    let mut ids = headers.get_all(REQUEST_ID).iter();
    let Some(id) = ids.next() else { return };
    if ids.next().is_some() || !is_well_formed(id.as_bytes()) {
        headers.remove(REQUEST_ID);
    }
}

/// Whether it is `req-` and a UUID in lower case.
fn is_well_formed(id: &[u8]) -> bool {
    let Some(uuid) = id.strip_prefix(b"req-") else { return false };
    uuid.len() == Hyphenated::LENGTH
        && uuid.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use http::StatusCode;

    use super::*;
    use crate::app::{App, Body, response};
    use crate::builtin::fixture::{faults, filter, values};

    const NATIVE: &str = "[filter:test]\nuse = egg:pasteline#request_id\n";

    const GLOBAL: &str = "req-5a1b6b0e-52bd-4a4f-9d6a-1c3e1f3f2a77";

    /// What the app saw as the id of the operation and as its own, and the headers of the answer.
    async fn answer(section: &str, sent: &[&[u8]]) -> (String, String, HeaderMap) {
        let app = App::ready(|request: Request| {
            let mut response = response::text(StatusCode::OK, "");
            let own = request.context().request_id.clone().unwrap();
            response.headers_mut().insert("own", own);
            for id in request.headers().get_all(REQUEST_ID) {
                response.headers_mut().append("global", id.clone());
            }
            response
        });
        let mut request = Request::new(Body::empty());
        for id in sent {
            request.headers_mut().append(REQUEST_ID, HeaderValue::from_bytes(id).unwrap());
        }
        let response = app.behind(&[filter(section)]).answer(request).await;
        let headers = response.headers();
        (values(headers, "global"), values(headers, "own"), headers.clone())
    }

    #[tokio::test]
    async fn every_request_has_a_new_id() {
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let (_, own, headers) = answer(NATIVE, &[]).await;
            assert!(is_well_formed(own.as_bytes()), "{own}");
            assert_eq!(values(&headers, "x-openstack-request-id"), own);
            seen.insert(own);
        }
        assert_eq!(seen.len(), 100);
    }

    #[tokio::test]
    async fn an_id_from_outside_names_the_operation_only() {
        let (global, own, _) = answer(NATIVE, &[GLOBAL.as_bytes()]).await;
        assert_eq!(global, GLOBAL);
        assert_ne!(own, GLOBAL);
    }

    #[tokio::test]
    async fn a_malformed_id_does_not_reach_the_app() {
        let upper = GLOBAL.to_uppercase();
        let huge = GLOBAL.repeat(1000);
        let malformed: [&[&[u8]]; 7] = [
            &[b""],
            &[b"req-1"],
            &[upper.as_bytes()],
            &[huge.as_bytes()],
            &[b"req-5a1b6b0e-52bd-4a4f-9d6a-1c3e1f3f2a7\xe9"],
            &[&GLOBAL.as_bytes()[4..]],
            &[GLOBAL.as_bytes(), GLOBAL.as_bytes()],
        ];
        for sent in malformed {
            let (global, ..) = answer(NATIVE, sent).await;
            assert_eq!(global, "", "{sent:?}");
        }
    }

    #[tokio::test]
    async fn an_id_that_the_app_set_stays() {
        let app = App::ready(|_| {
            let mut response = response::text(StatusCode::OK, "");
            response.headers_mut().insert(REQUEST_ID, HeaderValue::from_static("req-own"));
            response
        });
        let app = app.behind(&[filter(NATIVE)]);
        let response = app.answer(Request::new(Body::empty())).await;
        assert_eq!(values(response.headers(), "x-openstack-request-id"), "req-own");
    }

    #[tokio::test]
    async fn nova_has_a_header_of_its_own() {
        let factory = "nova.api.compute_req_id:ComputeReqIdMiddleware.factory";
        let section = format!("[filter:test]\npaste.filter_factory = {factory}");
        let (_, own, headers) = answer(&section, &[]).await;
        assert_eq!(values(&headers, "x-compute-request-id"), own);
    }

    #[test]
    fn a_settings_file_of_its_own_has_no_effect() {
        let section = "[filter:test]\npaste.filter_factory = oslo_middleware:RequestId.factory\n\
            oslo_config_project = nova";
        let [noted] = &*faults(section) else { panic!("one note") };
        let note = "test.ini:3:1: note[ignored-option]: `oslo_config_project` has no effect: ";
        assert!(noted.starts_with(note), "{noted}");
    }

    #[tokio::test]
    async fn further_headers_carry_the_id() {
        let section = format!("{NATIVE}compat_headers = X-A, X-B");
        let (_, own, headers) = answer(&section, &[]).await;
        assert_eq!([values(&headers, "x-a"), values(&headers, "x-b")], [&*own, &*own]);
    }
}
