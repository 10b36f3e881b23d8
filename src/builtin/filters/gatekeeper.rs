//! Keeps the headers that Swift's own parts tell each other out of what clients send and get.

use std::ops::ControlFlow;

use http::HeaderMap;
use http::header::HeaderName;

use crate::app::{Filter, Phase, Request, Response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, HeaderPattern, Setting as _};

pub(super) const DEFINITION: Definition =
    Definition::filter::<Gatekeeper>("gatekeeper").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:swift#gatekeeper").dialect(SWIFT).note(NOTE),
    Alias::of("swift.common.middleware.gatekeeper:filter_factory").dialect(SWIFT).note(NOTE),
];

const SWIFT: Dialect = Dialect::lenient()
    .globals(&["allow_reserved_names_header", "shunt_inbound_x_timestamp"])
    .ignored(super::SWIFT_LOG);

const NOTE: &str = "Here `X_Backend_…` counts as `X-Backend-…` and `X_Timestamp` as `X-Timestamp`, as \
    they do to a WSGI server.";

settings! {
    /// Keeps the headers that Swift's own parts tell each other (system metadata, `X-Backend-*`,
    /// devices and partitions) out of what clients send and of what they get.
    ///
    /// It belongs before all that goes by such headers: right behind `catch_errors`.
    ///
    /// ```ini
    /// [filter:gatekeeper]
    /// use = egg:pasteline#gatekeeper
    /// ```
    pub(super) struct Gatekeeper {
        /// Whether `X-Timestamp` of a client is passed on as `X-Backend-Inbound-X-Timestamp`, so
        /// that it does not set the time of what is stored.
        shunt_inbound_x_timestamp: bool = "true",
        /// Whether a client may reach reserved names by `X-Allow-Reserved-Names`.
        allow_reserved_names_header: bool = "false",
    }
}

/// What no client may send or see.
const PRIVATE: [&str; 16] = [
    "x-account-device",
    "x-account-host",
    "x-account-partition",
    "x-account-sysmeta-*",
    "x-backend*",
    "x-container-device",
    "x-container-host",
    "x-container-partition",
    "x-container-root-db-state",
    "x-container-sysmeta-*",
    "x-delete-at-container",
    "x-delete-at-device",
    "x-delete-at-host",
    "x-delete-at-partition",
    "x-object-sysmeta-*",
    "x-object-transient-sysmeta-*",
];

const SHUNTED_TIMESTAMP: HeaderName = HeaderName::from_static("x-backend-inbound-x-timestamp");
const BACKEND_RESERVED_NAMES: HeaderName =
    HeaderName::from_static("x-backend-allow-reserved-names");

impl FilterFactory for Gatekeeper {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let pattern = |name| HeaderPattern::parse(name).expect("it is the pattern of a name");
        let mut moved = Vec::new();
        if self.shunt_inbound_x_timestamp {
            moved.push((pattern("x-timestamp"), SHUNTED_TIMESTAMP));
        }
        if self.allow_reserved_names_header {
            moved.push((pattern("x-allow-reserved-names"), BACKEND_RESERVED_NAMES));
        }
        Ok(Filter::phase(Gate { private: PRIVATE.map(pattern).into(), moved }))
    }
}

struct Gate {
    private: Vec<HeaderPattern>,
    /// Headers of requests that go by another name behind it.
    moved: Vec<(HeaderPattern, HeaderName)>,
}

impl Phase for Gate {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        let headers = request.headers_mut();
        HeaderPattern::remove_all(&self.private, headers);
        for (from, to) in &self.moved {
            rename(from, to, headers);
        }
        ControlFlow::Continue(())
    }

    fn response(&self, (): (), response: &mut Response) {
        HeaderPattern::remove_all(&self.private, response.headers_mut());
    }
}

/// Has a header go by another name, in whichever spelling it comes.
fn rename(from: &HeaderPattern, to: &HeaderName, headers: &mut HeaderMap) {
    let named = headers.iter().find(|(name, _)| from.matches(name));
    let Some((_, value)) = named else { return };
    headers.insert(to, value.clone());
    HeaderPattern::remove_all(std::slice::from_ref(from), headers);
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};

    use super::*;
    use crate::app::{App, Body, response};
    use crate::builtin::fixture::{faults, filter};

    /// The headers that the app sees and those of the answer, of a request with these names.
    async fn passed(options: &str, names: &[&'static str]) -> (Vec<String>, Vec<String>) {
        let app = App::ready(|request: Request| {
            let mut response = response::text(StatusCode::OK, "");
            for name in request.headers().keys() {
                response.headers_mut().append("seen", name.as_str().parse().unwrap());
            }
            for name in ["x-backend-timing", "x-container-sysmeta-acl", "x-container-meta-a"] {
                response.headers_mut().insert(name, HeaderValue::from_static("1"));
            }
            response
        });
        let mut request = Request::new(Body::empty());
        for name in names {
            request.headers_mut().insert(*name, HeaderValue::from_static("1"));
        }
        let section = format!("[filter:f]\nuse = egg:swift#gatekeeper\n{options}");
        let response = app.behind(&[filter(&section)]).answer(request).await;
        let seen = response.headers().get_all("seen").iter();
        let mut seen: Vec<_> = seen.map(|name| name.to_str().unwrap().to_owned()).collect();
        seen.sort();
        let mut told: Vec<_> = response.headers().keys().map(ToString::to_string).collect();
        told.retain(|name| name.starts_with("x-"));
        (seen, told)
    }

    #[tokio::test]
    async fn what_is_private_passes_neither_way() {
        let names = [
            "x-account-host",
            "x-account-hostess",
            "x-backend",
            "x-backend-storage-policy-index",
            "x-container-root-db-state",
            "x-object-meta-color",
            "x-object-sysmeta-a",
            "x-object-transient-sysmeta-a",
            "x_backend_a",
        ];
        let (seen, told) = passed("", &names).await;
        assert_eq!(seen, ["x-account-hostess", "x-object-meta-color"]);
        assert_eq!(told, ["x-container-meta-a"]);
    }

    #[tokio::test]
    async fn what_a_client_may_say_goes_by_another_name() {
        let names = ["x-timestamp", "x-allow-reserved-names"];
        let shunted = "x-backend-inbound-x-timestamp";
        assert_eq!(passed("", &names).await.0, ["x-allow-reserved-names", shunted]);
        assert_eq!(passed("", &["x_timestamp"]).await.0, [shunted]);
        let options = "shunt_inbound_x_timestamp = no\nallow_reserved_names_header = yes";
        let expected = ["x-backend-allow-reserved-names", "x-timestamp"];
        assert_eq!(passed(options, &names).await.0, expected);
    }

    #[test]
    fn tells_a_value_that_is_neither_yes_nor_no() {
        let section = "[filter:f]\nuse = egg:swift#gatekeeper\nshunt_inbound_x_timestamp = maybe\n";
        assert_eq!(faults(section).len(), 1);
    }
}
