//! The way from what was asked for to what is looked at, and the circles on it.

use std::sync::Arc;

use super::Object;
use super::context::FrameId;
use super::files::{Identity, ViewId};
use super::name::Name;
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::source::{SourceId, Sources, Span};

/// How deep sections may lead to sections. Paste Deploy comes to an end at 492.
pub(super) const LEVELS: usize = 480;

/// A section on the way to another.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) parent: Option<FrameId>,
    pub(super) visit: Visit,
    /// How many names led here.
    pub(super) level: usize,
    /// How many composites are on the way here.
    pub(super) phase: usize,
    /// The header.
    pub(super) header: Arc<str>,
    /// The place of the header.
    pub(super) place: Span,
    /// The file of the section, over which the header may lie.
    pub(super) file: SourceId,
    /// The name by which it was asked for.
    pub(super) name: Option<Name>,
    /// Whether it is a composite that is being made.
    pub(super) is_composite: bool,
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

    /// Adds from where the files were included that lead to a frame, the innermost first.
    pub(super) fn with_includes(
        &self,
        id: Option<FrameId>,
        fault: Diagnostic,
        sources: &Sources,
    ) -> Diagnostic {
        /// How many of the places are shown.
        const SHOWN: usize = 3;
        let is_included = |frame: &&Frame| {
            let parent = frame.parent.map(|parent| self.get(parent));
            parent.is_some_and(|parent| parent.file != frame.file)
        };
        self.up(id).filter(is_included).take(SHOWN).fold(fault, |fault, frame| {
            let named = frame.named(sources);
            // Whoever names the section itself may be told of already.
            let is_told = fault.related.iter().any(|(place, _)| Some(*place) == named);
            if is_told { fault } else { fault.related(named, "included from here") }
        })
    }

    /// What is wrong if the names that lead to a section have been there before. The way back to
    /// a composite is none of theirs, as what that names is not looked for yet.
    pub(super) fn circle_of_names(&self, last: &Frame, sources: &Sources) -> Option<Diagnostic> {
        let mut way = self.up(last.parent).take_while(|frame| frame.phase == last.phase);
        let before = way.position(|frame| frame.visit.is_as(&last.visit))?;
        self.circle(last, before, sources)
    }

    /// Notes that a composite is being made; what is wrong if it waits already for what it is made
    /// of.
    pub(super) fn compose(&mut self, id: FrameId, sources: &Sources) -> Option<Diagnostic> {
        self.0[id.0].is_composite = true;
        let last = self.get(id);
        let is_last = |frame: &Frame| frame.is_composite && frame.visit.is_as(&last.visit);
        let before = self.up(last.parent).position(is_last)?;
        self.circle(last, before, sources)
    }

    /// The circle from a frame up to the one that comes after so many.
    fn circle(&self, last: &Frame, before: usize, sources: &Sources) -> Option<Diagnostic> {
        let mut frames: Vec<_> = self.up(last.parent).take(before).collect();
        frames.push(last);
        frames[..before].reverse();
        circle(&frames, sources)
    }

    /// What is wrong if the way to a section is too long.
    pub(super) fn too_deep(
        &self,
        parent: Option<FrameId>,
        place: Option<Span>,
        end: Depth,
    ) -> Diagnostic {
        let mut way: Vec<_> = self.up(parent).collect();
        way.reverse();
        let perhaps = if end == Depth::Unknown { ", perhaps in a circle" } else { "" };
        let message = format!("sections lead to sections more than {LEVELS} deep{perhaps}");
        Diagnostic::error("too-deep", message)
            .at(place)
            .help(format!("the way there: {}", chain(&way)))
            .class("RecursionError")
    }
}

/// Whether a way that is too deep comes to an end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Depth {
    Bounded,
    Unknown,
}

/// What is wrong if a section leads to the first of these, each to the next, and the last is that
/// section.
pub(super) fn circle(frames: &[&Frame], sources: &Sources) -> Option<Diagnostic> {
    let mut circle = frames.to_vec();
    // Whoever finds it tells it from the same section on.
    let first = circle.iter().enumerate().min_by_key(|(_, frame)| frame.place);
    let first = first.map_or(0, |(at, _)| at);
    circle.rotate_left(first);
    let (first, others) = circle.split_first()?;
    Some(fault(first, others, sources))
}

/// A section leads to the first of the others, each of them to the next, and the last to it.
fn fault(first: &Frame, others: &[&Frame], sources: &Sources) -> Diagnostic {
    /// How many of the places on the way are shown.
    const SHOWN: usize = 6;
    let way = [&[first], others, &[first]].concat();
    let message = format!("`[{}]` leads to itself: {}", Excerpt(&first.header), chain(&way));
    let label =
        if others.is_empty() { "this is the section itself" } else { "the circle closes here" };
    let fault = Diagnostic::error("cycle", message)
        .at(first.named(sources).unwrap_or(first.place))
        .label(label)
        .help("name another section in one of these places")
        .class("RecursionError");
    way.iter().zip(others).take(SHOWN).fold(fault, |fault, (from, to)| {
        let part = format!("`[{}]` leads to `[{}]`", Excerpt(&from.header), Excerpt(&to.header));
        fault.related(to.named(sources), part)
    })
}

/// The headers of sections that lead to one another, those in the middle left out.
fn chain(way: &[&Frame]) -> String {
    /// How many headers are shown at either end.
    const SHOWN: usize = 4;
    let header = |frame: &&Frame| format!("`[{}]`", Excerpt(&frame.header));
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

#[cfg(test)]
mod tests {
    use crate::graph::fixture::{assert_validated, errors, loader, outline, registry};

    /// Sections that each use the next, and the last of them what is given.
    fn uses(length: usize, last: &str) -> String {
        let section = |number| {
            let name = if number == 0 { "main".to_owned() } else { format!("a{number}") };
            let used =
                if number + 1 == length { last.to_owned() } else { format!("a{}", number + 1) };
            format!("[app:{name}]\nuse = {used}\n")
        };
        (0..length).map(section).collect()
    }

    #[test]
    fn shows_a_circle_where_it_closes() {
        assert_validated(
            "\
[pipeline:main]
pipeline = b
[app:a]
use = b
#     - `[app:a]` leads to `[filter-app:b]`
[filter-app:b]
use = egg:pasteline#tint
colour = red
next = a
#      ^ cycle: `[app:a]` leads to itself: `[app:a]` → `[filter-app:b]` → `[app:a]`
[filter:c]
use = c
#     ^ cycle: `[filter:c]` leads to itself: `[filter:c]` → `[filter:c]`
",
        );
    }

    #[test]
    fn a_composite_may_be_on_a_circle() {
        assert_validated(
            "\
[composite:main]
use = egg:pasteline#pick
a = a
#   - `[composite:main]` leads to `[app:a]`
b = a
[app:a]
use = main
#     ^^^^ cycle: `[composite:main]` leads to itself: `[composite:main]` → `[app:a]` → `[composite:main]`
",
        );
    }

    #[test]
    fn a_circle_of_composites_is_found_when_they_are_made() {
        let text = "[composite:main]\nuse = egg:pasteline#pick\na = a\n\
                    [pipeline:a]\npipeline = none main\n";
        let errors = errors(text);
        assert_eq!(errors[0], "LookupError: no filter is called `none`");
        assert!(errors[1].starts_with("RecursionError: `[composite:main]` leads to itself"));
    }

    #[test]
    fn a_composite_is_another_for_each_section_that_uses_it() {
        let other = "[composite:other]\nuse = egg:pasteline#pick\na = egg:A\n";
        let text = "[composite:main]\nuse = other\nb = b\n[composite:b]\nuse = other\n";
        let expected = "pick(egg:A#main pick(egg:A#main))";
        assert_eq!(outline(&format!("{text}{other}")), expected);
    }

    #[test]
    fn each_circle_is_told_once() {
        let names: Vec<_> = ('a'..='p').map(|name| name.to_string()).collect();
        let options: Vec<_> = names.iter().map(|name| format!("{name} = {name}\n")).collect();
        let section =
            |name| format!("[composite:{name}]\nuse = egg:pasteline#pick\n{}", options.concat());
        let sections: Vec<_> = names.iter().map(section).collect();
        let sections = sections.concat().replacen("[composite:a]", "[composite:main]", 1);
        let found = errors(&sections.replace("a = a\n", "a = main\n"));
        assert_eq!(found.len(), 16 * 17 / 2);
        assert!(found.iter().all(|error| error.starts_with("RecursionError")));
    }

    #[test]
    fn a_section_may_come_again_with_other_globals() {
        let text = "[DEFAULT]\nnext = b\n[app:main]\nget use = next\n\
                    [app:b]\nuse = main\nset next = egg:A\n";
        assert_eq!(outline(text), "egg:A#main");
    }

    #[test]
    fn leaves_out_the_middle_of_a_long_way() {
        let [error] = &errors(&uses(300, "main"))[..] else { panic!("one circle") };
        let expected = "RecursionError: `[app:main]` leads to itself: `[app:main]` → `[app:a1]` → \
                        `[app:a2]` → `[app:a3]` → 293 more → `[app:a297]` → `[app:a298]` → \
                        `[app:a299]` → `[app:main]`";
        assert_eq!(error, expected);
    }

    #[test]
    fn goes_as_deep_as_paste_deploy() {
        assert_eq!(outline(&uses(480, "egg:A")), "egg:A#main");
        let expected = "RecursionError: sections lead to sections more than 480 deep";
        assert_eq!(outline(&uses(481, "egg:A")), expected);
        let registry = registry();
        let found = loader(&uses(2000, "egg:A"), &[], &[], &registry).validate();
        assert_eq!(found.iter().filter(|found| found.slug == "too-deep").count(), 1);
    }
}
