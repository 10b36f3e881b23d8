//! What a composite asks for.

use super::Object;
use crate::diagnostic::Diagnostic;
use crate::ini::Value;
use crate::registry::{Children, Globals};

/// What a composite asks for and notes, in order. Its children are found afterwards, so that
/// composites in composites need no stack.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) events: Vec<Event>,
    apps: usize,
    filters: usize,
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
        self.events.push(Event::Asked(Object::App, name.clone(), globals));
        self.apps += 1;
        Some(self.apps - 1)
    }

    fn filter(&mut self, name: &Value, globals: Globals) -> Option<usize> {
        self.events.push(Event::Asked(Object::Filter, name.clone(), globals));
        self.filters += 1;
        Some(self.filters - 1)
    }

    fn note(&mut self, diagnostic: Diagnostic) {
        self.events.push(Event::Noted(Box::new(diagnostic)));
    }
}
