//! Makes nodes of what was found, and asks composites what they are made of.

use std::sync::Arc;

use super::asked::{Asked, Event};
use super::context::{Context, ContextId, FrameId, Named, Shape};
use super::egg::{COMPOSIT_FACTORY, COMPOSITE_FACTORY, ENTRY_POINT, implied_protocol};
use super::name::Name;
use super::resolve::Resolver;
use super::task::{Task, Wish};
use super::{Factory, Node, NodeId, NodeKind, Object, header};
use crate::registry::{Assembly, Globals, Kind, Plan};

/// A node that waits for what it is made of.
#[derive(Debug)]
pub(super) struct Making {
    context: ContextId,
    what: What,
}

#[derive(Debug)]
enum What {
    Composite(Box<Composing>),
    FilterApp,
    FilteredWith,
    Pipeline(usize),
}

/// A composite that waits for its children.
#[derive(Debug)]
struct Composing {
    factory: Factory,
    plan: Option<Arc<dyn Plan>>,
    /// Whether it may do without a plan, as no factory of its name is known.
    is_opaque: bool,
    /// What it asked for, in order.
    asked: Vec<Object>,
    /// How many errors there were before.
    errors: usize,
}

impl Resolver<'_> {
    /// Sets out to make a node of what was found.
    pub(super) fn create(&mut self, id: Option<ContextId>) {
        let Some(id) = id else { return self.made.push(None) };
        let make = |what| Task::Make(Making { context: id, what });
        let create = Task::CreateContext;
        // Tasks are done from the last to the first.
        match &self.contexts.get(id).shape {
            Shape::Factory(named) => {
                let named = named.clone();
                self.create_of_factory(id, named);
            }
            Shape::FilterApp { filter, next } => {
                self.tasks.extend([make(What::FilterApp), create(*filter), create(*next)]);
            }
            Shape::FilteredWith { filter, next } => {
                self.tasks.extend([make(What::FilteredWith), create(*next), create(*filter)]);
            }
            Shape::Pipeline { filters, app } => {
                self.tasks.push(make(What::Pipeline(filters.len())));
                self.tasks.extend(filters.iter().rev().copied().map(create));
                self.tasks.push(create(*app));
            }
        }
    }

    fn create_of_factory(&mut self, id: ContextId, named: Named) {
        let context = self.contexts.get(id);
        let protocol = named.protocol.unwrap_or_else(|| implied_protocol("", context.object));
        let factory = Factory { spec: named.spec, span: named.span, protocol };
        let kind = match context.object {
            Object::App if self.is_composite(context, &factory) => {
                return self.compose(id, factory);
            }
            Object::App => NodeKind::App(factory),
            Object::Filter => NodeKind::Filter(factory),
            Object::Server => NodeKind::Server(factory),
        };
        self.push_node(id, kind);
    }

    /// Whether an app is made of others. The protocol decides, or where only Python would know
    /// it, what we know of the factory and the kind of the section that names it.
    fn is_composite(&self, context: &Context, factory: &Factory) -> bool {
        match factory.protocol {
            COMPOSIT_FACTORY | COMPOSITE_FACTORY => true,
            ENTRY_POINT => {
                let kind = context.chain.first().map(|link| header::split(&link.section).0);
                let is_named_so = || matches!(kind, Some("composit" | "composite"));
                let mut known = self.registry.all(&factory.spec).peekable();
                if known.peek().is_none() {
                    return is_named_so();
                }
                known.any(|found| found.definition.is(Kind::Composite))
            }
            _ => false,
        }
    }

    /// Asks a composite for its children, and sets out to find and make them.
    fn compose(&mut self, id: ContextId, factory: Factory) {
        if let Some(frame) = self.named(id)
            && let Some(circle) = self.frames.compose(frame, &self.files.sources)
        {
            self.notes.add(circle);
            return self.made.push(None);
        }
        let errors = self.notes.errors();
        let (plan, asked) = self.ask(self.contexts.get(id), &factory);
        if asked.is_cut() {
            return self.stop_too_large(factory.span);
        }
        let is_opaque = self.registry.find(Kind::Composite, &factory.spec).is_none();
        let objects = asked.events.iter().filter_map(Event::object).collect();
        let composing = Composing { factory, plan, is_opaque, asked: objects, errors };
        let what = What::Composite(Box::new(composing));
        self.tasks.push(Task::Make(Making { context: id, what }));
        let context = self.contexts.get(id);
        let (home, global, parent) = (context.home.clone(), context.global, context.frame);
        let way = parent.map(|frame| self.frames.get(frame));
        let (level, phase) = way.map_or((1, 1), |frame| (frame.level + 1, frame.phase + 1));
        for event in asked.events.into_iter().rev() {
            match event {
                Event::Asked(object, value, globals) => {
                    let passed = (globals == Globals::Passed).then_some(global);
                    let (name, home) = (Some(Name::whole(value)), home.clone());
                    self.load(Wish { object, name, home, passed, parent, level, phase });
                }
                Event::Noted(diagnostic) => self.tasks.push(Task::Note(diagnostic)),
            }
        }
    }

    /// The section by whose name a context was found. All of the context follows from it, while
    /// those that it leads to by `use` mean something else to others.
    fn named(&self, id: ContextId) -> Option<FrameId> {
        let Context { frame, chain, .. } = self.contexts.get(id);
        let parent = |frame: &FrameId| self.frames.get(*frame).parent;
        std::iter::successors(*frame, parent).nth(chain.len().saturating_sub(1))
    }

    /// Asks a composite how it puts its children together, and which they are.
    fn ask(&self, context: &Context, factory: &Factory) -> (Option<Arc<dyn Plan>>, Asked) {
        let mut asked = Asked::at_most(self.names_left());
        let found = self.registry.find(Kind::Composite, &factory.spec);
        let plan = found.and_then(|found| {
            found.definition.plan(&mut Assembly {
                local: self.contexts.conf(context.local),
                global: self.contexts.conf(context.global),
                strategy: self.strategy,
                factory: &factory.spec,
                place: factory.span.or(context.chain.first().map(|link| link.span)),
                sources: self.sources(),
                children: &mut asked,
            })
        });
        (plan.map(Arc::from), asked)
    }

    /// Makes a node of the nodes that were made last.
    pub(super) fn make(&mut self, Making { context, what }: Making) {
        let kind = match what {
            What::Composite(composing) => self.composite(context, *composing),
            What::FilterApp => self.take_made(2).and_then(|made| {
                let [next, filter] = made.try_into().ok()?;
                Some(NodeKind::FilterApp { filter, next })
            }),
            What::FilteredWith => self.take_made(2).and_then(|made| {
                let [filter, next] = made.try_into().ok()?;
                Some(NodeKind::FilteredWith { filter, next })
            }),
            What::Pipeline(filters) => self.take_made(filters + 1).map(|mut made| {
                let app = made.remove(0);
                NodeKind::Pipeline { filters: made, app }
            }),
        };
        match kind {
            Some(kind) => self.push_node(context, kind),
            None => self.made.push(None),
        }
    }

    fn composite(&mut self, context: ContextId, composing: Composing) -> Option<NodeKind> {
        let Composing { factory, plan, is_opaque, asked, errors } = composing;
        let made = self.take_made(asked.len());
        if self.notes.errors() > errors
            && let Some(frame) = self.named(context)
        {
            let visit = self.frames.get(frame).visit.clone();
            self.faulty.insert(visit);
        }
        let (mut apps, mut filters) = (Vec::new(), Vec::new());
        for (object, id) in asked.into_iter().zip(made?) {
            match object {
                Object::Filter => filters.push(id),
                Object::App | Object::Server => apps.push(id),
            }
        }
        let is_whole = plan.is_some() || is_opaque;
        is_whole.then_some(NodeKind::Composite { factory, plan, apps, filters })
    }

    /// The nodes that were made last, in their order; none if one of them is at fault.
    fn take_made(&mut self, count: usize) -> Option<Vec<NodeId>> {
        self.made.split_off(self.made.len() - count).into_iter().collect()
    }

    fn push_node(&mut self, id: ContextId, kind: NodeKind) {
        let made_by = kind.made_by();
        let factory = made_by.and_then(|(_, factory)| factory.span);
        let local = Arc::clone(self.contexts.conf(self.contexts.get(id).local));
        let settings = made_by.map(|(kind, factory)| self.settings_of(kind, &factory.spec, &local));
        let context = self.contexts.get(id);
        let node = Node {
            object: context.object,
            chain: context.chain.iter().rev().cloned().collect(),
            local,
            global: Arc::clone(self.contexts.conf(context.global)),
            settings: settings.unwrap_or_default(),
            named: context.named,
            place: factory.or(context.chain.last().map(|link| link.span)),
            kind,
        };
        let id = self.graph.push(node);
        self.made.push(Some(id));
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::fixture::{errors, outline};

    const PICK: &str = "[composite:main]\nuse = egg:pasteline#pick\n";

    #[test]
    fn a_composite_is_made_of_what_it_asks_for() {
        let sections = "[app:a]\nuse = egg:A\n[filter:a]\nuse = egg:F\n";
        let text = format!("{PICK}x = a\nset A = 1\nfilter = a\ny = call:m:f\n{sections}");
        assert_eq!(outline(&text), "pick(egg:F#main egg:A#main{A=1} call:m:f{A=1})");
    }

    #[test]
    fn the_protocol_decides_what_is_a_composite() {
        let app = "[app:a]\nuse = egg:A\n";
        for (section, expected) in [
            ("[app:main]\npaste.composite_factory = demo:pick\nx = a", "pick(egg:A#main)"),
            ("[composite:main]\npaste.app_factory = demo:pick\nx = a", "demo:pick{x=a}"),
            ("[composite:main]\nuse = call:demo:pick\nx = a", "pick(egg:A#main)"),
            ("[app:main]\nuse = call:demo:pick\nx = a", "call:demo:pick{x=a}"),
            ("[app:main]\nuse = egg:pasteline#pick\nx = a", "pick(egg:A#main)"),
            ("[composite:main]\nuse = egg:pasteline#page\ntitle = a", "page{title=a}"),
            ("[composite:main]\nuse = egg:X\nx = a", "pick()"),
        ] {
            assert_eq!(outline(&format!("{section}\n{app}")), expected, "{section}");
        }
    }

    #[test]
    fn what_is_named_is_looked_for_before_composites_are_asked() {
        let text = "[pipeline:main]\npipeline = bad c\n\
                    [composite:c]\nuse = egg:pasteline#pick\nx = no\nbad = 1\ny = none\n";
        let expected = [
            "LookupError: no filter is called `bad`",
            "LookupError: no app is called `no`",
            "ValueError: a bad key",
            "LookupError: no app is called `none`",
        ];
        assert_eq!(errors(text), expected);
    }
}
