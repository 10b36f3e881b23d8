//! Values that do not count, as something stronger says otherwise, and are checked all the same.

use super::layers::Layers;
use super::options::Group;
use crate::diagnostic::{Diagnostic, Severity};
use crate::ini::Conf;
use crate::settings::{Dialect, Form, Reader, Settings, Subject};
use crate::source::Sources;

/// Warns of values of a group that do not count and are at fault: they would stand in the way as
/// soon as what is stronger is taken away.
pub(super) fn warnings<T: Settings>(
    group: &'static Group,
    layers: &Layers,
    sources: &Sources,
) -> Vec<Diagnostic> {
    let all = group.options.iter().map(|option| (option, layers.hidden(group.name, option.name)));
    let mut hidden: Vec<_> = all.filter(|(_, values)| !values.is_empty()).collect();
    let mut found = Vec::new();
    // Of each option one value at a time.
    while !hidden.is_empty() {
        let mut conf = Conf::default();
        for (option, values) in &mut hidden {
            // What references stand for is asked only where it counts.
            let is_left_out = |text: &str| {
                text.contains('$') || text.is_empty() && matches!(option.form, Form::Whole { .. })
            };
            let value = values.pop().map(|given| given.value.clone());
            if let Some(value) = value.filter(|value| !is_left_out(&value.text)) {
                conf.insert(option.name.into(), value);
            }
        }
        hidden.retain(|(_, values)| !values.is_empty());
        let subject = Subject { factory: group.name, place: None, dialect: &Dialect::new() };
        let global = Conf::default();
        let mut reader = Reader::new(subject, &conf, &global, sources);
        // It is read for its faults.
        let _ = T::read(&mut reader);
        found.extend(reader.finish());
    }
    let warn = |fault: Diagnostic| {
        let help =
            "it has no effect now, as something stronger says otherwise: mend it, or take it away";
        Diagnostic { severity: Severity::Warning, ..fault }.help(help)
    };
    found.into_iter().map(warn).collect()
}
