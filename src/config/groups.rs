//! The groups of settings files that factories read.

use std::sync::Arc;

use super::expand::Expander;
use super::layers::{Layers, spelt};
use super::{Chosen, unknown};
use crate::diagnostic::Diagnostic;
use crate::ini::{Conf, Value};
use crate::settings::{Form, GroupSpec, OptionSpec};

/// All that settings files and the environment give, for factories that have a group there.
#[derive(Clone, Debug, Default)]
pub struct Groups(Arc<Layers>);

impl Groups {
    pub(super) fn new(layers: Layers) -> Self {
        Self(Arc::new(layers))
    }

    /// What is given for options of a group, each under the name that it has there, and what is
    /// wrong with the references in it. Nothing else of the group is looked at.
    pub fn read(
        &self,
        group: &str,
        options: impl IntoIterator<Item = (&'static str, &'static OptionSpec)>,
    ) -> (Conf, Vec<Diagnostic>) {
        let group = spelt(group);
        let mut expander = Expander::new(&self.0);
        let mut conf = Conf::default();
        for (name, option) in options {
            let Some((_, given)) = self.0.find(&group, name) else { continue };
            let Some(text) = expander.expand((&group, name), &given.value) else { continue };
            // Empty stands for no number, as with oslo.config.
            if !matches!(option.form, Form::Whole { .. }) || !text.is_empty() {
                conf.insert(name.into(), Value { text, ..given.value.clone() });
            }
        }
        (conf, expander.diagnostics)
    }

    /// All options of a group in the order of their declaration, each with the value that counts.
    pub fn chosen(&self, group: &'static str, options: &'static [OptionSpec]) -> Vec<Chosen> {
        let spelt = spelt(group);
        let mut expander = Expander::new(&self.0);
        let chosen = options.iter().map(|option| {
            let default = Chosen::default_of(group, option);
            let is_number = matches!(option.form, Form::Whole { .. });
            match expander.find(&spelt, option.name) {
                Some((origin, value)) if !is_number || !value.text.is_empty() => {
                    Chosen { text: Some(value.text), origin, span: value.span, ..default }
                }
                _ => default,
            }
        });
        chosen.collect()
    }

    /// Warns of names in the files that no factory has which reads their group, where a group is
    /// known to be read by nobody else.
    pub fn unknown(&self, known: &[GroupSpec]) -> Vec<Diagnostic> {
        let whole = known.iter().filter(|group| group.is_whole);
        let of_group = |group: &GroupSpec| {
            let name = spelt(group.name);
            let given = self.0.of_files().filter(|given| *given.group == *name);
            let given = given.filter(|given| !group.ignored.contains(&&*given.name));
            let known: Vec<_> = group.options.iter().map(|(name, _)| *name).collect();
            let warning = |given| unknown::in_group(group.name, given, &known);
            given.filter_map(warning).collect::<Vec<_>>()
        };
        whole.flat_map(of_group).collect()
    }
}
