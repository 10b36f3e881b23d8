//! All that is given, layer by layer: files, then the environment, then the command line.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use super::fault;
use super::input::{ConfigPath, Input, option_of};
use super::options::{ALIASES, Alias};
use super::scan::{Group, scan};
use super::values::values;
use crate::diagnostic::Diagnostic;
use crate::ini::Value;
use crate::source::{ReadError, SourceId, Sources, Span, Unreadable, describe};

/// Something that is given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// The group; in small letters, but for `DEFAULT`.
    pub(super) group: Arc<str>,
    /// The name, with `_` for `-`.
    pub(super) name: Arc<str>,
    pub(super) value: Value,
}

/// What one layer gives, in its order.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) kind: LayerKind,
    pub(super) given: Vec<Given>,
}

/// Where a layer comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LayerKind {
    CommandLine,
    Environment,
    File,
}

/// All layers, the weakest first.
#[derive(Debug, Default)]
pub(super) struct Layers(Vec<Layer>);

impl Layers {
    /// Reads all layers, and notes what is wrong with the files.
    pub(super) fn read(
        input: &Input,
        sources: &mut Sources,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut layers = Vec::new();
        for path in &input.paths {
            match path {
                ConfigPath::Directory(directory) => {
                    read_directory(directory, sources, &mut layers, diagnostics);
                }
                ConfigPath::File(file) => read_file(file, sources, &mut layers, diagnostics),
            }
        }
        layers.push(environment(&input.variables, sources));
        layers.push(command_line(&input.arguments, sources));
        Self(layers)
    }

    /// What is given for an option: the strongest layer wins, in it our name before others, and of
    /// one name the last.
    pub(super) fn find(&self, group: &str, name: &str) -> Option<(LayerKind, &Given)> {
        let others = ALIASES.iter().filter(|alias| alias.ours == (group, name));
        let names: Vec<_> = [(group, name)].into_iter().chain(others.map(|a| a.theirs)).collect();
        self.0.iter().rev().find_map(|layer| {
            let by_name = |&(group, name): &(&str, &str)| {
                let mut all = layer.given.iter().rev();
                all.find(|given| (&*given.group, &*given.name) == (group, name))
            };
            names.iter().find_map(by_name).map(|given| (layer.kind, given))
        })
    }

    /// All that files give, from the weakest layer to the strongest.
    pub(super) fn of_files(&self) -> impl Iterator<Item = &Given> {
        let files = self.0.iter().filter(|layer| layer.kind == LayerKind::File);
        files.flat_map(|layer| &layer.given)
    }

    /// All that the environment gives.
    pub(super) fn of_environment(&self) -> impl Iterator<Item = &Given> {
        let environment = self.0.iter().filter(|layer| layer.kind == LayerKind::Environment);
        environment.flat_map(|layer| &layer.given)
    }

    /// All that is given for an option and does not count, as something stronger is given, from the
    /// strongest to the weakest.
    pub(super) fn hidden(&self, group: &str, name: &str) -> Vec<&Given> {
        let is_it = |given: &&Given| {
            let theirs = (&*given.group, &*given.name);
            let is_alias = |alias: &Alias| alias.ours == (group, name) && alias.theirs == theirs;
            theirs == (group, name) || ALIASES.iter().any(is_alias)
        };
        let counts = self.find(group, name).map(|(_, given)| given);
        let all = self.0.iter().rev().flat_map(|layer| layer.given.iter().rev()).filter(is_it);
        all.filter(|given| !counts.is_some_and(|counts| ptr::eq(counts, *given))).collect()
    }

    /// What is given under an old name.
    pub(super) fn deprecated(&self) -> impl Iterator<Item = (&'static Alias, &Given)> {
        self.0.iter().flat_map(|layer| &layer.given).filter_map(|given| {
            let is_it = |alias: &&Alias| alias.theirs == (&*given.group, &*given.name);
            let alias = ALIASES.iter().find(is_it)?;
            alias.is_deprecated.then_some((alias, given))
        })
    }
}

/// The name of a group as it is compared: oslo.config takes no notice of upper case in any but
/// `DEFAULT`.
pub(super) fn spelt(group: &str) -> Cow<'_, str> {
    if group == "DEFAULT" { group.into() } else { group.to_lowercase().into() }
}

fn read_directory(
    directory: &Path,
    sources: &mut Sources,
    layers: &mut Vec<Layer>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    // One that is not there is an empty one to `list`, which is for what may be missing.
    let listed = sources.list(directory, "conf").and_then(|paths| {
        if paths.is_empty() { directory.metadata().map(|_| paths) } else { Ok(paths) }
    });
    let paths = match listed {
        Ok(paths) => paths,
        Err(error) => {
            let (directory, error) = (directory.display(), describe(&error));
            let message = format!("failed to read config file directory `{directory}`: {error}");
            diagnostics.push(Diagnostic::error("unreadable-file", message));
            return;
        }
    };
    for path in &paths {
        read_file(path, sources, layers, diagnostics);
    }
}

fn read_file(
    file: &Path,
    sources: &mut Sources,
    layers: &mut Vec<Layer>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    match sources.read(file) {
        Ok(source) => {
            let text = Arc::clone(sources.get(source).text());
            layers.push(Layer { kind: LayerKind::File, given: parse(&text, source, diagnostics) });
        }
        Err(error) => diagnostics.push(unreadable(&error)),
    }
}

fn unreadable(error: &ReadError) -> Diagnostic {
    match &error.cause {
        Unreadable::NotUtf8 { span, .. } => {
            Diagnostic::error("not-utf8", error.to_string()).at(*span)
        }
        _ => Diagnostic::error("unreadable-file", error.to_string())
            .help("`--config-file` and `--config-dir` name what must be there"),
    }
}

/// All that a text gives, known or not.
fn parse(text: &str, source: SourceId, diagnostics: &mut Vec<Diagnostic>) -> Vec<Given> {
    let found = scan(text);
    let span = |range: &Range<usize>| Span::new(source, range.start, range.end);
    diagnostics.extend(found.faults.iter().map(|found| {
        fault::diagnostic(found.kind, &text[found.place.clone()], span(&found.place))
    }));
    let mut given = Vec::new();
    for (Group { name, options }, values) in found.groups.iter().zip(values(text, &found)) {
        let group: Arc<str> = spelt(&text[name.clone()]).into();
        given.extend(options.iter().zip(values).map(|(written, value)| Given {
            group: Arc::clone(&group),
            name: text[written.key.clone()].replace('-', "_").into(),
            value: Value {
                text: value.into(),
                key_span: Some(span(&written.key)),
                span: Some(span(&written.value())),
            },
        }));
    }
    given
}

fn environment(variables: &[(String, String)], sources: &mut Sources) -> Layer {
    let known = variables.iter().filter_map(|(name, value)| Some((option_of(name)?, name, value)));
    let given = as_lines(known, "<environment>", sources);
    Layer { kind: LayerKind::Environment, given }
}

fn command_line(arguments: &[(String, String)], sources: &mut Sources) -> Layer {
    let of_main = |name: &str| ("DEFAULT".to_owned(), name.to_owned());
    let known = arguments.iter().map(|(name, value)| (of_main(name), name, value));
    let given = as_lines(known, "<command line>", sources);
    Layer { kind: LayerKind::CommandLine, given }
}

/// Pairs as the lines of a text, so that what is wrong with one can be shown at its place.
fn as_lines<'a>(
    pairs: impl Iterator<Item = ((String, String), &'a String, &'a String)>,
    name: &str,
    sources: &mut Sources,
) -> Vec<Given> {
    let (mut text, mut found) = (String::new(), Vec::new());
    for (option, written, value) in pairs {
        let key = text.len()..text.len() + written.len();
        text.extend([written, "=", value, "\n"]);
        found.push((option, key.clone(), key.end + 1..text.len() - 1));
    }
    if found.is_empty() {
        return Vec::new();
    }
    let source = sources.add(name, &*text);
    let span = |range: Range<usize>| Some(Span::new(source, range.start, range.end));
    let given = found.into_iter().map(|((group, option), key, value)| Given {
        group: group.into(),
        name: option.into(),
        value: Value { text: text[value.clone()].into(), key_span: span(key), span: span(value) },
    });
    given.collect()
}
