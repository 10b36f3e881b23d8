//! What differs where a factory is named by a Python spec.

use crate::registry::{Alias, Definition};
use crate::settings::Unknown;

/// What differs under an alias, a sentence each.
pub(super) fn differences(definition: &Definition, alias: &Alias) -> Vec<String> {
    let dialect = &alias.dialect;
    let mut differences = Vec::new();
    if let Some(retired) = &alias.retired {
        differences.push(format!("{}.", retired.told_of("The original")));
    }
    if !alias.idle.is_empty() {
        differences.push(format!("Nothing is done in its place: {}.", alias.idle));
    }
    if !alias.note.is_empty() {
        differences.push(alias.note.to_owned());
    }
    for (theirs, ours) in dialect.renames() {
        let kind = if dialect.has_older_names() { "an older" } else { "its" };
        differences.push(format!("`{theirs}` is {kind} name for `{ours}`."));
    }
    for option in definition.options {
        let theirs = dialect.theirs(option.name);
        if let Some(default) = dialect.default_of(option.name) {
            differences.push(format!("`{theirs}` is `{default}` if not given."));
        }
        if dialect.is_global(theirs) {
            differences.push(format!("`{theirs}` may stand in `[DEFAULT]` too."));
        }
    }
    if let Some(group) = dialect.settings_group() {
        let group = group.name();
        differences.push(format!(
            "What is not given may stand in `[{group}]` of a settings file (`--config-file`)."
        ));
    }
    for (theirs, why) in dialect.ignores() {
        differences.push(format!("`{theirs}` has no effect: {why}."));
    }
    if dialect.unknown() == Unknown::Ignored {
        differences.push("Options that it does not know are ignored, with a warning.".to_owned());
    }
    differences
}
