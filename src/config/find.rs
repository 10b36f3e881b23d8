//! Finds the paste file where oslo.config looks for it.

use std::path::{Path, PathBuf};

use super::input::{ConfigPath, Input};
use crate::diagnostic::Diagnostic;
use crate::source::{Span, shown};

/// How the paste file was looked for that no command line names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Search {
    /// The setting that names it.
    pub(super) setting: Option<Span>,
    /// Where it was looked for, if it is nowhere.
    pub(super) tried: Vec<PathBuf>,
}

impl Search {
    /// Tells of a file that cannot be read who names it, and where it was looked for.
    pub fn explain(&self, fault: Diagnostic) -> Diagnostic {
        let fault = match self.setting.filter(|_| fault.span.is_none()) {
            Some(setting) => fault.at(setting).label("named here"),
            None => fault,
        };
        let tried: Vec<_> = self.tried.iter().map(|path| format!("`{}`", shown(path))).collect();
        match &tried[..] {
            [] | [_] => fault,
            [all @ .., last] => fault.help(format!("there is no {} or {last}", all.join(", "))),
        }
    }
}

/// The paths at which a file may be, in the order in which they are tried: the directories of
/// `--config-dir`, those of the files of `--config-file` from the last to the first, those where
/// services have their files, and here. An absolute path is the only one.
pub(super) fn candidates(input: &Input, name: &Path) -> Vec<PathBuf> {
    if name.is_absolute() {
        return vec![name.to_owned()];
    }
    let directories = input.paths.iter().filter_map(|path| match path {
        ConfigPath::Directory(directory) => Some(directory.as_path()),
        ConfigPath::File(_) => None,
    });
    let beside = input.paths.iter().rev().filter_map(|path| match path {
        ConfigPath::File(file) => file.parent(),
        ConfigPath::Directory(_) => None,
    });
    let last = input.directories.iter().map(PathBuf::as_path);
    let mut found: Vec<PathBuf> = Vec::new();
    for directory in directories.chain(beside).chain(last).chain([Path::new("")]) {
        let path = directory.join(name);
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_where_oslo_config_does() {
        let file = |path: &str| ConfigPath::File(path.into());
        let input = Input {
            paths: vec![file("/a/n.conf"), ConfigPath::Directory("/d".into()), file("/b/m.conf")],
            directories: vec!["/u/.neutron".into(), "/a".into(), "/etc".into()],
            ..Input::default()
        };
        let found = candidates(&input, Path::new("p.ini"));
        let found: Vec<_> = found.iter().map(|path| path.display().to_string()).collect();
        let expected =
            ["/d/p.ini", "/b/p.ini", "/a/p.ini", "/u/.neutron/p.ini", "/etc/p.ini", "p.ini"];
        assert_eq!(found, expected);
        assert_eq!(candidates(&input, Path::new("/x/p.ini")), [PathBuf::from("/x/p.ini")]);
    }
}
