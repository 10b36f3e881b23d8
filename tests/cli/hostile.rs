//! Files that are far too large, too deep, circular, or no files at all: there is always an answer.
//!
//! How long it may take and how much memory, `benches/files.rs` holds against its bars.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value as Json;

use crate::support::{Finished, Test};

const APP: &str = "[app:last]\nuse = egg:pasteline#respond\n";

const FILTER: &str = "[filter:named]\nuse = egg:pasteline#request_id\n";

/// A section by its name that leads to another.
type Link = fn(&str, &str) -> String;

/// All ways in which a section leads to another.
const LINKS: &[Link] = &[USE, PIPELINE, INCLUDE, COMPOSITE, NEXT, FILTER_WITH];

const USE: Link = |name, next| format!("[app:{name}]\nuse = {next}\n");
const PIPELINE: Link = |name, next| format!("[pipeline:{name}]\npipeline = {next}\n");
const INCLUDE: Link = |name, next| format!("[app:{name}]\nuse = config:api-paste.ini#{next}\n");
const COMPOSITE: Link =
    |name, next| format!("[composite:{name}]\nuse = egg:pasteline#urlmap\n/ = {next}\n");
const NEXT: Link =
    |name, next| format!("[filter-app:{name}]\nuse = egg:pasteline#request_id\nnext = {next}\n");
const FILTER_WITH: Link = |name, next| {
    let next = next.replace("last", "named");
    format!("[filter:{name}]\nuse = egg:pasteline#request_id\nfilter-with = {next}\n")
};

/// The program with 256 KiB of stack.
fn with_little_stack() -> Test {
    let test = Test::program("sh").argument("-c").argument("ulimit -s 256; exec \"$0\" \"$@\"");
    test.argument(env!("CARGO_BIN_EXE_pasteline"))
}

/// What `validate` finds in a file, by slug and message.
fn found(ini: &str) -> Vec<(String, String)> {
    let finished = with_little_stack().ini(ini).arguments("validate --format json").run();
    let told: Json = serde_json::from_str(&finished.stdout).unwrap();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let told = told.as_array().unwrap().iter();
    told.map(|told| (text(&told["slug"]), text(&told["message"]))).collect()
}

/// The slugs of what `validate` finds.
fn slugs(ini: &str) -> Vec<String> {
    found(ini).into_iter().map(|(slug, _)| slug).collect()
}

/// The sections `main`, `a1`, `a2` … of a kind, each made with the name of the next.
fn row(length: usize, last: &str, section: impl Fn(&str, &str) -> String) -> String {
    let name = |number| if number == 0 { "main".to_owned() } else { format!("a{number}") };
    let next = |number| if number + 1 == length { last.to_owned() } else { name(number + 1) };
    let sections = (0..length).map(|number| section(&name(number), &next(number)));
    sections.collect()
}

fn numbered(line: impl Fn(usize) -> String) -> String {
    (0..100_000).map(line).collect()
}

#[test]
fn one_line_may_be_ten_megabytes_long() {
    let ini = format!("[app:main]\nuse = {}\n", "x".repeat(10 << 20));
    let finished = Test::new().ini(&ini).validate().status(1);
    let finished = finished.tells("error[unknown-section]: no app is called `xxxx").tells("2:7");
    assert!(finished.stderr.len() < 4096, "{} bytes", finished.stderr.len());
}

#[test]
fn ten_megabytes_of_empty_lines_are_a_file() {
    let ini = format!("{}[app:main]\nuse = egg:pasteline#respond\n", "\n".repeat(10 << 20));
    Test::new().ini(&ini).arguments("show --name main").run().status(0).prints(":10485761)");
}

#[test]
fn a_file_may_have_a_hundred_thousand_sections() {
    let sections = numbered(|number| format!("[s{number}]\na = 1\n"));
    let shown = Test::new().ini(&(sections + APP)).arguments("show --sections").run().status(0);
    shown.prints("[s99999]  (api-paste.ini:199999)\n");
}

#[test]
fn a_section_may_have_a_hundred_thousand_options() {
    let options = numbered(|number| format!("k{number} = 1\n"));
    let found = slugs(&format!("{APP}{options}"));
    let unknown = found.iter().filter(|slug| *slug == "unknown-option").count();
    assert_eq!(unknown, 10_000);
    assert_eq!(found.iter().filter(|slug| *slug == "too-many-faults").count(), 1);
}

#[test]
fn a_pipeline_of_200_000_filters_is_refused() {
    let ini = format!("[pipeline:main]\npipeline = {} last\n{APP}", "none ".repeat(200_000));
    let expected = "what is asked for has more than 100000 parts".to_owned();
    assert_eq!(found(&ini)[0], ("too-large".to_owned(), expected));
}

#[test]
fn sections_that_lead_ten_thousand_deep_are_refused_once() {
    for link in LINKS {
        let ini = row(10_000, "last", link) + APP + FILTER;
        let expected = "sections lead to sections more than 480 deep".to_owned();
        assert_eq!(found(&ini), [("too-deep".to_owned(), expected)], "{}", &ini[..80]);
    }
}

#[test]
fn a_circle_of_sections_is_one_fault_its_middle_left_out() {
    for link in LINKS {
        let ini = row(200, "main", link);
        let [(slug, message)] = &found(&ini)[..] else { panic!("one fault: {:?}", found(&ini)) };
        assert_eq!(slug, "cycle");
        assert!(message.contains("` → 193 more → `"), "{message}");
    }
}

#[test]
fn a_circle_of_ten_thousand_sections_is_one_fault() {
    for link in LINKS {
        let ini = row(10_000, "main", link);
        let [(slug, message)] = &found(&ini)[..] else { panic!("one fault: {:?}", found(&ini)) };
        assert_eq!(slug, "cycle");
        assert!(message.contains("` → 9993 more → `"), "{message}");
    }
}

/// Files `0.ini`, `1.ini` … that each use the section `main` of the next, and the last of the
/// first.
fn files(count: usize) -> Test {
    (0..count).fold(with_little_stack(), |test, number| {
        let next = (number + 1) % count;
        test.file(&format!("{number}.ini"), format!("[app:main]\nuse = config:{next}.ini\n"))
    })
}

#[test]
fn files_that_include_one_another_come_to_an_end() {
    for (count, slug) in [(10_000, "too-deep"), (100, "cycle")] {
        let finished = files(count).arguments("validate 0.ini").run().status(1);
        let told = finished.tells(&format!("error[{slug}]")).tells(" more → ");
        told.tells("1 error in 0.ini");
    }
}

#[test]
fn a_file_that_includes_itself_is_a_circle() {
    let ini = "[app:main]\nuse = config:api-paste.ini\n";
    assert_eq!(slugs(ini), ["cycle"]);
}

#[test]
fn a_chain_of_ten_thousand_references_is_one_fault() {
    let link = |number| format!("k{number} = %(k{})s\n", number + 1);
    let links: String = (0..10_000).map(link).collect();
    let found = found(&format!("[DEFAULT]\n{links}k10000 = x\n{APP}"));
    let [(slug, message)] = &found[..] else { panic!("one fault: {} of them", found.len()) };
    assert_eq!(slug, "deep-reference");
    assert_eq!(message, "`k0` leads from value to value more than 10 times");
}

#[test]
fn a_circle_of_ten_thousand_references_is_one_fault() {
    let link = |number| format!("k{number} = %(k{})s\n", (number + 1) % 10_000);
    let links: String = (0..10_000).map(link).collect();
    let found = found(&format!("[DEFAULT]\n{links}{APP}"));
    let [(slug, message)] = &found[..] else { panic!("one fault: {} of them", found.len()) };
    assert_eq!(slug, "circular-reference");
    assert!(message.contains("`k5` → 9989 more → `k9995`"), "{message}");
}

#[test]
fn ten_levels_of_a_hundred_references_each_are_refused() {
    let level = |number| format!("k{number} = {}\n", format!("%(k{})s", number + 1).repeat(100));
    let levels: String = (0..9).map(level).collect();
    let found = slugs(&format!("{APP}body = %(k0)s\n{levels}k9 = x\n"));
    assert!(found.contains(&"large-value".to_owned()), "{found:?}");
    assert!(found.len() < 20, "{found:?}");
}

/// What is wrong with the settings of a service: options `a0`, `a1` …, of which `log_file` is made.
fn wrong_with_settings(options: &str) -> Vec<(String, String)> {
    let conf = format!("[DEFAULT]\n{options}log_file = $a0\n");
    let test = with_little_stack().ini(APP).file("api.conf", conf);
    let told = test.arguments("validate --config-file api.conf --format json").run().status(1);
    let told: Json = serde_json::from_str(&told.stdout).unwrap();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let told = told.as_array().unwrap().iter();
    told.map(|told| (text(&told["slug"]), text(&told["message"]))).collect()
}

#[test]
fn a_chain_of_ten_thousand_settings_is_one_fault() {
    let link = |number| format!("a{number} = $a{}\n", number + 1);
    let links: String = (0..10_000).map(link).collect();
    let expected = "`log_file` leads from value to value more than 50 times";
    let found = wrong_with_settings(&format!("{links}a10000 = x\n"));
    assert_eq!(found, [("deep-reference".to_owned(), expected.to_owned())]);
}

#[test]
fn settings_that_double_nothing_are_refused() {
    let double = |number| format!("a{number} = $a{0}$a{0}\n", number + 1);
    let doubles: String = (0..40).map(double).collect();
    let expected = "`log_file` is made of more than 1000 references";
    let found = wrong_with_settings(&format!("{doubles}a40 =\n"));
    assert_eq!(found, [("large-value".to_owned(), expected.to_owned())]);
}

#[test]
fn composites_that_name_the_next_one_twice_are_refused() {
    let section = |name: &str, next: &str| {
        format!("[composite:{name}]\nuse = egg:Paste#urlmap\n/a = {next}\n/b = {next}\n")
    };
    assert_eq!(slugs(&(row(19, "last", section) + APP)), ["too-large"]);
    assert_eq!(slugs(&(row(12, "last", section) + APP)), [""; 0]);
    let shown =
        Test::new().ini(&(row(12, "last", section) + APP)).arguments("show --format json").run();
    assert_eq!(shown.status(0).stdout.matches("\"app:last\"").count(), 2 << 12);
}

#[test]
fn strange_bytes_are_read_as_python_reads_them() {
    for (text, expected) in [
        ("[app:main]\rbody = a\r\nuse = egg:pasteline#respond\r", &[][..]),
        ("[app:main]\nuse = egg:pasteline#respond\nbody = a\0b\n", &[]),
        ("\0[app:main]\nuse = egg:pasteline#respond\n", &["missing-section-header"]),
        ("\u{feff}[app:main]\nuse = egg:pasteline#respond\n", &["byte-order-mark"]),
    ] {
        assert_eq!(slugs(text), expected, "{text:?}");
    }
    let marked = Test::new().ini("\u{feff}[app:main]\nuse = egg:pasteline#respond\n").validate();
    marked.tells("the file begins with a byte order mark, U+FEFF").tells("remove the byte order");
}

#[test]
fn a_byte_that_is_no_text_is_named_with_its_place() {
    let test = Test::new().file("api-paste.ini", b"[app:main]\nuse = caf\xe9\n");
    let finished = test.validate().status(1);
    finished.tells("is not UTF-8: byte 0xe9 at offset 20").tells("api-paste.ini:2:10");
}

#[test]
fn what_is_no_file_is_neither_waited_for_nor_read_for_ever() {
    let test = Test::new().file("directory/a", "");
    let pipe = test.directory().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, expected) in [
        ("directory", "`directory`: it is a directory"),
        ("pipe", "`pipe`: it is not a regular file"),
        ("/dev/zero", "`/dev/zero`: it is not a regular file"),
        ("/dev/stdin", "`/dev/stdin`: it is not a regular file"),
    ] {
        let ini = format!("[app:main]\nuse = config:{path}\n");
        fs::write(test.directory().join("api-paste.ini"), ini).unwrap();
        let finished = Finished::of(&test.command(&["validate".to_owned()]).output().unwrap());
        finished.status(1).tells(&format!("error[unreadable-file]: cannot read {expected}"));
        let finished =
            Finished::of(&test.command(&["validate", path].map(str::to_owned)).output().unwrap());
        finished.status(1).tells(expected);
    }
}

#[test]
fn a_file_may_change_while_it_is_read() {
    let test = Test::new().ini(APP);
    let (file, is_done) = (test.directory().join("api-paste.ini"), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let long = format!("{APP}body = {}\n", "x".repeat(1 << 20));
            while !is_done.load(Ordering::Relaxed) {
                fs::write(&file, &long).unwrap();
                fs::write(&file, APP).unwrap();
            }
        });
        let read = || test.command(&["validate".to_owned()]).output().unwrap().status.code();
        let statuses: Vec<_> = (0..20).map(|_| read()).collect();
        is_done.store(true, Ordering::Relaxed);
        assert!(statuses.iter().all(|status| matches!(status, Some(0 | 1))), "{statuses:?}");
    });
}

#[test]
fn deep_trees_need_little_stack() {
    let link = |name: &str, next: &str| format!("[pipeline:{name}]\npipeline = named {next}\n");
    let deep = row(478, "last", link) + APP + FILTER;
    for arguments in [
        "show",
        "show --format json",
        "graph --format dot",
        "graph --format mermaid",
        "graph --format svg",
        "graph --format tree",
        "validate --format json",
        "fmt --check",
        "route api-paste.ini GET /",
    ] {
        let test = with_little_stack().arguments(arguments);
        let finished = test.ini(&deep).run();
        let expected = i32::from(arguments.starts_with("fmt"));
        assert_eq!((finished.status, &*finished.stderr), (Some(expected), ""), "{arguments}");
        assert!(!finished.stdout.is_empty(), "{arguments}");
    }
}
