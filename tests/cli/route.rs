//! `route`: which way a request takes, and what it tells of requests that it does not understand.

use crate::support::Test;

const SHOP: &str = "\
[composite:main]
use = egg:Paste#urlmap
/tea = tea
domain tea.org = shelf

[pipeline:tea]
pipeline = lock shelf

[composite:shelf]
use = egg:Paste#cascade
app1 = egg:pasteline#echo
app2 = pot

[filter:lock]
use = egg:Tea#lock

[app:pot]
use = egg:pasteline#respond
";

#[test]
fn tells_every_step_with_its_place() {
    let expected = "\
GET /tea/green?cups=2, no host

comes to                     script name  path info   place             what happens
composite:main               -            /tea/green  api-paste.ini:1   `/tea` takes it
/tea → pipeline:tea          /tea         /green      api-paste.ini:6
filter:lock                  /tea         /green      api-paste.ini:14
composite:shelf              /tea         /green      api-paste.ini:9   tries 2 apps, the next one after each 404
  app1 → egg:pasteline#echo  /tea         /green      api-paste.ini:11  answers if it is tried
  app2 → app:pot             /tea         /green      api-paste.ini:17  answers if it is tried

Any filter may answer by itself or change the request; then what follows it may differ.
";
    let arguments = "route api-paste.ini GET /tea/green?cups=2";
    let finished = Test::new().ini(SHOP).arguments(arguments).run().status(0);
    assert_eq!((&*finished.stdout, &*finished.stderr), (expected, ""));
}

#[test]
fn tells_that_nothing_takes_a_request() {
    let finished = Test::new().ini(SHOP).arguments("route api-paste.ini GET /coffee").run();
    let finished = finished.status(0).prints("no key takes it, so the answer is 404");
    assert!(!finished.stdout.contains("filter"), "{}", finished.stdout);
}

#[test]
fn the_url_or_a_header_names_the_host() {
    for arguments in ["GET http://tea.org/", "GET / -H Host:tea.org"] {
        let finished = Test::new().ini(SHOP).arguments("route api-paste.ini").arguments(arguments);
        finished.run().status(0).prints("host tea.org").prints("domain tea.org → composite:shelf");
    }
}

#[test]
fn tells_tools_the_same_as_json() {
    let arguments = "route api-paste.ini PUT http://shop.org/tea/x --format json";
    let finished = Test::new().ini(SHOP).arguments(arguments).run().status(0);
    let told: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        (&told["method"], &told["target"], &told["host"]),
        (&"PUT".into(), &"/tea/x".into(), &"shop.org".into())
    );
    let expected = serde_json::json!({
        "section": "app:pot",
        "kind": "app",
        "factory": "egg:pasteline#respond",
        "key": "app2",
        "depth": 1,
        "script_name": "/tea",
        "path_info": "/x",
        "reason": "",
        "file": "api-paste.ini",
        "line": 17,
        "column": 2,
    });
    assert_eq!(told["steps"].as_array().unwrap().last(), Some(&expected));
}

#[test]
fn a_request_that_is_not_understood_is_wrong_usage() {
    for arguments in ["GET", "GET tea", "G@T /", "GET / -H tea", "GET ftp://tea.org/"] {
        let finished = Test::new().ini(SHOP).arguments("route api-paste.ini").arguments(arguments);
        finished.run().status(2);
    }
}

#[test]
fn tells_what_is_wrong_with_the_file() {
    let text = SHOP.replace("= lock shelf", "= look shelf");
    let finished = Test::new().ini(&text).arguments("route api-paste.ini GET /").run().status(1);
    assert_eq!(finished.stdout, "");
    finished.tells("no filter is called `look`");
}
