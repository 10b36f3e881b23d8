//! How settings become filters and apps.

use std::fmt;

use crate::app::{App, BoxError, Filter};
use crate::settings::{Reader, Settings};

/// Where a factory is used, for its log lines and errors.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The section that names it, such as `filter:auth`.
    pub section: &'a str,
}

/// Settings that become a filter.
pub trait FilterFactory: Settings {
    /// Checks what the types of the options cannot say, and notes it with the reader. It has no
    /// side effect: it opens no file and no socket.
    fn check(&self, reader: &mut Reader<'_>) {
        let _ = reader;
    }

    /// Makes the filter. This may read files.
    ///
    /// # Errors
    ///
    /// What of the world around stands in the way.
    fn build(self, site: &Site<'_>) -> Result<Filter, Error>;
}

/// Settings that become an app.
pub trait AppFactory: Settings {
    /// Checks what the types of the options cannot say, and notes it with the reader. It has no
    /// side effect: it opens no file and no socket.
    fn check(&self, reader: &mut Reader<'_>) {
        let _ = reader;
    }

    /// Makes the app. This may read files.
    ///
    /// # Errors
    ///
    /// What of the world around stands in the way.
    fn build(self, site: &Site<'_>) -> Result<App, Error>;
}

/// Settings that are checked with the file and used elsewhere: those of a server.
pub trait ServerSettings: Settings {
    /// Checks what the types of the options cannot say, and notes it with the reader. Of files it
    /// reads only certificates and their like, through the texts of the reader.
    fn check(&self, reader: &mut Reader<'_>) {
        let _ = reader;
    }
}

/// What of the world around keeps a factory from making its filter or app: a file that is not
/// there, say. The message says which.
#[derive(Debug)]
pub struct Error {
    message: String,
    source: Option<BoxError>,
}

impl Error {
    /// An error of a message: lower case, names in backticks, no full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
