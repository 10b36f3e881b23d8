//! What settings files give for the factories of a graph.

use std::collections::HashMap;
use std::sync::Arc;

use super::resolve::Resolver;
use crate::ini::Conf;
use crate::registry::{Alias, Definition, Found, Kind};

/// What was read of the groups so far, by the definition that reads a group and its name.
pub(super) type Read = HashMap<(&'static str, String), Arc<Conf>>;

impl Resolver<'_> {
    /// What settings files give for a factory of a section with these options; nothing if it has no
    /// group there.
    pub(super) fn settings_of(&mut self, kind: Kind, spec: &str, local: &Conf) -> Arc<Conf> {
        let Some(Found { definition, alias: Some(alias) }) = self.registry.find(kind, spec) else {
            return Arc::default();
        };
        let Some(group) = alias.dialect.settings_group() else { return Arc::default() };
        let own = self.group((definition, alias), group.name(), |_| true);
        let Some((option, moved)) = alias.dialect.moved() else { return own };
        let Some(other) = local.get(option).or_else(|| own.get(option)) else { return own };
        // One that stands nowhere else has the login, and the own group has none.
        let name = Arc::clone(&other.text);
        let others = self.group((definition, alias), &name, |option| moved.contains(&option));
        let is_moved = |name: &str| moved.contains(&alias.dialect.native(name));
        let kept = own.iter().filter(|(name, _)| !is_moved(name));
        let all = kept.chain(&*others).map(|(name, value)| (Arc::clone(name), value.clone()));
        Arc::new(all.collect())
    }

    /// What a group gives for some options of a factory.
    fn group(
        &mut self,
        (definition, alias): (&Definition, &Alias),
        group: &str,
        takes: impl Fn(&str) -> bool,
    ) -> Arc<Conf> {
        let key = (definition.name, group.to_owned());
        if let Some(conf) = self.read.get(&key) {
            return Arc::clone(conf);
        }
        let options = definition.options.iter().filter(|option| takes(option.name));
        let options = options
            .flat_map(|option| alias.dialect.names(option.name).map(move |name| (name, option)));
        let (conf, faults) = self.groups.read(group, options);
        for fault in faults {
            self.notes.add(fault);
        }
        let conf = Arc::new(conf);
        self.read.insert(key, Arc::clone(&conf));
        conf
    }
}
