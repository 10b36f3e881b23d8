//! The settings of the server as oslo.config has them: files such as `neutron.conf`, the
//! environment and the command line.

mod expand;
mod fault;
mod find;
mod groups;
mod hidden;
mod input;
mod layers;
mod options;
mod sample;
mod scan;
mod server;
mod substitute;
#[cfg(test)]
mod tests;
mod types;
mod unknown;
mod values;

pub use self::find::Search;
pub use self::groups::Groups;
pub use self::input::{ConfigPath, Input, is_group_of_server};
pub use self::options::{ALIASES, Alias, GROUPS, Group, Main, Own, Ssl};
pub use self::sample::Sample;
pub use self::types::{Flag, LoggerLevel, Port, Title, Whole};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::expand::Expander;
use self::layers::{LayerKind, Layers};
use crate::diagnostic::Diagnostic;
use crate::ini::{Conf, Value};
use crate::settings::{
    Dialect, Form, MASK, Mask, OptionSpec, Reader, Setting as _, Settings, Subject,
};
use crate::source::{Sources, Span};

/// The settings of the server, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Those of `[DEFAULT]`.
    pub main: Main,
    /// Those of `[ssl]`.
    pub ssl: Ssl,
    /// Those of `[pasteline]`.
    pub own: Own,
    chosen: Vec<Chosen>,
    groups: Groups,
    input: Input,
}

/// An option, with the value that counts.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The group that it belongs to.
    pub group: &'static str,
    /// What is known of it.
    pub option: &'static OptionSpec,
    /// The value with references filled in; none if there is none and no default.
    pub text: Option<Arc<str>>,
    /// Where the value comes from.
    pub origin: Origin,
    /// The place of the value in its text.
    span: Option<Span>,
}

impl Chosen {
    fn default_of(group: &'static str, option: &'static OptionSpec) -> Self {
        let text = option.default.map(Arc::from);
        Self { group, option, text, origin: Origin::Default, span: None }
    }

    /// The value as people may see it.
    pub fn shown(&self, mask: &Mask) -> Option<String> {
        let text = self.text.as_deref()?;
        let is_secret = self.option.secret && !text.is_empty();
        let shown = mask.value(self.option.name, text).into_owned();
        Some(if is_secret { MASK.to_owned() } else { shown })
    }
}

/// Where the value of an option comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The command line.
    CommandLine,
    /// The declaration of the option.
    Default,
    /// A variable of the environment; the place is that of its name in a text of its own.
    Environment(Span),
    /// A file.
    File(Span),
}

impl Config {
    /// Reads the settings, and tells all that is wrong with them. What is at fault has its
    /// default.
    pub fn read(input: &Input, sources: &mut Sources) -> (Self, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let layers = Layers::read(input, sources, &mut diagnostics);
        diagnostics.extend(unknown::old(&layers));
        diagnostics.extend(unknown::warnings(&layers));
        let mut expander = Expander::new(&layers);
        let mut chosen = Vec::new();
        let (main, found) = group(&GROUPS[0], (&mut expander, &mut chosen), sources);
        diagnostics.extend(found);
        let (ssl, found) = group(&GROUPS[1], (&mut expander, &mut chosen), sources);
        diagnostics.extend(found);
        let (own, found) = group(&GROUPS[2], (&mut expander, &mut chosen), sources);
        diagnostics.extend(found);
        diagnostics.append(&mut expander.diagnostics);
        diagnostics.extend(hidden::warnings::<Main>(&GROUPS[0], &layers, sources));
        diagnostics.extend(hidden::warnings::<Ssl>(&GROUPS[1], &layers, sources));
        diagnostics.extend(hidden::warnings::<Own>(&GROUPS[2], &layers, sources));
        let groups = Groups::new(layers);
        let config = Self { main, ssl, own, chosen, groups, input: input.clone() };
        diagnostics.extend(config.missing_certificate());
        (config, diagnostics)
    }

    /// Nothing is encrypted without a certificate, and nobody who asks for it may be served in
    /// clear.
    fn missing_certificate(&self) -> Option<Diagnostic> {
        let is_true = |text: &str| Flag::parse(text).is_ok_and(|flag| flag.0);
        let use_ssl = self.given("use_ssl").filter(|it| it.text.as_deref().is_some_and(is_true))?;
        let message = "`use_ssl` needs the option `cert_file` of `[ssl]`";
        let missing = Diagnostic::error("missing-option", message).at(use_ssl.span);
        let help = "add `cert_file = …` to `[ssl]`: the file of the certificate, in PEM";
        (!self.is_given("cert_file")).then(|| missing.help(help))
    }

    /// All options in the order of their declaration, each with the value that counts.
    pub fn chosen(&self) -> &[Chosen] {
        &self.chosen
    }

    /// What is given for factories.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// What the settings were read from, in the order in which it was named.
    pub fn files(&self) -> &[ConfigPath] {
        &self.input.paths
    }

    /// Whether an option is given, by file, environment or command line.
    pub fn is_given(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// The paste file, and how it was looked for: where oslo.config finds it, or else here. Where
    /// there are no settings it is the one that is here, if any is.
    pub fn paste_file(&self, sources: &Sources) -> (PathBuf, Search) {
        let name = Path::new(&self.main.api_paste_config);
        let named = self.given("api_paste_config");
        let setting = named.and_then(|named| named.span);
        let here = Some(name.to_owned()).filter(|_| named.is_none() && self.files().is_empty());
        let tried = find::candidates(&self.input, name);
        match here.iter().chain(&tried).find(|path| sources.has(path)) {
            Some(found) => (found.clone(), Search { setting, tried: Vec::new() }),
            None => (name.to_owned(), Search { setting, tried }),
        }
    }

    /// The file that the log goes to, if it goes to one.
    pub fn log_file(&self) -> Option<PathBuf> {
        let Main { log_file, log_dir, .. } = &self.main;
        let file = log_file.as_deref().or(log_dir.as_ref().map(|_| "pasteline.log"))?;
        Some(log_dir.as_ref().map_or_else(|| PathBuf::from(file), |directory| directory.join(file)))
    }

    fn given(&self, name: &str) -> Option<&Chosen> {
        // No name is in two groups.
        let found = self.chosen.iter().find(|chosen| chosen.option.name == name)?;
        Some(found).filter(|found| found.origin != Origin::Default)
    }
}

/// Reads the options of one group; those that are at fault have their defaults.
fn group<T: Settings>(
    group: &'static Group,
    (expander, chosen): (&mut Expander<'_>, &mut Vec<Chosen>),
    sources: &Sources,
) -> (T, Vec<Diagnostic>) {
    let mut conf = Conf::default();
    let mut found: Vec<Chosen> = Vec::new();
    for option in group.options {
        let mut one = Chosen::default_of(group.name, option);
        // Empty stands for no number, as with oslo.config.
        let is_number = matches!(option.form, Form::Whole { .. });
        let given = expander.find(group.name, option.name);
        if let Some((origin, value)) =
            given.filter(|(_, value)| !is_number || !value.text.is_empty())
        {
            one = Chosen { text: Some(Arc::clone(&value.text)), origin, span: value.span, ..one };
            conf.insert(option.name.into(), value);
        }
        found.push(one);
    }
    let subject = Subject { factory: group.name, place: None, dialect: &Dialect::new() };
    let global = Conf::default();
    let mut reader = Reader::new(subject, &conf, &global, sources);
    let read = T::read(&mut reader);
    let faults = reader.finish();
    // What is at fault is told once, and nobody else reads it.
    for one in found.iter_mut().filter(|one| is_among(one.span, &faults)) {
        *one = Chosen::default_of(group.name, one.option);
    }
    chosen.extend(found);
    (read.or_else(T::defaults).expect("no option is required"), faults)
}

/// Whether one of the faults lies in a value.
fn is_among(value: Option<Span>, faults: &[Diagnostic]) -> bool {
    let is_in = |value: Span, fault: Span| {
        fault.source == value.source && value.range().contains(&(fault.start as usize))
            || fault == value
    };
    value.is_some_and(|value| {
        faults.iter().filter_map(|fault| fault.span).any(|fault| is_in(value, fault))
    })
}

impl Expander<'_> {
    /// The value of an option, filled in, and where it comes from; none if it is not given or
    /// cannot be filled in.
    fn find(&mut self, group: &str, name: &str) -> Option<(Origin, Value)> {
        let (kind, given) = self.layers().find(group, name)?;
        let value = given.value.clone();
        let text = self.expand((group, name), &value)?;
        let origin = match (kind, value.key_span, value.span) {
            (LayerKind::Environment, Some(name), _) => Origin::Environment(name),
            (LayerKind::File, _, Some(span)) => Origin::File(span),
            _ => Origin::CommandLine,
        };
        Some((origin, Value { text, ..value }))
    }
}
