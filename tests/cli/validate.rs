//! `validate`: everything that is wrong with a file, at once.

use std::net::TcpListener;

use crate::support::Test;

const CLEAN: &str = "\
[pipeline:main]
pipeline = named hello

[filter:named]
use = egg:pasteline#request_id

[app:hello]
use = egg:pasteline#respond
body = hello

[server:main]
use = egg:pasteline#http
";

#[test]
fn says_what_was_checked_if_all_is_well() {
    let finished = Test::new().ini(CLEAN).validate().status(0);
    let expected = "api-paste.ini is valid: 2 apps, 1 filter, 1 server\n";
    assert_eq!((&*finished.stdout, &*finished.stderr), (expected, ""));
}

#[test]
fn reads_standard_input() {
    let finished = Test::new().input(CLEAN).arguments("-").validate().status(0);
    assert_eq!(finished.stdout, "<stdin> is valid: 2 apps, 1 filter, 1 server\n");
    let faulty = CLEAN.replace("pipeline = named", "pipeline = nmed");
    let test = Test::new().input(&faulty).arguments("- --format short");
    test.validate().status(1).tells("<stdin>:2:12: error[unknown-section]");
    let test = Test::new().file("stdin", b"[app:main]\nx = \xff\n").arguments("- --format short");
    test.validate().status(1).tells("<stdin>:2:5: error[not-utf8]");
}

#[test]
fn what_standard_input_names_is_looked_for_in_the_current_directory() {
    let text = "[app:main]\nuse = config:sub/other.ini\n";
    let test = Test::new().input(text).arguments("-");
    let test =
        test.file("sub/other.ini", CLEAN).file("<stdin>.d/site.ini", "[app:main]\nuse = x\n");
    test.validate().status(0).prints("<stdin> is valid: 1 app");
    let test = Test::new().input(text).arguments("-");
    test.validate().status(1).tells("sub/other.ini");
}

#[test]
fn overlays_lie_over_standard_input() {
    let test = Test::new().input(CLEAN).arguments("- --overlay site.ini --format short");
    let test = test.file("site.ini", "[app:hello]\nbod = hello\n");
    test.validate().status(1).tells("site.ini:2:1: error[unknown-option]");
}

#[test]
fn tells_every_fault_with_its_place_and_a_way_out() {
    let test = Test::new().file("faults.ini", include_str!("faults.ini")).arguments("faults.ini");
    let finished = test.validate().status(1);
    assert_eq!(finished.stdout, "");
    assert_eq!(finished.stderr, include_str!("faults.txt"));
}

#[test]
fn tells_each_fault_at_its_line_and_column() {
    let test = Test::new().file("faults.ini", include_str!("faults.ini"));
    let finished = test.arguments("faults.ini --format short").validate().status(1);
    let places = finished.stderr.lines().map(|line| line.split("]: ").next().unwrap());
    let expected = [
        "faults.ini:7:9: error[unknown-section",
        "faults.ini:8:17: error[unreadable-file",
        "faults.ini:9:11: error[unknown-section",
        "faults.ini:16:25: error[bad-value",
        "faults.ini:19:24: error[application-code",
        "faults.ini:23:1: error[unknown-option",
        "faults.ini:24:19: error[unknown-reference",
        "faults.ini:27:7: error[missing-option",
        "faults.ini:30:7: error[unknown-app",
        "faults.ini:36:7: error[cycle",
        "faults.ini:38:2: error[duplicate-section",
        "faults.ini:40:1: error[duplicate-option",
        "12 errors in faults.ini",
    ];
    assert_eq!(places.collect::<Vec<_>>(), expected);
}

#[test]
fn tells_all_faults_as_a_sarif_log() {
    let test = Test::new().file("faults.ini", include_str!("faults.ini"));
    let finished = test.arguments("faults.ini --format sarif").validate().status(1);
    assert_eq!(finished.stderr, "");
    let log: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "pasteline");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!((rules.len(), results.len()), (11, 12));
    for result in results {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!((&result["ruleId"], &result["level"]), (&rules[rule]["id"], &"error".into()));
    }
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "faults.ini");
    let region = &place["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&7.into(), &9.into()));
    assert_eq!((&region["endLine"], &region["endColumn"]), (&7.into(), &13.into()));
    assert_eq!(region["byteLength"], 4);
}

#[test]
fn a_sarif_log_without_results_says_that_all_is_well() {
    let finished = Test::new().ini(CLEAN).arguments("--format sarif").validate().status(0);
    let log: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn warnings_can_be_denied_and_notes_cannot() {
    let warned = CLEAN.replace("named hello", "named named hello");
    Test::new().ini(&warned).validate().status(0).prints("(1 warning)");
    let denied = Test::new().ini(&warned).arguments("--deny-warnings").validate().status(1);
    denied
        .tells("warning[repeated-filter]")
        .tells("\n1 warning in api-paste.ini; `--deny-warnings` makes warnings count as errors\n");
    let noted = format!("{CLEAN}[filter:unused]\nuse = egg:pasteline#pass\n");
    let noted = Test::new().ini(&noted).arguments("--deny-warnings").validate();
    noted.status(0).prints("(1 note)");
}

#[test]
fn points_at_the_page_of_what_it_tells() {
    let ini = CLEAN.replace("body", "bdy");
    let finished = Test::new().ini(&ini).validate().status(1);
    finished.tells("\n\nfor more, run `pasteline explain unknown-option`\n1 error in");
}

#[test]
fn colours_can_be_had_without_a_terminal() {
    let ini = CLEAN.replace("body", "bdy");
    let is_coloured = |arguments| {
        let finished = Test::new().ini(&ini).arguments(arguments).validate().status(1);
        finished.stderr.contains('\u{1b}')
    };
    assert!(is_coloured("--color always"));
    assert!(!is_coloured("--color auto") && !is_coloured("--color never"));
}

#[test]
fn tells_each_fault_in_a_line_or_as_json() {
    let ini = CLEAN.replace("body", "bdy");
    let test = Test::new().ini(&ini).arguments("--format short");
    let message = "`egg:pasteline#respond` has no option `bdy`";
    let expected =
        format!("api-paste.ini:9:1: error[unknown-option]: {message}\n1 error in api-paste.ini\n");
    assert_eq!(test.validate().status(1).stderr, expected);

    let finished = Test::new().ini(&ini).arguments("--format json").validate().status(1);
    let told: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(told.as_array().unwrap().len(), 1, "{told:#}");
    assert_eq!((&told[0]["message"], &told[0]["line"]), (&message.into(), &9.into()));
    assert_eq!(finished.stderr, "");
}

#[test]
fn checks_sections_that_nothing_uses() {
    let ini = format!("{CLEAN}[filter:unused]\nuse = egg:pasteline#nothing\n");
    Test::new().ini(&ini).validate().status(1).tells("api-paste.ini:14:7");
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault() {
    let missing = Test::new().validate().status(1);
    let expected = "error[unreadable-file]: cannot read `api-paste.ini`: no such file or directory";
    missing.tells(expected).tells("1 error in api-paste.ini");
    let directory = Test::new().file("here/a.ini", "").arguments("here").validate().status(1);
    directory.tells("cannot read `here`: it is a directory");
    let overlay = Test::new().ini(CLEAN).arguments("--overlay missing.ini").validate().status(1);
    overlay.tells("cannot read `missing.ini`: no such file or directory");
}

/// A proxy to a host that does not exist, a port that is taken and a password file that is not
/// there are nothing to `validate`, and it leaves nothing behind.
#[test]
fn has_no_side_effects() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let ini = format!(
        "[pipeline:main]
pipeline = auth proxy
[filter:auth]
use = egg:pasteline#basic_auth
user_file = no-such-file
[app:proxy]
use = egg:pasteline#proxy
upstream = http://no-such-host.invalid
[server:main]
use = egg:pasteline#http
bind = {}
",
        taken.local_addr().unwrap()
    );
    let test = Test::new().ini(&ini).arguments("validate");
    test.run().status(0);
    let left = test.directory().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["api-paste.ini"]);
}

#[test]
fn every_bad_item_of_a_list_is_told_at_its_place() {
    let ini = "[filter:main]\nuse = egg:pasteline#cors\nallowed_origin = http://a,\n  bad origin\n\
               \thttp://b, %(worse)s\nallow_methods = GET\n[DEFAULT]\nworse = no origin\n";
    let finished = Test::new().ini(ini).arguments("--format short").validate().status(1);
    let told = format!("{}{}", finished.stdout, finished.stderr);
    for part in ["api-paste.ini:4:3: error[bad-value]", "api-paste.ini:5:12: error[bad-value]"] {
        assert!(told.contains(part), "{told}");
    }
}
