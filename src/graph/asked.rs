//! What a composite asks for.

use super::Object;
use crate::diagnostic::Diagnostic;
use crate::ini::Value;
use crate::registry::{Children, Globals};

/// What a composite asks for and notes, in order. Its children are found afterwards, so that
/// composites in composites need no stack.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) events: Vec<Event>,
    /// How many events are kept.
    most: usize,
    apps: usize,
    filters: usize,
}

impl Asked {
    /// Nothing yet; more than so many events are not kept.
    pub(super) fn at_most(most: usize) -> Self {
        Self { events: Vec::new(), most, apps: 0, filters: 0 }
    }

    /// Whether there were more events than are kept.
    pub(super) fn is_cut(&self) -> bool {
        self.events.len() > self.most
    }

    fn add(&mut self, event: impl FnOnce() -> Event) {
        if !self.is_cut() {
            self.events.push(event());
        }
    }
}

#[derive(Debug)]
pub(super) enum Event {
    Asked(Object, Value, Globals),
    Noted(Box<Diagnostic>),
}

impl Event {
    pub(super) fn object(&self) -> Option<Object> {
        match self {
            Self::Asked(object, ..) => Some(*object),
            Self::Noted(_) => None,
        }
    }
}

impl Children for Asked {
    fn app(&mut self, name: &Value, globals: Globals) -> Option<usize> {
        self.add(|| Event::Asked(Object::App, name.clone(), globals));
        self.apps += 1;
        Some(self.apps - 1)
    }

    fn filter(&mut self, name: &Value, globals: Globals) -> Option<usize> {
        self.add(|| Event::Asked(Object::Filter, name.clone(), globals));
        self.filters += 1;
        Some(self.filters - 1)
    }

    fn note(&mut self, diagnostic: Diagnostic) {
        self.add(|| Event::Noted(Box::new(diagnostic)));
    }
}
