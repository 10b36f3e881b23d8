//! Hands out the options of one section by type, and notes what is wrong with them.

mod fault;

use std::path::Path;

use self::fault::ignored;
use super::{Dialect, OptionSpec, Setting, Surroundings};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::ini::{Conf, Value};
use crate::source::{Sources, Span};

/// What settings are read for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The factory as the file names it.
    pub factory: &'a str,
    /// The place to blame for what is missing: the section's header or the factory.
    pub place: Option<Span>,
    /// How the options differ from the native ones.
    pub dialect: &'a Dialect,
}

/// Hands out the options of one section by type, and notes what is wrong with them.
#[derive(Debug)]
pub struct Reader<'a> {
    subject: Subject<'a>,
    local: &'a Conf,
    global: &'a Conf,
    /// What settings files give.
    beneath: Option<&'a Conf>,
    sources: &'a Sources,
    known: Vec<&'static str>,
    any: bool,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    /// How many faults of one section are told, and one that stands for the others: nobody is shown
    /// more.
    const MOST: usize = 10_000;

    /// A reader of the options `local` and, where the dialect says so, `global`.
    pub fn new(
        subject: Subject<'a>,
        local: &'a Conf,
        global: &'a Conf,
        sources: &'a Sources,
    ) -> Self {
        let (known, diagnostics) = (Vec::new(), Vec::new());
        Self { subject, local, global, beneath: None, sources, known, any: false, diagnostics }
    }

    /// The same, with what settings files give for options that are given nowhere else.
    #[must_use]
    pub fn beneath(self, conf: &'a Conf) -> Self {
        Self { beneath: Some(conf), ..self }
    }

    /// Reads an option: as it is given, else its default. None if it is at fault or missing,
    /// which is noted.
    pub fn take<T: Setting>(&mut self, option: &'static OptionSpec) -> Option<T> {
        self.known.push(option.name);
        if let Some(value) = self.given(option.name) {
            return self.parse(option.name, value);
        }
        match self.subject.dialect.default_of(option.name).or(option.default) {
            Some(default) => self.parse_default(option, default),
            None if option.required => {
                self.missing(option);
                None
            }
            None => T::absent(),
        }
    }

    /// The value of an option, by our name, if it is given.
    pub fn given(&self, name: &str) -> Option<&'a Value> {
        let dialect = self.subject.dialect;
        let theirs = dialect.theirs(name);
        let global = || self.global.get(theirs).filter(|_| dialect.is_global(theirs));
        // Our own name works under an alias too.
        let beneath = || dialect.names(name).find_map(|name| self.beneath?.get(name));
        dialect.names(name).find_map(|name| self.local.get(name)).or_else(global).or_else(beneath)
    }

    /// The texts of the load, by which files that a value names are read.
    pub fn sources(&self) -> &'a Sources {
        self.sources
    }

    /// Notes that the value of an option, by our name, is refused.
    pub fn reject(&mut self, name: &str, reason: impl Into<String>) {
        let theirs = self.subject.dialect.theirs(name).to_owned();
        let reason = reason.into();
        let place = self.given(name).and_then(|value| value.span).or(self.subject.place);
        self.diagnostics.push(
            Diagnostic::error("bad-value", format!("`{theirs}` is refused: {reason}")).at(place),
        );
    }

    /// Notes anything else about an option, by our name; the place is added.
    pub fn note(&mut self, name: &str, diagnostic: Diagnostic) {
        let place = self.given(name).and_then(|value| value.span).or(self.subject.place);
        self.diagnostics.push(diagnostic.at(place));
    }

    /// Notes that an option, by our name, has no effect if the section gives it, and why. A global
    /// one may be there for others.
    pub fn ignore(&mut self, name: &str, why: &str) {
        let theirs = self.subject.dialect.theirs(name);
        if let Some(value) = self.local.get(theirs).or_else(|| self.local.get(name)) {
            self.diagnostics.push(ignored(theirs, why).at(value.key_span));
        }
    }

    /// Takes whatever else is given, without a word: for a factory that has no options of its own
    /// and stands in for another one.
    pub fn accept_any(&mut self) {
        self.any = true;
    }

    /// All options that nothing has been taken for so far, each with its name, for a factory that
    /// gives a meaning to the names themselves.
    pub fn others(&mut self) -> Vec<(&'a str, &'a Value)> {
        self.any = true;
        let dialect = self.subject.dialect;
        let is_taken = |key: &str| {
            self.known.contains(&dialect.native(key)) || dialect.why_ignored(key).is_some()
        };
        let others = self.local.iter().filter(|(key, _)| !is_taken(key));
        others.map(|(key, value)| (&**key, value)).collect()
    }

    /// Whether other options are taken than those that have been declared.
    pub fn takes_others(&self) -> bool {
        self.any
    }

    /// Notes that the name of an option is refused.
    pub fn reject_name(&mut self, key: &str, value: &Value, reason: impl Into<String>) {
        let message = format!("`{}` is refused: {}", Excerpt(key), reason.into());
        let place = value.key_span.or(self.subject.place);
        self.diagnostics.push(Diagnostic::error("bad-value", message).at(place));
    }

    /// Ends the reading: adds what is unknown, without effect or said twice, and gives all that was
    /// noted.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.refuse_synonyms();
        for (key, value) in self.local {
            if self.diagnostics.len() > Self::MOST {
                break;
            }
            if let Some(why) = self.subject.dialect.why_ignored(key) {
                self.diagnostics.push(ignored(key, why).at(value.key_span));
            } else if !self.any && !self.known.contains(&self.subject.dialect.native(key)) {
                let diagnostic = self.unknown(key, value);
                self.diagnostics.push(diagnostic);
            }
        }
        self.diagnostics
    }

    fn parse<T: Setting>(&mut self, name: &str, value: &Value) -> Option<T> {
        let source = value.span.map(|span| self.sources.get(span.source));
        let directory = source.map_or(Path::new(""), |source| source.directory());
        let surroundings = Surroundings { directory, sources: self.sources };
        match T::parse_amid(&value.text, &surroundings) {
            Ok(parsed) => Some(parsed),
            Err(rejected) => {
                let rejected = std::iter::once(&rejected).chain(&rejected.others);
                let faults: Vec<_> =
                    rejected.map(|rejected| self.bad_value::<T>(name, value, rejected)).collect();
                self.diagnostics.extend(faults);
                None
            }
        }
    }

    /// A default that cannot be read is a mistake of the declaration; it is reported like one
    /// in the file, and a test over all declarations finds it first.
    fn parse_default<T: Setting>(&mut self, option: &OptionSpec, default: &str) -> Option<T> {
        let value = Value { text: default.into(), key_span: None, span: None };
        self.parse(option.name, &value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use crate::settings::Settings;

    crate::settings! {
        /// Pours.
        struct Teapot {
            /// How many cups.
            cups: u8,
            /// Which tea.
            tea: String = "green",
            /// What must not be seen.
            recipe: Option<crate::settings::SecretString>,
        }
    }

    const DIALECT: Dialect = Dialect::lenient()
        .renamed(&[("number_of_cups", "cups"), ("mugs", "cups")])
        .defaults(&[("tea", "black")])
        .ignored(&[("milk", "nobody takes it")])
        .globals(&["tea"]);

    fn conf(pairs: &[(&str, &str)]) -> Conf {
        let value = |text: &&str| Value { text: (*text).into(), key_span: None, span: None };
        pairs.iter().map(|(key, text)| ((*key).into(), value(text))).collect()
    }

    fn read(
        dialect: &Dialect,
        local: &[(&str, &str)],
        global: &[(&str, &str)],
    ) -> (Option<Teapot>, Vec<(Severity, String)>) {
        let (local, global, sources) = (conf(local), conf(global), Sources::default());
        let subject = Subject { factory: "teapot", place: None, dialect };
        let mut reader = Reader::new(subject, &local, &global, &sources);
        let teapot = Teapot::read(&mut reader);
        let noted = reader.finish().into_iter();
        (teapot, noted.map(|noted| (noted.severity, noted.message)).collect())
    }

    #[test]
    fn reports_every_fault_at_once() {
        let options = [("tae", "mint"), ("cups", "many")];
        let (teapot, noted) = read(&Dialect::new(), &options, &[]);
        assert!(teapot.is_none());
        let expected = [
            "`cups` is `many`, expected a whole number from 0 to 255",
            "`teapot` has no option `tae`",
        ];
        assert_eq!(noted, expected.map(|message| (Severity::Error, message.to_owned())));
    }

    #[test]
    fn reports_what_is_missing() {
        let (_, noted) = read(&Dialect::new(), &[], &[]);
        let missing = "`teapot` needs the option `cups`".to_owned();
        assert_eq!(noted, [(Severity::Error, missing)]);
    }

    #[test]
    fn a_dialect_renames_and_has_its_own_defaults() {
        let (teapot, noted) = read(&DIALECT, &[("number_of_cups", "3")], &[]);
        let teapot = teapot.unwrap();
        assert_eq!((teapot.cups, &*teapot.tea), (3, "black"));
        assert_eq!(noted, []);
    }

    #[test]
    fn an_option_may_have_several_names_and_is_given_by_one() {
        let (teapot, noted) = read(&DIALECT, &[("mugs", "3")], &[]);
        assert_eq!((teapot.unwrap().cups, noted), (3, vec![]));
        let (_, noted) = read(&DIALECT, &[("cups", "1"), ("mugs", "3")], &[]);
        let expected = "`cups` is refused: `mugs` stands for the same".to_owned();
        assert_eq!(noted, [(Severity::Error, expected)]);
    }

    #[test]
    fn a_dialect_may_look_at_the_global_options() {
        let (teapot, _) = read(&DIALECT, &[("number_of_cups", "3")], &[("tea", "white")]);
        assert_eq!(teapot.unwrap().tea, "white");
        let (teapot, _) = read(&Dialect::new(), &[("cups", "3")], &[("tea", "white")]);
        assert_eq!(teapot.unwrap().tea, "green");
    }

    #[test]
    fn what_settings_files_give_counts_last() {
        let (files, sources) =
            (conf(&[("number_of_cups", "9"), ("tea", "red")]), Sources::default());
        let subject = Subject { factory: "teapot", place: None, dialect: &DIALECT };
        let read = |local: &[(&str, &str)], global: &[(&str, &str)]| {
            let (local, global) = (conf(local), conf(global));
            let mut reader = Reader::new(subject, &local, &global, &sources).beneath(&files);
            let teapot = Teapot::read(&mut reader).unwrap();
            assert_eq!(reader.finish(), []);
            (teapot.cups, teapot.tea)
        };
        assert_eq!(read(&[], &[]), (9, "red".to_owned()));
        assert_eq!(read(&[("cups", "1")], &[("tea", "white")]), (1, "white".to_owned()));
    }

    #[test]
    fn a_lenient_dialect_refuses_only_near_misses() {
        let options = [("cups", "1"), ("milk", "yes"), ("teo", "x"), ("biscuits", "2")];
        let (_, noted) = read(&DIALECT, &options, &[]);
        let severities: Vec<_> = noted.iter().map(|(severity, _)| *severity).collect();
        assert_eq!(severities, [Severity::Note, Severity::Error, Severity::Warning]);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let options = [("cups", "1"), ("recipe", "leaves")];
        let (teapot, _) = read(&Dialect::new(), &options, &[]);
        let recipe = teapot.unwrap().recipe.unwrap();
        assert_eq!((recipe.expose(), &*format!("{recipe:?}")), ("leaves", "****"));
    }

    #[test]
    fn tells_why_a_secret_is_not_where_it_should_be() {
        let options = [("cups", "1"), ("recipe", "file:/no/recipe")];
        let (teapot, noted) = read(&Dialect::new(), &options, &[]);
        assert!(teapot.is_none());
        let reason = "cannot read `/no/recipe`: no such file or directory";
        assert_eq!(noted, [(Severity::Error, format!("`recipe` is refused: {reason}"))]);
    }
}
