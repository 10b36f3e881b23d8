//! The options of a section, sorted by what they are for.

use std::collections::HashSet;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::ini::{Conf, Defaults, Scope, Section, Setting, Value};
use crate::source::{SourceId, Span};
use crate::syntax;

/// The options of a section by their role.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// What it sets for all that it is made of.
    pub(super) sets: Conf,
    /// Its own options that come from global ones: the name of the global one.
    pub(super) gets: Conf,
    /// Its own options.
    pub(super) local: Arc<Conf>,
    pub(super) faults: Faults,
}

/// Values that could not be filled in.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The places of the values. They are kept as they stand, so that nothing is missing; what
    /// is wrong with them then is a consequence.
    pub(super) values: Vec<Span>,
}

impl Faults {
    /// The value of a key, as it stands if its references cannot be filled in.
    pub(super) fn value(
        &mut self,
        scope: &Scope<'_>,
        key: &str,
        setting: Option<&Setting>,
    ) -> Option<Value> {
        let fault = match scope.value(key)? {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        self.diagnostics.push(*fault);
        let setting = setting?;
        self.values.push(setting.value_span);
        Some(Value {
            text: Arc::clone(&setting.raw),
            key_span: Some(setting.key_span),
            span: Some(setting.value_span),
        })
    }
}

/// What an option is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role<'a> {
    /// `get x = y`: the option `x` is the global option `y`.
    Get(&'a str),
    Plain,
    /// `set x = y`: the global option `x` is `y` for all that the section is made of.
    Set(&'a str),
}

impl<'a> Role<'a> {
    pub(super) fn of(key: &'a str) -> Self {
        if let Some(name) = key.strip_prefix("set ") {
            Self::Set(syntax::strip(name))
        } else if let Some(name) = key.strip_prefix("get ") {
            Self::Get(syntax::strip(name))
        } else {
            Self::Plain
        }
    }
}

/// The reading of a section's options.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    scope: Scope<'a>,
    pub(super) options: Options,
}

impl<'a> Reading<'a> {
    pub(super) fn of(scope: Scope<'a>) -> Self {
        Self { scope, options: Options::default() }
    }

    /// The options that stand in the section. Those that the defaults have too are hidden by
    /// them, but for those that an overlay gives.
    pub(super) fn section(&mut self, section: &Section, defaults: &Defaults, source: SourceId) {
        let mut local = Conf::with_capacity(section.options.len());
        for setting in &section.options {
            let (key, role) = (&setting.key, Role::of(&setting.key));
            let is_hidden = || defaults.contains(key) && setting.key_span.source == source;
            if matches!(role, Role::Plain) && is_hidden() {
                continue;
            }
            let value = self.options.faults.value(&self.scope, key, Some(setting));
            match (role, value) {
                (_, None) => {}
                (Role::Plain, Some(value)) => {
                    local.insert(Arc::clone(key), value);
                }
                (role, Some(value)) => self.act(role, value),
            }
        }
        self.options.local = Arc::new(local);
    }

    /// The defaults that act in every section.
    pub(super) fn inherited(&mut self, acting: &[Arc<str>], section: &Section) {
        if acting.is_empty() {
            return;
        }
        let own: HashSet<_> = section.options.iter().map(|setting| &setting.key).collect();
        for key in acting.iter().filter(|key| !own.contains(key)) {
            if let Some(value) = self.options.faults.value(&self.scope, key, None) {
                self.act(Role::of(key), value);
            }
        }
    }

    fn act(&mut self, role: Role<'_>, value: Value) {
        let (conf, name) = match role {
            Role::Get(name) => (&mut self.options.gets, name),
            Role::Set(name) => (&mut self.options.sets, name),
            Role::Plain => return,
        };
        conf.insert(Arc::from(name), value);
    }
}
