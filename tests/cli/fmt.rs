//! `fmt`: which files are written, and what is printed instead.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::support::{Finished, Test};

const UNTIDY: &str = "[app:main]\nuse=egg:Demo\n";
const TIDY: &str = "[app:main]\nuse = egg:Demo\n";
const DIFFERENCE: &str = "\
--- api-paste.ini
+++ api-paste.ini
@@ -1,2 +1,2 @@
 [app:main]
-use=egg:Demo
+use = egg:Demo
";
const FAULTY: &str = "[app:main]\nuse=egg:Demo\njunk\n";

/// Runs `fmt` in a directory with an untidy, a tidy and a faulty file.
fn fmt(arguments: &str) -> (Test, Finished) {
    let test = Test::new().ini(UNTIDY).file("tidy.ini", TIDY).file("faulty.ini", FAULTY);
    let test = test.arguments("fmt").arguments(arguments);
    let finished = test.run();
    (test, finished)
}

fn read(test: &Test, name: &str) -> String {
    String::from_utf8(fs::read(test.directory().join(name)).unwrap()).unwrap()
}

#[test]
fn rewrites_the_file_that_lies_here() {
    let (test, finished) = fmt("");
    let finished = finished.status(0);
    assert_eq!((&*finished.stdout, &*finished.stderr), ("", ""));
    assert_eq!(read(&test, "api-paste.ini"), TIDY);
}

#[test]
fn leaves_nothing_else_behind() {
    let (test, _) = fmt("");
    let names = fs::read_dir(test.directory()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["api-paste.ini", "faulty.ini", "tidy.ini"]);
}

#[test]
fn a_faulty_file_is_left_alone_and_the_others_are_written() {
    let (test, finished) = fmt("faulty.ini none.ini api-paste.ini");
    finished
        .status(1)
        .tells("faulty.ini:3:1")
        .tells("not-an-option")
        .tells("cannot read `none.ini`: no such file or directory");
    assert_eq!(read(&test, "faulty.ini"), FAULTY);
    assert_eq!(read(&test, "api-paste.ini"), TIDY);
}

#[test]
fn checks_without_writing() {
    let (test, finished) = fmt("--check tidy.ini api-paste.ini");
    assert_eq!(finished.status(1).stdout, "api-paste.ini\n");
    assert_eq!(read(&test, "api-paste.ini"), UNTIDY);
    let (_, finished) = fmt("--check tidy.ini");
    assert_eq!(finished.status(0).stdout, "");
}

#[test]
fn shows_differences_without_writing() {
    let (test, finished) = fmt("--diff tidy.ini api-paste.ini");
    assert_eq!(finished.status(0).stdout, DIFFERENCE);
    assert_eq!(read(&test, "api-paste.ini"), UNTIDY);
    let (_, finished) = fmt("--diff --check api-paste.ini");
    assert_eq!(finished.status(1).stdout, DIFFERENCE);
}

#[test]
fn prints_what_standard_input_becomes() {
    let fmt = |text: &str| Test::new().input(text).arguments("fmt -").run();
    assert_eq!(fmt(UNTIDY).status(0).stdout, TIDY);
    assert_eq!(fmt(TIDY).status(0).stdout, TIDY);
    let finished = fmt(FAULTY).status(1).tells("<stdin>:3:1");
    assert_eq!(finished.stdout, "");
}

#[test]
fn a_rewritten_file_keeps_its_permissions() {
    let test = Test::new().ini(UNTIDY).arguments("fmt");
    let file = test.directory().join("api-paste.ini");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    test.run().status(0);
    assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o640);
    assert_eq!(read(&test, "api-paste.ini"), TIDY);
}

#[test]
fn a_file_that_is_read_only_stays_as_it_is() {
    let test = Test::new().ini(UNTIDY).arguments("fmt");
    let file = test.directory().join("api-paste.ini");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    test.run().status(1).tells("cannot write `api-paste.ini`: permission denied");
    assert_eq!(read(&test, "api-paste.ini"), UNTIDY);
}

#[test]
fn a_tidy_file_is_not_touched() {
    let test = Test::new().ini(TIDY).arguments("fmt");
    let inode = || test.directory().join("api-paste.ini").metadata().unwrap().ino();
    let before = inode();
    test.run().status(0);
    assert_eq!(inode(), before);
}

#[test]
fn a_link_stays_a_link() {
    let test = Test::new().file("real/paste.ini", UNTIDY).arguments("fmt");
    let link = test.directory().join("api-paste.ini");
    symlink("real/paste.ini", &link).unwrap();
    test.run().status(0);
    assert!(link.is_symlink());
    assert_eq!(read(&test, "real/paste.ini"), TIDY);
}

#[test]
fn a_file_that_cannot_be_written_stays_as_it_is() {
    // No file may grow: what happens on a full disk.
    let program = env!("CARGO_BIN_EXE_pasteline");
    let script = format!("trap '' XFSZ; ulimit -f 0; exec '{program}' fmt");
    let test = Test::program("/bin/sh").argument("-c").argument(script).ini(UNTIDY);
    test.run().status(1).tells("error: cannot write `api-paste.ini`: file too large\n");
    assert_eq!(read(&test, "api-paste.ini"), UNTIDY);
    assert_eq!(fs::read_dir(test.directory()).unwrap().count(), 1);
}
