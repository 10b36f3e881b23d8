//! Where sections lead beyond the depth to which they are resolved, so that a circle is told as one.
//!
//! Nothing is made of them there: only names are followed that stand in the file as they are, and
//! name sections of that file.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::sync::Arc;

use super::Object;
use super::context::Home;
use super::files::{Identity, ViewId};
use super::frame::{Frame, Visit, circle};
use super::header::{self, MAIN};
use super::name::Name;
use super::resolve::Resolver;
use super::task::Wish;
use super::view::View;
use crate::diagnostic::Diagnostic;
use crate::ini::{Conf, Section, Setting, Value};
use crate::source::Sources;
use crate::syntax::{self, Factory};

/// How many sections of a circle are told with the places of their names, from the first on, and
/// some more.
const NAMED: usize = 10;

/// How many names are followed at most.
const MOST: usize = 100_000;

/// What is found of a way that is too deep.
pub(super) enum Beyond {
    Circle(Box<Diagnostic>),
    /// All names come to an end.
    End,
    /// Some names were not followed.
    Unknown,
}

impl Resolver<'_> {
    /// Follows the way to a wish that is too deep until it leads back.
    pub(super) fn beyond(&self, wish: &Wish) -> Beyond {
        let Home::File(view) = wish.home else { return Beyond::Unknown };
        let viewed = self.files.view_of(view);
        let is_here = |frame: &&Frame| frame.file == viewed.source();
        let mut way: Vec<_> = self.frames.up(wish.parent).take_while(is_here).collect();
        way.reverse();
        let (object, end) = (wish.object, wish.name.clone().unwrap_or_else(|| Name::given(MAIN)));
        let text = Arc::clone(&end.text);
        let mut walk = Walk::new((view, viewed), &way, end);
        let section = walk.target(object, &text);
        let found = section.and_then(|section| walk.run((section, object), self.sources()));
        match found {
            Some(circle) => Beyond::Circle(Box::new(circle)),
            None if walk.is_whole => Beyond::End,
            None => Beyond::Unknown,
        }
    }
}

/// A section by its number, and what is asked of it.
type Asked = (usize, Object);

/// A name in a section.
#[derive(Clone, Copy)]
struct Lead<'f> {
    setting: &'f Setting,
    object: Object,
    /// The name, which is a part of the value.
    text: &'f str,
}

/// A section that was come to beyond the way, and where that leads.
struct Stop<'f> {
    asked: Asked,
    /// What leads here; none for the name that the way ends with.
    lead: Option<Lead<'f>>,
    /// What has not been followed, the first at the end.
    rest: Vec<Lead<'f>>,
}

/// A walk through the sections of a file, from the end of a way on.
struct Walk<'f> {
    view: ViewId,
    viewed: &'f View,
    way: &'f [&'f Frame],
    /// The name that the way ends with.
    end: Name,
    stops: Vec<Stop<'f>>,
    /// Where the sections are on the way and among the stops after it; none for those from which
    /// nothing leads back.
    places: HashMap<Asked, Option<usize>>,
    /// How many names were followed.
    followed: usize,
    /// Whether none was left out.
    is_whole: bool,
}

impl<'f> Walk<'f> {
    fn new((view, viewed): (ViewId, &'f View), way: &'f [&'f Frame], end: Name) -> Self {
        let asked = |frame: &&Frame| (frame.visit.section, frame.visit.object);
        let places = way.iter().enumerate().map(|(at, frame)| (asked(frame), Some(at))).collect();
        Self { view, viewed, way, end, stops: Vec::new(), places, followed: 0, is_whole: true }
    }

    /// Follows all names from a section on until one leads back.
    fn run(&mut self, first: Asked, sources: &Sources) -> Option<Diagnostic> {
        let mut next = Some((first, None));
        loop {
            if let Some((asked, lead)) = next.take() {
                match self.places.get(&asked).copied() {
                    Some(Some(before)) => return self.circle(before, (asked, lead), sources),
                    Some(None) => {}
                    None => self.enter(asked, lead),
                }
            }
            let stop = self.stops.last_mut()?;
            let Some(lead) = stop.rest.pop() else {
                self.places.insert(stop.asked, None);
                self.stops.pop();
                continue;
            };
            self.followed += 1;
            if self.followed > MOST {
                self.is_whole = false;
                return None;
            }
            let section = self.target(lead.object, lead.text);
            next = section.map(|section| ((section, lead.object), Some(lead)));
        }
    }

    fn enter(&mut self, asked: Asked, lead: Option<Lead<'f>>) {
        self.places.insert(asked, Some(self.way.len() + self.stops.len()));
        let rest = self.leads(asked);
        self.stops.push(Stop { asked, lead, rest });
    }

    /// The section of this file that a name stands for, if it is one.
    fn target(&mut self, object: Object, name: &str) -> Option<usize> {
        let name = match Factory::parse(name) {
            Factory::Section(_) => name,
            Factory::Config { path, name }
                if self.viewed.path.file_name() == Some(OsStr::new(path)) =>
            {
                name.unwrap_or(MAIN)
            }
            Factory::Config { .. } => {
                self.is_whole = false;
                return None;
            }
            _ => return None,
        };
        match self.viewed.file.headers().find(object, Some(name))[..] {
            [section] => Some(section),
            _ => None,
        }
    }

    /// The names in a section, the first at the end.
    fn leads(&mut self, (section, object): Asked) -> Vec<Lead<'f>> {
        let file: &'f _ = &self.viewed.file;
        let Section { name: header, options, .. } = file.section(section);
        let kind = header::split(header).0;
        let mut leads = Vec::new();
        for setting in options {
            let lead = |object, text| Lead { setting, object, text };
            let raw = &*setting.raw;
            match (&*setting.key, kind) {
                ("filter-with", _) if object != Object::Server => {
                    leads.push(lead(Object::Filter, raw));
                }
                ("pipeline", "pipeline") => {
                    let mut words: Vec<_> = syntax::words(raw).map(|(_, word)| word).collect();
                    let app = words.pop().map(|app| lead(Object::App, app));
                    leads.extend(words.into_iter().map(|word| lead(Object::Filter, word)));
                    leads.extend(app);
                }
                ("use", "filter-app") => leads.push(lead(Object::Filter, raw)),
                ("use", _) => leads.push(lead(object, raw)),
                ("next", "filter-app") | (_, "composite" | "composit") => {
                    leads.push(lead(Object::App, raw));
                }
                _ => {}
            }
        }
        let count = leads.len();
        leads.retain(|lead| !lead.text.contains('%'));
        self.is_whole &= leads.len() == count && !options.iter().any(takes_global);
        leads.reverse();
        leads
    }

    /// The circle that a name closes, which leads back to a section.
    fn circle(
        &self,
        before: usize,
        closing: (Asked, Option<Lead<'f>>),
        sources: &Sources,
    ) -> Option<Diagnostic> {
        let resolved = self.way.iter().skip(before + 1).map(|frame| (*frame).clone());
        let beyond = self.stops.iter().skip((before + 1).saturating_sub(self.way.len()));
        let beyond = beyond.map(|stop| (stop.asked, stop.lead)).chain([closing]);
        let globals = Identity(Arc::new(Conf::new()));
        let beyond: Vec<_> = beyond.collect();
        // Of most of them only the header is told, if that.
        let places = beyond.iter().map(|((section, _), _)| self.viewed.file.section(*section).span);
        let first = places.enumerate().min_by_key(|(_, place)| *place).map_or(0, |(at, _)| at);
        let is_told = |at: usize| at < NAMED || at.wrapping_sub(first) < NAMED;
        let frame = |(at, (asked, lead)): (usize, (Asked, Option<Lead<'f>>))| {
            let name = is_told(at).then(|| lead.map_or_else(|| self.end.clone(), Lead::name));
            self.frame(asked, name, globals.clone())
        };
        let frames = resolved.chain(beyond.into_iter().enumerate().map(frame));
        circle(&frames.collect::<Vec<_>>().iter().collect::<Vec<_>>(), sources)
    }

    fn frame(&self, (section, object): Asked, name: Option<Name>, globals: Identity) -> Frame {
        let file = &self.viewed.file;
        let Section { name: header, span: place, .. } = file.section(section);
        Frame {
            parent: None,
            visit: Visit { view: self.view, section, object, globals },
            level: 0,
            phase: 0,
            header: Arc::clone(header),
            place: *place,
            file: file.document.source,
            name,
            is_composite: false,
        }
    }
}

impl Lead<'_> {
    fn name(self) -> Name {
        let Setting { key_span, raw, value_span, .. } = self.setting;
        let (text, key_span, span) = (Arc::clone(raw), Some(*key_span), Some(*value_span));
        Name::whole(Value { text, key_span, span }).part(self.text)
    }
}

/// Whether an option is what a global one says, which may be a name.
fn takes_global(setting: &Setting) -> bool {
    setting.key.starts_with("get ")
}

#[cfg(test)]
mod tests {
    use crate::graph::fixture::errors;

    /// Sections that each use the next, the last of them one by a name.
    fn uses(length: usize, last: &str) -> String {
        let name = |number| if number == 0 { "main".to_owned() } else { format!("a{number}") };
        let next = |number| if number == length { last.to_owned() } else { name(number) };
        let section = |number| format!("[app:{}]\nuse = {}\n", name(number), next(number + 1));
        (0..length).map(section).collect()
    }

    /// What is wrong with a file, without the class of Python's error.
    fn told(text: &str) -> String {
        let [error] = &errors(text)[..] else { panic!("one fault") };
        error.strip_prefix("RecursionError: ").unwrap().to_owned()
    }

    #[test]
    fn a_circle_is_told_however_long_it_is() {
        assert_eq!(
            told(&uses(1000, "main")),
            "`[app:main]` leads to itself: `[app:main]` → `[app:a1]` → `[app:a2]` → `[app:a3]` → \
             993 more → `[app:a997]` → `[app:a998]` → `[app:a999]` → `[app:main]`"
        );
    }

    #[test]
    fn a_circle_may_begin_on_the_way_or_beyond_it() {
        let before = told(&uses(1000, "a100"));
        assert!(before.starts_with("`[app:a100]` leads to itself: `[app:a100]` → `[app:a101]`"));
        assert!(
            before
                .ends_with("893 more → `[app:a997]` → `[app:a998]` → `[app:a999]` → `[app:a100]`")
        );
        let expected = "`[app:a998]` leads to itself: `[app:a998]` → `[app:a999]` → `[app:a998]`";
        assert_eq!(told(&uses(1000, "a998")), expected);
        assert_eq!(
            told(&uses(480, "a479")),
            "`[app:a479]` leads to itself: `[app:a479]` → `[app:a479]`"
        );
    }

    #[test]
    fn all_names_of_a_section_are_followed() {
        let beyond = "[pipeline:p]\npipeline = f g q\n[filter:f]\nuse = egg:F\n[filter:g]\nuse = f\n\
                      filter-with = h\n[filter:h]\nuse = g\n[app:q]\nuse = egg:A\n";
        let expected = "`[filter:g]` leads to itself: `[filter:g]` → `[filter:h]` → `[filter:g]`";
        assert_eq!(told(&(uses(600, "p") + beyond)), expected);
    }

    #[test]
    fn what_comes_to_an_end_is_no_circle() {
        let deep = "sections lead to sections more than 480 deep";
        assert_eq!(told(&uses(1000, "egg:A")), deep);
        assert_eq!(told(&uses(1000, "none")), deep);
        let twice =
            "[pipeline:p]\npipeline = f f q\n[filter:f]\nuse = egg:F\n[app:q]\nuse = egg:A\n";
        assert_eq!(told(&(uses(600, "p") + twice)), deep);
    }

    #[test]
    fn what_is_not_followed_may_be_a_circle() {
        let perhaps = "sections lead to sections more than 480 deep, perhaps in a circle";
        let (global, reference) = ("[app:b]\nget use = next\n", "[app:b]\nuse = %(next)s\n");
        for beyond in [global, reference, "[app:b]\nuse = config:other.ini\n"] {
            let text = format!("[DEFAULT]\nnext = main\n{}{beyond}", uses(600, "b"));
            assert_eq!(told(&text), perhaps, "{beyond}");
        }
    }
}
