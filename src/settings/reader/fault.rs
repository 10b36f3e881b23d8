//! What is said of options that are at fault.

use super::{Reader, Subject};
use crate::diagnostic::{Diagnostic, Excerpt, nearest};
use crate::ini::Value;
use crate::settings::mask::{MASK, Mask, without_passwords};
use crate::settings::{OptionSpec, Rejected, Setting, Unknown};
use crate::source::Span;

impl Reader<'_> {
    pub(super) fn bad_value<T: Setting>(
        &self,
        name: &str,
        value: &Value,
        rejected: &Rejected,
    ) -> Diagnostic {
        let name = self.subject.dialect.theirs(name);
        let is_secret = T::SECRET || self.is_secret(name, value);
        let expected = T::SHAPE.describe(T::EXPECTED);
        let part = rejected.part.and_then(|(start, end)| value.text.get(start..end));
        let part = part.filter(|part| part.len() < value.text.len());
        let message = match &rejected.reason {
            // A reason quotes what it is about, but where the type knows better.
            Some(_) if is_secret && !T::SECRET => format!("`{name}` is refused"),
            Some(reason) => format!("`{name}` is refused: {}", without_passwords(reason)),
            None if is_secret => format!("`{name}` is `{MASK}`, expected {expected}"),
            None => {
                let (is, text) = match part {
                    Some(part) => ("has", part),
                    None => ("is", &*value.text),
                };
                let shown = without_passwords(text);
                format!("`{name}` {is} `{}`, expected {expected}", Excerpt(&shown))
            }
        };
        let span = value.span.map(|span| self.narrow(span, value, rejected.part));
        let diagnostic = Diagnostic::error("bad-value", message).at(span.or(self.subject.place));
        match rejected.reason {
            Some(_) => diagnostic.help(format!("expected {expected}")),
            None => match T::FORM.bytes(part.unwrap_or(&value.text)).filter(|_| !is_secret) {
                Some(bytes) => diagnostic.help(format!("write `{bytes}`, a number without a unit")),
                None => diagnostic,
            },
        }
    }

    /// Whether a value is a secret by the name of its option, or made of one by a reference.
    fn is_secret(&self, name: &str, value: &Value) -> bool {
        let mask = Mask::default();
        let is_given = |span| self.sources.text(span).contains("%(");
        let mut others = self.local.iter().chain(self.global);
        let mut holds_secret = || {
            others.any(|(key, other)| {
                mask.is_secret(key) && !other.text.is_empty() && value.text.contains(&*other.text)
            })
        };
        mask.is_secret(name) || value.span.is_some_and(is_given) && holds_secret()
    }

    /// The place of a part of a value.
    fn narrow(&self, span: Span, value: &Value, part: Option<(usize, usize)>) -> Span {
        part.and_then(|(start, end)| value.part(start..end, self.sources)).unwrap_or(span)
    }

    /// Refuses what stands for an option that is given by another name already.
    pub(super) fn refuse_synonyms(&mut self) {
        let dialect = self.subject.dialect;
        for option in &self.known {
            let mut given = dialect.names(option).filter(|name| self.local.contains_key(*name));
            let Some(first) = given.next() else { continue };
            for name in given {
                let message = format!("`{name}` is refused: `{first}` stands for the same");
                let place = self.local.get(name).and_then(|value| value.key_span);
                self.diagnostics.push(Diagnostic::error("bad-value", message).at(place));
            }
        }
    }

    pub(super) fn missing(&mut self, option: &OptionSpec) {
        let Subject { factory, place, dialect } = self.subject;
        let name = dialect.theirs(option.name);
        let missing = Diagnostic::error(
            "missing-option",
            format!("`{}` needs the option `{name}`", Excerpt(factory)),
        )
        .at(place)
        .help(format!("add `{name} = …`: {}", option.expectation()));
        self.diagnostics.push(match dialect.settings_group() {
            Some(group) => missing.help(format!(
                "or give it in `[{}]` of a file that `--config-file` names",
                group.name()
            )),
            None => missing,
        });
    }

    pub(super) fn unknown(&self, key: &str, value: &Value) -> Diagnostic {
        let Subject { factory, dialect, .. } = self.subject;
        let names: Vec<_> = self.known.iter().map(|name| dialect.theirs(name)).collect();
        let message = format!("`{}` has no option `{}`", Excerpt(factory), Excerpt(key));
        let near = nearest(key, names.iter().copied());
        let diagnostic = match (dialect.unknown(), near) {
            (Unknown::Ignored, None) => Diagnostic::warning("unknown-option", message)
                .help("the original takes any option and ignores this one"),
            _ => Diagnostic::error("unknown-option", message),
        };
        let diagnostic = diagnostic.at(value.key_span).related(self.subject.place, "named here");
        match near {
            Some(_) => diagnostic.suggest(key, names, self.sources),
            None if names.is_empty() => diagnostic.help("it has no options"),
            None => diagnostic.help(format!("its options are {}", ticked(&names))),
        }
    }
}

pub(super) fn ignored(key: &str, why: &str) -> Diagnostic {
    Diagnostic::note("ignored-option", format!("`{key}` has no effect: {why}"))
}

/// Names in backticks: "`a`, `b` and `c`".
fn ticked(names: &[&str]) -> String {
    let ticked: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match ticked.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
