//! What is written in the repository is finished and holds elsewhere than here.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Words that stand for unfinished work, in two halves, so that this file does not have them.
const FORBIDDEN: &[(&str, &str)] = &[
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
    ("HA", "CK"),
    ("to", "do!"),
    ("unimpl", "emented!"),
    ("d", "bg!"),
    ("<<<<", "<<<"),
    (">>>>", ">>>"),
];

#[test]
fn no_file_has_unfinished_work() {
    let words: Vec<_> = FORBIDDEN.iter().map(|(a, b)| format!("{a}{b}")).collect();
    assert_absent(&words);
}

/// What is written on one machine is read on another.
#[test]
fn no_file_names_a_directory_of_this_machine() {
    let directory = format!("{}/", root().display());
    let homes = [("/ho", "me/"), ("/ro", "ot/"), ("/Us", "ers/")];
    let homes = homes.iter().map(|(a, b)| format!("{a}{b}"));
    assert_absent(&homes.chain([directory]).collect::<Vec<_>>());
}

#[track_caller]
fn assert_absent(words: &[String]) {
    let mut found = Vec::new();
    for path in files() {
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (number, line) in (1..).zip(text.lines()) {
            for word in words.iter().filter(|word| line.contains(*word)) {
                found.push(format!("{}:{number}: {word}", path.display()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// The files of the repository: all but what is built or generated.
fn files() -> Vec<PathBuf> {
    let generated = [".git", "artifacts", "corpus", "target"];
    let mut files = Vec::new();
    let mut directories = vec![root().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            match path.is_dir() {
                _ if generated.contains(&name) => {}
                true => directories.push(path),
                false => files.push(path),
            }
        }
    }
    assert!(files.contains(&root().join("Cargo.toml")));
    files
}
