//! Which factory makes a node in the end.

use std::borrow::Cow;

use super::{Factory, Node};
use crate::ini::Conf;
use crate::registry::Registry;
use crate::source::Span;

/// The factory that makes a node, and its options. Some Python factories only hand on to the one
/// that an option names (`heat.filter_factory = heat.api.openstack:faultwrap_filter`): then it is
/// that one.
#[derive(Debug)]
pub struct Maker<'a> {
    /// The factory as the file names it.
    pub spec: &'a str,
    /// The place to blame.
    pub place: Option<Span>,
    /// The options for it.
    pub local: Cow<'a, Conf>,
}

impl Node {
    /// The factory that makes it in the end, if `factory` is the one that is named.
    pub fn maker<'a>(&'a self, factory: &'a Factory, registry: &Registry) -> Maker<'a> {
        let place = factory.span.or(self.place);
        let relayed =
            registry.relay(&factory.spec).and_then(|option| self.local.get_key_value(option));
        let Some((option, value)) = relayed else {
            return Maker { spec: &factory.spec, place, local: Cow::Borrowed(&self.local) };
        };
        let mut local = Conf::clone(&self.local);
        local.shift_remove(option);
        Maker { spec: value.text.trim(), place: value.span.or(place), local: Cow::Owned(local) }
    }
}
