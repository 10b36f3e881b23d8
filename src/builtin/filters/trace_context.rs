//! Makes each request a part of a trace over several services (W3C Trace Context).

mod parent;

use std::ops::ControlFlow;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use self::parent::{Parent, Rate};
use crate::app::{Filter, Phase, Request, Response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Group};

pub(super) const DEFINITION: Definition =
    Definition::filter::<TraceContext>("trace_context").aliases(ALIASES).turned_on_by("enabled");

const ALIASES: &[Alias] = &[
    Alias::of("egg:oslo.middleware#tracing").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware.tracing:TracingMiddleware.factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware:TracingMiddleware.factory").dialect(OSLO).note(NOTE),
];

const OSLO: Dialect = Dialect::lenient()
    .ignored(&[
        ("insecure", NO_SPANS),
        ("oslo_config_file", super::ONE_CONFIG),
        ("oslo_config_program", super::ONE_CONFIG),
        ("oslo_config_project", super::ONE_CONFIG),
        ("otlp_endpoint", NO_SPANS),
        ("otlp_protocol", NO_SPANS),
        ("service_name", NO_SPANS),
    ])
    .defaults(&[("enabled", "false")])
    .group(Group::Own("oslo_middleware_tracing"));

const NO_SPANS: &str = "spans are not exported; the services behind this one tell theirs";

const NOTE: &str = "The original exports spans by OTLP. Here a request is only handed on as a part \
    of its trace, and the app behind sees this server as its parent.";

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

settings! {
    /// Makes each request a part of a trace over several services, by the headers `traceparent`
    /// and `tracestate` (W3C Trace Context).
    ///
    /// A request that is a part of a trace goes on with the trace's id, and any other begins a
    /// trace; the app, and the services behind it, find this server as the parent. The response
    /// has both headers too, so that a client finds its trace. A `traceparent` that is malformed,
    /// or stands twice, is taken for none, and `tracestate` goes with it. Spans are not recorded.
    ///
    /// ```ini
    /// [filter:tracing]
    /// use = egg:pasteline#trace_context
    /// sampling_rate = 0.1
    /// ```
    struct TraceContext {
        /// Whether it does anything.
        enabled: bool = "true",
        /// The share of traces that are marked to be recorded, from 0 to 1. The id of a trace
        /// decides, so that all services with the same rate agree.
        sampling_rate: Rate = "1",
    }
}

impl FilterFactory for TraceContext {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        if !self.enabled {
            return Ok(Filter::pass());
        }
        Ok(Filter::phase(Tracer { rate: self.sampling_rate }))
    }
}

struct Tracer {
    rate: Rate,
}

/// What is kept for the response.
struct Told {
    parent: HeaderValue,
    state: Option<HeaderValue>,
}

impl Phase for Tracer {
    type Memo = Box<Told>;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo> {
        let headers = request.headers_mut();
        let known = parent(headers);
        let state = known.and_then(|_| state(headers));
        let parent = known.unwrap_or_else(Parent::root).child(self.rate).value();
        headers.insert(TRACEPARENT, parent.clone());
        match &state {
            Some(state) => headers.insert(TRACESTATE, state.clone()),
            None => headers.remove(TRACESTATE),
        };
        ControlFlow::Continue(Box::new(Told { parent, state }))
    }

    fn response(&self, told: Self::Memo, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(TRACEPARENT, told.parent);
        if let Some(state) = told.state {
            headers.insert(TRACESTATE, state);
        }
    }
}

/// What a request says it is a part of; none if it says nothing that can be understood.
fn parent(headers: &HeaderMap) -> Option<Parent> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    Parent::parse(value.as_bytes())
}

/// What other tracers have to say, in one list; none if it is empty, or longer than anyone has to
/// hand on.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    const LONGEST: usize = 512;
    let lists: Vec<_> = headers.get_all(TRACESTATE).iter().map(HeaderValue::as_bytes).collect();
    let joined = lists.join(&b","[..]);
    let is_whole = !joined.is_empty() && joined.len() <= LONGEST;
    HeaderValue::from_bytes(&joined).ok().filter(|_| is_whole)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::app::{App, Body, response};
    use crate::builtin::fixture::{filter, values};

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    /// What the app and the client see of both headers.
    async fn seen(options: &str, sent: &[(HeaderName, &str)]) -> [String; 4] {
        let app = App::ready(|request: Request| {
            let mut response = response::text(StatusCode::OK, "");
            for (name, value) in request.headers() {
                response
                    .headers_mut()
                    .append(format!("app-{name}").parse::<HeaderName>().unwrap(), value.clone());
            }
            response
        });
        let mut request = Request::new(Body::empty());
        for (name, value) in sent {
            request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let section = format!("[filter:t]\nuse = egg:pasteline#trace_context\n{options}");
        let response = app.behind(&[filter(&section)]).answer(request).await;
        ["app-traceparent", "app-tracestate", "traceparent", "tracestate"]
            .map(|name| values(response.headers(), name))
    }

    fn of_trace(id: &str) -> String {
        format!("00-{id}-b7ad6b7169203331-01")
    }

    #[tokio::test]
    async fn a_trace_goes_on() {
        let sent = of_trace(ID);
        let [app, state, client, _] =
            seen("", &[(TRACEPARENT, &sent), (TRACESTATE, "a=1"), (TRACESTATE, "b=2")]).await;
        assert!(app.starts_with(&format!("00-{ID}-")) && app.ends_with("-01"), "{app}");
        assert_ne!(app, sent);
        assert_eq!((client, &*state), (app, "a=1,b=2"));
    }

    #[tokio::test]
    async fn anything_else_begins_a_trace() {
        let sent = of_trace(ID);
        let huge = format!("{sent}{}", "0".repeat(5000));
        for bad in
            ["", "00", "junk", &sent.to_uppercase(), &of_trace(&"0".repeat(32)), &huge, "\u{e9}"]
        {
            let [app, state, ..] = seen("", &[(TRACEPARENT, bad), (TRACESTATE, "a=1")]).await;
            assert!(Parent::parse(app.as_bytes()).is_some() && !app.contains(ID), "{bad}: {app}");
            assert_eq!(state, "", "{bad}");
        }
        let [app, ..] = seen("", &[(TRACEPARENT, &sent), (TRACEPARENT, &sent)]).await;
        assert!(!app.contains(ID) && !app.contains('|'), "{app}");
        let [first, ..] = seen("", &[]).await;
        let [second, ..] = seen("", &[]).await;
        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn what_is_too_long_to_hand_on_is_left_out() {
        let sent = of_trace(ID);
        let (longest, longer) =
            (format!("a={}", "x".repeat(510)), format!("a={}", "x".repeat(511)));
        let [_, state, ..] = seen("", &[(TRACEPARENT, &sent), (TRACESTATE, &longest)]).await;
        assert_eq!(state, longest);
        let [_, state, ..] = seen("", &[(TRACEPARENT, &sent), (TRACESTATE, &longer)]).await;
        assert_eq!(state, "");
    }

    #[tokio::test]
    async fn the_rate_decides_what_is_recorded() {
        let sent = of_trace(ID);
        let flags = async |rate: &str| {
            let options = format!("sampling_rate = {rate}");
            let [app, ..] = seen(&options, &[(TRACEPARENT, &sent)]).await;
            app[app.len() - 2..].to_owned()
        };
        // The last 16 digits of the id are a little more than half of what they can be.
        assert_eq!([flags("0").await, flags("0.5").await], ["00", "00"]);
        assert_eq!([flags("0.6").await, flags("1").await], ["01", "01"]);
    }

    #[tokio::test]
    async fn nothing_happens_unless_it_is_turned_on() {
        let none = [""; 4].map(str::to_owned);
        assert_eq!(seen("enabled = false", &[]).await, none);
        let section = "[filter:t]\nuse = egg:oslo.middleware#tracing";
        let app = App::ready(|_| response::text(StatusCode::OK, "")).behind(&[filter(section)]);
        let response = app.answer(Request::new(Body::empty())).await;
        assert!(!response.headers().contains_key(TRACEPARENT));
    }
}
