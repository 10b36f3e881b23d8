//! The page of the options of settings files, made of their records.

use std::fmt;

use super::reference::{cell, write_options};
use crate::config::{ALIASES, GROUPS, Group};
use crate::settings::{Form, OptionSpec, prose};

/// Every option that a settings file may give the server, and those of further groups, as a
/// Markdown page.
pub(super) struct SettingsPage(pub(super) Vec<Group>);

impl fmt::Display for SettingsPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Settings of the service\n")?;
        writeln!(f, "Every option that a file of `--config-file` may give the server itself.")?;
        writeln!(f, "An option `name` of `[group]` is also the variable `OS_GROUP__NAME` of the")?;
        writeln!(f, "environment, which wins over files. `pasteline show --settings` tells what")?;
        writeln!(f, "counts, and where it comes from. Groups of filters are in the")?;
        writeln!(f, "[reference](reference.md).")?;
        writeln!(f, "This page is printed by `pasteline sample-config --format markdown`.")?;
        GROUPS.iter().chain(&self.0).try_for_each(|group| write_group(f, group))
    }
}

fn write_group(f: &mut fmt::Formatter<'_>, group: &Group) -> fmt::Result {
    writeln!(f, "\n## [{}]\n\n{}", group.name, prose(group.doc))?;
    write_options(f, group.options, |option| described(group, option))
}

/// What an option is, its bounds and its other names.
fn described(group: &Group, option: &OptionSpec) -> String {
    let theirs = |(is_deprecated, intro): (bool, &str)| {
        let names = ALIASES
            .iter()
            .filter(|it| it.is_deprecated == is_deprecated)
            .filter(|it| it.ours == (group.name, option.name))
            .map(|alias| format!("`[{}] {}`", alias.theirs.0, alias.theirs.1));
        let names: Vec<_> = names.collect();
        if names.is_empty() { String::new() } else { format!(" {intro} {}.", names.join(", ")) }
    };
    let others = [(false, "Also"), (true, "Formerly")].map(theirs).concat();
    cell(&prose(option.doc)) + &bounds(option) + &others
}

fn bounds(option: &OptionSpec) -> String {
    match option.form {
        // What no number reaches is no bound to anybody.
        Form::Whole { least, most } if most < u64::from(u32::MAX) => {
            format!(" From {least} to {most}.")
        }
        Form::Whole { least, .. } => format!(" At least {least}."),
        _ => String::new(),
    }
}
