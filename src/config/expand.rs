//! Fills in what `$name` stands for.

use std::ops::Range;
use std::sync::Arc;

use super::layers::{Layers, spelt};
use super::options::GROUPS;
use super::substitute::{Piece, pieces};
use super::types::python_integer;
use crate::diagnostic::{Diagnostic, nearest};
use crate::ini::Value;
use crate::settings::{Form, Shape};
use crate::source::Span;

/// The longest that a value may become, in bytes.
const LONGEST: usize = 64 << 10;

/// How many options may lead to one another. Each takes some of the stack, which nobody could
/// catch the end of.
const DEEPEST: usize = 50;

/// How many references a value may be made of, as those that stand for nothing add no length.
const MOST: usize = 1000;

/// Fills in values, one after another.
pub(super) struct Expander<'a> {
    layers: &'a Layers,
    /// Group and name of the options that are being filled in, the outermost first.
    open: Vec<(String, String)>,
    /// How many references of the outermost value have been followed.
    followed: usize,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Expander<'a> {
    pub(super) fn new(layers: &'a Layers) -> Self {
        Self { layers, open: Vec::new(), followed: 0, diagnostics: Vec::new() }
    }

    /// What there is to fill in with.
    pub(super) fn layers(&self) -> &'a Layers {
        self.layers
    }

    /// The text of a value of an option with everything filled in; none if that cannot be, which
    /// is noted.
    pub(super) fn expand(
        &mut self,
        (group, name): (&str, &str),
        value: &Value,
    ) -> Option<Arc<str>> {
        if !value.text.contains('$') {
            return Some(Arc::clone(&value.text));
        }
        if self.open.is_empty() {
            self.followed = 0;
        }
        self.open.push((group.to_owned(), name.to_owned()));
        let text = self.fill(group, value);
        self.open.pop();
        text
    }

    fn fill(&mut self, group: &str, value: &Value) -> Option<Arc<str>> {
        let mut text = String::new();
        for piece in pieces(&value.text) {
            match piece {
                Piece::Text(piece) => text.push_str(&piece),
                Piece::Name(name, range) => {
                    let place = narrowed(value, range);
                    text.push_str(&self.look_up(group, name, place)?);
                }
            }
            if text.len() > LONGEST {
                let message = format!("a value becomes longer than {} KiB", LONGEST >> 10);
                self.diagnostics.push(Diagnostic::error("large-value", message).at(value.span));
                return None;
            }
        }
        Some(text.into())
    }

    /// The value that a name stands for in the value of an option of a group.
    fn look_up(&mut self, group: &str, name: &str, place: Option<Span>) -> Option<Arc<str>> {
        let candidates = match name.split_once('.') {
            Some((other, option)) => vec![(spelt(other).into_owned(), option)],
            None => vec![(group.to_owned(), name), ("DEFAULT".to_owned(), name)],
        };
        // What others have in the files is only there for names that are not ours.
        let ours = candidates.iter().find(|(group, name)| option(group, name).is_some());
        let given = candidates.iter().find(|(group, name)| self.layers.find(group, name).is_some());
        let Some((group, name)) = ours.or(given) else { return self.unknown(name, place) };
        if self.open.iter().any(|open| (&*open.0, &*open.1) == (&**group, *name)) {
            return self.circular(group, name, place);
        }
        self.check_bounds(place)?;
        let text = match self.layers.find(group, name) {
            Some((_, given)) => self.expand((group, name), &given.value)?,
            None => {
                option(group, name).and_then(|option| option.default).unwrap_or_default().into()
            }
        };
        Some(as_written_by_python(group, name, text))
    }

    /// Notes where a value leads too far; none then.
    fn check_bounds(&mut self, place: Option<Span>) -> Option<()> {
        self.followed += 1;
        let first = self.open.first().map_or("", |(_, name)| name);
        let diagnostic = if self.open.len() > DEEPEST {
            let message = format!("`{first}` leads from value to value more than {DEEPEST} times");
            Diagnostic::error("deep-reference", message)
                .help("refer to the option that has the value")
        } else if self.followed > MOST {
            let message = format!("`{first}` is made of more than {MOST} references");
            Diagnostic::error("large-value", message)
        } else {
            return Some(());
        };
        self.diagnostics.push(diagnostic.at(place));
        None
    }

    fn circular(&mut self, group: &str, name: &str, place: Option<Span>) -> Option<Arc<str>> {
        let message = format!("`${name}` stands for itself");
        let way: Vec<_> = self.open.iter().map(|(_, name)| format!("`{name}`")).collect();
        self.diagnostics.push(
            Diagnostic::error("circular-reference", message)
                .at(place)
                .help(format!("the way back to `{name}` of `[{group}]` is {}", way.join(", "))),
        );
        None
    }

    fn unknown(&mut self, name: &str, place: Option<Span>) -> Option<Arc<str>> {
        let (group, option) = name.split_once('.').unwrap_or(("DEFAULT", name));
        let diagnostic =
            Diagnostic::error("unknown-reference", format!("`${name}` stands for no option"))
                .at(place);
        let known = self.layers.of_files().filter(|given| *given.group == *group);
        let known: Vec<_> = known.map(|given| &*given.name).collect();
        self.diagnostics.push(match nearest(option, known) {
            Some(near) => diagnostic.help(format!("did you mean `${near}`?")),
            None => diagnostic.help(format!(
                "give `{option}` in `[{group}]`, or write `$$` for a dollar; the defaults of \
                 other programs are not known here"
            )),
        });
        None
    }
}

/// The place of a part of a value, if the value stands in the file as it is: quotes and lines that
/// were joined make it another length.
fn narrowed(value: &Value, range: Range<usize>) -> Option<Span> {
    let span = value.span?;
    if span.range().len() != value.text.len() {
        return Some(span);
    }
    let start = span.range().start;
    Some(Span::new(span.source, start + range.start, start + range.end))
}

fn option(group: &str, name: &str) -> Option<&'static crate::settings::OptionSpec> {
    let group = GROUPS.iter().find(|known| known.name == group)?;
    group.options.iter().find(|option| option.name == name)
}

/// The value of an option as Python writes it: what is filled in has been read by type.
fn as_written_by_python(group: &str, name: &str, text: Arc<str>) -> Arc<str> {
    match option(group, name) {
        Some(option) if option.shape == Shape::One => match option.form {
            Form::Whole { .. } => python_integer(&text).map_or(text, |n| n.to_string().into()),
            Form::Boolean => match &*text.to_ascii_lowercase() {
                "true" | "1" | "on" | "yes" => "True".into(),
                "false" | "0" | "off" | "no" => "False".into(),
                _ => text,
            },
            _ => text,
        },
        _ => text,
    }
}
