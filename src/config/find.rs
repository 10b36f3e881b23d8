//! Finds the paste file where oslo.config looks for it.

use std::path::{Path, PathBuf};

use super::input::{ConfigPath, Input};

/// The paths at which a file may be, in the order in which they are tried: the directories of
/// `--config-dir`, those of the files of `--config-file` from the last to the first, and those
/// where services have their files. An absolute path is the only one.
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
    for directory in directories.chain(beside).chain(last) {
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
        assert_eq!(found, ["/d/p.ini", "/b/p.ini", "/a/p.ini", "/u/.neutron/p.ini", "/etc/p.ini"]);
        assert_eq!(candidates(&input, Path::new("/x/p.ini")), [PathBuf::from("/x/p.ini")]);
    }
}
