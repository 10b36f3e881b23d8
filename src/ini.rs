//! Sections and options of a paste file, read exactly as Python's ConfigParser reads them for
//! Paste Deploy, each with its place.

mod again;
mod block;
mod defaults;
mod expand;
mod fault;
mod fold;
mod lineage;
mod overlay;
mod place;
mod read;
mod reference;
mod scope;
mod trail;

pub use self::defaults::Defaults;
pub use self::fault::raised;
pub use self::fold::parse;
pub use self::lineage::Brought;
pub use self::overlay::overlay;
pub use self::place::Places;
pub use self::read::{read, read_as, read_from};
pub use self::scope::Scope;

use std::sync::Arc;

use indexmap::IndexMap;

use crate::source::{SourceId, Span};

/// A parsed file.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file.
    pub source: SourceId,
    /// The options of all `[DEFAULT]` sections, in the order of the file.
    pub defaults: Vec<Setting>,
    /// The other sections, in the order of the file. Of sections with the same header only the
    /// first is here; the others are diagnostics.
    pub sections: Vec<Section>,
}

/// A section of a paste file.
#[derive(Clone, Debug)]
pub struct Section {
    /// What stands between `[` and the last `]` of the line, unstripped: `app:main`.
    pub name: Arc<str>,
    /// The place of the name.
    pub span: Span,
    /// The options, in the order of the file. Of options with the same key only the first is
    /// here; the others are diagnostics.
    pub options: Vec<Setting>,
}

/// An option as it stands in the file, before interpolation.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key, its case kept.
    pub key: Arc<str>,
    /// The place of the key.
    pub key_span: Span,
    /// The value: its lines stripped and joined with `\n`, blank lines at the end dropped.
    pub raw: Arc<str>,
    /// The place of the value, from its first to its last line; for an empty value the place
    /// after the delimiter.
    pub value_span: Span,
    /// The place of each line of `raw`, in order.
    pub lines: Vec<Span>,
}

/// A value with the place it came from, after interpolation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Value {
    /// The text.
    pub text: Arc<str>,
    /// The place of the key; none for values that no file gave, such as `here`.
    pub key_span: Option<Span>,
    /// The place of the value.
    pub span: Option<Span>,
}

/// Keys and values in order, as a Python `dict` keeps them.
pub type Conf = IndexMap<Arc<str>, Value>;
