//! What the documentation says is true, and what is written is finished and holds elsewhere
//! than here.
//!
//! A block of a page that is marked `ini` is a file without errors. One marked `ini faulty` has
//! what the page is about; where `ini overlay faulty` follows, it is that overlay that has it. Of
//! an `ini excerpt` there is more than a page can show. `ini settings` is a settings file, with
//! `faulty` likewise.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use pasteline::config::{self, Config, ConfigPath};
use pasteline::diagnostic::{Applicability, Diagnostic, PAGES, Page, Style, render};
use pasteline::fix::fix_with;
use pasteline::graph::{Input, Loader};
use pasteline::lint;
use pasteline::metrics::{Metrics, Refusal};
use pasteline::registry::Registry;
use pasteline::source::Sources;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

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

/// The mistakes that are not copied, of which the last column names tests.
#[test]
fn every_test_that_the_documentation_names_is_there() {
    let page = read(&root().join("docs/openstack.md"));
    let (_, table) = page.split_once("## What is not copied").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| the "));
    let named: Vec<_> = rows
        .flat_map(|row| {
            let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
            tests.split(", ").map(|test| test.trim_matches('`').to_owned()).collect::<Vec<_>>()
        })
        .collect();
    assert!(named.len() >= 17, "{named:?}");
    let sources =
        files().into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let texts: Vec<_> = sources.map(|path| read(&path)).collect();
    for test in named {
        let declared = format!("fn {test}() {{");
        assert!(texts.iter().any(|text| text.contains(&declared)), "{test}");
    }
}

/// Which filters have limits is written in three places.
#[test]
fn filters_that_have_limits_are_counted_and_documented() {
    let metrics = Metrics::default();
    let _meter = metrics.meter("main");
    let mut counted = metrics.snapshot().apps.remove("main").unwrap().refusals;
    for refusal in Refusal::ALL {
        counted.remove(refusal.name());
    }
    let marking = files().into_iter().filter_map(|path| {
        let place = ["filters", "composites"].map(|kind| root().join("src/builtin").join(kind));
        let within = place.iter().find_map(|place| path.strip_prefix(place).ok())?;
        // What is part of another file lies in a folder of its name.
        let name = within.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned();
        read(&path).contains("RefusedBy(DEFINITION.name)").then_some(name)
    });
    let counted: BTreeSet<_> = counted.into_keys().collect();
    assert_eq!(marking.collect::<BTreeSet<_>>(), counted);

    let page = read(&root().join("docs/security.md"));
    let (_, table) = page.split_once("| what | filter | past it | counted as |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    let last = rows.map(|row| row.trim_end_matches(" |").rsplit(" | ").next().unwrap());
    let documented = last.map(|cell| cell.split('`').nth(1).unwrap().to_owned());
    assert_eq!(documented.collect::<BTreeSet<_>>(), counted);
}

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
    let directory = directory();
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

/// A comment silences what [`PAGES`] knows as a warning or a note, so that the table is right about
/// severities too is what makes each of them one that can be silenced.
#[test]
fn every_kind_of_diagnostic_has_a_page_that_knows_how_bad_it_is() {
    let sources = files().into_iter().filter(|path| path.starts_with(root().join("src")));
    let others = ["diagnostic.rs", "annotation.rs", "fixture.rs", "tests.rs"];
    let sources = sources.filter(|path| !others.iter().any(|other| path.ends_with(other)));
    let texts: Vec<_> = sources.map(|path| code(&path)).collect();
    let constants: BTreeMap<_, _> = texts.iter().flat_map(|text| constants(text)).collect();
    let told: BTreeSet<_> = texts.iter().flat_map(|text| told(text, &constants)).collect();
    let mut known = BTreeSet::new();
    for page in PAGES {
        known.extend(page.severities.iter().map(|severity| (page.slug, severity.name())));
    }
    assert_eq!(told, known);
    let directory = root().join("docs/diagnostics");
    let is_page = |path: &PathBuf| path.parent() == Some(&directory);
    assert_eq!(files().iter().filter(|path| is_page(path)).count(), PAGES.len());
}

#[test]
fn every_diagnostic_is_shown_by_an_example_and_gone_with_its_cure() {
    for page in PAGES {
        let block = |mark: &str| blocks(page.text, mark).into_iter().next().map(|(_, text)| text);
        let title = format!("# {}\n\n", page.slug);
        assert!(page.text.starts_with(&title), "{title}");
        if let Some(cure) = block("ini settings") {
            let faulty = block("ini settings faulty").unwrap();
            assert_eq!(found_in_settings(page, &cure), BTreeSet::new(), "{title}{cure}");
            assert_eq!(found_in_settings(page, &faulty), BTreeSet::from([page.slug]), "{faulty}");
            continue;
        }
        let cure = block("ini").unwrap();
        assert_eq!(found(page, &cure, block("ini overlay")), BTreeSet::new(), "{title}{cure}");
        if block("ini excerpt").is_some() {
            let is_shown = |faulty: String| found(page, &faulty, None).contains(page.slug);
            assert!(multiplied(page.slug).is_none_or(is_shown), "{title}");
            continue;
        }
        let faulty = block("ini faulty").unwrap_or(cure);
        let found = found(page, &faulty, block("ini overlay faulty"));
        assert_eq!(found, BTreeSet::from([page.slug]), "{faulty}");
    }
}

/// A command stands behind `$ `, what it prints below it. A line `…` stands for any lines. A block
/// for a file `x.ini` begins with `# x.ini`.
#[test]
fn every_command_of_the_readme_prints_what_is_shown() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    fs::create_dir_all(&directory).unwrap();
    fs::copy(root().join("api-paste.ini"), directory.join("api-paste.ini")).unwrap();
    fs::write(directory.join("broken.ini"), BROKEN).unwrap();
    fs::write(directory.join("loose.ini"), LOOSE).unwrap();
    fs::write(directory.join("neutron.conf"), SETTINGS).unwrap();
    fs::write(directory.join("notice.ini"), NOTICE).unwrap();
    let readme = read(&root().join("README.md"));
    for (_, block) in blocks(&readme, "ini overlay") {
        let name = block.lines().next().unwrap().strip_prefix("# ").unwrap();
        fs::write(directory.join(name), &block).unwrap();
    }
    let mut checked = 0;
    for (line, block) in blocks(&readme, "console") {
        let commands = block.split("$ ").skip(1).map(|command| command.split_once('\n').unwrap());
        for (command, shown) in commands {
            let Some(arguments) = command.strip_prefix("pasteline ") else { continue };
            let mut program = Command::new(env!("CARGO_BIN_EXE_pasteline"));
            program.args(arguments.split(' ')).current_dir(&directory);
            let output = program.output().unwrap();
            let printed =
                [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
            let printed = printed.concat();
            let (shown, lines): (Vec<_>, Vec<_>) =
                (shown.lines().collect(), printed.lines().collect());
            assert!(matches(&shown, &lines), "README.md:{line}: {command} prints\n{printed}");
            checked += 1;
        }
    }
    assert!(checked > 5, "the README shows commands");
}

/// Settings with the fault that the README shows.
const SETTINGS: &str = "[DEFAULT]\nbind_port = 9696\napi_workers = two\n";

/// A file with the faults that the README shows.
const BROKEN: &str = "\
[pipeline:main]
pipeline = cors request_id corss api

[filter:cors]
use = egg:pasteline#cors
allowed_orign = https://dashboard.example
allowed_origin = *

[filter:request_id]
use = egg:pasteline#request_id

[app:api]
use = egg:pasteline#echo
";

/// A file whose layout the README shows.
const LOOSE: &str = "\
[filter:cors]
use=egg:pasteline#cors
# The dashboards.
allowed_origin:https://dashboard.example,
  https://horizon.example
";

/// A file that the README shows mended.
const NOTICE: &str = "\
[app:main]
use = egg:pasteline#respond
body = 100% closed  # until eight
status = 503
status = 503
";

/// Whether lines are those that are shown, where `…` stands for any.
fn matches(shown: &[&str], lines: &[&str]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((&"…", rest)) => (0..=lines.len()).any(|skipped| matches(rest, &lines[skipped..])),
        Some((first, rest)) => lines.first() == Some(first) && matches(rest, &lines[1..]),
    }
}

/// What the example of a page shows is mended by what the page says, if by anything.
#[test]
fn a_page_says_whether_its_fault_can_be_mended() {
    let mut mended = 0;
    for page in PAGES {
        let Some((_, faulty)) = blocks(page.text, "ini faulty").into_iter().next() else {
            continue;
        };
        let fixes = |most| fixes(page, &faulty, most);
        let command = match (fixes(Applicability::Safe), fixes(Applicability::Unsafe)) {
            (true, _) => "`pasteline fix`",
            (false, true) => "`pasteline fix --unsafe`",
            (false, false) => continue,
        };
        assert!(page.text.contains(command), "`{}` does not name {command}", page.slug);
        mended += 1;
    }
    assert!(mended > 0);
}

/// Whether what a page is about is mended in an example.
fn fixes(page: &Page, text: &str, most: Applicability) -> bool {
    let file = root().join("no-such-file.ini");
    let mut sources = Sources::default();
    let text = String::from_utf8_lossy(&with_bytes(text)).into_owned();
    sources.substitute(&file, text);
    let outcome = fix_with(&Input::new(file), &Registry::builtin(), most, sources);
    outcome.fixed.iter().any(|fixed| fixed.slug == page.slug)
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

/// With `--help` at its end a command line is checked as far as that, and nothing else happens.
#[test]
fn the_program_takes_every_command_of_the_page_for_operators() {
    let page = read(&root().join("docs/operating.md"));
    let blocks = blocks(&page, "sh");
    let commands = blocks.iter().flat_map(|(_, block)| block.lines());
    let commands: Vec<_> =
        commands.filter_map(|command| command.strip_prefix("pasteline ")).collect();
    for command in &commands {
        pasteline(&command.split(' ').chain(["--help"]).collect::<Vec<_>>());
    }
    assert!(commands.len() >= 5, "the page shows commands");
}

#[test]
fn the_page_for_operators_knows_the_signals() {
    let page = read(&root().join("docs/operating.md"));
    let code = read(&root().join("src/service/signals.rs"));
    let signals = code.split('"').filter(|text| text.starts_with("SIG"));
    let rows: String = page.lines().filter(|line| line.starts_with("| SIG")).collect();
    let missing: Vec<_> = signals.filter(|signal| !rows.contains(signal)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(rows.contains("SIGTERM"), "{rows}");
}

#[test]
fn the_units_for_systemd_are_valid() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("units");
    fs::create_dir_all(&directory).unwrap();
    let units = ["pasteline.service", "pasteline.socket"].map(|name| {
        // The program has to be there.
        let unit = read(&root().join("contrib").join(name));
        let unit = unit.replace("/usr/bin/pasteline", env!("CARGO_BIN_EXE_pasteline"));
        fs::write(directory.join(name), unit).unwrap();
        directory.join(name)
    });
    // It is not on every machine.
    if let Ok(output) = Command::new("systemd-analyze").arg("verify").args(units).output() {
        let told = String::from_utf8(output.stderr).unwrap();
        // It tells what is wrong with other units of the machine, too.
        assert!(!told.contains("pasteline."), "{told}");
    }
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

/// So is the page of settings.
#[test]
fn the_page_of_settings_is_fresh() {
    const PAGE: &str = "docs/settings.md";
    let committed = fs::read(root().join(PAGE)).unwrap_or_default();
    let fresh = pasteline(&["sample-config", "--format", "markdown"]);
    assert!(
        committed == fresh.as_bytes(),
        "it is stale: `cargo run -- sample-config --format markdown > {PAGE}` writes it anew"
    );
}

/// So is the page of Python factories.
#[test]
fn the_page_of_python_factories_is_fresh() {
    const PAGE: &str = "docs/factories.md";
    let committed = fs::read(root().join(PAGE)).unwrap_or_default();
    let fresh = pasteline(&["list", "--format", "aliases"]);
    assert!(
        committed == fresh.as_bytes(),
        "it is stale: `cargo run -- list --format aliases > {PAGE}` writes it anew"
    );
}

#[test]
fn the_files_that_are_shipped_are_formatted() {
    let shipped = [
        "api-paste.ini",
        "examples/cinder/overlay.ini",
        "examples/glance/overlay.ini",
        "examples/heat/overlay.ini",
        "examples/manila/overlay.ini",
        "examples/neutron/overlay.ini",
        "examples/nova/overlay.ini",
        "examples/own_filter.ini",
        "examples/own_service.ini",
    ];
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

/// The code of a file without comments and without its tests.
fn code(path: &Path) -> String {
    let text = read(path);
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The kinds of diagnostics that code makes, each with its severity. A kind that is neither
/// written out where it is made nor a constant would escape this test, so there must be none.
fn told<'a>(code: &'a str, constants: &BTreeMap<&str, &'a str>) -> Vec<(&'a str, &'static str)> {
    assert!(!code.contains("slug = ") && !code.contains("severity = "), "it is changed later");
    let mut told = Vec::new();
    for severity in ["error", "warning", "note"] {
        for after in code.split(&format!("Diagnostic::{severity}")).skip(1) {
            let argument = after.strip_prefix('(').and_then(|after| after.split(',').next());
            let argument = argument.map_or("", str::trim);
            let slug = match argument.strip_prefix('"') {
                Some(quoted) => quoted.strip_suffix('"'),
                // The lint of the same file.
                None if argument == "LINT.slug" => constant(code, "Lint { slug: "),
                None => constants.get(argument).copied(),
            };
            told.push((slug.unwrap_or_else(|| panic!("which is `{argument}`?")), severity));
        }
    }
    told
}

/// The texts that code has constants for, by their names.
fn constants(code: &str) -> impl Iterator<Item = (&str, &str)> {
    let named = code.split("const ").skip(1).filter_map(|after| after.split_once(": &str = "));
    named.filter_map(|(name, after)| Some((name, constant(after, "")?)))
}

/// The text in quotes that follows some code.
fn constant<'a>(code: &'a str, before: &str) -> Option<&'a str> {
    let (_, after) = code.split_once(before)?;
    after.strip_prefix('"')?.split('"').next()
}

/// The kinds of what is wrong with a file of a page.
fn found(page: &Page, text: &str, overlay: Option<String>) -> BTreeSet<&'static str> {
    let directory = directory();
    let file = directory.join(format!("{}.ini", page.slug));
    fs::write(&file, with_bytes(text)).unwrap();
    let mut input = Input::new(file);
    input.overlays = overlay
        .into_iter()
        .map(|overlay| {
            let file = directory.join(format!("{}-overlay.ini", page.slug));
            fs::write(&file, overlay).unwrap();
            file
        })
        .collect();
    let registry = Registry::builtin();
    let mut loader = Loader::open(&input, &registry);
    lint::validate(&mut loader, &registry).iter().map(|found| found.slug).collect()
}

/// A directory of this process for the files of pages, with the certificates and keys that they
/// name.
fn directory() -> PathBuf {
    static WRITTEN: Once = Once::new();
    let name = format!("documentation-{}", std::process::id());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    WRITTEN.call_once(|| {
        fs::create_dir_all(&directory).unwrap();
        for (name, end, keys) in [
            ("current", 2100, &[("current", 0o600), ("exposed", 0o644)][..]),
            ("expired", 2020, &[("expired", 0o600)]),
        ] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec!["api.example".to_owned()]).unwrap();
            params.not_after = date_time_ymd(end, 1, 1);
            let certificate = params.self_signed(&key).unwrap();
            fs::write(directory.join(format!("{name}.pem")), certificate.pem()).unwrap();
            for (name, mode) in keys {
                let file = directory.join(format!("{name}.key"));
                fs::write(&file, key.serialize_pem()).unwrap();
                fs::set_permissions(&file, Permissions::from_mode(*mode)).unwrap();
            }
        }
    });
    directory
}

/// The kinds of what is wrong with a settings file of a page.
fn found_in_settings(page: &Page, text: &str) -> BTreeSet<&'static str> {
    let directory = directory();
    let file = directory.join(format!("{}.conf", page.slug));
    fs::write(&file, text).unwrap();
    let input = config::Input { paths: vec![ConfigPath::File(file)], ..Default::default() };
    let (_, found) = Config::read(&input, &mut Sources::default());
    found.iter().map(|found| found.slug).collect()
}

/// A text with the bytes that a page cannot show.
fn with_bytes(text: &str) -> Vec<u8> {
    let text = text.replace("<U+FEFF>", "\u{feff}");
    match text.split_once("<0xE9>") {
        Some((before, after)) => [before.as_bytes(), &[0xe9], after.as_bytes()].concat(),
        None => text.into_bytes(),
    }
}

/// A file with a fault that takes too many lines for a page; none if it would take too long to
/// check. What is too large is tested where the bound can be set.
fn multiplied(slug: &str) -> Option<String> {
    match slug {
        "too-deep" => {
            let level = |number| format!("[app:{number}]\nuse = {}\n", number + 1);
            Some((0..500).map(level).collect())
        }
        "too-large" => None,
        "too-many-faults" => Some(format!("[s]\n{}", "it is no paste file\n".repeat(10_001))),
        _ => panic!("`{slug}` has an excerpt for an example and none is made here"),
    }
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
