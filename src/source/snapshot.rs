//! What was read in one load, kept to load the same again.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::absolute;

/// What was read in one load: the texts of files, and what lay in directories.
///
/// A load from it needs no disk and finds what the first one found, even where a file has been
/// changed or removed since.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Snapshot {
    /// By the absolute paths that they were opened by.
    texts: BTreeMap<PathBuf, Text>,
    /// What files are known by, where that is another path than the one they were opened by with
    /// its `..` resolved by name.
    #[serde(default)]
    identities: BTreeMap<PathBuf, PathBuf>,
    listings: BTreeMap<PathBuf, Vec<PathBuf>>,
}

/// A text that is shared with the sources that read it.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "String", into = "String")]
struct Text(Arc<str>);

/// Some of them are secrets.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.as_ref().into()
    }
}

impl Snapshot {
    /// The paths of the files and directories that were read, absolute.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.texts.keys().chain(self.listings.keys()).map(PathBuf::as_path)
    }

    /// The text of a file; none if it was not read.
    pub(super) fn text(&self, path: &Path) -> Option<Arc<str>> {
        self.texts.get(&opened(path)).map(|text| Arc::clone(&text.0))
    }

    /// What lay in a directory.
    pub(super) fn listing(&self, directory: &Path) -> Vec<PathBuf> {
        self.listings.get(&opened(directory)).cloned().unwrap_or_default()
    }

    /// What a file is known by; none if that follows from its path.
    pub(super) fn identity(&self, path: &Path) -> Option<PathBuf> {
        self.identities.get(&opened(path)).cloned()
    }

    /// What was read here and there.
    pub(super) fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.texts.extend(other.texts.clone());
        both.listings.extend(other.listings.clone());
        both.identities.extend(other.identities.clone());
        both
    }

    pub(super) fn add_text(&mut self, path: &Path, text: Arc<str>) {
        self.texts.insert(opened(path), Text(text));
    }

    pub(super) fn add_identity(&mut self, path: &Path, identity: &Path) {
        if identity != absolute(path) {
            self.identities.insert(opened(path), identity.to_owned());
        }
    }

    pub(super) fn add_listing(&mut self, directory: &Path, paths: Vec<PathBuf>) {
        self.listings.insert(opened(directory), paths);
    }
}

/// The absolute path that a file is opened by. A `..` behind a link is for the system to resolve.
fn opened(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::source::Sources;

    #[test]
    fn is_read_in_place_of_files_that_have_changed_since() {
        let directory =
            std::env::temp_dir().join(format!("pasteline-{}-snapshot", std::process::id()));
        let (file, drop_in) = (directory.join("a.ini"), directory.join("a.ini.d/1.ini"));
        fs::create_dir_all(drop_in.parent().unwrap()).unwrap();
        fs::write(&file, "[a]\n").unwrap();
        fs::write(&drop_in, "[b]\n").unwrap();
        let mut first = Sources::default();
        first.read(&file).unwrap();
        assert_eq!(first.list(drop_in.parent().unwrap(), "ini").unwrap().len(), 1);
        first.read(&drop_in).unwrap();
        fs::remove_dir_all(&directory).unwrap();

        let json = serde_json::to_string(&first.snapshot()).unwrap();
        let snapshot: Snapshot = serde_json::from_str(&json).unwrap();
        assert_eq!(snapshot, first.snapshot());
        let mut again = Sources::from_snapshot(Arc::new(snapshot));
        let id = again.read(&directory.join("./a.ini")).unwrap();
        assert_eq!(&**again.get(id).text(), "[a]\n");
        assert_eq!(again.list(drop_in.parent().unwrap(), "ini").unwrap(), [drop_in]);
        let error = again.read(Path::new("/etc/hostname")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read `/etc/hostname`: "), "{error}");
    }

    #[test]
    fn keeps_apart_what_lies_behind_links() {
        let directory =
            std::env::temp_dir().join(format!("pasteline-{}-links", std::process::id()));
        fs::create_dir_all(directory.join("far/below")).unwrap();
        fs::create_dir_all(directory.join("near")).unwrap();
        symlink("../far/below", directory.join("near/link")).unwrap();
        fs::write(directory.join("near/a.ini"), "[near]\n").unwrap();
        fs::write(directory.join("far/a.ini"), "[far]\n").unwrap();
        let paths = ["near/a.ini", "near/link/../a.ini", "near/../near/a.ini", "far/a.ini"];
        let texts = |sources: &mut Sources| {
            let read = paths.map(|path| sources.read(&directory.join(path)).unwrap());
            read.map(|id| {
                let source = sources.get(id);
                (source.text().to_string(), source.identity().to_owned())
            })
        };
        let mut sources = Sources::default();
        let first = texts(&mut sources);
        fs::remove_dir_all(&directory).unwrap();
        let mut again = Sources::from_snapshot(Arc::new(sources.snapshot()));
        assert_eq!(texts(&mut again), first);
        let [near, behind, same, far] = first;
        assert_eq!((&*near.0, &*behind.0), ("[near]\n", "[far]\n"));
        assert_eq!((near, behind), (same, far));
    }
}
