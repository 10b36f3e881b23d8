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
fn tells_every_fault_with_its_place_and_a_way_out() {
    let test = Test::new().file("faults.ini", include_str!("faults.ini")).arguments("faults.ini");
    let finished = test.validate().status(1);
    assert_eq!(finished.stdout, "");
    assert_eq!(finished.stderr, include_str!("faults.txt"));
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
