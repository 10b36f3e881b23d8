//! `show`: trees and sections for people, JSON for tools.

use serde_json::json;

use crate::support::Test;

const FILE: &str = "\
[DEFAULT]
database = mysql://me:lemon@db/x

[pipeline:main]
pipeline = named egg:pasteline#pass app

[filter:named]
use = other
recipe_password = lemon

[filter:other]
use = egg:pasteline#headers
set_response =
    X-A: 1
    X-B: 2

[app:app]
paste.app_factory = my.own:factory
filter-with = other
shown = %(database)s
";

#[test]
fn draws_a_tree_with_places_and_without_secrets() {
    let expected = "\
for all factories
  database = mysql://me:****@db/x  (api-paste.ini:2)
pipeline:main  (api-paste.ini:4)
  filter:named  egg:pasteline#headers  (api-paste.ini:7)
    by filter:other  (api-paste.ini:11)
      set_response = X-A: 1 X-B: 2  (api-paste.ini:13)
      recipe_password = ****        (api-paste.ini:9)
  egg:pasteline#pass  (api-paste.ini:5)
  app:app  filtered  (api-paste.ini:17)
    filter:other  egg:pasteline#headers  (api-paste.ini:11)
        set_response = X-A: 1 X-B: 2  (api-paste.ini:13)
    app:app  my.own:factory  (api-paste.ini:17)
        shown = mysql://me:****@db/x  (api-paste.ini:20)
";
    let finished = Test::new().ini(FILE).arguments("show").run().status(0);
    assert_eq!((&*finished.stdout, &*finished.stderr), (expected, ""));
}

#[test]
fn shows_the_sections_as_they_were_parsed() {
    let expected = "\
[DEFAULT]
  database = mysql://me:****@db/x  (api-paste.ini:2)

[app:main]  (api-paste.ini:3)
  shown = mysql://me:****@db/x  (api-paste.ini:4)
  added = by an overlay         (over.ini:2)
";
    let file = "[DEFAULT]\ndatabase = mysql://me:lemon@db/x\n[app:main]\nshown = %(database)s\n";
    let test = Test::new().ini(file).file("over.ini", "[app:main]\nadded = by an overlay\n");
    let finished = test.arguments("show --sections --overlay over.ini").run().status(0);
    assert_eq!((&*finished.stdout, &*finished.stderr), (expected, ""));
}

#[test]
fn shows_every_section_that_can_be_loaded_and_what_is_wrong_with_the_others() {
    let file = "[filter:a]\nuse = egg:pasteline#pass\n[logger]\nx = 1\n[filter:b]\nuse = c\n";
    let finished = Test::new().ini(file).arguments("show --all").run().status(1);
    assert_eq!(finished.stdout, "filter:a  egg:pasteline#pass  (api-paste.ini:1)\n");
    finished.tells("api-paste.ini:6:7");
}

#[test]
fn prints_json_verbatim() {
    let arguments = "show --format json --name named --type filter";
    let finished = Test::new().ini(FILE).arguments(arguments).run().status(0);
    let tree: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(tree["kind"], "filter");
    assert_eq!(tree["local_conf"]["recipe_password"], "lemon");
    assert_eq!(tree["global_conf"]["database"], "mysql://me:lemon@db/x");
}

#[test]
fn prints_the_first_error_as_paste_deploy_names_it() {
    let file = "[app:main]\nuse = nobody\nuse = nobody\n[app:main]\nx\n";
    let finished = Test::new().ini(file).arguments("show --format json").run().status(1);
    let shown: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(shown["error"]["class"], "DuplicateOptionError");
    assert_eq!(shown["error"]["line"], 3);
    assert_eq!(finished.stderr, "");
}

#[test]
fn takes_globals_a_strategy_overlays_and_drop_ins() {
    let test = Test::new()
        .ini("[app:main]\nuse = egg:pasteline#respond\nbody = file\nstatus = 200\n")
        .file("api-paste.ini.d/10-a.ini", "[app:main]\nbody = drop-in\nstatus = 201\n")
        .file("over.ini", "[app:main]\nbody = overlay\n");
    let local_conf = |test: &Test| {
        let finished = test.run().status(0);
        let tree: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
        assert_eq!(tree["global_conf"]["region"], "north=1");
        tree["local_conf"].clone()
    };
    let test = test.arguments("show --format json --global region=north=1 --overlay over.ini");
    assert_eq!(local_conf(&test), json!({"body": "overlay", "status": "201"}));
    let test = test.arguments("--no-dropins");
    assert_eq!(local_conf(&test), json!({"body": "overlay", "status": "200"}));
}
