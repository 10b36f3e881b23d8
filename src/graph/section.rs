//! What a section stands for, by its options.

mod factory;

use std::sync::Arc;

use super::context::{Context, Home, Shape};
use super::files::{Identity, ViewId};
use super::frame::{Frame, LEVELS, Visit};
use super::name::Name;
use super::options::{Faults, Options};
use super::resolve::Resolver;
use super::task::{Part, Task, Wish};
use super::{Object, fault};
use crate::ini::{Section, Value};
use crate::syntax;

impl Resolver<'_> {
    /// Finds a section by its name and looks for what it is made of.
    pub(super) fn section(&mut self, wish: &Wish, view: ViewId) {
        if wish.level > LEVELS {
            return self.stop_too_deep(wish);
        }
        let Some(section) = self.one_section(wish, view) else { return };
        let (viewed, sources) = self.files.view(view);
        let globals = viewed.globals(sources);
        let passed = wish.passed.map(|id| Arc::clone(self.contexts.conf(id)));
        let global = self.contexts.merge(&globals.conf, passed.as_ref());
        let identity = Identity(Arc::clone(&global));
        let visit = Visit { view, section, object: wish.object, globals: identity };
        let frame = self.frame(wish, visit.clone());
        if let Some(circle) = self.frames.circle_of_names(&frame, self.sources()) {
            return self.fail(wish.parent, circle);
        }
        if self.faulty.contains(&visit) {
            self.notes.repeat_error();
            return self.found.push(None);
        }
        if self.take_again(wish, &visit) {
            return;
        }
        self.reached.insert((frame.file, section));
        self.tasks.push(Task::Settle(visit, self.notes.errors()));
        self.note_values(&globals.faults);
        let (viewed, sources) = self.files.view(view);
        let options = viewed.options(section, sources);
        self.note_values(&options.faults);
        let local = self.contexts.add_conf(Arc::clone(&options.local));
        let global = self.contexts.add_conf(global);
        let frame = self.frames.add(frame);
        let part = Part { view, section, object: wish.object, local, global, frame };
        self.assign(part, &options);
        self.parts(part);
    }

    /// The number of the one section that a name stands for; none if that is noted as a fault.
    fn one_section(&mut self, wish: &Wish, view: ViewId) -> Option<usize> {
        let file = Arc::clone(&self.files.view_of(view).file);
        let name = wish.name.as_ref().map(|name| &*name.text);
        let found = file.headers().find(wish.object, name);
        if let [section] = found[..] {
            return Some(section);
        }
        let fault = self.not_one(wish, view);
        self.fail(wish.parent, fault);
        // There is nothing more to say about any of several.
        self.reached.extend(found.into_iter().map(|found| (file.document.source, found)));
        None
    }

    fn frame(&self, wish: &Wish, visit: Visit) -> Frame {
        let file = &self.files.view_of(visit.view).file;
        let Section { name: header, span: place, .. } = file.section(visit.section);
        Frame {
            parent: wish.parent,
            level: wish.level,
            phase: wish.phase,
            header: Arc::clone(header),
            place: *place,
            file: file.document.source,
            name: wish.name.clone(),
            is_composite: false,
            visit,
        }
    }

    /// Sets out to find what the options of a section name.
    fn parts(&mut self, part: Part) {
        let filter_with = match part.object {
            Object::Server => None,
            Object::App | Object::Filter => self.contexts.take(part.local, "filter-with"),
        };
        // Paste Deploy asks whether these Python distributions are there.
        self.contexts.take(part.local, "require");
        if let Some(filter) = filter_with {
            let filter = self.wish(part, Object::Filter, Name::whole(filter));
            self.tasks.extend([Task::FilteredWith(part), Task::Find(filter)]);
        }
        match self.link(part).section.split_once(':') {
            Some(("filter-app", _)) => self.filter_app(part),
            Some(("pipeline", _)) => self.pipeline(part),
            _ => self.tasks.push(Task::Factory(part, part.object)),
        }
    }

    /// Gives a section its options, its own and the global ones.
    fn assign(&mut self, part: Part, options: &Options) {
        for (key, value) in &options.sets {
            self.contexts.set(part.global, key, value);
        }
        for (key, name) in &options.gets {
            let found = self.contexts.conf(part.global).get(&*name.text).cloned();
            let value = match found {
                Some(found) => {
                    Value { key_span: name.key_span, span: found.span.or(name.span), ..found }
                }
                None => self.missing_global(part, name),
            };
            self.contexts.set(part.local, key, &value);
        }
    }

    /// Notes that there is no such global option; a value to go on with.
    fn missing_global(&mut self, part: Part, name: &Value) -> Value {
        let fault = fault::unknown_global(name, self.contexts.conf(part.global), self.sources());
        self.note(part.frame, fault);
        if let Some(span) = name.span {
            self.notes.mark_broken(span);
        }
        name.clone()
    }

    /// Notes values that could not be filled in.
    fn note_values(&mut self, faults: &Faults) {
        for fault in &faults.diagnostics {
            self.notes.add_cause(fault.clone());
        }
        for span in &faults.values {
            self.notes.mark_broken(*span);
        }
    }

    fn filter_app(&mut self, part: Part) {
        let Some(next) = self.contexts.take(part.local, "next") else {
            let fault = self.missing(part, "next");
            self.note(part.frame, fault);
            // The filter may be at fault as well.
            self.found.push(None);
            return self.tasks.extend([Task::FilterApp(part), Task::Factory(part, Object::Filter)]);
        };
        let next = self.wish(part, Object::App, Name::whole(next));
        let filter = Task::Factory(part, Object::Filter);
        self.tasks.extend([Task::FilterApp(part), filter, Task::Find(next)]);
    }

    fn pipeline(&mut self, part: Part) {
        let Some(pipeline) = self.contexts.take(part.local, "pipeline") else {
            let fault = self.missing(part, "pipeline");
            return self.fail(Some(part.frame), fault);
        };
        let extra = Arc::clone(self.contexts.conf(part.local));
        for (key, value) in &*extra {
            self.note(part.frame, fault::extra_option(key, value, self.sources()));
        }
        let Some(names) = self.words(&pipeline) else {
            return self.stop_too_large(pipeline.span);
        };
        let Some((app, filters)) = names.split_last() else {
            return self.fail(
                Some(part.frame),
                fault::empty_pipeline(&self.link(part).section, &pipeline),
            );
        };
        self.tasks.push(Task::Pipeline(part, filters.len()));
        for filter in filters.iter().rev() {
            let wish = self.wish(part, Object::Filter, filter.clone());
            self.tasks.push(Task::Find(wish));
        }
        let wish = self.wish(part, Object::App, app.clone());
        self.tasks.push(Task::Find(wish));
    }

    /// The words of a pipeline; none if there are more than may be looked up.
    fn words(&self, pipeline: &Value) -> Option<Vec<Name>> {
        let is_long = syntax::words(&pipeline.text).nth(self.names_left()).is_some();
        (!is_long).then(|| Name::words(pipeline))
    }

    /// Puts together what was found for a section.
    pub(super) fn add_shape(&mut self, part: Part, shape: Shape) {
        let context = self.context(part, shape);
        let id = self.contexts.add(context);
        self.found.push(Some(id));
    }

    fn context(&self, part: Part, shape: Shape) -> Context {
        let Part { view, object, local, global, frame, .. } = part;
        let (chain, home) = (vec![self.link(part)], Home::File(view));
        let named = self.frames.get(frame).named(self.sources());
        Context { shape, object, named, chain, local, global, home, frame: Some(frame) }
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::fixture::{assert_validated, errors, outline, outline_with};

    const PAGE: &str = "use = egg:pasteline#page";
    const TINT: &str = "[filter:tint]\nuse = egg:pasteline#tint\ncolour = red\n";

    fn main(options: &str) -> String {
        format!("[app:main]\n{PAGE}\n{options}\n")
    }

    #[test]
    fn the_defaults_hide_options_of_the_same_name() {
        let text = format!("[DEFAULT]\na = 1\nB = 2\n{}", main("a = 3\nB = 4\nc = 5"));
        assert_eq!(outline(&text), "page{c=5, B=2}");
    }

    #[test]
    fn set_and_get_pass_options_on() {
        let text = main("set  A =1\nget b = A\nb = 2\nget here = __file__");
        assert_eq!(outline(&text), "page{b=1, here=/dir/paste.ini, A=1}");
        let text = format!("[DEFAULT]\nset A = 1\nget b = A\n{}", main("set A = 2"));
        assert_eq!(outline(&text), "page{b=2, set A=1, A=2}");
    }

    #[test]
    fn the_globals_of_the_caller_win_but_over_what_a_section_sets() {
        let text = format!("[DEFAULT]\nA = 1\n{}", main("set B = 2\nget c = A\nd = %(A)s"));
        let globals = [("A", "8"), ("B", "9"), ("title", "hidden")];
        assert_eq!(outline_with(&text, &[], &globals), "page{d=1, c=8, A=8, B=2}");
        let text = main("title = mine");
        assert_eq!(outline_with(&text, &[], &globals), "page{A=8, B=9}");
    }

    #[test]
    fn a_section_adds_to_what_it_uses() {
        let text = "[app:main]\nuse = base\na = 1\nset A = 1\n\
                    [app:base]\nuse = egg:pasteline#page\na = 2\nb = 3\nget c = A\nset A = 2\n";
        assert_eq!(outline(text), "page{a=1, b=3, c=2, A=1}");
    }

    #[test]
    fn what_is_added_to_a_filtered_section_reaches_only_a_factory_of_its_own() {
        let using = "[app:main]\nuse = base\na = 1\nset A = 1\n[app:base]\nfilter-with = tint\n";
        let tint = "[filter:tint]\nuse = egg:pasteline#tint\n";
        let egg = format!("{using}{PAGE}\nset A = 2\n{tint}");
        assert_eq!(outline(&egg), "with(tint{A=2} page{A=1})");
        let explicit = format!("{using}paste.app_factory = demo:page\nset A = 2\n{tint}");
        assert_eq!(outline(&explicit), "with(tint{A=2} demo:page{a=1, A=1})");
    }

    #[test]
    fn puts_filters_before_apps() {
        let app = "[app:app]\nuse = egg:pasteline#page\n";
        for (section, expected) in [
            ("[pipeline:main]\npipeline = tint\n  tint app", "pipeline(tint{r} tint{r} page)"),
            ("[pipeline:main]\npipeline = app\nfilter-with = tint", "with(tint{r} pipeline(page))"),
            ("[filter-app:main]\nuse = tint\nnext = app\na = 1", "filter-app(tint{r, a=1} page)"),
            (
                "[filter-app:main]\npaste.filter_factory = demo:tint\nnext = app\na = 1",
                "filter-app(demo:tint{a=1} page)",
            ),
            ("[app:main]\nuse = app\nfilter-with = tint", "with(tint{r} page)"),
            (
                "[app:main]\nuse = app\nfilter-with = outer\n[filter:outer]\nuse = tint\nfilter-with = tint",
                "with(with(tint{r} tint{r}) page)",
            ),
        ] {
            let drawn = outline(&format!("{section}\n{app}{TINT}"));
            assert_eq!(drawn.replace("{colour=red", "{r"), expected, "{section}");
        }
    }

    #[test]
    fn a_call_takes_its_kind_from_the_place() {
        let text = "[pipeline:main]\npipeline = call:m:f call:m:C.d main\n\
                    [app:a]\nuse = call:m:f\n";
        assert_eq!(
            outline(&text.replace("main\n[", "a\n[")),
            "pipeline(call:m:f call:m:C.d call:m:f)"
        );
        let text = "[filter-app:main]\nuse = call:m:f\nnext = call:m:g\n";
        assert_eq!(outline(text), "filter-app(call:m:f call:m:g)");
    }

    #[test]
    fn says_what_a_section_lacks() {
        assert_validated(
            "\
[DEFAULT]
next = x
[pipeline:a]
#^^^^^^^^^^ missing-option: `[pipeline:a]` needs the option `pipeline`
[pipeline:b]
pipeline =
;^^^^^^^ empty-pipeline: the pipeline of `[pipeline:b]` is empty
[filter-app:c]
use = egg:pasteline#tint
colour = red
next = x
;^^^ hidden-option: `next` of `[filter-app:c]` is hidden by that of `[DEFAULT]`
[app:d]
#^^^^^ missing-factory: `[app:d]` names no factory
paste.filter_factory = m:f
",
        );
    }

    #[test]
    fn says_where_a_factory_is_wrong() {
        assert_validated(
            "\
[app:a]
paste.app_factory = demo:page
paste.composite_factory = demo:pick
;^^^^^^^^^^^^^^^^^^^^^^ several-factories: `[app:a]` names several factories: `paste.app_factory` and `paste.composite_factory`
[app:b]
paste.app_factory = demo:page # a page
#                   ^^^^^^^^^^^^^^^^^^ bad-factory: `paste.app_factory` is `demo:page # a page`, which is no Python object
[app:c]
use = egg:pasteline#page
get title = nmae
#           ^^^^ unknown-global: no global option is called `nmae`
",
        );
    }

    #[test]
    fn a_pipeline_has_no_options_of_its_own() {
        assert_validated(
            "\
[pipeline:main]
pipeline = app
set A = 1
title = x
;^^^^ unknown-option: a pipeline has no option `title`
use = app
;^^ unknown-option: a pipeline has no option `use`
[app:app]
use = egg:pasteline#page
",
        );
    }

    #[test]
    fn what_follows_from_a_bad_value_is_not_told() {
        assert_validated(
            "\
[pipeline:main]
pipeline = %(tints)s app tnit
#          ^^^^^^^^^ unknown-reference: `%(tints)s` refers to an option that is neither in `[pipeline:main]` nor in `[DEFAULT]`
[app:app]
use = egg:pasteline#page
times = 100%
#          ^ stray-percent: a `%` in the value of `times` begins no reference
tilte = x
;^^^^ unknown-option: `egg:pasteline#page` has no option `tilte`
",
        );
    }

    #[test]
    fn the_first_error_is_the_one_that_paste_deploy_raises() {
        let text = "[DEFAULT]\nbad = %\n[pipeline:main]\npipeline = one two three\n\
                    [app:three]\nuse = nowhere\nget a = b\n[filter:one]\n[filter:two]\nget x = y\n";
        let classes: Vec<_> = errors(text)
            .iter()
            .filter_map(|error| Some(error.split_once(": ")?.0.to_owned()))
            .collect();
        let expected = [
            "InterpolationSyntaxError",
            "KeyError",
            "LookupError",
            "LookupError",
            "KeyError",
            "LookupError",
        ];
        assert_eq!(classes, expected);
    }
}
