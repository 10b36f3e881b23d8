//! Reads files, and what stands in the place of some.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::file::{read_all, read_regular};
use super::{ReadError, SourceId, Sources, Span, Substitute, Unreadable};

impl Sources {
    /// Reads a file.
    ///
    /// The path is kept as given for messages; [`Source::path`](super::Source::path) is absolute.
    /// Only regular files of at most [`LARGEST_FILE`](super::LARGEST_FILE) bytes are read.
    ///
    /// # Errors
    ///
    /// See [`ReadError`]. A file that is not UTF-8 stands in the sources all the same, its bad
    /// bytes replaced, so that the place can be shown.
    pub fn read(&mut self, path: &Path) -> Result<SourceId, ReadError> {
        self.read_as(path, path)
    }

    /// As [`read`](Self::read), for a file that goes by another name in messages.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub fn read_as(&mut self, path: &Path, name: &Path) -> Result<SourceId, ReadError> {
        if !self.substitutes.is_empty()
            && let Some(substitute) = self.substitutes.get(&self.identity(path))
        {
            return match substitute.clone() {
                Substitute::Bytes(bytes) => self.decode((path, name), bytes.to_vec()),
                Substitute::Text(text) => Ok(self.add_as((path, name), text)),
            };
        }
        let id = match &self.origin {
            None => {
                let bytes = read_regular(path).map_err(|cause| ReadError::new(name, cause))?;
                self.decode((path, name), bytes)?
            }
            Some(snapshot) => {
                let text = snapshot.text(path).ok_or_else(|| {
                    ReadError::new(name, Unreadable::Io(io::ErrorKind::NotFound.into()))
                })?;
                self.add_as((path, name), text)
            }
        };
        self.read.add_text(path, Arc::clone(self.get(id).text()));
        Ok(id)
    }

    /// Reads what is no file, such as standard input, under a name for messages; at most
    /// [`LARGEST_FILE`](super::LARGEST_FILE) bytes.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub fn read_from(&mut self, reader: impl Read, name: &Path) -> Result<SourceId, ReadError> {
        let bytes = read_all(reader).map_err(|cause| ReadError::new(name, cause))?;
        self.decode((name, name), bytes)
    }

    fn decode(
        &mut self,
        (path, name): (&Path, &Path),
        bytes: Vec<u8>,
    ) -> Result<SourceId, ReadError> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(self.add_as((path, name), text)),
            Err(error) => {
                let (valid, length) =
                    (error.utf8_error().valid_up_to(), error.utf8_error().error_len());
                let byte = error.as_bytes()[valid];
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let source = self.add_as((path, name), text);
                self.texts[source.0 as usize].is_exact = false;
                let width = char::REPLACEMENT_CHARACTER.len_utf8();
                let span = Span::new(source, valid, valid + width);
                let cause = Unreadable::NotUtf8 { byte, offset: valid, length, span };
                Err(ReadError::new(name, cause))
            }
        }
    }

    /// The text of a file that holds a secret, for a value that names it.
    ///
    /// # Errors
    ///
    /// See [`ReadError`]; of bytes that are not UTF-8 it tells nothing more.
    pub fn secret(&self, path: &Path) -> Result<Arc<str>, ReadError> {
        let refused = |cause| ReadError::new(path, Unreadable::Io(cause));
        let text = match &self.origin {
            None => {
                let bytes = read_regular(path).map_err(|cause| ReadError::new(path, cause))?;
                let text = String::from_utf8(bytes);
                text.map_err(|_| refused(io::Error::other("it is not UTF-8")))?.into()
            }
            Some(snapshot) => {
                snapshot.text(path).ok_or_else(|| refused(io::ErrorKind::NotFound.into()))?
            }
        };
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.add_text(path, Arc::clone(&text));
        Ok(text)
    }

    /// The bytes of a file that is no text, for a value that names it.
    ///
    /// # Errors
    ///
    /// See [`ReadError`].
    pub fn bytes(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        let Some(snapshot) = &self.origin else {
            let bytes = read_regular(path).map_err(|cause| ReadError::new(path, cause))?;
            let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            secrets.add_text(path, BASE64_STANDARD.encode(&bytes).into());
            return Ok(bytes);
        };
        let text = snapshot.text(path).and_then(|text| BASE64_STANDARD.decode(&*text).ok());
        text.ok_or_else(|| ReadError::new(path, Unreadable::Io(io::ErrorKind::NotFound.into())))
    }
}
