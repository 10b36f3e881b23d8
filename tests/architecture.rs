//! Which module may use which: the table of ARCHITECTURE.md, held against the source.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the crate, in reading order, with those that it may use beside itself. A row
/// for a module inside another (`builtin/servers`) replaces the row of the outer one.
const LAYERS: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("diagnostic", &["source"]),
    ("syntax", &["source", "diagnostic"]),
    ("ini", &["source", "diagnostic", "syntax"]),
    ("format", &["source", "diagnostic", "syntax", "ini"]),
    ("app", &[]),
    ("metrics", &[]),
    // `syntax` because secrets are hidden in the text as it stands.
    ("settings", &["source", "diagnostic", "syntax", "ini"]),
    // `settings` because an operator writes the networks of proxies.
    ("forwarded", &["settings", "app"]),
    // `settings` because an operator writes its destination and format.
    ("access_log", &["source", "diagnostic", "settings", "app"]),
    // `ini` for the confs that settings are read from.
    ("config", &["source", "diagnostic", "ini", "settings"]),
    // `app` because a line tells the request that it belongs to.
    ("log", &["source", "config", "app", "access_log"]),
    // `ini` for the confs that a composite reads its children from.
    ("registry", &["source", "diagnostic", "ini", "settings", "app"]),
    // `ini` and `syntax` for composites, whose keys and values are little languages.
    (
        "builtin",
        &[
            "source",
            "diagnostic",
            "syntax",
            "ini",
            "settings",
            "app",
            "forwarded",
            "access_log",
            "registry",
        ],
    ),
    // The server declares its settings itself; the table of servers only names them.
    ("builtin/servers", &["settings", "registry", "server"]),
    // `syntax` for factory specs and the words of pipelines, `config` for the groups of settings
    // files that factories read.
    ("graph", &["source", "diagnostic", "syntax", "ini", "settings", "config", "registry"]),
    // `diagnostic` for how texts of a file are quoted.
    ("draw", &["source", "diagnostic", "graph", "registry"]),
    // `ini` and `syntax` because it looks at the text where that is not what it comes to.
    ("lint", &["source", "diagnostic", "syntax", "ini", "settings", "registry", "graph"]),
    ("fix", &["source", "diagnostic", "registry", "graph", "lint"]),
    // `app` because composites look at requests as apps see them.
    ("route", &["graph", "registry", "app"]),
    // `settings` and `source` because it hands each factory the options it reads.
    ("stack", &["source", "settings", "graph", "registry", "app", "metrics"]),
    ("server", &["source", "diagnostic", "settings", "app", "access_log", "forwarded", "metrics"]),
    ("admin", &["app", "metrics"]),
    // `config` for the groups of settings files that no service may have for its own.
    ("program", &["app", "settings", "config", "registry"]),
    (
        // `ini` because what settings files say goes over the options of a section.
        "service",
        &[
            "source",
            "diagnostic",
            "ini",
            "settings",
            "config",
            "log",
            "graph",
            "lint",
            "registry",
            "stack",
            "server",
            "app",
            "access_log",
            "admin",
            "metrics",
            "program",
        ],
    ),
    (
        "cli",
        &[
            "source",
            "diagnostic",
            "syntax",
            "ini",
            "format",
            "app",
            "access_log",
            "metrics",
            "settings",
            "config",
            "log",
            "registry",
            "builtin",
            "graph",
            "draw",
            "lint",
            "fix",
            "route",
            "stack",
            "server",
            "service",
            "admin",
            "program",
        ],
    ),
];

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut forbidden = Vec::new();
    for (module, path) in modules() {
        let (row, allowed) = row(&module);
        let own = row.split('/').next().unwrap_or(row);
        for used in uses(&path, &module) {
            if used != own && !allowed.contains(&&*used) {
                forbidden.push(format!("{} uses `{used}`", path.display()));
            }
        }
    }
    assert_eq!(forbidden, Vec::<String>::new());
}

/// A prefix of the crate in braces, or a path of many `super`, would hide a use from the test.
#[test]
fn imports_are_written_one_module_a_line() {
    for (module, path) in modules() {
        let depth = module.matches('/').count() + 1;
        for line in code(&path) {
            assert!(!line.contains("crate::{"), "{}: {line}", path.display());
            let root = "super::".repeat(depth);
            assert!(!line.contains(&root), "{} leaves its module: {line}", path.display());
        }
    }
}

#[test]
fn every_row_names_modules_of_the_table() {
    let named: BTreeSet<_> = LAYERS.iter().map(|(module, _)| *module).collect();
    for (module, allowed) in LAYERS {
        for used in *allowed {
            assert!(named.contains(used), "`{module}` may use `{used}`, which has no row");
        }
    }
}

/// The row for a module: that of the longest path that leads to it.
fn row(module: &str) -> (&'static str, &'static [&'static str]) {
    let leads = |row: &str| module == row || module.starts_with(&format!("{row}/"));
    let rows = LAYERS.iter().copied().filter(|(row, _)| leads(row));
    rows.max_by_key(|(row, _)| row.len())
        .unwrap_or_else(|| panic!("`{module}` has no row in the table of layers"))
}

/// The modules of the crate by path (`app/filter`), each with its file.
fn modules() -> Vec<(String, PathBuf)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut directories = vec![source.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let module = path.strip_prefix(&source).unwrap().with_extension("");
            let module = module.to_str().unwrap().to_owned();
            if module != "lib" && module != "main" {
                found.push((module, path));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The lines of code of a file: without comments and without its tests, which may use anything, as may
/// what they share.
fn code(path: &Path) -> Vec<String> {
    if path.file_stem().is_some_and(|stem| stem == "tests" || stem == "fixture") {
        return Vec::new();
    }
    let text = String::from_utf8(fs::read(path).unwrap()).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    lines.map(str::to_owned).collect()
}

/// The modules of the crate that a file names.
fn uses(path: &Path, module: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for line in code(path) {
        for (at, _) in line.match_indices("crate::") {
            let name: String = line[at + "crate::".len()..]
                .chars()
                .take_while(|character| character.is_alphanumeric() || *character == '_')
                .collect();
            let is_macro = line[at + "crate::".len() + name.len()..].starts_with('!');
            // A macro stands at the root of the crate; ours is named for its module.
            assert!(!is_macro || name == "settings", "`{module}` uses `{name}!`");
            used.insert(name);
        }
    }
    used
}
