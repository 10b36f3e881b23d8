//! What a factory makes.

/// What a factory makes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// An app.
    App,
    /// An app made of other sections.
    Composite,
    /// A filter.
    Filter,
    /// A server.
    Server,
}

impl Kind {
    /// The word for it: `app`, `composite`, `filter` or `server`.
    pub fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Composite => "composite",
            Self::Filter => "filter",
            Self::Server => "server",
        }
    }
}
