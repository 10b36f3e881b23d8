//! What the texts of values look like, for tools.

/// What one value or item looks like, as far as tools can know it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// A boolean by any of its words.
    Boolean,
    /// A number of at least 0, with or without a fraction.
    Number,
    /// Any text; what else is true of it only its type can tell.
    Text,
    /// A whole number.
    Whole {
        /// The least that it may be.
        least: u64,
        /// The most that it may be.
        most: u64,
    },
    /// One of a few words, to the letter.
    Words(&'static [&'static str]),
}
