//! What hyper keeps to itself of a connection that requests share.

use std::sync::Arc;

use crate::app::Connection;
use crate::metrics::Refusal;
use crate::server::activity::Activity;
use crate::server::framed::Frames;
use crate::server::unheard::Refused;

/// What hyper keeps to itself of a connection that requests share.
pub(super) struct Multiplexed {
    pub(super) connection: Arc<Connection>,
    pub(super) frames: Frames,
}

impl Multiplexed {
    /// Notes which requests were refused without that anybody has heard of them. While something
    /// is held up, hyper may have read more than it has looked at.
    pub(super) fn account(&self, activity: &Activity, has_ended: bool) {
        if activity.is_held_up() && !has_ended {
            return;
        }
        let Refused { unheard, broken } = self.frames.lock().take(activity.begun(), has_ended);
        let ledger = activity.ledger();
        for (refusal, count) in unheard {
            (0..count).for_each(|_| ledger.refuse(refusal, &[], &self.connection));
        }
        (0..broken).for_each(|_| ledger.count(Refusal::Malformed));
    }
}
