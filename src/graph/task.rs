//! What is to be done to resolve a wish.

use super::Object;
use super::context::{ConfId, ContextId, FrameId, Home};
use super::create::Making;
use super::files::ViewId;
use super::frame::Visit;
use super::name::Name;
use super::share::Keeping;
use crate::diagnostic::Diagnostic;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) object: Object,
    /// None for what a header such as `[app]` can stand for too.
    pub(super) name: Option<Name>,
    pub(super) home: Home,
    pub(super) passed: Option<ConfId>,
    /// The section that asks for it.
    pub(super) parent: Option<FrameId>,
    /// How many names lead here.
    pub(super) level: usize,
    /// How many composites are on the way here. What they name is looked for when they are made.
    pub(super) phase: usize,
}

/// A section whose options are known and whose parts are being looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) view: ViewId,
    pub(super) section: usize,
    pub(super) object: Object,
    pub(super) local: ConfId,
    pub(super) global: ConfId,
    pub(super) frame: FrameId,
}

/// What is to be done. Tasks lie on a stack, what they find on another (`found`) until the task
/// that waits for it takes it; what they make of that lies on a third (`made`).
#[derive(Debug)]
pub(super) enum Task {
    /// Makes what was found last, and all that it is made of.
    Create,
    /// Makes a context; none if there is no more to it than faults.
    CreateContext(Option<ContextId>),
    /// Finds the factory of a section.
    Factory(Part, Object),
    FilterApp(Part),
    FilteredWith(Part),
    Find(Wish),
    /// Remembers what was made last, to be taken again.
    Keep(Box<Keeping>),
    /// Makes a node of the nodes that were made last.
    Make(Making),
    Note(Box<Diagnostic>),
    /// A pipeline of as many filters.
    Pipeline(Part, usize),
    /// Remembers a visit that came upon errors since there were as many.
    Settle(Visit, usize),
    /// Adds what a section says to what it uses.
    Use(Part),
}
