//! The reference of all factories as Markdown, made of their records.

use std::fmt;

use super::difference::differences;
use super::list::kinds;
use crate::registry::{Definition, Registry};
use crate::settings::{OptionSpec, prose, summary};

/// The reference of all factories of a registry, as a Markdown page.
pub(super) struct Reference<'a>(pub(super) &'a Registry);

impl fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let definitions = self.0.definitions();
        writeln!(f, "# Factories\n")?;
        writeln!(f, "Every app, composite, filter and server that a paste file may name.")?;
        writeln!(f, "This page is printed by `pasteline list --format markdown`.\n")?;
        writeln!(f, "| name | makes | what it does |\n|---|---|---|")?;
        for definition in &definitions {
            let Definition { name, doc, .. } = definition;
            writeln!(f, "| [`{name}`](#{name}) | {} | {} |", kinds(definition), summary(doc))?;
        }
        definitions.iter().try_for_each(|definition| write_chapter(f, definition))
    }
}

fn write_chapter(f: &mut fmt::Formatter<'_>, definition: &Definition) -> fmt::Result {
    writeln!(f, "\n## {}\n\n{}", definition.name, prose(definition.doc))?;
    if !definition.options.is_empty() {
        write_options(f, definition.options, |option| cell(&prose(option.doc)))?;
    }
    if !definition.aliases.is_empty() {
        writeln!(f, "\nStands for:\n")?;
    }
    for alias in definition.aliases {
        let differences = differences(definition, alias);
        let colon = if differences.is_empty() { "" } else { ":" };
        writeln!(f, "- `{}`{colon}", alias.spec)?;
        differences.iter().try_for_each(|difference| writeln!(f, "  - {difference}"))?;
    }
    Ok(())
}

/// Writes a table of options, with what is to be said of each.
pub(super) fn write_options(
    f: &mut fmt::Formatter<'_>,
    options: &[OptionSpec],
    described: impl Fn(&OptionSpec) -> String,
) -> fmt::Result {
    writeln!(f, "\n| option | default | expects | what it is |\n|---|---|---|---|")?;
    for option in options {
        let (name, expectation) = (option.name, cell(&option.expectation()));
        let (default, described) = (default(option), described(option));
        writeln!(f, "| `{name}` | {default} | {expectation} | {described} |")?;
    }
    Ok(())
}

fn default(option: &OptionSpec) -> String {
    match option.default {
        Some("") => "empty".to_owned(),
        Some(default) => format!("`{}`", cell(default)),
        None if option.required => "required".to_owned(),
        None => String::new(),
    }
}

/// A text as it can stand in a cell of a table.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
