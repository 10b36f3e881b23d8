//! What texts are formatted to.

use super::*;
use crate::diagnostic::Diagnostic;

/// What a text without faults is formatted to; a second time makes no difference.
#[track_caller]
fn formatted(text: &str) -> String {
    let (document, faults, sources) = parse(text);
    assert!(!faults.iter().any(Diagnostic::is_error), "{faults:#?}");
    let once = format(&document, &sources).unwrap();
    let (document, _, sources) = parse(&once);
    assert_eq!(format(&document, &sources).as_ref(), Ok(&once), "{text:?}");
    once.to_string()
}

fn parse(text: &str) -> (Document, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    let source = sources.add("api-paste.ini", text);
    let (document, faults) = ini::parse(source, &sources);
    (document, faults, sources)
}

/// The examples of the documentation: of each rule the texts before and after.
fn examples() -> Vec<(String, String)> {
    let page = include_str!("../../docs/fmt.md");
    let visible = |text: &str| text.replace('·', " ").replace('→', "\t");
    let blocks = |sign: &str| -> Vec<_> {
        let opening = format!("```ini {sign}\n");
        let blocks = page.split(&opening).skip(1);
        blocks.filter_map(|rest| rest.split_once("```")).map(|(text, _)| visible(text)).collect()
    };
    let (before, after) = (blocks("before"), blocks("after"));
    assert_eq!(before.len(), after.len());
    before.into_iter().zip(after).collect()
}

#[test]
fn follows_the_rules_of_its_documentation() {
    for (before, after) in examples() {
        assert_eq!(formatted(&before), after, "{before}");
        assert_ne!(before, after);
    }
}

#[test]
fn every_rule_has_an_example() {
    let rules = include_str!("../../docs/fmt.md").split("\n## ").skip(1);
    for rule in rules {
        assert!(rule.contains("```ini before\n"), "{rule}");
        assert!(rule.contains("```ini after\n"), "{rule}");
    }
}

#[test]
fn what_is_empty_stays_empty() {
    for text in ["", "\n", " \t\n\u{c}\r\n"] {
        assert_eq!(formatted(text), "", "{text:?}");
    }
    assert_eq!(formatted("\n# only a comment"), "# only a comment\n");
}

#[test]
fn ends_lines_as_most_of_them_end() {
    for (text, expected) in [
        ("[a]\r\nb = 1\r\nc = 2\n", "[a]\r\nb = 1\r\nc = 2\r\n"),
        ("[a]\nb = 1\r\n", "[a]\nb = 1\n"),
        ("[a]\rb = 1\r  2\r", "[a]\nb = 1\n    2\n"),
        ("[a]\r\nb =\r\n\r\n  1", "[a]\r\nb =\r\n\r\n    1\r\n"),
    ] {
        assert_eq!(formatted(text), expected, "{text:?}");
    }
}

#[test]
fn drops_what_python_calls_blank_around_lines_but_not_inside() {
    let text = "\u{3000}[ s\u{a0}]\u{85}\n\u{a0}a\u{2003}b\u{1f}=\u{2028}c\u{b}d\u{1c}\n\u{a0} e";
    assert_eq!(formatted(text), "[ s\u{a0}]\na\u{2003}b = c\u{b}d\n    e\n");
}

#[test]
fn keeps_what_goes_on_apart_from_what_does_not() {
    for (text, expected) in [
        // Deeper than the option: a part of its value, whatever it looks like.
        ("[s]\na =\n [t]\n b = c:d\n", "[s]\na =\n    [t]\n    b = c:d\n"),
        // Not deeper than the option, though deeper than the line above.
        ("[s]\n   a = 1\n  b = 2\n   c: 3\n", "[s]\na = 1\nb = 2\n    c: 3\n"),
        // Deeper than a header, with which nothing goes on.
        ("[s]\n  a = 1\n", "[s]\na = 1\n"),
        ("[s]\n  [t]\n    a = 1\n", "[s]\n\n[t]\na = 1\n"),
        // Deep by one character, shallow by the look of it.
        ("[s]\n\ta = 1\n        b = 2\n", "[s]\na = 1\n    b = 2\n"),
    ] {
        assert_eq!(formatted(text), expected, "{text:?}");
    }
}

#[test]
fn aligns_with_the_value_by_what_is_seen() {
    for (text, expected) in [
        ("[s]\nabc\t= 1\n\t  2\n", "[s]\nabc = 1\n      2\n"),
        ("[s]\n  é=1\n    2\n     3\n", "[s]\né = 1\n    2\n     3\n"),
        ("[s]\nabc = 1\n      2\n     3\n", "[s]\nabc = 1\n     2\n    3\n"),
        ("[s]\nabc = 1\n      # 2\n", "[s]\nabc = 1\n      # 2\n"),
    ] {
        assert_eq!(formatted(text), expected, "{text:?}");
    }
}

#[test]
fn depth_is_bounded() {
    let tabs = "\t".repeat(1000);
    let key = "k".repeat(1000);
    let aligned = " ".repeat(1003);
    let text = format!("[s]\na =\n 1\n{tabs}2\n{key} = 1\n{aligned}2\n");
    let deep = " ".repeat(84);
    assert_eq!(formatted(&text), format!("[s]\na =\n    1\n{deep}2\n{key} = 1\n    2\n"));
}

#[test]
fn sections_that_touch_are_parted_where_the_comments_say() {
    for (comments, expected) in [
        ("", "\n"),
        ("# b\n", "\n# b\n"),
        ("#b=1\n", "#b=1\n\n"),
        ("; set b = 1\n", "\n; set b = 1\n"),
        ("## b: 1\n#= 2\n", "\n## b: 1\n#= 2\n"),
        ("# b\n\n\n# c\n", "# b\n\n# c\n"),
        ("# b\n\n", "# b\n\n"),
        ("  # b\n# c\n", "    # b\n\n# c\n"),
        ("# b\n  # c\n", "# b\n    # c\n\n"),
        ("\n  # b\n", "\n# b\n"),
    ] {
        let text = format!("[s]\na = 1\n{comments}[t]\n");
        assert_eq!(formatted(&text), format!("[s]\na = 1\n{expected}[t]\n"), "{comments:?}");
    }
}

#[test]
fn comments_below_a_header_may_stand_apart_from_it() {
    let text = "[s]\n\n# a\n\n[t]\n\n  # b\nc = 1\n";
    assert_eq!(formatted(text), "[s]\n\n# a\n\n[t]\n\n# b\nc = 1\n");
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let (document, faults, sources) = parse("[s]\na = 1\njunk\n  goes on with a\n");
    assert!(!faults.is_empty());
    assert_eq!(format(&document, &sources), Err(Altered));
}

#[test]
fn a_difference_in_meaning_is_seen() {
    let is_kept = |before: &str, after: &str| meaning::is_kept(&parse(before).0, &parse(after).0);
    let text = "[DEFAULT]\nd = 1\n[s]\na = 1\nb = 2\n";
    assert!(is_kept(text, "[s]\n\n  a:1\n  b:2\n[DEFAULT]\nd=1"));
    for other in [
        "[DEFAULT]\nd = 2\n[s]\na = 1\nb = 2\n",
        "[DEFAULT]\nd = 1\n[t]\na = 1\nb = 2\n",
        "[DEFAULT]\nd = 1\n[s]\na =\n 1\nb = 2\n",
        "[DEFAULT]\nd = 1\n[s]\nb = 2\na = 1\n",
        "[DEFAULT]\nd = 1\n[s]\na = 1\n",
        "[DEFAULT]\nd = 1\n[s]\na = 1\nb = 2\n[t]\n",
    ] {
        assert!(!is_kept(text, other), "{other}");
    }
}

#[test]
fn what_a_comment_silences_stays_silenced() {
    for (before, after) in [
        (
            "[a]\nb = 1\n# pasteline: allow x\n#c = 1\n[d]\n",
            "[a]\nb = 1\n\n# pasteline: allow x\n#c = 1\n[d]\n",
        ),
        (
            "[a]\nb = 1\n#c = 1\n;pasteline: allow x\n[d]\n",
            "[a]\nb = 1\n#c = 1\n\n;pasteline: allow x\n[d]\n",
        ),
        (
            "[a]\nb = 1\n  # of b\n  # pasteline: allow x\n[d]\n",
            "[a]\nb = 1\n    # of b\n\n# pasteline: allow x\n[d]\n",
        ),
    ] {
        assert_eq!(formatted(before), after);
    }
}
