//! The Python factories that files name, and what becomes of each, as Markdown.

use std::fmt;

use super::list::kinds;
use crate::registry::{Alias, Definition, Reason, Registry, Role};

/// All Python factories of which something is known, as a Markdown page.
pub(super) struct Aliases<'a>(pub(super) &'a Registry);

impl fmt::Display for Aliases<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Python factories\n")?;
        writeln!(f, "What becomes of the Python factories that existing files name.")?;
        writeln!(f, "This page is printed by `pasteline list --format aliases`.\n")?;
        self.write_native(f)?;
        self.write_foreign(f)?;
        self.write_services(f)
    }
}

impl Aliases<'_> {
    fn write_native(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## With a native form\n")?;
        writeln!(f, "`pasteline explain FACTORY` tells what differs.\n")?;
        writeln!(f, "| Python factory | native form | makes | remark |\n|---|---|---|---|")?;
        let definitions = self.0.definitions();
        let each = |definition: &'_ &Definition| {
            let definition = **definition;
            definition.aliases.iter().map(move |alias| (alias, definition))
        };
        let mut rows: Vec<_> = definitions.iter().flat_map(each).collect();
        rows.sort_by_key(|(alias, definition)| (alias.spec.to_lowercase(), definition.name));
        rows.iter().try_for_each(|(alias, definition)| {
            let Definition { name, .. } = definition;
            let (spec, kinds, remark) = (alias.spec, kinds(definition), remark(alias));
            writeln!(f, "| `{spec}` | [`{name}`](reference.md#{name}) | {kinds} | {remark} |")
        })
    }

    fn write_foreign(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Refused, gone or in need of Python\n")?;
        writeln!(f, "| Python factory | why | instead |\n|---|---|---|")?;
        for foreign in self.0.foreigners() {
            let (why, instead) = match foreign.reason {
                Reason::Python { why, instead } | Reason::Refused { why, instead } => {
                    (why, instead.to_owned())
                }
                Reason::Retired(retired) => {
                    let successor = retired.successor.map(|successor| format!("`{successor}`"));
                    (retired.how, successor.unwrap_or_default())
                }
            };
            writeln!(f, "| `{}` | {why} | {instead} |", foreign.spec)?;
        }
        Ok(())
    }

    fn write_services(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Code of services\n")?;
        writeln!(f, "Whatever else these packages have is application code: the service goes on")?;
        writeln!(f, "running it, and `egg:pasteline#proxy` passes requests on to it.\n")?;
        writeln!(f, "| package | service |\n|---|---|")?;
        for (package, role) in self.0.packages() {
            if let Role::Service(title) = role {
                writeln!(f, "| `{package}` | {title} |")?;
            }
        }
        Ok(())
    }
}

/// What a reader should know before all else.
fn remark(alias: &Alias) -> String {
    match alias.retired {
        _ if !alias.idle.is_empty() => format!("nothing is done: {}", alias.idle),
        Some(retired) => retired.how.to_owned(),
        None => String::new(),
    }
}
