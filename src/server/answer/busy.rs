//! The time in which the app has a request.

use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, DATE};
use http::{HeaderValue, StatusCode, Version};
use http_body::Body as _;
use hyper::upgrade::OnUpgrade;

use super::refused;
use crate::app::{RefusedBy, Request, Response, Tunnel, response};
use crate::server::activity::Activity;
use crate::server::ledger::Noted;
use crate::server::limits::Limits;
use crate::server::received::{Received, Reception};
use crate::server::taking::Taking;

/// The time in which the app has a request, until the last of its response is taken from it.
pub(in crate::server) struct Busy {
    activity: Arc<Activity>,
    pub(in crate::server) noted: Noted,
    /// How its body is received, if it has one.
    reception: Option<Arc<Reception>>,
    /// How its response is taken, if it shares the connection.
    taking: Option<Arc<Taking>>,
    /// Whether the client may go on in another protocol.
    upgrades: bool,
    /// Whether the client knows no end of a body but its length and that of the connection.
    is_old: bool,
}

impl Busy {
    /// Whether other requests share its connection.
    pub(in crate::server) fn is_shared(&self) -> bool {
        self.taking.is_some()
    }

    /// Whether nothing more is to be asked of the app, as the client has yet to take what it was
    /// sent. Where requests share the connection, hyper sees to that by their windows.
    pub(in crate::server) fn is_held_up(&self) -> bool {
        self.taking.is_none() && self.activity.is_held_up()
    }

    /// Notes that the client has taken what the app gave before, if the connection is shared.
    pub(in crate::server) fn is_taken(&self) {
        if let Some(taking) = &self.taking {
            taking.is_taken(self.activity.clock());
        }
    }

    /// Notes that the app has given so many bytes.
    pub(in crate::server) fn is_given(&self, bytes: usize) {
        if let Some(taking) = &self.taking {
            taking.is_given(bytes);
        }
    }

    pub(super) fn new(activity: &Arc<Activity>, request: &mut Request, limits: &Limits) -> Self {
        activity.request_begins();
        let noted = activity.ledger().begin(request);
        let reception = Received::watch(request, activity, limits.trailers);
        let taking = activity.is_multiplexed().then(|| Arc::new(Taking::new(activity)));
        if let Some(taking) = &taking {
            activity.begin_taking(taking);
        }
        let upgrades = request.extensions().get::<OnUpgrade>().is_some();
        let is_old = request.version() == Version::HTTP_10;
        Self { activity: Arc::clone(activity), noted, reception, taking, upgrades, is_old }
    }

    /// Makes the response of the app the one that the client gets.
    pub(super) fn finish(&mut self, response: &mut Response) {
        let refusal = self.reception.as_ref().and_then(|reception| reception.refusal());
        if let Some(refusal) = refusal {
            self.activity.ledger().count(refusal);
            *response = refused(refusal);
        } else if let Some(RefusedBy(filter)) = response.extensions().get() {
            self.activity.ledger().count_by(filter);
        }
        let is_switch = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let tunnel = if is_switch { self.tunnel(response) } else { None };
        if let Some(date) = self.activity.clock().date() {
            response.headers_mut().entry(DATE).or_insert(date);
        }
        self.noted.answered(response);
        if let Some(tunnel) = tunnel {
            self.activity.go_on_by(self.noted.follow(tunnel));
        }
        // hyper ends it then, too.
        let is_measured = response.body().size_hint().exact().is_some()
            || response.headers().contains_key(CONTENT_LENGTH);
        let has_no_end = self.is_old && !is_measured;
        let ends = refusal.is_some()
            || self.activity.is_to_leave()
            || has_no_end
            || self.is_outlasted_by_chunks();
        if ends && !self.activity.is_multiplexed() {
            tell_to_leave(response);
            if self.is_old {
                // Else hyper adds that it lives on, where the client has asked for that.
                *response.version_mut() = Version::HTTP_10;
            }
        }
    }
}

impl Busy {
    /// Whether chunks may still come when the response has left. hyper does not tell the end of
    /// those that have trailers, unless the connection ends with them.
    fn is_outlasted_by_chunks(&self) -> bool {
        let is_chunked = self.reception.as_ref().is_some_and(|reception| !reception.is_measured);
        is_chunked && self.activity.is_body_to_come()
    }

    /// How the connection goes on in another protocol; without that the response is another one. So
    /// it is with a body of which something may still come: that would be taken for the protocol.
    #[cold]
    fn tunnel(&self, response: &mut Response) -> Option<Tunnel> {
        let is_free = self.upgrades && !self.activity.is_body_to_come();
        let tunnel = response.extensions_mut().remove::<Tunnel>().filter(|_| is_free);
        if tunnel.is_none() {
            let detail = "The server has failed to change the protocol.";
            *response = response::failure(StatusCode::INTERNAL_SERVER_ERROR, detail, None);
        }
        tunnel
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.activity.response_ends();
        self.activity.ledger().end(&self.noted);
    }
}

/// Tells the client that the connection ends with this response, by which hyper ends it too.
#[cold]
fn tell_to_leave(response: &mut Response) {
    // There the field names the protocol that the connection goes on with.
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}
