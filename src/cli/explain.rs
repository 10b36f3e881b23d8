//! `pasteline explain NAME`: what a factory does, its options, and the Python factories that it
//! stands for; or what a diagnostic means.

use std::fmt;
use std::io;
use std::process::ExitCode;

use clap::Args;

use super::difference::differences;
use super::list::kinds;
use super::terminal;
use crate::diagnostic::{self, PAGES, Severity, nearest};
use crate::registry::{Alias, Definition, FactoryId, Found, Reason, Registry, Role};
use crate::settings::{OptionSpec, prose};

/// Explain a factory or a diagnostic
///
/// NAME is a name from `pasteline list` or a factory as a Python service's file names it. For
/// the latter it also says what differs from the native one: options of another name, other
/// defaults, options without effect. For the name of a diagnostic, the word in brackets, it says
/// what is wrong and how to mend it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline explain cors
  pasteline explain oslo_middleware.cors:filter_factory
  pasteline explain egg:Paste#urlmap
  pasteline explain stray-percent")]
pub(super) struct Explain {
    /// A native name (`cors`), any spelling of a Python factory (`egg:Paste#urlmap`), or the name
    /// of a diagnostic (`stray-percent`)
    name: String,
}

impl Explain {
    #[cfg(test)]
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    pub(super) fn run(&self, registry: &Registry) -> io::Result<ExitCode> {
        match self.text(registry) {
            Ok(text) => terminal::print(&text).map(|()| ExitCode::SUCCESS),
            Err(error) => terminal::tell(&error).map(|()| ExitCode::FAILURE),
        }
    }

    /// What there is to say, or that the name is not known.
    pub(super) fn text(&self, registry: &Registry) -> Result<String, String> {
        let pages =
            factories(registry, &self.name).into_iter().map(|found| Page(found).to_string());
        let text = pages.collect::<Vec<_>>().join("\n\n");
        if !text.is_empty() {
            return Ok(text);
        }
        if let Some(known) = foreign(registry, &self.name) {
            return Ok(known);
        }
        match diagnostic::Page::find(&self.name) {
            Some(page) if page.can_be_silenced() => Ok(format!("{}\n{}", page.text, silence(page))),
            Some(page) => Ok(page.text.to_owned()),
            None => Err(unknown(registry, &self.name)),
        }
    }
}

/// What is known of a Python factory that has no native form.
fn foreign(registry: &Registry, name: &str) -> Option<String> {
    if let Some(foreign) = registry.foreign(name) {
        let summary = foreign.summary();
        return Some(match foreign.reason {
            Reason::Python { instead, .. } => {
                format!("{summary}. It has no native form: {instead}.\n")
            }
            Reason::Refused { instead, .. } => format!("{summary}. It is refused: {instead}.\n"),
            Reason::Retired(_) => format!("{summary}. It has no native form.\n"),
        });
    }
    match registry.role(&FactoryId::of(name))? {
        Role::Library => None,
        Role::Service(title) => Some(format!(
            "`{name}` is {title}'s own code. It has no native form: {title} goes on running it, \
             and `egg:pasteline#proxy` passes requests on to it.\n"
        )),
    }
}

/// How not to be told of a kind of diagnostic.
fn silence(diagnostic::Page { slug, severities, .. }: diagnostic::Page) -> String {
    let comment = match severities {
        [Severity::Error, ..] => "Where it is no error, a comment",
        _ => "A comment",
    };
    format!(
        "\
{comment} directly above the line silences it: `# pasteline: allow {slug}`. In the whole
file `# pasteline: allow-file {slug}` does, wherever it stands.
"
    )
}

/// What a name stands for. One spec may stand for an app and for a filter of different names.
pub(super) fn factories<'a>(registry: &'a Registry, name: &str) -> Vec<Found<'a>> {
    match registry.named(name) {
        Some(definition) => vec![Found { definition, alias: None }],
        None => registry.all(name).collect(),
    }
}

fn unknown(registry: &Registry, name: &str) -> String {
    let page = nearest(name, PAGES.iter().map(|page| page.slug));
    let near = near_factories(registry, name).into_iter().chain(page);
    not_known(name, "factory or diagnostic", near)
}

/// That no factory has a name.
pub(super) fn unknown_factory(registry: &Registry, name: &str) -> String {
    not_known(name, "factory", near_factories(registry, name))
}

/// The nearest native name and the nearest Python factory.
fn near_factories(registry: &Registry, name: &str) -> Vec<&'static str> {
    let definitions = registry.definitions();
    let natives = definitions.iter().map(|definition| definition.name);
    let specs = definitions.iter().flat_map(|definition| definition.aliases);
    let near = [nearest(name, natives), nearest(name, specs.map(|alias| alias.spec))];
    near.into_iter().flatten().collect()
}

fn not_known(name: &str, what: &str, near: impl IntoIterator<Item = &'static str>) -> String {
    let near: Vec<_> = near.into_iter().map(|near| format!("`{near}`")).collect();
    let help = if near.is_empty() {
        "`pasteline list` shows all there are".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    format!("error: no {what} is called `{name}`\nhelp: {help}")
}

/// What there is to say of a factory under the name by which it was asked for.
struct Page<'a>(Found<'a>);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { definition, alias } = self.0;
        writeln!(f, "{}: {}\n", definition.name, kinds(definition))?;
        writeln!(f, "{}", prose(definition.doc))?;
        if !definition.options.is_empty() {
            writeln!(f, "\nOptions:")?;
        }
        for option in definition.options {
            write!(f, "\n{}", Entry(option))?;
        }
        match alias {
            Some(alias) => write_alias(f, definition, alias),
            None => write_aliases(f, definition),
        }
    }
}

/// An option: its name, default and documentation.
struct Entry<'a>(&'a OptionSpec);

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let option = self.0;
        let default = match option.default {
            Some("") => " (empty if not given)".to_owned(),
            Some(default) => format!(" = {}", default.replace('\n', ", ")),
            None if option.required => " (required)".to_owned(),
            None => String::new(),
        };
        writeln!(f, "  {}{default}", option.name)?;
        for line in prose(option.doc).lines() {
            let indent = if line.is_empty() { "" } else { "      " };
            writeln!(f, "{indent}{line}")?;
        }
        writeln!(f, "      Expects {}.", option.expectation())
    }
}

fn write_alias(f: &mut fmt::Formatter<'_>, definition: &Definition, alias: &Alias) -> fmt::Result {
    let differences = differences(definition, alias);
    if differences.is_empty() {
        return writeln!(f, "\nAs `{}`: no difference.", alias.spec);
    }
    writeln!(f, "\nAs `{}`:\n", alias.spec)?;
    differences.iter().try_for_each(|difference| writeln!(f, "  - {difference}"))
}

fn write_aliases(f: &mut fmt::Formatter<'_>, definition: &Definition) -> fmt::Result {
    if definition.aliases.is_empty() {
        return Ok(());
    }
    writeln!(f, "\nStands for (explain one of them to see what differs):\n")?;
    definition.aliases.iter().try_for_each(|alias| writeln!(f, "  {}", alias.spec))
}
