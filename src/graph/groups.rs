//! What settings files give for the factories of a graph.

use std::collections::HashMap;
use std::sync::Arc;

use super::resolve::Resolver;
use crate::ini::Conf;
use crate::registry::{Found, Kind};

/// What was read of the groups so far, by the definition that reads a group and its name.
pub(super) type Read = HashMap<(&'static str, &'static str), Arc<Conf>>;

impl Resolver<'_> {
    /// What settings files give for a factory; nothing if it has no group there.
    pub(super) fn settings_of(&mut self, kind: Kind, spec: &str) -> Arc<Conf> {
        let Some(Found { definition, alias: Some(alias) }) = self.registry.find(kind, spec) else {
            return Arc::default();
        };
        let Some(group) = alias.dialect.settings_group() else { return Arc::default() };
        let key = (definition.name, group.name());
        if let Some(conf) = self.read.get(&key) {
            return Arc::clone(conf);
        }
        let options = definition
            .options
            .iter()
            .flat_map(|option| alias.dialect.names(option.name).map(move |name| (name, option)));
        let (conf, faults) = self.groups.read(group.name(), options);
        for fault in faults {
            self.notes.add(fault);
        }
        let conf = Arc::new(conf);
        self.read.insert(key, Arc::clone(&conf));
        conf
    }
}
