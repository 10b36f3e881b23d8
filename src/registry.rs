//! The table of factories: what each is called, what it stands for, and how it is made.

mod alias;
mod composite;
mod definition;
mod factory;
mod flow;
mod foreign;
mod kind;
mod retired;
mod section;
mod spec;

pub use self::alias::Alias;
pub use self::composite::{Assembly, Children, Composite, Globals, Plan};
pub use self::definition::Definition;
pub use self::factory::{AppFactory, Error, FilterFactory, ServerSettings, Site};
pub use self::flow::{Branch, Flow, Route, Turn};
pub use self::foreign::{Foreign, Package, Reason, Relay, Role};
pub use self::kind::Kind;
pub use self::retired::Retired;
pub(crate) use self::section::Reading;
pub use self::section::Section;
pub use self::spec::FactoryId;
pub(crate) use self::spec::normalize;

use std::collections::{BTreeMap, HashMap};

use crate::settings::{Dialect, Group, GroupSpec, Mask, Subject};
use crate::source::Span;

/// The factories that a paste file may name.
///
/// Registration is explicit: nothing is registered before `main`.
///
/// ```
/// use pasteline::app::Filter;
/// use pasteline::registry::{Definition, Error, FilterFactory, Kind, Registry, Site};
///
/// pasteline::settings! {
///     /// Does nothing.
///     pub struct Idle {}
/// }
///
/// impl FilterFactory for Idle {
///     fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
///         Ok(Filter::pass())
///     }
/// }
///
/// let registry = Registry::default().with(Definition::filter::<Idle>("idle"));
/// assert!(registry.find(Kind::Filter, "egg:pasteline#idle").is_some());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    definitions: Vec<Definition>,
    /// The definitions and aliases that stand for a spec.
    specs: HashMap<FactoryId, Vec<Entry>>,
    /// What is known of factories that no definition stands for.
    foreign: HashMap<FactoryId, &'static Foreign>,
    /// What is known of Python packages, by their names.
    packages: HashMap<&'static str, Role>,
    /// The options by which factories hand on to others.
    relays: HashMap<FactoryId, &'static str>,
    /// The groups of settings files that are read beside those of factories.
    sections: Vec<Section>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    definition: usize,
    alias: Option<usize>,
}

/// A factory that was looked up.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Its definition.
    pub definition: &'a Definition,
    /// The alias by which it was named; none for its own name.
    pub alias: Option<&'a Alias>,
}

impl<'a> Found<'a> {
    /// What is to be said to a [`Reader`](crate::settings::Reader) of its options: how it is
    /// named and where, and how the options differ under that name.
    pub fn subject(&self, factory: &'a str, place: Option<Span>) -> Subject<'a> {
        const NATIVE: &Dialect = &Dialect::new();
        let dialect = self.alias.map_or(NATIVE, |alias| &alias.dialect);
        Subject { factory, place, dialect }
    }
}

impl Registry {
    /// Adds a definition. It takes precedence over what was registered before under the same
    /// names.
    #[must_use]
    pub fn with(mut self, definition: Definition) -> Self {
        let index = self.definitions.len();
        let mut add = |id, alias| {
            let entry = Entry { definition: index, alias };
            self.specs.entry(id).or_default().push(entry);
        };
        add(FactoryId::native(definition.name), None);
        for (alias, spec) in definition.aliases.iter().map(|alias| alias.spec).enumerate() {
            add(FactoryId::of(spec), Some(alias));
        }
        self.definitions.push(definition);
        self
    }

    /// Adds what is known of factories that no definition stands for.
    #[must_use]
    pub fn knowing(mut self, foreign: &'static [Foreign]) -> Self {
        self.foreign.extend(foreign.iter().map(|known| (FactoryId::of(known.spec), known)));
        self
    }

    /// Adds what is known of Python packages.
    #[must_use]
    pub fn knowing_packages(mut self, packages: &[Package]) -> Self {
        self.packages.extend(packages.iter().map(|package| (package.name, package.role)));
        self
    }

    /// Adds Python factories that only hand on to others.
    #[must_use]
    pub fn relaying(mut self, relays: &[Relay]) -> Self {
        self.relays.extend(relays.iter().map(|relay| (FactoryId::of(relay.spec), relay.option)));
        self
    }

    /// Has a group of settings files read beside those of factories.
    pub(crate) fn add_section(&mut self, section: Option<Section>) {
        self.sections.extend(section);
    }

    /// The groups of settings files that are read beside those of factories.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The option that names the factory to which a Python factory only hands on.
    pub fn relay(&self, spec: &str) -> Option<&'static str> {
        self.relays.get(&FactoryId::of(spec)).copied()
    }

    /// What the Python package of a factory is; none if nothing is known of it.
    pub fn role(&self, id: &FactoryId) -> Option<Role> {
        self.packages.get(id.package()).copied()
    }

    /// All that is known of factories that no definition stands for, in alphabetical order.
    pub fn foreigners(&self) -> Vec<&'static Foreign> {
        let mut known: Vec<_> = self.foreign.values().copied().collect();
        known.sort_by_key(|foreign| foreign.spec);
        known
    }

    /// The Python packages of which something is known, in alphabetical order.
    pub fn packages(&self) -> Vec<(&'static str, Role)> {
        let mut known: Vec<_> = self.packages.iter().map(|(name, role)| (*name, *role)).collect();
        known.sort_by_key(|(name, _)| *name);
        known
    }

    /// What is known of a factory that no definition stands for.
    pub fn foreign(&self, spec: &str) -> Option<&'static Foreign> {
        self.foreign.get(&FactoryId::of(spec)).copied()
    }

    /// The definition of a kind that a spec such as `egg:Paste#urlmap` stands for.
    pub fn find(&self, kind: Kind, spec: &str) -> Option<Found<'_>> {
        self.all(spec).find(|found| found.definition.is(kind))
    }

    /// All definitions, of whatever kind, that a spec stands for, the latest first.
    pub fn all(&self, spec: &str) -> impl Iterator<Item = Found<'_>> {
        let entries = self.specs.get(&FactoryId::of(spec)).map_or(&[][..], Vec::as_slice);
        entries.iter().rev().map(|entry| {
            let definition = &self.definitions[entry.definition];
            Found { definition, alias: entry.alias.map(|alias| &definition.aliases[alias]) }
        })
    }

    /// The definition of a name such as `urlmap`.
    pub fn named(&self, name: &str) -> Option<&Definition> {
        self.definitions.iter().rev().find(|definition| definition.name == name)
    }

    /// The definition of a factory that reads a group of settings files under any of its names.
    pub fn reader_of(&self, group: &str) -> Option<&Definition> {
        let is_read = |alias: &Alias| {
            let read = alias.dialect.settings_group();
            read.is_some_and(|read| read.name().eq_ignore_ascii_case(group))
        };
        self.definitions.iter().find(|definition| definition.aliases.iter().any(is_read))
    }

    /// The groups of settings files that factories read under any of their names, and those that
    /// are read beside them, in alphabetical order.
    pub fn groups(&self) -> Vec<GroupSpec> {
        let mut groups: BTreeMap<&'static str, GroupSpec> = BTreeMap::new();
        for definition in &self.definitions {
            for dialect in definition.aliases.iter().map(|alias| &alias.dialect) {
                let Some(group) = dialect.settings_group() else { continue };
                let spec = groups.entry(group.name()).or_insert_with(|| GroupSpec::of(group));
                spec.is_whole &= matches!(group, Group::Own(_));
                for option in definition.options {
                    spec.options.extend(dialect.names(option.name).map(|name| (name, option)));
                }
                spec.ignored.extend(dialect.ignores().iter().map(|(name, _)| *name));
            }
        }
        for Section { name, options, .. } in &self.sections {
            let own = || GroupSpec::of(Group::Own(name));
            let spec = groups.entry(name).or_insert_with(own);
            spec.options.extend(options.iter().map(|option| (option.name, option)));
        }
        let tidy = |mut group: GroupSpec| {
            group.options.sort_unstable_by_key(|(name, _)| *name);
            group.options.dedup_by_key(|(name, _)| *name);
            group
        };
        groups.into_values().map(tidy).collect()
    }

    /// What hides the secrets among the options of all factories and groups, by all their names.
    pub fn mask(&self) -> Mask {
        let names = self.definitions.iter().flat_map(|definition| {
            let secret = definition.options.iter().filter(|option| option.secret);
            secret.flat_map(|option| {
                let aliases = definition.aliases.iter();
                let theirs = aliases.flat_map(|alias| alias.dialect.names(option.name));
                theirs.chain([option.name])
            })
        });
        let sections = self.sections.iter().flat_map(|section| section.options);
        let further = sections.filter(|option| option.secret).map(|option| option.name);
        Mask::new(names.chain(further))
    }

    /// All definitions, in alphabetical order.
    pub fn definitions(&self) -> Vec<&Definition> {
        let mut definitions: Vec<_> = self.definitions.iter().collect();
        definitions.sort_by_key(|definition| definition.name);
        definitions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{App, Filter, response};
    use crate::settings::SecretString;

    crate::settings! {
        /// Both a filter and an app.
        struct Both {}
    }

    crate::settings! {
        /// Keeps a recipe to itself.
        struct Secretive {
            /// The recipe.
            recipe: Option<SecretString>,
        }
    }

    impl FilterFactory for Secretive {
        fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
            assert!(self.recipe.is_none());
            Ok(Filter::pass())
        }
    }

    impl FilterFactory for Both {
        fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
            Ok(Filter::pass())
        }
    }

    impl AppFactory for Both {
        fn build(self, _: &Site<'_>) -> Result<App, Error> {
            Ok(App::ready(|_| response::text(http::StatusCode::OK, "")))
        }
    }

    const ALIASES: &[Alias] = &[Alias::of("egg:My_Dist#both"), Alias::of("my.both:factory")];

    fn registry() -> Registry {
        let both = Definition::filter::<Both>("both").and_app::<Both>().aliases(ALIASES);
        Registry::default().with(both)
    }

    #[test]
    fn finds_a_factory_by_every_spelling() {
        let registry = registry();
        let spellings = [
            "egg:pasteline#both",
            "egg:PasteLine#both",
            "egg:my-dist#both",
            "my.both:factory",
            "my.both : factory",
            "call:my.both:factory",
        ];
        for spelling in spellings {
            assert!(registry.find(Kind::Filter, spelling).is_some(), "{spelling}");
            assert!(registry.find(Kind::App, spelling).is_some(), "{spelling}");
        }
    }

    #[test]
    fn masks_secret_options_by_all_their_names() {
        const RENAMED: &[Alias] =
            &[Alias::of("tea:factory").dialect(Dialect::new().renamed(&[("formula", "recipe")]))];
        let secretive = Definition::filter::<Secretive>("secretive").aliases(RENAMED);
        let mask = Registry::default().with(secretive).mask();
        let seen = ["recipe", "formula", "cups"].map(|name| mask.value(name, "two"));
        assert_eq!(seen, ["****", "****", "two"]);
    }

    #[test]
    fn does_not_find_another_kind_or_name() {
        assert!(registry().find(Kind::Composite, "egg:pasteline#both").is_none());
        assert!(registry().find(Kind::Filter, "egg:pasteline#bot").is_none());
    }

    #[test]
    fn groups_that_are_read_beside_those_of_factories_are_known_and_their_secrets_hidden() {
        let mut registry = Registry::default();
        registry.add_section(Some(Section::of::<Secretive>("tea")));
        let groups = registry.groups();
        assert_eq!(groups.iter().map(|group| group.name).collect::<Vec<_>>(), ["tea"]);
        assert!(groups[0].is_whole && groups[0].options[0].0 == "recipe");
        assert_eq!(registry.mask().value("recipe", "leaves"), "****");
    }
}
