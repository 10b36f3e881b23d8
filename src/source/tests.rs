//! Tests of what is read, and of places in it.

use std::io;
use std::path::Path;

use super::*;

#[test]
fn counts_lines_as_python_does() {
    let mut sources = Sources::default();
    let id = sources.add("a.ini", "é=1\rb\r\nc\n\u{2028}d");
    let place = |offset| sources.get(id).line_and_column(offset);
    assert_eq!(place(0), (1, 1));
    assert_eq!(place(2), (1, 2));
    assert_eq!(place(5), (2, 1));
    assert_eq!(place(8), (3, 1));
    assert_eq!(place(10), (4, 1));
    assert_eq!(place(13), (4, 2));
}

#[test]
fn what_is_covered_moves_no_place() {
    let mut sources = Sources::default();
    let text = "a = \u{e9}\u{20ac}\u{1f600}x\nb\n";
    let id = sources.add("a.ini", text);
    let covered = sources.covered(|_| vec![6..14, 4..9, 5..5]);
    let shown = covered.get(id).text();
    assert_eq!(&**shown, "a = \u{d7}\u{2217}\u{1f7b0}*\nb\n");
    assert_eq!(shown.len(), text.len());
    assert_eq!(shown.encode_utf16().count(), text.encode_utf16().count());
    assert_eq!(covered.get(id).line_and_column(17), (3, 1));
}

#[test]
fn counts_the_columns_of_a_long_line_by_pieces() {
    let mut sources = Sources::default();
    let id = sources.add("a.ini", format!("x\n{}", "\u{e9}a\u{1f600}".repeat(5000)));
    for (words, offset) in [(0, 2), (1, 9), (585, 2 + 585 * 7), (586, 4104), (5000, 35_002)] {
        let source = sources.get(id);
        assert_eq!(source.line_and_column(offset), (2, 3 * words + 1), "{offset}");
        assert_eq!(source.line_and_unit(offset), (2, 4 * words + 1), "{offset}");
    }
}

#[test]
fn refuses_what_is_not_a_regular_file() {
    let mut sources = Sources::default();
    let error = sources.read(Path::new("/")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `/`: it is a directory");
    let error = sources.read(Path::new("/dev/zero")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `/dev/zero`: it is not a regular file");
}

#[test]
fn reads_what_is_no_file_under_a_name() {
    let mut sources = Sources::default();
    let id = sources.read_from(&b"[s]\n"[..], Path::new("<stdin>")).unwrap();
    assert_eq!(&**sources.get(id).text(), "[s]\n");
    let error = sources.read_from(&b"\xff"[..], Path::new("<stdin>")).unwrap_err();
    assert_eq!(error.to_string(), "`<stdin>` is not UTF-8: byte 0xff at offset 0");
    let error = sources.read_from(io::repeat(b' '), Path::new("<stdin>")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `<stdin>`: it is larger than 64 MiB");
}

#[test]
fn a_text_may_take_the_place_of_a_file() {
    let mut sources = Sources::default();
    sources.substitute(Path::new("no/such.ini"), "[s]\n");
    let id = sources.read(Path::new("no/../no/such.ini")).unwrap();
    let source = sources.get(id);
    assert_eq!((&**source.text(), source.is_exact()), ("[s]\n", true));
    assert_eq!(source.name(), Path::new("no/../no/such.ini"));
}

#[test]
fn a_path_is_shown_in_one_line() {
    let error = Sources::default().read(Path::new("a\nb.ini")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `a\\nb.ini`: no such file or directory");
}

#[test]
fn says_why_a_file_cannot_be_read() {
    let error = Sources::default().read(Path::new("no/such.ini")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `no/such.ini`: no such file or directory");
}

#[test]
fn resolves_dots_by_name() {
    assert_eq!(absolute(Path::new("/a/./b/../c.ini")), Path::new("/a/c.ini"));
    assert_eq!(absolute(Path::new("/../c.ini")), Path::new("/c.ini"));
}
