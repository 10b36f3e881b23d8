//! What the documentation says is true, and what is written is finished and holds elsewhere
//! than here.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pasteline::diagnostic::{Diagnostic, Style, render};
use pasteline::graph::{Input, Loader};
use pasteline::registry::Registry;

/// The page that is printed from the records of the factories.
const REFERENCE: &str = "docs/reference.md";

/// Words that stand for unfinished work, in two halves, so that this file does not have them.
const FORBIDDEN: [(&str, &str); 9] = [
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

/// The examples of the records, which [`REFERENCE`] repeats, are tested where they are declared.
#[test]
fn every_ini_block_of_the_documentation_is_valid() {
    let registry = Registry::builtin();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("documentation");
    fs::create_dir_all(&directory).unwrap();
    let mut checked = 0;
    for path in markdown().filter(|path| !path.ends_with(REFERENCE)) {
        for (line, block) in blocks(&read(&path), "ini") {
            let name = format!("{}-{line}.ini", path.file_stem().unwrap().display());
            let file = directory.join(name);
            fs::write(&file, block).unwrap();
            let mut loader = Loader::open(&Input::new(file), &registry);
            let found = loader.validate();
            let told = found.iter().filter(|found| found.is_error());
            let told = told.map(|found: &Diagnostic| render(found, loader.sources(), Style::Plain));
            let told: Vec<_> = told.collect();
            assert!(told.is_empty(), "{}:{line}:\n{}", path.display(), told.join("\n"));
            checked += 1;
        }
    }
    assert!(checked > 0, "the README has examples");
}

#[test]
fn the_readme_lists_the_commands_of_the_program() {
    let help = pasteline(&["--help"]);
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands.lines().map_while(|line| line.split_whitespace().next());
    let commands: BTreeSet<_> = commands.filter(|command| *command != "help").collect();
    let readme = read(&root().join("README.md"));
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `pasteline "));
    let listed = rows.filter_map(|row| row.split([' ', '`']).next()).collect();
    assert_eq!(commands, listed);
}

/// The page is printed from the records of the factories and committed, so that it can be read
/// without the program.
#[test]
fn the_reference_is_fresh() {
    let committed = fs::read(root().join(REFERENCE)).unwrap_or_default();
    let fresh = pasteline(&["list", "--format", "markdown"]);
    assert!(
        committed == fresh.as_bytes(),
        "it is stale: `cargo run -- list --format markdown > {REFERENCE}` writes it anew"
    );
}

#[test]
fn the_files_that_are_shipped_are_formatted() {
    let shipped = ["api-paste.ini", "examples/neutron/overlay.ini", "examples/own_filter.ini"];
    let paths = shipped.map(|path| root().join(path).to_str().unwrap().to_owned());
    let paths = paths.each_ref().map(String::as_str);
    pasteline(&[&["fmt", "--check"], &paths[..]].concat());
}

#[test]
fn the_demo_file_is_clean() {
    let path = root().join("api-paste.ini");
    let said = pasteline(&["validate", path.to_str().unwrap()]);
    assert!(said.contains("is valid") && !said.contains("warning"), "{said}");
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let mut dangling = Vec::new();
    for path in markdown() {
        for link in links(&read(&path)) {
            let target = link.split('#').next().unwrap_or_default();
            let is_elsewhere = link.contains("://") || link.starts_with("mailto:");
            if !is_elsewhere && !path.parent().unwrap().join(target).exists() {
                dangling.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert_eq!(dangling, Vec::<String>::new());
}

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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

/// The pages of the documentation.
fn markdown() -> impl Iterator<Item = PathBuf> {
    files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md"))
}

fn read(path: &Path) -> String {
    String::from_utf8(fs::read(path).unwrap()).unwrap()
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

/// The fenced blocks of a language, each with the number of its first line.
fn blocks(page: &str, language: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(page.lines()) {
        match &mut open {
            None if line.trim_start() == format!("```{language}") => {
                open = Some((number + 1, String::new()));
            }
            None => {}
            Some(_) if line.trim_start() == "```" => blocks.extend(open.take()),
            Some((_, block)) => block.extend([line, "\n"]),
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Where the links of a page lead, those of its code left out.
fn links(page: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut is_code = false;
    for line in page.lines() {
        is_code ^= line.trim_start().starts_with("```");
        if is_code {
            continue;
        }
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        links.extend(inline.map(str::to_owned));
        let reference = line.strip_prefix('[').and_then(|line| line.split_once("]: "));
        links.extend(reference.map(|(_, target)| target.to_owned()));
    }
    links
}

/// What the program prints.
fn pasteline(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pasteline")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
