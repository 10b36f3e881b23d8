//! What can be wrong with the names in a file and with the options that hold them.

use super::Object;
use super::egg::entry_points;
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::ini::{Conf, Value};
use crate::source::{Sources, Span};

const ATTRIBUTE_ERROR: &str = "AttributeError";
const INDEX_ERROR: &str = "IndexError";
const KEY_ERROR: &str = "KeyError";
pub(super) const LOOKUP_ERROR: &str = "LookupError";
const VALUE_ERROR: &str = "ValueError";

/// Names are compared letter by letter, so not with any number of them.
pub(super) const CANDIDATES: usize = 1000;

/// How many names are listed.
pub(super) const LISTED: usize = 8;

pub(super) fn unknown_scheme(scheme: &str, place: Option<Span>, sources: &Sources) -> Diagnostic {
    let message = format!("`{}:` is no scheme of Paste Deploy", Excerpt(scheme));
    Diagnostic::error("unknown-scheme", message)
        .at(place)
        .label("expected `egg`, `config` or `call`")
        .suggest(scheme, ["egg", "config", "call"], sources)
        .help("letters before a colon make a URI; the name of a section must not begin so")
        .class(LOOKUP_ERROR)
}

/// A name where only a URI can be found.
pub(super) fn no_scheme(name: &str, place: Option<Span>) -> Diagnostic {
    let message = format!("`{}` is no URI, and here is no file to look it up in", Excerpt(name));
    Diagnostic::error("unknown-scheme", message)
        .at(place)
        .label("expected `egg:`, `config:` or `call:`")
        .class(LOOKUP_ERROR)
}

pub(super) fn bad_call(has_surplus: bool, place: Option<Span>) -> Diagnostic {
    let (message, class) = if has_surplus {
        ("`call:` names more than a module and an attribute", VALUE_ERROR)
    } else {
        ("`call:` names no attribute of a module", LOOKUP_ERROR)
    };
    bad_factory_uri(message, place).class(class)
}

pub(super) fn missing_module(place: Option<Span>) -> Diagnostic {
    bad_factory_uri("`call:` names no module", place).class(VALUE_ERROR)
}

fn bad_factory_uri(message: &str, place: Option<Span>) -> Diagnostic {
    Diagnostic::error("bad-factory", message).at(place).label("expected `call:module:attribute`")
}

pub(super) fn missing_distribution(place: Option<Span>) -> Diagnostic {
    Diagnostic::error("bad-factory", "`egg:` names no distribution")
        .at(place)
        .label("expected `egg:distribution#entry`")
        .class(VALUE_ERROR)
}

/// A value of `paste.app_factory` or the like that names no Python object.
pub(super) fn bad_factory(protocol: &str, value: &Value) -> Diagnostic {
    let message = format!("`{protocol}` is `{}`, which is no Python object", Excerpt(&value.text));
    let fault = Diagnostic::error("bad-factory", message)
        .at(value.span)
        .label("expected `module:attribute`")
        .class(ATTRIBUTE_ERROR);
    if value.text.contains([' ', '#', ';']) {
        return fault.help("a comment stands on a line of its own");
    }
    match value.text.split_once(':') {
        Some(("egg" | "config" | "call", _)) => fault.help("a URI is the value of `use`"),
        _ => fault,
    }
}

/// An entry of a distribution that is known, with none of this name.
pub(super) fn unknown_entry_point(
    object: Object,
    (distribution, entry): (&str, &str),
    place: Option<Span>,
    sources: &Sources,
) -> Diagnostic {
    let shown = format!("egg:{}#{}", Excerpt(distribution), Excerpt(entry));
    let offered: Vec<_> = entry_points(distribution).into_iter().flatten().collect();
    let fault =
        |message| Diagnostic::error("unknown-entry-point", message).at(place).class(LOOKUP_ERROR);
    if let Some(other) = offered.iter().find(|point| point.name == entry) {
        let other = match other.protocol {
            protocol if protocol.contains("filter") => "a filter",
            protocol if protocol.contains("server") => "a server",
            _ => "an app",
        };
        return fault(format!("`{shown}` is {other}, but {} is needed here", object.noun()));
    }
    fault(format!(
        "`{}` offers no {} called `{}`",
        Excerpt(distribution),
        object.name(),
        Excerpt(entry)
    ))
    .suggest(entry, offered.iter().map(|point| point.name), sources)
}

/// A relative path that counts from nowhere.
pub(super) fn relative_path(path: &str, place: Option<Span>) -> Diagnostic {
    let message =
        format!("`{}` is relative, and here is no file that it counts from", Excerpt(path));
    Diagnostic::error("relative-path", message)
        .at(place)
        .label("expected an absolute path")
        .class(VALUE_ERROR)
}

/// A file that is named and could not be read.
pub(super) fn unread(fault: Diagnostic, path: &str) -> Diagnostic {
    if path.starts_with('/') || path.is_empty() {
        return fault;
    }
    fault.help("a relative path counts from the directory of the file that names it")
}

/// A `get` of what no one has set.
pub(super) fn unknown_global(name: &Value, globals: &Conf, sources: &Sources) -> Diagnostic {
    let message = format!("no global option is called `{}`", Excerpt(&name.text));
    Diagnostic::error("unknown-global", message)
        .at(name.span)
        .label("neither `[DEFAULT]` nor a `set` gives it")
        .suggest(&name.text, globals.keys().take(CANDIDATES / 10).map(|key| &**key), sources)
        .help("`set NAME = …` in a section gives it to all that the section is made of")
        .class(KEY_ERROR)
}

pub(super) fn extra_option(key: &str, value: &Value, sources: &Sources) -> Diagnostic {
    let message = format!("a pipeline has no option `{}`", Excerpt(key));
    Diagnostic::error("unknown-option", message)
        .at(value.key_span)
        .label("no factory would read it")
        .suggest(key, ["pipeline", "filter-with"], sources)
        .help(format!("`set {}` would give it to all sections of the pipeline", Excerpt(key)))
        .class(LOOKUP_ERROR)
}

pub(super) fn empty_pipeline(header: &str, value: &Value) -> Diagnostic {
    let message = format!("the pipeline of `[{}]` is empty", Excerpt(header));
    Diagnostic::error("empty-pipeline", message)
        .at(value.key_span)
        .help("name its filters, the outermost first, and at its end an app")
        .class(INDEX_ERROR)
}

/// Of so many `parts` no more are made.
pub(super) fn too_large(most: usize, parts: &str) -> Diagnostic {
    Diagnostic::error("too-large", format!("what is asked for has more than {most} {parts}"))
        .label("no further than this")
        .help("a section is there again for each place that names it")
}

/// Some of the names, in backticks, of `count` that there are.
pub(super) fn listed(names: &[&str], count: usize) -> String {
    let shown = names.iter().take(LISTED).map(|name| format!("`{}`", Excerpt(name)));
    let listed = shown.collect::<Vec<_>>().join(", ");
    match count.saturating_sub(LISTED) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
