//! What a section stands for, by its options.

use std::sync::Arc;

use super::context::{Context, Home, Named, Shape};
use super::egg::{APP_FACTORY, COMPOSIT_FACTORY, FILTER_FACTORY, SERVER_FACTORY, protocols};
use super::files::{Identity, ViewId};
use super::frame::{Frame, Visit};
use super::name::Name;
use super::resolve::{Part, Resolver, Task, Wish};
use super::view::{Faults, Options};
use super::{Object, fault, header};
use crate::ini::{Section, Value};
use crate::syntax::Object as PythonObject;

impl Resolver<'_> {
    /// Finds a section by its name and looks for what it is made of.
    pub(super) fn section(&mut self, wish: &Wish, view: ViewId) {
        let file = Arc::clone(&self.files.view(view).0.file);
        let name = wish.name.as_ref().map(|name| &*name.text);
        let [section] = file.headers().find(wish.object, name)[..] else {
            let fault = self.not_one(wish, view);
            return self.fail(fault);
        };
        let (viewed, sources) = self.files.view(view);
        let globals = viewed.globals(sources);
        let passed = wish.passed.map(|id| Arc::clone(self.contexts.conf(id)));
        let global = self.contexts.merge(&globals.conf, passed.as_ref());
        let visit =
            Visit { view, section, object: wish.object, globals: Identity(Arc::clone(&global)) };
        let Section { name: header, span: place, .. } = file.section(section);
        let frame = Frame {
            parent: wish.parent,
            visit: visit.clone(),
            level: wish.level,
            header: Arc::clone(header),
            place: *place,
            name: wish.name.clone(),
        };
        if let Some(circle) = self.frames.circle(&frame, self.sources()) {
            return self.fail(circle);
        }
        if self.faulty.contains(&visit) {
            self.notes.repeat_error();
            return self.found.push(None);
        }
        self.reached.insert((place.source, section));
        self.tasks.push(Task::Settle(visit, self.notes.errors()));
        self.note_values(&globals.faults);
        let (viewed, sources) = self.files.view(view);
        let options = viewed.options(section, sources);
        self.note_values(&options.faults);
        let local = self.contexts.add_conf(Arc::clone(&options.local));
        let global = self.contexts.add_conf(global);
        let frame = self.frames.add(frame);
        let part = Part { view, section, object: wish.object, local, global, frame };
        self.assign(part, &options);
        self.parts(part);
    }

    /// Sets out to find what the options of a section name.
    fn parts(&mut self, part: Part) {
        let filter_with = match part.object {
            Object::Server => None,
            Object::App | Object::Filter => self.contexts.take(part.local, "filter-with"),
        };
        // Paste Deploy asks whether these Python distributions are there.
        self.contexts.take(part.local, "require");
        if let Some(filter) = filter_with {
            let filter = self.wish(part, Object::Filter, Name::whole(filter));
            self.tasks.extend([Task::FilteredWith(part), Task::Find(filter)]);
        }
        match self.link(part).section.split_once(':') {
            Some(("filter-app", _)) => self.filter_app(part),
            Some(("pipeline", _)) => self.pipeline(part),
            _ => self.tasks.push(Task::Factory(part, part.object)),
        }
    }

    /// Gives a section its options, its own and the global ones.
    fn assign(&mut self, part: Part, options: &Options) {
        for (key, value) in &options.sets {
            self.contexts.set(part.global, key, value);
        }
        for (key, name) in &options.gets {
            let found = self.contexts.conf(part.global).get(&*name.text).cloned();
            let value = match found {
                Some(found) => {
                    Value { key_span: name.key_span, span: found.span.or(name.span), ..found }
                }
                None => self.missing_global(part, name),
            };
            self.contexts.set(part.local, key, &value);
        }
    }

    /// Notes that there is no such global option; a value to go on with.
    fn missing_global(&mut self, part: Part, name: &Value) -> Value {
        let fault = fault::unknown_global(name, self.contexts.conf(part.global));
        self.notes.add(fault);
        if let Some(span) = name.span {
            self.notes.mark_broken(span);
        }
        name.clone()
    }

    /// Notes values that could not be filled in.
    fn note_values(&mut self, faults: &Faults) {
        for fault in &faults.diagnostics {
            self.notes.add_cause(fault.clone());
        }
        for span in &faults.values {
            self.notes.mark_broken(*span);
        }
    }

    fn filter_app(&mut self, part: Part) {
        let Some(next) = self.contexts.take(part.local, "next") else {
            let fault = self.missing(part, "next");
            self.notes.add(fault);
            // The filter may be at fault as well.
            self.found.push(None);
            return self.tasks.extend([Task::FilterApp(part), Task::Factory(part, Object::Filter)]);
        };
        let next = self.wish(part, Object::App, Name::whole(next));
        let filter = Task::Factory(part, Object::Filter);
        self.tasks.extend([Task::FilterApp(part), filter, Task::Find(next)]);
    }

    fn pipeline(&mut self, part: Part) {
        let Some(pipeline) = self.contexts.take(part.local, "pipeline") else {
            let fault = self.missing(part, "pipeline");
            return self.fail(fault);
        };
        let extra = Arc::clone(self.contexts.conf(part.local));
        for (key, value) in &*extra {
            self.notes.add(fault::extra_option(key, value));
        }
        let names = Name::words(&pipeline);
        let Some((app, filters)) = names.split_last() else {
            return self.fail(fault::empty_pipeline(&self.link(part).section, &pipeline));
        };
        self.tasks.push(Task::Pipeline(part, filters.len()));
        for filter in filters.iter().rev() {
            let wish = self.wish(part, Object::Filter, filter.clone());
            self.tasks.push(Task::Find(wish));
        }
        let wish = self.wish(part, Object::App, app.clone());
        self.tasks.push(Task::Find(wish));
    }

    /// Finds the factory of a section: by `use`, or by the protocol that it is given for.
    pub(super) fn factory(&mut self, part: Part, object: Object) {
        if let Some(used) = self.contexts.take(part.local, "use") {
            let wish = self.wish(part, object, Name::whole(used));
            return self.tasks.extend([Task::Use(part), Task::Find(wish)]);
        }
        let local = self.contexts.conf(part.local);
        let given = protocols(object).iter().filter_map(|group| {
            let protocol = group.iter().copied().find(|protocol| local.contains_key(*protocol))?;
            Some((protocol, local.get(protocol)?.clone()))
        });
        let given: Vec<_> = given.collect();
        let [(protocol, ref value)] = given[..] else {
            let fault = self.no_factory(part, object, &given);
            return self.fail(fault);
        };
        if PythonObject::parse(&value.text).is_none() {
            return self.fail(fault::bad_factory(protocol, value));
        }
        self.contexts.take(part.local, protocol);
        let named =
            Named { spec: Arc::clone(&value.text), span: value.span, protocol: Some(protocol) };
        let context = self.context(part, Shape::Factory(named));
        let id = self.contexts.add(Context { object, ..context });
        self.found.push(Some(id));
    }

    /// Adds what a section says to what it uses, which was found last.
    pub(super) fn used(&mut self, part: Part) {
        let Some(id) = self.found.last().copied().flatten() else { return };
        let used = self.contexts.get(id);
        let (local, global) = (used.local, used.global);
        let (view, sources) = self.files.view(part.view);
        let options = view.options(part.section, sources);
        let file = self.contexts.conf(part.global).get_key_value("__file__");
        let file = file.map(|(key, value)| (Arc::clone(key), value.clone()));
        for (key, value) in options.sets.iter().chain(file.iter().map(|(key, value)| (key, value)))
        {
            self.contexts.set(global, key, value);
        }
        let own = Arc::clone(self.contexts.conf(part.local));
        for (key, value) in &*own {
            self.contexts.set(local, key, value);
        }
        let link = self.link(part);
        let protocol = implied_protocol(&link.section, self.contexts.get(id).object);
        let used = self.contexts.get_mut(id);
        used.chain.push(link);
        used.home = Home::File(part.view);
        if let Shape::Factory(named) = &mut used.shape {
            named.protocol.get_or_insert(protocol);
        }
    }

    /// Puts together what was found for a section.
    pub(super) fn add_shape(&mut self, part: Part, shape: Shape) {
        let context = self.context(part, shape);
        let id = self.contexts.add(context);
        self.found.push(Some(id));
    }

    fn context(&self, part: Part, shape: Shape) -> Context {
        let Part { view, object, local, global, frame, .. } = part;
        let (chain, home) = (vec![self.link(part)], Home::File(view));
        Context { shape, object, chain, local, global, home, frame: Some(frame) }
    }
}

/// What `call:` is called by in a section.
pub(super) fn implied_protocol(header: &str, object: Object) -> &'static str {
    match (object, header::split(header).0) {
        (Object::App, "composite" | "composit") => COMPOSIT_FACTORY,
        (Object::App, _) => APP_FACTORY,
        (Object::Filter, _) => FILTER_FACTORY,
        (Object::Server, _) => SERVER_FACTORY,
    }
}
