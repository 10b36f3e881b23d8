//! The record of a factory.

use std::fmt;

use super::{
    Alias, AppFactory, Assembly, Composite, Error, FilterFactory, Kind, Plan, ServerSettings, Site,
};
use crate::app::{App, Filter};
use crate::ini::Conf;
use crate::settings::{Dialect, OptionSpec, Reader, Settings, Subject};
use crate::source::Sources;

/// A factory: its name, its options with their documentation, the Python factories that it
/// stands for, and how it is made. One factory may make both an app and a filter.
#[derive(Clone, Copy)]
pub struct Definition {
    /// The name; a file writes `egg:pasteline#NAME`.
    pub name: &'static str,
    /// What it is for, as Markdown.
    pub doc: &'static str,
    /// The options.
    pub options: &'static [OptionSpec],
    /// The Python factories that it stands for.
    pub aliases: &'static [Alias],
    /// How it can be put in the place of any Python factory of its kind; none for most.
    pub stand_in: Option<&'static str>,
    /// The filters that belong behind it in a pipeline, by their names, each with what goes wrong
    /// if they stand before it.
    pub outside_of: &'static [(&'static str, &'static str)],
    /// The option that turns it on, where it does nothing by default.
    pub turned_on_by: Option<&'static str>,
    /// The option by whose value others belong before it or may stand anywhere, and which it is;
    /// they do where the option is left out.
    pub place_matters_if: Option<(&'static str, Matters)>,
    app: Option<Maker<App>>,
    composite: Option<Planner>,
    filter: Option<Maker<Filter>>,
    server: Option<fn(&mut Reader<'_>)>,
}

/// Whether the place of a filter matters where an option has a value.
type Matters = fn(&str) -> bool;

type Planner = fn(&mut Assembly<'_>) -> Option<Box<dyn Plan>>;

/// How something is checked and made.
struct Maker<T> {
    check: fn(&mut Reader<'_>),
    build: fn(&mut Reader<'_>, &Site<'_>) -> Option<Result<T, Error>>,
}

impl<T> Clone for Maker<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Maker<T> {}

impl Definition {
    /// The record of a filter.
    pub const fn filter<F: FilterFactory>(name: &'static str) -> Self {
        Self::of::<F>(name).and_filter::<F>()
    }

    /// The record of an app.
    pub const fn app<A: AppFactory>(name: &'static str) -> Self {
        Self::of::<A>(name).and_app::<A>()
    }

    /// The record of a composite.
    pub const fn composite<C: Composite>(name: &'static str) -> Self {
        let mut definition = Self::empty(name, C::DOC, C::OPTIONS);
        definition.composite = Some(C::plan);
        definition
    }

    /// The record of a server.
    pub const fn server<S: ServerSettings>(name: &'static str) -> Self {
        let mut definition = Self::of::<S>(name);
        definition.server = Some(|reader| {
            if let Some(settings) = S::read(reader) {
                settings.check(reader);
            }
        });
        definition
    }

    const fn of<S: Settings>(name: &'static str) -> Self {
        Self::empty(name, S::DOC, S::OPTIONS)
    }

    const fn empty(name: &'static str, doc: &'static str, options: &'static [OptionSpec]) -> Self {
        Self {
            name,
            doc,
            options,
            aliases: &[],
            stand_in: None,
            outside_of: &[],
            turned_on_by: None,
            place_matters_if: None,
            app: None,
            composite: None,
            filter: None,
            server: None,
        }
    }

    /// Makes it the record of a filter too, with the same options.
    #[must_use]
    pub const fn and_filter<F: FilterFactory>(mut self) -> Self {
        self.filter = Some(Maker {
            check: |reader| {
                if let Some(settings) = F::read(reader) {
                    settings.check(reader);
                }
            },
            build: |reader, site| F::read(reader).map(|settings| settings.build(site)),
        });
        self
    }

    /// Makes it the record of an app too, with the same options.
    #[must_use]
    pub const fn and_app<A: AppFactory>(mut self) -> Self {
        self.app = Some(Maker {
            check: |reader| {
                if let Some(settings) = A::read(reader) {
                    settings.check(reader);
                }
            },
            build: |reader, site| A::read(reader).map(|settings| settings.build(site)),
        });
        self
    }

    /// Sets the Python factories that it stands for.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [Alias]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Makes it what is proposed in the place of Python factories that have no native form: what
    /// it does then, and what to mind, in words that follow its name.
    #[must_use]
    pub const fn stand_in(mut self, how: &'static str) -> Self {
        self.stand_in = Some(how);
        self
    }

    /// Sets the filters that belong behind it in a pipeline, by their names, each with what goes
    /// wrong if they stand before it, in words that follow a colon.
    #[must_use]
    pub const fn outside_of(mut self, others: &'static [(&'static str, &'static str)]) -> Self {
        self.outside_of = others;
        self
    }

    /// Sets the option that turns it on, a boolean, without which it does nothing.
    #[must_use]
    pub const fn turned_on_by(mut self, option: &'static str) -> Self {
        self.turned_on_by = Some(option);
        self
    }

    /// Sets the option by whose value others belong before it or may stand anywhere, and which it
    /// is.
    #[must_use]
    pub const fn place_matters_if(mut self, option: &'static str, matters: Matters) -> Self {
        self.place_matters_if = Some((option, matters));
        self
    }

    /// Whether it can make something of a kind.
    pub fn is(&self, kind: Kind) -> bool {
        match kind {
            Kind::App => self.app.is_some(),
            Kind::Composite => self.composite.is_some(),
            Kind::Filter => self.filter.is_some(),
            Kind::Server => self.server.is_some(),
        }
    }

    /// The kinds that it can make, in alphabetical order.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        [Kind::App, Kind::Composite, Kind::Filter, Kind::Server]
            .into_iter()
            .filter(|kind| self.is(*kind))
    }

    /// Reads and checks the options for a kind; what is wrong is with the reader. A composite is
    /// checked by [`plan`](Self::plan).
    pub fn check(&self, kind: Kind, reader: &mut Reader<'_>) {
        let check = match kind {
            Kind::App => self.app.map(|maker| maker.check),
            Kind::Composite => None,
            Kind::Filter => self.filter.map(|maker| maker.check),
            Kind::Server => self.server,
        };
        if let Some(check) = check {
            check(reader);
        }
    }

    /// Whether it takes other options for an app, a filter or a server than those of the record.
    pub fn takes_others(&self) -> bool {
        let (local, global, sources) = (Conf::new(), Conf::new(), Sources::default());
        let native = Dialect::new();
        let subject = Subject { factory: self.name, place: None, dialect: &native };
        self.kinds().filter(|kind| *kind != Kind::Composite).any(|kind| {
            let mut reader = Reader::new(subject, &local, &global, &sources);
            self.check(kind, &mut reader);
            reader.takes_others()
        })
    }

    /// Reads the settings of a composite and asks for its children; none if it is no composite
    /// or something is at fault.
    pub fn plan(&self, assembly: &mut Assembly<'_>) -> Option<Box<dyn Plan>> {
        self.composite.and_then(|plan| plan(assembly))
    }

    /// Makes the app; none if it makes none or an option is at fault.
    pub fn build_app(
        &self,
        reader: &mut Reader<'_>,
        site: &Site<'_>,
    ) -> Option<Result<App, Error>> {
        self.app.and_then(|maker| (maker.build)(reader, site))
    }

    /// Makes the filter; none if it makes none or an option is at fault.
    pub fn build_filter(
        &self,
        reader: &mut Reader<'_>,
        site: &Site<'_>,
    ) -> Option<Result<Filter, Error>> {
        self.filter.and_then(|maker| (maker.build)(reader, site))
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition").field("name", &self.name).finish_non_exhaustive()
    }
}
