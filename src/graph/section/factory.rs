//! Which factory makes what a section stands for.

use std::sync::Arc;

use super::Resolver;
use crate::graph::context::{Context, Home, Named, Shape};
use crate::graph::egg::{implied_protocol, protocols};
use crate::graph::name::Name;
use crate::graph::task::{Part, Task};
use crate::graph::{Object, fault};
use crate::syntax::Object as PythonObject;

impl Resolver<'_> {
    /// Finds the factory of a section: by `use`, or by the protocol that it is given for.
    pub(in crate::graph) fn factory(&mut self, part: Part, object: Object) {
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
            return self.fail(Some(part.frame), fault);
        };
        if PythonObject::parse(&value.text).is_none() {
            return self.fail(Some(part.frame), fault::bad_factory(protocol, value));
        }
        self.contexts.take(part.local, protocol);
        let named =
            Named { spec: Arc::clone(&value.text), span: value.span, protocol: Some(protocol) };
        let context = self.context(part, Shape::Factory(named));
        let id = self.contexts.add(Context { object, ..context });
        self.found.push(Some(id));
    }

    /// Adds what a section says to what it uses, which was found last.
    pub(in crate::graph) fn used(&mut self, part: Part) {
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
        let named = self.frames.get(part.frame).named(self.sources());
        let used = self.contexts.get_mut(id);
        used.chain.push(link);
        used.home = Home::File(part.view);
        used.named = named;
        if let Shape::Factory(named) = &mut used.shape {
            named.protocol.get_or_insert(protocol);
        }
    }
}
