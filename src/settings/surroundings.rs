//! What a value may need of the world that it is read in.

use std::env;
use std::ffi::OsStr;
use std::path::Path;

use super::Rejected;
use crate::source::Sources;

/// What a value may need of the world that it is read in.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The directory from which relative paths count.
    pub directory: &'a Path,
    /// The texts of the load, which also know what was read for the values in them.
    pub sources: &'a Sources,
}

impl Surroundings<'_> {
    /// The text of a file without the end of its last line.
    pub(super) fn file(&self, path: &str) -> Result<String, Rejected> {
        if path.is_empty() {
            return Err(Rejected::because("`file:` is followed by no path"));
        }
        let path = self.directory.join(path);
        let read = self.sources.secret(&path);
        let text = read.map_err(|error| Rejected::because(error.to_string()))?;
        let text = text.strip_suffix('\n').map_or(&*text, |line| line.trim_end_matches('\r'));
        if text.is_empty() {
            return Err(Rejected::because(format!("`{}` is empty", path.display())));
        }
        Ok(text.to_owned())
    }
}

/// The value of a variable of the environment, which is that of the process that was started in
/// all of its workers.
pub(super) fn variable(name: &str) -> Result<String, Rejected> {
    let why = match env::var_os(name).as_deref().map(OsStr::to_str) {
        _ if name.is_empty() => return Err(Rejected::because("`env:` is followed by no name")),
        Some(Some("")) => "is empty",
        Some(Some(text)) => return Ok(text.to_owned()),
        Some(None) => "is not UTF-8",
        None => "is not set",
    };
    Err(Rejected::because(format!("the variable `{name}` of the environment {why}")))
}
