//! What hyper keeps to itself of a connection that requests share.

use std::sync::Arc;

use crate::app::Connection;
use crate::metrics::Refusal;
use crate::server::activity::Activity;
use crate::server::framed::Frames;
use crate::server::ledger::Ledger;
use crate::server::unheard::Refused;

/// What hyper keeps to itself of a connection that requests share.
pub(super) struct Multiplexed {
    pub(super) connection: Arc<Connection>,
    pub(super) frames: Frames,
}

impl Multiplexed {
    /// Notes which requests were refused without that anybody has heard of them. While something is
    /// held up, h2 may have read more than it has looked at, and have to say more than it has; and
    /// when the connection has ended, it may have left some of both.
    pub(super) fn account(&self, activity: &Activity, has_ended: bool) {
        let is_sure = !has_ended && !activity.is_held_up();
        let mut frames = self.frames.lock();
        let refused = if is_sure { frames.settle(activity.begun()) } else { frames.take() };
        if refused != Refused::default() {
            self.note(refused, activity.ledger());
        }
    }

    #[cold]
    fn note(&self, refused: Refused, ledger: &Ledger) {
        for (refusal, count) in refused.unheard() {
            (0..count).for_each(|_| ledger.refuse(refusal, &[], &self.connection));
        }
        (0..refused.overflowing).for_each(|_| ledger.count(Refusal::Malformed));
    }
}
