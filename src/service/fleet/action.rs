//! What a fleet has done, and what its workers are told.

use super::worker::{Id, Post};

/// What is to be done.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::service) enum Action {
    /// What is being changed is in force from now on: workers that start have it.
    Commit,
    /// Have a worker accept connections at the sockets of a place that is empty for a while.
    Cover(Id, usize),
    /// End a process at once, for a reason.
    Kill(Id, &'static str),
    /// All workers accept connections, for the first time.
    Ready,
    /// The change has ended, well or not.
    Settle(Result<(), String>),
    /// Start the process of a worker.
    Spawn(Id, Post),
    /// Tell a worker something.
    Tell(Id, Word),
    /// Have a worker leave the sockets of a place to the worker that is in it again.
    Uncover(Id, usize),
}

/// What a worker is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::service) enum Word {
    /// Forget what you have prepared for a change.
    Abort(u64),
    /// Serve by what you have prepared for a change.
    Commit(u64),
    /// End at once, whatever you are at, for a reason.
    Cut(&'static str),
    /// End when what has begun is finished.
    Leave,
    /// Load, check and build what is to come by a change.
    Prepare(u64),
}
