//! Resolves what is asked for, step by step in Paste Deploy's order, on a stack of its own.

use std::collections::HashSet;
use std::sync::Arc;

use super::beyond::Beyond;
use super::context::{ContextId, Contexts, FrameId, Home, Shape};
use super::files::{Files, ViewId};
use super::frame::{Depth, Frame, Frames, LEVELS, Visit};
use super::groups::Read;
use super::name::Name;
use super::notes::Notes;
use super::share::Kept;
use super::task::{Part, Task, Wish};
use super::{Graph, Loaded, NodeId, Object, fault};
use crate::config::Groups;
use crate::diagnostic::Diagnostic;
use crate::ini::Conf;
use crate::registry::Registry;
use crate::source::{SourceId, Sources, Span};

/// How much may be resolved for one wish.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many names may be looked up, each of which may become a node.
    pub(super) names: usize,
    /// How many options may be copied.
    pub(super) options: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { names: 100_000, options: 4_000_000 }
    }
}

/// The resolving of one wish.
#[derive(Debug)]
pub(super) struct Resolver<'l> {
    pub(super) files: &'l mut Files,
    pub(super) registry: &'l Registry,
    pub(super) strategy: Option<&'l str>,
    pub(super) groups: &'l Groups,
    pub(super) read: Read,
    pub(super) contexts: Contexts,
    pub(super) frames: Frames,
    pub(super) notes: Notes,
    pub(super) tasks: Vec<Task>,
    pub(super) found: Vec<Option<ContextId>>,
    pub(super) made: Vec<Option<NodeId>>,
    pub(super) graph: Graph,
    /// Visits that came upon errors: there is no more to say about them.
    pub(super) faulty: HashSet<Visit>,
    /// Visits that were made of nodes without a fault.
    pub(super) kept: Kept,
    /// Sections that were visited, by their file.
    pub(super) reached: HashSet<(SourceId, usize)>,
    /// Files that were come upon.
    pub(super) opened: HashSet<SourceId>,
    limits: Limits,
    /// How many names were looked up.
    pub(super) names: usize,
    /// Whether it was given up because sections lead too deep.
    pub(super) is_deep: bool,
}

impl<'l> Resolver<'l> {
    pub(super) fn new(
        files: &'l mut Files,
        registry: &'l Registry,
        (strategy, groups): (Option<&'l str>, &'l Groups),
        limits: Limits,
    ) -> Self {
        Self {
            limits,
            files,
            registry,
            strategy,
            groups,
            read: Read::default(),
            contexts: Contexts::default(),
            frames: Frames::default(),
            notes: Notes::default(),
            tasks: Vec::new(),
            found: Vec::new(),
            made: Vec::new(),
            graph: Graph::default(),
            faulty: HashSet::new(),
            kept: Kept::default(),
            reached: HashSet::new(),
            opened: HashSet::new(),
            names: 0,
            is_deep: false,
        }
    }

    /// Resolves what is asked for by a name in a file.
    pub(super) fn run(
        &mut self,
        object: Object,
        name: Option<&str>,
        (view, caller): (ViewId, Option<Arc<Conf>>),
    ) -> Loaded {
        let passed = caller.map(|conf| self.contexts.add_conf(conf));
        let name = name.map(Name::given);
        let home = Home::File(view);
        self.load(Wish { object, name, home, passed, parent: None, level: 1, phase: 0 });
        while let Some(task) = self.tasks.pop() {
            self.perform(task);
        }
        let root = self.made.pop().flatten();
        let (diagnostics, broken) = std::mem::take(&mut self.notes).finish();
        let root = root.filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
        let mut graph = Graph { broken, ..std::mem::take(&mut self.graph) };
        let root = root.map(|root| graph.unshare(root));
        Loaded { graph, root, diagnostics }
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Create => {
                let context = self.found.pop().flatten();
                self.create(context);
            }
            Task::CreateContext(context) => self.create(context),
            Task::Factory(part, object) => self.factory(part, object),
            Task::FilterApp(part) => {
                let [next, filter] = self.take_found();
                self.add_shape(part, Shape::FilterApp { filter, next });
            }
            Task::FilteredWith(part) => {
                let [next, filter] = self.take_found();
                self.add_shape(part, Shape::FilteredWith { filter, next });
            }
            Task::Find(wish) => self.find(wish),
            Task::Keep(keeping) => self.keep(*keeping),
            Task::Make(making) => self.make(making),
            Task::Note(diagnostic) => self.notes.add(*diagnostic),
            Task::Pipeline(part, filters) => {
                let filters = self.found.split_off(self.found.len() - filters);
                let [app] = self.take_found();
                self.add_shape(part, Shape::Pipeline { filters, app });
            }
            Task::Settle(visit, errors) => {
                if self.notes.errors() > errors {
                    self.faulty.insert(visit);
                }
            }
            Task::Use(part) => self.used(part),
        }
    }

    /// Finds what is asked for and makes it.
    pub(super) fn load(&mut self, wish: Wish) {
        self.tasks.extend([Task::Create, Task::Find(wish)]);
    }

    /// Something that a section asks for.
    pub(super) fn wish(&self, part: Part, object: Object, name: Name) -> Wish {
        let &Frame { level, phase, .. } = self.frames.get(part.frame);
        Wish {
            object,
            name: Some(name),
            home: Home::File(part.view),
            passed: Some(part.global),
            parent: Some(part.frame),
            level: level + 1,
            phase,
        }
    }

    fn find(&mut self, wish: Wish) {
        self.names += 1;
        self.kept.reach(wish.level);
        // A factory that is named by the deepest section is no section.
        if wish.level > LEVELS + 1 {
            return self.stop_too_deep(&wish);
        }
        let Limits { names, options } = self.limits;
        if self.names > names {
            return self.stop_too_large(self.place(&wish));
        }
        let fault = if self.contexts.copied() > options {
            fault::too_large(options, "options")
        } else {
            return self.look_up(wish);
        };
        self.stop(fault.at(self.place(&wish)));
    }

    /// Where what is asked for is named.
    pub(super) fn place(&self, wish: &Wish) -> Option<Span> {
        wish.name.as_ref().and_then(|name| name.place(self.sources()))
    }

    pub(super) fn sources(&self) -> &Sources {
        &self.files.sources
    }

    /// What was found last, in the order in which it was found; all of it was asked for before.
    fn take_found<const N: usize>(&mut self) -> [Option<ContextId>; N] {
        let mut taken = [None; N];
        for found in taken.iter_mut().rev() {
            *found = self.found.pop().flatten();
        }
        taken
    }

    /// Notes what is wrong with what a section asks for, which is not found.
    pub(super) fn fail(&mut self, asking: Option<FrameId>, fault: Diagnostic) {
        let fault = self.frames.with_includes(asking, fault, self.sources());
        self.notes.add(fault);
        self.found.push(None);
    }

    /// Notes what is wrong with a section.
    pub(super) fn note(&mut self, section: FrameId, fault: Diagnostic) {
        let fault = self.frames.with_includes(Some(section), fault, self.sources());
        self.notes.add(fault);
    }

    /// Gives up because too many names lead to one.
    pub(super) fn stop_too_deep(&mut self, wish: &Wish) {
        self.is_deep = true;
        let too_deep = |depth| self.frames.too_deep(wish.parent, self.place(wish), depth);
        let fault = match self.beyond(wish) {
            Beyond::Circle(circle) => {
                self.frames.with_includes(wish.parent, *circle, self.sources())
            }
            Beyond::End => too_deep(Depth::Bounded),
            Beyond::Unknown => too_deep(Depth::Unknown),
        };
        self.stop(fault);
    }

    /// Gives up because there are too many names.
    pub(super) fn stop_too_large(&mut self, place: Option<Span>) {
        self.stop(fault::too_large(self.limits.names, "parts").at(place));
    }

    /// How many names may still be looked up.
    pub(super) fn names_left(&self) -> usize {
        self.limits.names.saturating_sub(self.names)
    }

    /// Gives up altogether.
    fn stop(&mut self, fault: Diagnostic) {
        self.notes.add_cause(fault);
        self.tasks.clear();
        self.made.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::graph::fixture::{errors, loader, outline, registry};

    /// Composites that each name the next twice.
    fn doubling(levels: usize) -> String {
        let level = |number| {
            let name = if number == 0 { "main".to_owned() } else { format!("a{number}") };
            let next = format!("a{}", number + 1);
            format!("[composite:{name}]\nuse = egg:pasteline#pick\nx = {next}\ny = {next}\n")
        };
        let levels_of_composites: String = (0..levels).map(level).collect();
        format!("{levels_of_composites}[app:a{levels}]\nuse = egg:A\n")
    }

    /// What is wrong with the app `main` within some limits.
    fn errors_within(limits: Limits, text: &str) -> Vec<String> {
        let registry = registry();
        let mut loader = loader(text, &[], &[], &registry);
        loader.limits = limits;
        let loaded = loader.load(Object::App, Some("main"));
        loaded.diagnostics.into_iter().map(|found| found.message).collect()
    }

    #[test]
    fn a_graph_has_a_bounded_number_of_parts() {
        let limits = Limits { names: 1000, ..Limits::default() };
        let inside = "pick(pick(pick(egg:A#main egg:A#main) pick(egg:A#main egg:A#main)) pick(";
        assert!(outline(&doubling(4)).starts_with(&format!("pick({inside}")));
        let expected = ["what is asked for has more than 1000 parts"];
        assert_eq!(errors_within(limits, &doubling(100)), expected);
    }

    #[test]
    fn a_graph_copies_a_bounded_number_of_options() {
        let limits = Limits { options: 10_000, ..Limits::default() };
        let options: Vec<_> = (0..200).map(|number| format!("o{number} = x\n")).collect();
        let filter = format!("[filter:f]\nuse = egg:F\n{}", options.concat());
        let text = |filters| format!("[pipeline:main]\npipeline = {filters} egg:A\n{filter}");
        assert_eq!(errors_within(limits, &text("f ".repeat(10))), [""; 0]);
        let expected = ["what is asked for has more than 10000 options"];
        assert_eq!(errors_within(limits, &text("f ".repeat(100))), expected);
    }

    #[test]
    fn deep_files_need_little_stack() {
        let pipelines = |number: usize| {
            let name = if number == 0 { "main".to_owned() } else { format!("a{number}") };
            format!("[pipeline:{name}]\npipeline = f a{}\n", number + 1)
        };
        let text: String = (0..478).map(pipelines).collect();
        let text = format!(
            "{text}[composite:a478]\nuse = egg:pasteline#pick\nx = a\n[app:a]\nuse = egg:A\n[filter:f]\nuse = egg:F\n"
        );
        let small = thread::Builder::new().stack_size(128 << 10);
        let loading = small.spawn(move || errors(&text)).unwrap();
        assert_eq!(loading.join().unwrap(), [""; 0]);
    }
}
