//! What is wrong with a section, or with the choice of one, and who named it.

use std::sync::Arc;

use super::egg::protocols;
use super::fault::{CANDIDATES, LOOKUP_ERROR};
use super::files::ViewId;
use super::header::MAIN;
use super::resolve::{Part, Resolver, Wish};
use super::view::File;
use super::{Link, Object};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::ini::{Setting, Value};
use crate::source::Span;

/// How many names are listed.
const LISTED: usize = 8;

impl Resolver<'_> {
    /// What is wrong if a name stands for no section, or for several.
    pub(super) fn not_one(&mut self, wish: &Wish, view: ViewId) -> Diagnostic {
        let file = Arc::clone(&self.files.view(view).0.file);
        let name = wish.name.as_ref().map_or(MAIN, |name| &name.text);
        let place = self.place(wish);
        let found = file.headers().find(wish.object, wish.name.as_ref().map(|name| &*name.text));
        let fault = if found.is_empty() {
            unknown(wish.object, name, &file, &self.where_else(&file, place))
        } else {
            ambiguous(name, &found, &file)
        };
        fault.at(place).class(LOOKUP_ERROR)
    }

    /// Words that name the file if it is not the one that a name stands in.
    fn where_else(&self, file: &File, place: Option<Span>) -> String {
        let source = file.document.source;
        match place {
            Some(place) if place.source != source => {
                format!(" in `{}`", self.sources().get(source).name().display())
            }
            _ => String::new(),
        }
    }

    /// What is wrong if a section lacks what its kind needs.
    pub(super) fn missing(&mut self, part: Part, key: &'static str) -> Diagnostic {
        let message = format!("`[{}]` needs the option `{key}`", Excerpt(&self.link(part).section));
        let help = match key {
            "pipeline" => "add `pipeline = …`: its filters, the outermost first, and an app",
            _ => "add `next = …`: the app behind the filter",
        };
        let fault = Diagnostic::error("missing-option", message).class(LOOKUP_ERROR);
        self.blame(part, self.hidden(part, key, fault).help(help))
    }

    /// What is wrong if a section names no factory, or several.
    pub(super) fn no_factory(
        &mut self,
        part: Part,
        object: Object,
        given: &[(&'static str, Value)],
    ) -> Diagnostic {
        let header = self.link(part).section;
        let header = Excerpt(&header);
        if let [(first, value), (second, again), ..] = given {
            let message = format!("`[{header}]` names several factories: `{first}` and `{second}`");
            return Diagnostic::error("several-factories", message)
                .at(again.key_span)
                .label("another factory")
                .related(value.key_span, "a factory")
                .help("keep one of them")
                .class(LOOKUP_ERROR);
        }
        let message = format!("`[{header}]` names no factory");
        let fault = Diagnostic::error("missing-factory", message).class(LOOKUP_ERROR);
        let mut fault = self.hidden(part, "use", fault);
        for (key, value) in self.contexts.conf(part.local).iter().take(CANDIDATES) {
            let other = [Object::App, Object::Filter, Object::Server].into_iter().find(|other| {
                *other != object && protocols(*other).iter().any(|group| group.contains(&&**key))
            });
            if let Some(other) = other {
                let part = format!("this makes {}, but {} is needed", other.noun(), object.noun());
                fault = fault.related(value.key_span, part);
            }
        }
        let protocol = protocols(object)[0][0];
        self.blame(part, fault.help(format!("add `use = …` or `{protocol} = module:attribute`")))
    }

    /// Adds where an option is that `[DEFAULT]` hides.
    fn hidden(&self, part: Part, key: &str, fault: Diagnostic) -> Diagnostic {
        let file = Arc::clone(&self.files.view_of(part.view).file);
        let given = |setting: &&Setting| &*setting.key == key;
        let Some(hidden) = file.section(part.section).options.iter().find(given) else {
            return fault;
        };
        let default = file.document.defaults.iter().find(given);
        fault
            .related(hidden.key_span, "not an option of the section, but a global one")
            .related(default.map(|default| default.key_span), "as it is given here too")
    }

    /// Blames the header of a section, with who named it.
    fn blame(&self, part: Part, fault: Diagnostic) -> Diagnostic {
        let frame = self.frames.get(part.frame);
        fault.at(frame.place).related(frame.named(self.sources()), "named here")
    }

    /// A section of a chain.
    pub(super) fn link(&self, part: Part) -> Link {
        let frame = self.frames.get(part.frame);
        let file = Arc::clone(&self.files.view_of(part.view).filename);
        Link { file, section: Arc::clone(&frame.header), span: frame.place }
    }
}

fn unknown(object: Object, name: &str, file: &File, place: &str) -> Diagnostic {
    let others = [Object::App, Object::Filter, Object::Server].into_iter();
    for other in others.filter(|other| *other != object) {
        if let [section, ..] = file.headers().find(other, Some(name))[..] {
            let message = format!(
                "`{}` is {}, but {} is needed here",
                Excerpt(name),
                other.noun(),
                object.noun()
            );
            return Diagnostic::error("unknown-section", message)
                .label(format!("expected {}", object.noun()))
                .related(file.section(section).span, format!("{} of this name", other.noun()))
                .suggest(name, file.headers().names(object).take(CANDIDATES));
        }
    }
    let noun = object.name();
    let message = format!("no {noun} is called `{}`{place}", Excerpt(name));
    let fault = Diagnostic::error("unknown-section", message)
        .label(format!("no such {noun}"))
        .suggest(name, file.headers().names(object).take(CANDIDATES));
    if name.contains([' ', '\t', '\n']) {
        return fault.help(
            "it is one name up to the end of the value; a comment stands on a line of its own",
        );
    }
    if !fault.help.is_empty() {
        return fault;
    }
    let mut names: Vec<_> = file.headers().names(object).collect();
    names.sort_unstable();
    match &names[..] {
        [] => {
            fault.help(format!("there is no {noun} at all; a section `[{noun}:NAME]` would be one"))
        }
        names => fault.help(format!("there are {}", listed(names))),
    }
}

/// Some of the names, in backticks.
fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(LISTED).map(|name| format!("`{}`", Excerpt(name)));
    let listed = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

fn ambiguous(name: &str, found: &[usize], file: &File) -> Diagnostic {
    let headers = found.iter().map(|section| &*file.section(*section).name);
    let headers = headers.map(|header| format!("`[{}]`", Excerpt(header))).collect::<Vec<_>>();
    let message = format!("`{}` may be {}", Excerpt(name), headers.join(" or "));
    let fault = Diagnostic::error("ambiguous-section", message)
        .label("it is not clear which is meant")
        .help("rename one of the sections");
    found.iter().take(LISTED).fold(fault, |fault, section| {
        fault.related(file.section(*section).span, "it may be this one")
    })
}
