//! What becomes of files.

use super::*;
use crate::app::Filter;
use crate::diagnostic::Fix;
use crate::graph::DropIns;
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings::Reader;

/// The main file in the tests. Neither it nor any other file is there.
const FILE: &str = "/no/such/paste.ini";

/// Mends a main file, with others beside it by their names; those that begin with `over` lie over
/// it.
fn mend(files: &[(&str, &str)], most: Applicability) -> Outcome {
    let mut sources = Sources::default();
    let mut input = Input { file: FILE.into(), drop_ins: DropIns::Ignored, ..Input::default() };
    for (name, text) in files {
        let path = Path::new(FILE).with_file_name(name);
        sources.substitute(&path, *text);
        if name.starts_with("over") {
            input.overlays.push(path);
        }
    }
    fix_with(&input, &Registry::builtin(), most, sources)
}

/// The text after a fix, and what was done. A second time nothing is done.
fn mended(text: &str, most: Applicability) -> (String, Vec<String>) {
    let outcome = mend(&[("paste.ini", text)], most);
    let after = match &outcome.files[..] {
        [] => text.to_owned(),
        [file] => file.after.to_string(),
        files => panic!("{files:?}"),
    };
    let again = mend(&[("paste.ini", &after)], most);
    assert_eq!((again.files, again.fixed), (Vec::new(), Vec::new()), "{text:?} became {after:?}");
    let done = outcome.fixed.iter();
    (
        after,
        done.map(|Fixed { line, column, slug, .. }| format!("{line}:{column} {slug}")).collect(),
    )
}

#[track_caller]
fn assert_mended(most: Applicability, before: &str, after: &str, done: &[&str]) {
    let (found, fixed) = mended(before, most);
    assert_eq!(found, after, "of {before:?}");
    assert_eq!(fixed, done, "of {before:?}");
}

/// What stands in each row of a table: a text, what it becomes, and what was done where.
type Row<'a> = (&'a str, &'a str, &'a [&'a str]);

#[track_caller]
fn assert_safe(rows: &[Row<'_>]) {
    for (before, after, done) in rows {
        assert_mended(Applicability::Safe, before, after, done);
        // What is safe does not depend on how lines end.
        let crlf = |text: &str| text.replace('\n', "\r\n");
        assert_mended(Applicability::Safe, &crlf(before), &crlf(after), done);
    }
}

/// The fixes are there, but a person must look.
#[track_caller]
fn assert_unsafe(rows: &[Row<'_>]) {
    for (before, after, done) in rows {
        assert_eq!(mended(before, Applicability::Safe), ((*before).to_owned(), Vec::new()));
        assert_mended(Applicability::Unsafe, before, after, done);
        let crlf = |text: &str| text.replace('\n', "\r\n");
        assert_mended(Applicability::Unsafe, &crlf(before), &crlf(after), done);
    }
}

#[test]
fn mends_lines() {
    assert_safe(&[
        ("\u{feff}[s]\n", "[s]\n", &["1:1 byte-order-mark"]),
        ("[DEFAULT\na = 1\n", "[DEFAULT]\na = 1\n", &["1:1 unclosed-header"]),
        ("[app:main\na = 1\n", "[app:main]\na = 1\n", &["1:1 unclosed-header"]),
        ("[s]\na = 1\n[t  \nb = 1", "[s]\na = 1\n[t]  \nb = 1", &["3:1 unclosed-header"]),
    ]);
    assert_unsafe(&[
        (
            "# c\n\na = 1\nb = 2\n",
            "# c\n\n[DEFAULT]\na = 1\nb = 2\n",
            &["3:1 missing-section-header"],
        ),
        ("[s]\n[t:a\nb = 1\n", "[s]\n[t:a]\nb = 1\n", &["2:1 unclosed-header"]),
        ("[s]\n[1, 2\n", "[s]\n[1, 2]\n", &["2:1 unclosed-header"]),
    ]);
}

#[test]
fn takes_out_what_is_given_again_and_says_the_same() {
    assert_safe(&[
        ("[s]\na = 1\nb = 2\na: 1\nc =\n", "[s]\na = 1\nb = 2\nc =\n", &["4:1 duplicate-option"]),
        (
            "[s]\na =\n  1\n\n 2\na = \n  1\n\n  2\n\n# c\n",
            "[s]\na =\n  1\n\n 2\n\n# c\n",
            &["6:1 duplicate-option"],
        ),
        ("[s]\na = 1\na = 1", "[s]\na = 1\n", &["3:1 duplicate-option"]),
        (
            "[DEFAULT]\na = 1\n[s]\na = 1\n[DEFAULT]\na = 1\na = 1\n",
            "[DEFAULT]\na = 1\n[s]\na = 1\n[DEFAULT]\n",
            &["6:1 duplicate-option", "7:1 duplicate-option"],
        ),
        (
            "[s]\na = 1\n\n[t]\n[s]\na = 1\n\n# c\n[u]\n",
            "[s]\na = 1\n\n[t]\n\n# c\n[u]\n",
            &["5:2 duplicate-section"],
        ),
        ("[s]\na = 1\n[s]\n\n[u]\n", "[s]\na = 1\n\n[u]\n", &["3:2 duplicate-section"]),
        ("[s]\n[s]\na = 1\na = 1\n", "[s]\n[s]\na = 1\n", &["4:1 duplicate-option"]),
    ]);
}

#[test]
fn fixes_that_only_touch_are_applied_together() {
    let text = format!("[s]\n{}", "a = 1\n".repeat(100));
    let (after, done) = mended(&text, Applicability::Safe);
    assert_eq!((&*after, done.len()), ("[s]\na = 1\n", 99));
}

#[test]
fn what_has_a_comment_is_taken_out_by_a_person() {
    assert_unsafe(&[
        ("[s]\na = 1\n# c\na = 1\n", "[s]\na = 1\n# c\n", &["4:1 duplicate-option"]),
        ("[s]\na = 1\n 2\na = 1\n# c\n 2\n", "[s]\na = 1\n 2\n", &["4:1 duplicate-option"]),
        ("[s]\na = 1\n; c\n[s]\na = 1\n", "[s]\na = 1\n; c\n", &["4:2 duplicate-section"]),
    ]);
}

#[test]
fn what_is_given_again_and_says_something_else_is_kept() {
    for text in [
        "[s]\na = 1\na = 2\n",
        "[s]\na = 1\n[s]\na = 2\n",
        "[s]\na = 1\nb = 2\n[s]\na = 1\n",
        "[s]\na = 1\n[s]\na = 1\nand this\n",
        // Without the second section, the header after it would be a part of the value.
        "[s]\na = 1\n[s]\n  [t]\n",
    ] {
        assert_eq!(mended(text, Applicability::Unsafe), (text.to_owned(), Vec::new()));
    }
}

#[test]
fn mends_references() {
    const RESPOND: &str = "[app:main]\nuse = egg:pasteline#respond\nbody = ";
    let assert = |assert: fn(&[Row<'_>]), before: &str, after: &str, done: &str| {
        let (before, after) = (format!("{RESPOND}{before}\n"), format!("{RESPOND}{after}\n"));
        assert(&[(&before, &after, &[done])]);
    };
    assert(assert_safe, "100% of 5%d", "100%% of 5%%d", "3:11 stray-percent");
    assert(assert_safe, "a\n  % b", "a\n  %% b", "4:3 stray-percent");
    assert(assert_safe, "%(here)/a", "%(here)s/a", "3:8 unfinished-reference");
    assert(assert_unsafe, "%(here)d", "%%(here)d", "3:8 unfinished-reference");
    assert(assert_unsafe, "%(there)/a", "%%(there)/a", "3:8 unfinished-reference");
    assert(assert_unsafe, "%(hree)s", "%(here)s", "3:8 unknown-reference");
}

#[test]
fn corrects_names() {
    const PAGE: &str = "[app:page]\nuse = egg:pasteline#echo\n";
    for (text, wrong, right, done) in [
        ("[app:main]\nuse = egg:pasteline#ecko\n", "ecko", "echo", "2:7 unknown-app"),
        ("[filter:f]\nuse = egg:pasteline#pas\n", "pas\n", "pass\n", "2:7 unknown-filter"),
        ("[server:s]\nuse = egg:pasteline#htp\n", "htp", "http", "2:7 unknown-server"),
        ("[app:main]\nuse = eg:pasteline#echo\n", "eg:", "egg:", "2:7 unknown-scheme"),
        ("[app:main]\nuse = pgae\n", "pgae", "page", "2:7 unknown-section"),
        ("[pipeline:main]\npipeline =\n  pgae\n", "pgae", "page", "3:3 unknown-section"),
        (
            "[composite:main]\nuse = egg:Paste#urlmpa\n/ = page\n",
            "urlmpa",
            "urlmap",
            "2:17 unknown-entry-point",
        ),
        (
            "[composite:main]\nuse = egg:pasteline#urlmpa\n/ = page\n",
            "urlmpa",
            "urlmap",
            "2:7 unknown-composite",
        ),
        (
            "[composite:main]\nuse = egg:pasteline#strategy\nstrategy = kye\nkey = page\n",
            "kye",
            "key",
            "3:12 unknown-strategy",
        ),
        (
            "[app:main]\nuse = egg:pasteline#respond\nstatsu = 204\n",
            "statsu",
            "status",
            "3:1 unknown-option",
        ),
        (
            "[app:main]\nuse = egg:pasteline#respond\nget statsu = code\n[DEFAULT]\ncode = 204\n",
            "statsu",
            "status",
            "3:1 unknown-option",
        ),
        (
            "[app:main]\nuse = egg:pasteline#respond\nget status = cdoe\n[DEFAULT]\ncode = 204\n",
            "cdoe",
            "code",
            "3:14 unknown-global",
        ),
        (
            "# pasteline: allow-file unused-sektion\n[DEFAULT]\n",
            "sektion",
            "section",
            "1:25 unknown-allowance",
        ),
    ] {
        let text = format!("{text}{PAGE}");
        assert_unsafe(&[(&text, &text.replacen(wrong, right, 1), &[done])]);
    }
}

#[test]
fn a_name_that_came_through_a_reference_is_not_corrected() {
    let text =
        "[DEFAULT]\na = pgae\n[app:main]\nuse = %(a)s\n[app:page]\nuse = egg:pasteline#echo\n";
    assert_eq!(mended(text, Applicability::Unsafe), (text.to_owned(), Vec::new()));
}

/// Filters and an app for pipelines.
const PARTS: &str = "\
[filter:a]
use = egg:pasteline#request_id
[filter:b]
use = egg:pasteline#catch_errors
[filter:c]
use = egg:pasteline#pass
[app:d]
use = egg:pasteline#echo
";

#[test]
fn mends_pipelines() {
    for (before, after, done) in [
        ("b a d", "a b d", "2:14 filter-order"),
        ("b\n  # x\n  c\n  a d", "a\n  # x\n  b\n  c d", "5:3 filter-order"),
        ("c a c d", "c a d", "2:16 repeated-filter"),
        ("c\n  # x\n  c a\n  d", "c\n  # x\n  a\n  d", "4:3 repeated-filter"),
        ("c\n  # x\n  c\n  d", "c\n  # x\n  d", "4:3 repeated-filter"),
        ("c\n  a c\n  d", "c\n  a\n  d", "3:5 repeated-filter"),
    ] {
        let text = |pipeline| format!("[pipeline:main]\npipeline = {pipeline}\n{PARTS}");
        assert_unsafe(&[(&text(before), &text(after), &[done])]);
    }
}

#[test]
fn mends_what_is_allowed_and_hardly_meant() {
    const RESPOND: &str = "[app:main]\nuse = egg:pasteline#respond\n";
    for (before, after, done) in [
        ("body = Closed  # until eight\n", "# until eight\nbody = Closed\n", "3:16 inline-comment"),
        (
            "body = Closed\n  until ;; x\n  eight",
            "body = Closed\n;; x\n  until\n  eight",
            "4:9 inline-comment",
        ),
        ("body = Closed # x", "# x\nbody = Closed", "3:15 inline-comment"),
        ("body = x\n \tstatus = 404\n", "body = x\nstatus = 404\n", "4:3 joined-options"),
        (
            "body = x\n[DEFAULT]\nbody = y\n",
            "set body = x\n[DEFAULT]\nbody = y\n",
            "3:1 hidden-option",
        ),
    ] {
        assert_unsafe(&[(&format!("{RESPOND}{before}"), &format!("{RESPOND}{after}"), &[done])]);
    }
    assert_unsafe(&[
        (
            "[servers:main]\nuse = egg:pasteline#http\n",
            "[server:main]\nuse = egg:pasteline#http\n",
            &["1:2 near-kind"],
        ),
        (
            "[filter:c]\nuse = egg:pasteline#cors\nallow_credentials = yes\nallowed_origin = *\n",
            "[filter:c]\nuse = egg:pasteline#cors\nallow_credentials = false\nallowed_origin = *\n",
            &["4:18 wildcard-credentials"],
        ),
    ]);
}

#[test]
fn a_warning_that_is_silenced_is_not_mended() {
    let text = "# pasteline: allow near-kind\n[servers:main]\nuse = egg:pasteline#http\n";
    assert_eq!(mended(text, Applicability::Unsafe), (text.to_owned(), Vec::new()));
}

#[test]
fn goes_on_with_what_earlier_fixes_bring_to_light() {
    let before = "[a]\nb = 1\nb = 1\n[DEFAULT\nc = 5%\n[app:main]\nuse = egg:pasteline#echo\n";
    let after = "[a]\nb = 1\n[DEFAULT]\nc = 5%%\n[app:main]\nuse = egg:pasteline#echo\n";
    // The places are those in the file as it was.
    let done = ["3:1 duplicate-option", "4:1 unclosed-header", "5:6 stray-percent"];
    assert_safe(&[(before, after, &done)]);
}

#[test]
fn changes_the_main_file_and_overlays_and_tells_of_the_others() {
    let outcome = mend(
        &[
            (
                "paste.ini",
                "[app:main]\nuse = config:other.ini\n[app:a]\nuse = egg:pasteline#echo\n",
            ),
            ("over.ini", "[DEFAULT]\nb = 1\nb = 1\n"),
            ("other.ini", "[app:main]\nuse = egg:pasteline#respond\nbody = 5%\n"),
        ],
        Applicability::Safe,
    );
    let changed: Vec<_> = outcome.files.iter().map(|file| &*file.path).collect();
    assert_eq!(changed, [Path::new("/no/such/over.ini")]);
    assert_eq!(outcome.elsewhere, [Path::new("/no/such/other.ini")]);
    assert!(outcome.left.iter().any(|found| found.slug == "stray-percent"));
}

#[test]
fn a_fix_that_brings_more_errors_is_left_out_and_the_others_are_applied() {
    let before = "[pipeline:main]\npipeline = 5% nothing of this\n[a]\nb = 1\nb = 1\n";
    let after = "[pipeline:main]\npipeline = 5% nothing of this\n[a]\nb = 1\n";
    let outcome = mend(&[("paste.ini", before)], Applicability::Safe);
    assert_eq!(&*outcome.files[0].after, after);
    assert_eq!((outcome.fixed.len(), outcome.refused), (1, 1));
    assert_eq!(outcome.left[0].slug, "stray-percent");
}

crate::settings! {
    /// Says of its option that it is to be `b`, and that it is safe to make it so.
    struct Liar {
        /// An option.
        option: String,
    }
}

impl FilterFactory for Liar {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.option == "b" {
            return;
        }
        let place = reader.given("option").and_then(|value| value.span);
        let (title, applicability) = ("lie".to_owned(), Applicability::Safe);
        let edits = place.into_iter().map(|place| (place, "b".to_owned())).collect();
        let fix = Fix { title, edits, applicability };
        reader.note("option", Diagnostic::warning("literal-wildcard", "it is no lie").fix(fix));
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::pass())
    }
}

#[test]
fn what_is_said_in_several_ways_is_for_its_writer_to_decide() {
    for text in [
        "[s]\na = 1\na = 2\na = 1\n",
        "[s]\na = 1\na = 1\na = 2\n",
        "[DEFAULT]\na = 1\na = 2\n[s]\n[DEFAULT]\na = 1\n",
    ] {
        assert_mended(Applicability::Unsafe, text, text, &[]);
    }
}

#[test]
fn a_fix_that_changes_what_can_be_loaded_is_not_safe_whatever_it_says() {
    let registry = Registry::default().with(Definition::filter::<Liar>("liar"));
    let input = Input::new(FILE);
    let mut sources = Sources::default();
    sources.substitute(Path::new(FILE), "[filter:main]\nuse = egg:pasteline#liar\noption = a\n");
    let outcome = |most| fix_with(&input, &registry, most, sources.afresh());
    let safe = outcome(Applicability::Safe);
    assert_eq!((safe.files, safe.fixed, safe.refused), (Vec::new(), Vec::new(), 1));
    assert!(outcome(Applicability::Unsafe).files[0].after.ends_with("option = b\n"));
}
