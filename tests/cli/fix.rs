//! `fix`: which files are written, what is printed, and how it ends.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::support::Test;

const FAULTY: &str = "\
[app:main]\r
use = egg:pasteline#respond\r
body = 5%\tof é # all\r
# so be it\r
  status = 404";

/// What it becomes if only what is certain is done.
const SAFE: &str = "\
[app:main]\r
use = egg:pasteline#respond\r
body = 5%%\tof é # all\r
# so be it\r
  status = 404";

/// What it becomes if all is done.
const UNSAFE: &str = "\
[app:main]\r
use = egg:pasteline#respond\r
# all\r
body = 5%%\tof é\r
# so be it\r
status = 404";

const DIFFERENCE: &str = "\
--- api-paste.ini
+++ api-paste.ini
@@ -1,5 +1,5 @@
 [app:main]\r
 use = egg:pasteline#respond\r
-body = 5%\tof é # all\r
+body = 5%%\tof é # all\r
 # so be it\r
   status = 404
\\ No newline at end of file
";

/// What `unknown-section` is told of.
const ERROR: &str = "[pipeline:other]\npipeline = nothing\n";

fn read(test: &Test, name: &str) -> String {
    String::from_utf8(fs::read(test.directory().join(name)).unwrap()).unwrap()
}

#[test]
fn mends_what_is_certain_and_keeps_all_else_to_the_byte() {
    let test = Test::new().ini(FAULTY).arguments("fix");
    let finished = test.run().status(0);
    let done = "api-paste.ini:3:9: write `%%` for a percent sign (stray-percent)\n";
    assert_eq!(finished.stdout, done);
    finished
        .tells("warning[inline-comment]")
        .tells("mended 1 fault; 2 warnings left in api-paste.ini\n")
        .tells("`--unsafe` mends 2 faults more, and may change what the file means\n");
    assert_eq!(read(&test, "api-paste.ini"), SAFE);
}

#[test]
fn mends_all_if_it_is_told_to() {
    for option in ["--unsafe", "--unsafe-fixes"] {
        let test = Test::new().ini(FAULTY).arguments("fix").arguments(option);
        let finished = test.run().status(0);
        assert_eq!(finished.stdout.lines().count(), 3, "{}", finished.stdout);
        assert_eq!(finished.stderr, "mended 3 faults; nothing left in api-paste.ini\n");
        assert_eq!(read(&test, "api-paste.ini"), UNSAFE);
    }
}

#[test]
fn shows_what_would_change_and_writes_nothing() {
    let test = Test::new().ini(FAULTY).arguments("fix --diff");
    let finished = test.run().status(0);
    assert_eq!(finished.stdout, DIFFERENCE);
    let finished = finished
        .tells("api-paste.ini:3:9: write `%%` for a percent sign (stray-percent)\n")
        .tells("would mend 1 fault; 2 warnings would be left in api-paste.ini\n")
        .tells("`pasteline validate api-paste.ini` tells of all that is wrong now\n");
    assert!(!finished.stderr.contains("[inline-comment]"), "{}", finished.stderr);
    assert_eq!(read(&test, "api-paste.ini"), FAULTY);
}

#[test]
fn the_status_tells_of_errors_that_are_left() {
    let faulty = format!("{FAULTY}\n{ERROR}");
    let test = Test::new().ini(&faulty).arguments("fix --diff");
    test.run().status(1).tells("1 error, 2 warnings would be left");
    let test = Test::new().ini(&faulty).arguments("fix");
    test.run().status(1).tells("no app is called `nothing`").tells("1 error, 2 warnings left");
    assert_eq!(read(&test, "api-paste.ini"), format!("{SAFE}\n{ERROR}"));
}

#[test]
fn a_file_that_is_well_is_not_touched() {
    let test = Test::new().ini("[app:main]\nuse = egg:pasteline#echo\n").arguments("fix");
    let inode = || test.directory().join("api-paste.ini").metadata().unwrap().ino();
    let before = inode();
    let finished = test.run().status(0);
    assert_eq!(finished.stdout, "");
    assert_eq!(finished.stderr, "mended nothing; nothing left in api-paste.ini\n");
    assert_eq!(inode(), before);
}

#[test]
fn mends_overlays_and_tells_of_files_that_were_not_named() {
    let text = "[app:main]\nuse = config:part.ini\n";
    let part = "[app:main]\nuse = egg:pasteline#respond\nbody = 5%\n";
    let overlay = "[app:other]\nuse = egg:pasteline#respond\nbody = 6%\n";
    let test = Test::new().ini(text).file("part.ini", part).file("over.ini", overlay);
    let test = test.file("api-paste.ini.d/1.ini", "[DEFAULT]\na = 1\na = 1\n");
    let test = test.arguments("fix --overlay over.ini");
    let finished = test.run().status(1);
    assert!(finished.stdout.starts_with("over.ini:3:9: "), "{}", finished.stdout);
    finished
        .tells("`part.ini` was not named and stays as it is")
        .tells("`api-paste.ini.d/1.ini` was not named and stays as it is");
    assert_eq!(read(&test, "part.ini"), part);
    assert_eq!(read(&test, "over.ini"), overlay.replace('%', "%%"));
    let test = test.arguments("--no-dropins --overlay api-paste.ini.d/1.ini");
    test.run().status(1);
    assert_eq!(read(&test, "api-paste.ini.d/1.ini"), "[DEFAULT]\na = 1\n");
}

#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    let test = Test::new().file("real/paste.ini", FAULTY).arguments("fix");
    let link = test.directory().join("api-paste.ini");
    symlink("real/paste.ini", &link).unwrap();
    fs::set_permissions(&link, fs::Permissions::from_mode(0o640)).unwrap();
    test.run().status(0);
    assert!(link.is_symlink());
    assert_eq!(link.metadata().unwrap().mode() & 0o7777, 0o640);
    assert_eq!(read(&test, "real/paste.ini"), SAFE);
}

#[test]
fn a_file_that_is_read_only_stays_as_it_is() {
    let test = Test::new().ini(FAULTY).file("over.ini", "[DEFAULT]\na = 1\na = 1\n");
    let test = test.arguments("fix --overlay over.ini");
    let file = test.directory().join("api-paste.ini");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    let finished = test.run().status(1).tells("cannot write `api-paste.ini`: permission denied\n");
    // The other one is written, and told of alone.
    assert_eq!(finished.stdout, "over.ini:3:1: remove the repeated `a` (duplicate-option)\n");
    assert_eq!(read(&test, "api-paste.ini"), FAULTY);
    assert_eq!(read(&test, "over.ini"), "[DEFAULT]\na = 1\n");
}

#[test]
fn a_file_that_is_not_utf_8_stays_as_it_is() {
    let bytes = b"[app:main]\nuse = egg:pasteline#respond\nbody = 5% \xe9\n";
    let test = Test::new().file("api-paste.ini", bytes).arguments("fix --unsafe");
    test.run().status(1).tells("mended nothing; 2 errors left in api-paste.ini\n");
    assert_eq!(fs::read(test.directory().join("api-paste.ini")).unwrap(), bytes);
}

#[test]
fn without_a_file_there_is_nothing_to_mend() {
    Test::new().arguments("fix").run().status(1).tells("cannot read `api-paste.ini`");
}

#[test]
fn a_file_is_not_taken_for_another_behind_a_link() {
    let main = "[app:main]\nuse = config:link/../inc.ini#g\n[filter:f]\nuse = egg:pasteline#pass\n\
                use = egg:pasteline#pass\n";
    let overlay = "[app:main]\nbody = overlay\n";
    let other = "[app:g]\nuse = egg:pasteline#respond\nbody = inner\n";
    let test = Test::new().ini(main).file("inc.ini", overlay).file("other/inc.ini", other);
    let test = test.file("other/sub/x", "");
    symlink("other/sub", test.directory().join("link")).unwrap();
    let test = test.arguments("fix --overlay inc.ini");
    test.run().status(0).tells("mended 1 fault");
    assert_eq!(read(&test, "api-paste.ini"), main.replacen("use = egg:pasteline#pass\n", "", 1));
    assert_eq!([read(&test, "inc.ini"), read(&test, "other/inc.ini")], [overlay, other]);
}

#[test]
fn a_name_upsets_no_terminal() {
    let ini = "[filter:cors\u{1b}[31m]\nuse = egg:pasteline#pass\n[pipeline:main]\n\
               pipeline = cors\u{1b}[31n x\n[app:x]\nuse = egg:pasteline#echo\n";
    for command in
        ["fix", "validate", "show --all", "show --sections", "graph --all", "fmt --check"]
    {
        let test = Test::new().file("x\u{1b}[31m.ini", ini).arguments(command);
        let finished = test.argument("x\u{1b}[31m.ini").run();
        let told = format!("{}{}", finished.stdout, finished.stderr);
        assert!(told.contains("\\u{1b}[31m"), "{command} {finished:#?}");
        assert!(!told.contains('\u{1b}'), "{command} {finished:#?}");
    }
}
