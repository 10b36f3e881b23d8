//! Reads the options of a factory into a typed struct: every bad, missing and unknown option at
//! once, each at its place.

mod declare;
mod dialect;
mod form;
mod list;
mod mask;
mod network;
mod pattern;
mod prose;
mod reader;
mod scalar;
mod secret;
mod surroundings;

pub use self::dialect::{Dialect, Group, GroupSpec, Unknown};
pub use self::form::Form;
pub use self::list::{HeaderLines, Lines, Words};
pub(crate) use self::mask::passwords;
pub use self::mask::{MASK, Mask};
pub use self::network::Network;
pub use self::pattern::HeaderPattern;
pub use self::prose::{prose, summary};
pub use self::reader::{Reader, Subject};
pub use self::scalar::Seconds;
pub use self::secret::SecretString;
pub use self::surroundings::Surroundings;

use std::path::Path;

use crate::ini::Conf;
use crate::source::Sources;

/// Settings of a factory, declared with [`settings!`](crate::settings!).
pub trait Settings: Sized + 'static {
    /// What the factory is for, as Markdown.
    const DOC: &'static str;

    /// The options, in the order of their declaration.
    const OPTIONS: &'static [OptionSpec];

    /// Reads all options; none if one of them is at fault, which the reader has noted.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// What a section that gives no option stands for; none if an option must be given.
    fn defaults() -> Option<Self> {
        let (nothing, sources, dialect) = (Conf::default(), Sources::default(), Dialect::new());
        let subject = Subject { factory: "", place: None, dialect: &dialect };
        Self::read(&mut Reader::new(subject, &nothing, &nothing, &sources))
    }
}

/// What is known of one option.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OptionSpec {
    /// The name.
    pub name: &'static str,
    /// What it is for, as Markdown.
    pub doc: &'static str,
    /// What one value or item is, in words, with the unit: "a number of seconds".
    pub expected: &'static str,
    /// What one value or item looks like, for tools.
    pub form: Form,
    /// Whether there may be several.
    pub shape: Shape,
    /// The default as it would be written; none if there is none.
    pub default: Option<&'static str>,
    /// Whether it must be given.
    pub required: bool,
    /// Whether its value is never shown.
    pub secret: bool,
}

impl OptionSpec {
    /// The record of an option that is read as `T`.
    pub const fn of<T: Setting>(
        name: &'static str,
        doc: &'static str,
        default: Option<&'static str>,
    ) -> Self {
        let required = default.is_none() && !T::OPTIONAL;
        Self {
            name,
            doc,
            expected: T::EXPECTED,
            form: T::FORM,
            shape: T::SHAPE,
            default,
            required,
            secret: T::SECRET,
        }
    }

    /// What may be written, in words that follow "expected".
    pub fn expectation(&self) -> String {
        self.shape.describe(self.expected)
    }
}

/// Whether a value has several items.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shape {
    /// One item a line.
    Lines,
    /// Items separated by commas or line ends.
    List,
    /// A single value.
    #[default]
    One,
}

impl Shape {
    /// What may be written, given what one item is.
    pub fn describe(self, item: &str) -> String {
        match self {
            Self::Lines => format!("{item}; one a line"),
            Self::List => format!("{item}; several are separated by commas"),
            Self::One => item.to_owned(),
        }
    }
}

/// A type that the text of an option can be read as.
pub trait Setting: Sized + 'static {
    /// What one value or item is, in words that follow "expected", with the unit.
    const EXPECTED: &'static str;

    /// What one value or item looks like, for tools.
    const FORM: Form = Form::Text;

    /// Whether there may be several.
    const SHAPE: Shape = Shape::One;

    /// Whether the option may be left out.
    const OPTIONAL: bool = false;

    /// Whether the value is never shown. Why a text is rejected is shown all the same, and must not
    /// quote it.
    const SECRET: bool = false;

    /// Reads the text of a value.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, and where in it.
    fn parse(text: &str) -> Result<Self, Rejected>;

    /// Reads a text that stands in a file of a directory, from which relative paths count.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        let _ = directory;
        Self::parse(text)
    }

    /// Reads a text that may stand for what is kept elsewhere.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    fn parse_amid(text: &str, surroundings: &Surroundings<'_>) -> Result<Self, Rejected> {
        Self::parse_in(text, surroundings.directory)
    }

    /// The value of an option that was left out, if it may be.
    fn absent() -> Option<Self> {
        None
    }
}

/// Why a text is not a value of its type.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rejected {
    /// What is wrong, if there is more to say than what was expected; lower case, no full stop.
    pub reason: Option<String>,
    /// The bytes of the text that are at fault; none if it is at fault as a whole.
    pub part: Option<(usize, usize)>,
    /// What else is wrong with it, each at a part of its own.
    pub others: Vec<Self>,
}

impl Rejected {
    /// The text is at fault as a whole, for a reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::default() }
    }

    /// A part of the text, by byte offsets, is at fault.
    #[must_use]
    pub fn at(mut self, start: usize, end: usize) -> Self {
        self.part = Some((start, end));
        self
    }
}

impl<T: Setting> Setting for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const FORM: Form = T::FORM;
    const SHAPE: Shape = T::SHAPE;
    const OPTIONAL: bool = true;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, Rejected> {
        T::parse(text).map(Some)
    }

    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        T::parse_in(text, directory).map(Some)
    }

    fn parse_amid(text: &str, surroundings: &Surroundings<'_>) -> Result<Self, Rejected> {
        T::parse_amid(text, surroundings).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}
