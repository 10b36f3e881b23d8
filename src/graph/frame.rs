//! The way from what was asked for to what is looked at, and the circles on it.

use std::sync::Arc;

use super::Object;
use super::context::FrameId;
use super::files::{Identity, ViewId};
use super::name::Name;
use crate::diagnostic::Diagnostic;
use crate::source::{Sources, Span};

/// How deep sections may lead to sections. Paste Deploy comes to an end at 492.
pub(super) const LEVELS: usize = 480;

/// A section on the way to another.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) parent: Option<FrameId>,
    pub(super) visit: Visit,
    /// How many names led here.
    pub(super) level: usize,
    /// The header.
    pub(super) header: Arc<str>,
    /// The place of the header.
    pub(super) place: Span,
    /// The name by which it was asked for.
    pub(super) name: Option<Name>,
}

impl Frame {
    /// Where it is named; none if no file names it.
    pub(super) fn named(&self, sources: &Sources) -> Option<Span> {
        self.name.as_ref().and_then(|name| name.place(sources))
    }
}

/// A section and all that its meaning depends on.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Visit {
    pub(super) view: ViewId,
    pub(super) section: usize,
    pub(super) object: Object,
    pub(super) globals: Identity,
}

impl Visit {
    /// Whether the meaning is the same, even if the globals are not the same in memory.
    fn is_as(&self, other: &Self) -> bool {
        let globals = |visit: &Self| Arc::clone(&visit.globals.0);
        (self.view, self.section, self.object) == (other.view, other.section, other.object)
            && (self.globals == other.globals || globals(self) == globals(other))
    }
}

/// All frames of a load.
#[derive(Debug, Default)]
pub(super) struct Frames(Vec<Frame>);

impl Frames {
    pub(super) fn add(&mut self, frame: Frame) -> FrameId {
        self.0.push(frame);
        FrameId(self.0.len() - 1)
    }

    pub(super) fn get(&self, id: FrameId) -> &Frame {
        &self.0[id.0]
    }

    /// The frames from one up to what was asked for.
    pub(super) fn up(&self, id: Option<FrameId>) -> impl Iterator<Item = &Frame> {
        std::iter::successors(id.map(|id| self.get(id)), |frame| {
            frame.parent.map(|parent| self.get(parent))
        })
    }

    /// What is wrong if the way to a frame has been there before.
    pub(super) fn circle(&self, last: &Frame, sources: &Sources) -> Option<Diagnostic> {
        let before = self.up(last.parent).position(|frame| frame.visit.is_as(&last.visit))?;
        let mut circle: Vec<_> = self.up(last.parent).take(before).collect();
        circle.push(last);
        circle[..before].reverse();
        // Whoever finds it tells it from the same section on.
        let first = circle.iter().enumerate().min_by_key(|(_, frame)| frame.place);
        let first = first.map_or(0, |(at, _)| at);
        circle.rotate_left(first);
        Some(fault(&circle, sources))
    }

    /// What is wrong if the way to a section is too long.
    pub(super) fn too_deep(&self, parent: Option<FrameId>, place: Option<Span>) -> Diagnostic {
        let mut way: Vec<_> = self.up(parent).collect();
        way.reverse();
        let message = format!("sections lead to sections more than {LEVELS} deep");
        Diagnostic::error("too-deep", message)
            .at(place)
            .help(format!("the way there: {}", chain(&way)))
            .class("RecursionError")
    }
}

/// Each of these sections leads to the next, and the last to the first.
fn fault(circle: &[&Frame], sources: &Sources) -> Diagnostic {
    /// How many of the places on the way are shown.
    const SHOWN: usize = 6;
    let [first, others @ ..] = circle else {
        unreachable!("a circle has a section, please report this")
    };
    let mut way = circle.to_vec();
    way.push(first);
    let message = format!("`[{}]` leads to itself: {}", first.header, chain(&way));
    let mut fault = Diagnostic::error("cycle", message)
        .at(first.named(sources).unwrap_or(first.place))
        .label(if others.is_empty() {
            "this is the section itself"
        } else {
            "the circle closes here"
        })
        .class("RecursionError");
    for (from, to) in circle.iter().zip(others).take(SHOWN) {
        fault = fault
            .related(to.named(sources), format!("`[{}]` leads to `[{}]`", from.header, to.header));
    }
    fault.help("name another section in one of these places")
}

/// The headers of sections that lead to one another, those in the middle left out.
fn chain(way: &[&Frame]) -> String {
    /// How many headers are shown at either end.
    const SHOWN: usize = 4;
    let header = |frame: &&Frame| format!("`[{}]`", frame.header);
    let (head, tail) = if way.len() > 2 * SHOWN + 1 {
        (&way[..SHOWN], &way[way.len() - SHOWN..])
    } else {
        (way, &[][..])
    };
    let mut shown: Vec<_> = head.iter().map(header).collect();
    if !tail.is_empty() {
        shown.push(format!("{} more", way.len() - 2 * SHOWN));
        shown.extend(tail.iter().map(header));
    }
    shown.join(" → ")
}
