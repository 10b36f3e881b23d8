//! What is wrong with a section, or with the choice of one, and who named it.

use std::sync::Arc;

use super::egg::protocols;
use super::fault::{CANDIDATES, LISTED, LOOKUP_ERROR, listed};
use super::files::ViewId;
use super::header::MAIN;
use super::resolve::Resolver;
use super::task::{Part, Wish};
use super::view::File;
use super::{Link, Object};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::ini::{Setting, Value};
use crate::source::{self, Span};

impl Resolver<'_> {
    /// What is wrong if a name stands for no section, or for several.
    pub(super) fn not_one(&mut self, wish: &Wish, view: ViewId) -> Diagnostic {
        let file = Arc::clone(&self.files.view_of(view).file);
        let name = wish.name.as_ref().map_or(MAIN, |name| &name.text);
        let place = self.place(wish);
        let found = file.headers().find(wish.object, wish.name.as_ref().map(|name| &*name.text));
        let fault = if found.is_empty() {
            self.unknown(wish.object, name, &file, place)
        } else {
            ambiguous(name, &found, &file, place)
        };
        fault.class(LOOKUP_ERROR)
    }

    fn unknown(
        &mut self,
        object: Object,
        name: &str,
        file: &File,
        place: Option<Span>,
    ) -> Diagnostic {
        let candidates = if self.files.take_suggestion() { CANDIDATES } else { 0 };
        let names: Vec<_> = file.headers().names(object).take(candidates).collect();
        if let Some(fault) = other_kind(object, name, file) {
            return fault.at(place).suggest(name, names, self.sources());
        }
        let noun = object.name();
        let message =
            format!("no {noun} is called `{}`{}", Excerpt(name), self.where_else(file, place));
        let fault = Diagnostic::error("unknown-section", message)
            .at(place)
            .label(format!("no such {noun}"))
            .suggest(name, names.iter().copied(), self.sources());
        if name.contains([' ', '\t', '\n']) {
            return fault
                .help("the whole value is one name; a comment stands on a line of its own");
        }
        match &names[..] {
            _ if candidates == 0 || !fault.help.is_empty() => fault,
            [] => fault.help(format!("`[{noun}:NAME]` would be one")),
            names => {
                let fault = fault.help(format!(
                    "there are {}",
                    listed(names, file.headers().names(object).count())
                ));
                // What no file names, the operator asks for, servers by an option of their own.
                if place.is_none() && object != Object::Server {
                    fault.help("`--name NAME` asks for one of them")
                } else {
                    fault
                }
            }
        }
    }

    /// Words that name the file if it is not the one that a name stands in.
    fn where_else(&self, file: &File, place: Option<Span>) -> String {
        let source = file.document.source;
        match place {
            Some(place) if place.source != source => {
                format!(" in `{}`", source::shown(self.sources().get(source).name()))
            }
            _ => String::new(),
        }
    }

    /// What is wrong if a section lacks what its kind needs.
    pub(super) fn missing(&self, part: Part, key: &'static str) -> Diagnostic {
        if let Some(fault) = self.hidden(part, key) {
            return fault;
        }
        let message = format!("`[{}]` needs the option `{key}`", Excerpt(&self.link(part).section));
        let help = match key {
            "pipeline" => "add `pipeline = …`: its filters, the outermost first, and an app",
            _ => "add `next = …`: the app behind the filter",
        };
        self.blame(part, Diagnostic::error("missing-option", message).help(help))
    }

    /// What is wrong if a section names no factory, or several.
    pub(super) fn no_factory(
        &self,
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
        if let Some(fault) = self.hidden(part, "use") {
            return fault;
        }
        let protocol = protocols(object)[0][0];
        let message = format!("`[{header}]` names no factory");
        let fault = Diagnostic::error("missing-factory", message)
            .help(format!("add `use = …` or `{protocol} = module:attribute`"));
        let fault = self.blame(part, fault);
        let local = self.contexts.conf(part.local).iter().take(CANDIDATES);
        local.fold(fault, |fault, (key, value)| match made_by(key) {
            Some(other) => {
                let part = format!("this makes {}, {} is needed", other.noun(), object.noun());
                fault.related(value.key_span, part)
            }
            None => fault,
        })
    }

    /// What is wrong if an option is given, but not to the section.
    fn hidden(&self, part: Part, key: &str) -> Option<Diagnostic> {
        let file = Arc::clone(&self.files.view_of(part.view).file);
        let given = |setting: &&Setting| &*setting.key == key;
        let section = file.section(part.section);
        let hidden = section.options.iter().find(given)?;
        let default = file.document.defaults.iter().find(given);
        let header = Excerpt(&section.name);
        let message = match default {
            Some(_) => format!("`{key}` of `[{header}]` is hidden by that of `[DEFAULT]`"),
            None => format!("`{key}` of `[{header}]` is hidden by a global option of this name"),
        };
        let fault = Diagnostic::error("hidden-option", message)
            .at(hidden.key_span)
            .label("taken for the global option")
            .related(default.map(|default| default.key_span), "which is given here")
            .help("an option that is global too is not given to the factory; rename the global one")
            .class(LOOKUP_ERROR);
        Some(fault)
    }

    /// Blames the header of a section, with who named it.
    fn blame(&self, part: Part, fault: Diagnostic) -> Diagnostic {
        let frame = self.frames.get(part.frame);
        let fault = fault.at(frame.place).class(LOOKUP_ERROR);
        fault.related(frame.named(self.sources()), "named here")
    }

    /// A section of a chain.
    pub(super) fn link(&self, part: Part) -> Link {
        let frame = self.frames.get(part.frame);
        let file = Arc::clone(&self.files.view_of(part.view).filename);
        Link { file, section: Arc::clone(&frame.header), span: frame.place }
    }
}

/// What a protocol makes.
fn made_by(protocol: &str) -> Option<Object> {
    let makes = |object: &Object| protocols(*object).iter().any(|group| group.contains(&protocol));
    Object::ALL.into_iter().find(makes)
}

/// What is wrong if a section of a name is there, but makes something else.
fn other_kind(wanted: Object, name: &str, file: &File) -> Option<Diagnostic> {
    let others = Object::ALL.into_iter().filter(|other| *other != wanted);
    let mut found = others.filter_map(|other| {
        let section = *file.headers().find(other, Some(name)).first()?;
        Some((other, file.section(section).span))
    });
    let (other, place) = found.next()?;
    let (name, noun, needed) = (Excerpt(name), other.noun(), wanted.noun());
    let message = format!("`{name}` is {noun}, but {needed} is needed here");
    let fault = Diagnostic::error("unknown-section", message)
        .label(format!("expected {needed}"))
        .related(place, format!("{noun} of this name"));
    Some(match (other, wanted) {
        (Object::Filter, Object::App) => {
            fault.help(format!("a pipeline puts it before an app: `pipeline = {name} APP`"))
        }
        (Object::App, Object::Filter) => {
            fault.help("an app comes last in a pipeline; all before it are filters")
        }
        _ => fault,
    })
}

fn ambiguous(name: &str, found: &[usize], file: &File, place: Option<Span>) -> Diagnostic {
    let headers = found.iter().map(|section| &*file.section(*section).name);
    let headers = headers.map(|header| format!("`[{}]`", Excerpt(header))).collect::<Vec<_>>();
    let message = format!("`{}` may be {}", Excerpt(name), headers.join(" or "));
    let fault = Diagnostic::error("ambiguous-section", message).help("rename one of the sections");
    let mut places = found.iter().map(|section| file.section(*section).span);
    // What the operator asks for has no place.
    let fault = fault.at(place.or_else(|| places.next())).label("it is not clear which is meant");
    places.take(LISTED).fold(fault, |fault, place| fault.related(place, "it may be this one"))
}

#[cfg(test)]
mod tests {
    use crate::graph::fixture::assert_validated;

    #[test]
    fn says_what_no_section_is_called() {
        assert_validated(
            "\
[pipeline:main]
pipeline = tnit
#          ^^^^ unknown-section: no filter is called `tnit`
  # tint
  app tint
# ^^^ unknown-section: `app` is an app, but a filter is needed here
#     ^^^^ unknown-section: `tint` is a filter, but an app is needed here
[app:app]
use = egg:pasteline#page
filter-with = tint ; red
#             ^^^^^^^^^^ unknown-section: no filter is called `tint ; red`
[filter:tint]
use = egg:pasteline#tint
colour = red
",
        );
    }

    #[test]
    fn says_which_sections_a_name_may_mean() {
        assert_validated(
            "\
[app:a]
#----- it may be this one
use = egg:pasteline#page
[pipeline:a]
#---------- it may be this one
pipeline = egg:pasteline#page
[app:b]
use = a
#     ^ ambiguous-section: `a` may be `[app:a]` or `[pipeline:a]`
",
        );
    }
}
