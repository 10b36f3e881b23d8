//! `show`: trees and sections for people, JSON for tools.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use crate::support::{Finished, Test};

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
fn shows_what_standard_input_resolves_to() {
    let show = |arguments: &str| Test::new().input(FILE).arguments(arguments).run().status(0);
    show("show - --name other --type filter").prints("(<stdin>:11)");
    show("show - --sections").prints("<stdin>");
    let test = Test::new().ini(FILE).input(FILE);
    let json = |file: &str| {
        let arguments = ["show", file, "--all", "--format", "json"].map(str::to_owned);
        test.run_with(&arguments).status(0).stdout
    };
    assert_eq!(json("-").replace("<stdin>", "api-paste.ini"), json("api-paste.ini"));
}

#[test]
fn draws_a_tree_with_places_and_without_secrets() {
    let expected = "\
for all factories
  database = mysql://me:****@db/x  (api-paste.ini:2)
pipeline:main  (api-paste.ini:4)
  filter:named  egg:pasteline#headers  (api-paste.ini:7)
    by filter:other  (api-paste.ini:11)
      set_response =          (api-paste.ini:13)
          X-A: 1
          X-B: 2
      recipe_password = ****  (api-paste.ini:9)
  egg:pasteline#pass  (api-paste.ini:5)
  app:app  filtered  (api-paste.ini:17)
    filter:other  egg:pasteline#headers  (api-paste.ini:11)
        set_response =  (api-paste.ini:13)
            X-A: 1
            X-B: 2
    app:app  my.own:factory  (api-paste.ini:17)
        shown = mysql://me:****@db/x  (api-paste.ini:20)
";
    let finished = Test::new().ini(FILE).arguments("show").run().status(0);
    assert_eq!((&*finished.stdout, &*finished.stderr), (expected, ""));
}

/// A file that comes by its options in all the ways there are, with what it includes and what lies
/// over it.
fn winding() -> Test {
    let file = "\
[DEFAULT]
limit = 17
db_password = lemon

[pipeline:main]
pipeline = small y
set limit = 18

[filter:small]
use = base

[filter:base]
paste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory

[app:y]
use = config:inc.ini#y
get status = limit

[filter:sizelimit]
use = egg:pasteline#sizelimit
max_request_body_size = 1
";
    let include = "[app:y]\nuse = egg:pasteline#respond\nbody = %(db_password)s at %(here)s\n";
    let over = "[filter:sizelimit]\nmax_request_body_size = 2\n\
        [filter:base]\nmax_request_body_size = %(limit)s\n";
    Test::new().ini(file).file("inc.ini", include).file("over.ini", over)
}

#[test]
fn tells_where_each_option_comes_from() {
    let test = winding().arguments("show --origin --overlay over.ini");
    let finished = test.run().status(0);
    let here = test.directory().display();
    let expected = format!(
        "\
for all factories
  limit = 18          ([pipeline:main] api-paste.ini:7:13)
    over 17           ([DEFAULT] api-paste.ini:2:9)
  db_password = ****  ([DEFAULT] api-paste.ini:3:15)
pipeline:main  (api-paste.ini:5:2)
  filter:small  oslo_middleware:RequestBodySizeLimiter.factory  (api-paste.ini:9:2)
    by filter:base  (api-paste.ini:12:2)
      max_request_body_size = 17  ([filter:base] over.ini:4:25)
        through use = base        (api-paste.ini:10:7)
        %(limit)s is 17           ([DEFAULT] api-paste.ini:2:9)
      read_ahead = 131072         (default)
  app:y  egg:pasteline#respond  (api-paste.ini:15:2)
    by app:y  (inc.ini:1:2)
      body = **** at {here}
"
    );
    let seen = finished.stdout.split("  (inc.ini:3:8)").next().unwrap();
    assert_eq!(seen.trim_end(), expected.trim_end(), "{}", finished.stdout);
    let finished = finished
        .prints("through use = config:inc.ini#y")
        .prints("%(db_password)s is ****")
        .prints("status = 18")
        .prints("by get status = limit")
        .prints("content_type = text/plain; charset=utf-8");
    assert!(!finished.stdout.contains("lemon"), "{}", finished.stdout);
}

#[test]
fn tells_what_an_overlay_goes_over_and_what_a_factory_takes_by_default() {
    let arguments = "show --origin --overlay over.ini --type filter --name sizelimit";
    let finished = winding().arguments(arguments).run().status(0);
    let expected = [
        "    max_request_body_size = 2  (over.ini:2:25)",
        "      over 1                   (api-paste.ini:21:25)",
    ];
    finished.prints(&expected.join("\n"));
    let file = "[app:main]\nuse = egg:pasteline#respond\nbody = x\n";
    let finished = Test::new().ini(file).arguments("show --origin").run().status(0);
    finished.prints("    body = x").prints("    status = 200").prints("  (default)\n");
}

#[test]
fn tells_which_option_a_factory_needs() {
    let file = "[app:main]\nuse = egg:pasteline#proxy\n";
    let finished = Test::new().ini(file).arguments("show --origin").run().status(0);
    finished.prints("    upstream =              (required, but not given)\n");
}

#[test]
fn which_pipeline_is_taken_is_no_default() {
    let file = "[composite:main]\nuse = egg:pasteline#strategy\nother = a\n\
        [app:a]\nuse = egg:pasteline#echo\n";
    let test = Test::new().ini(file).arguments("show --origin --strategy other");
    let finished = test.run().status(0);
    assert!(!finished.stdout.contains("strategy = "), "{}", finished.stdout);
}

#[test]
fn hides_secrets_in_every_form_for_people() {
    let file = "\
[DEFAULT]
db_password = lemon

[app:main]
use = m
url = db://me:%(db_password)s@host
plain = %(db_password)s!
get got = db_password

[app:m]
paste.app_factory = m:f
admin_token = melon
";
    for form in ["", "--sections", "--all", "--name m"] {
        for detail in ["", "--origin"] {
            let test = Test::new().ini(file).arguments("show").arguments(form).arguments(detail);
            let Finished { stdout, .. } = test.run().status(0);
            assert!(!stdout.contains("lemon") && !stdout.contains("melon"), "{form}\n{stdout}");
            assert!(stdout.contains("admin_token = ****"), "{form}\n{stdout}");
        }
    }
}

#[test]
fn origins_stand_beside_what_tools_know() {
    let json = |arguments: &str| -> serde_json::Value {
        let test = winding().arguments("show --overlay over.ini --format json");
        let finished = test.arguments(arguments).run().status(0);
        serde_json::from_str(&finished.stdout).unwrap()
    };
    let shown = json("--name sizelimit --type filter --origin");
    assert_eq!(shown["local_conf"], json!({ "max_request_body_size": "2" }));
    let steps = shown["origin"]["local_conf"]["max_request_body_size"].as_array().unwrap();
    let steps: Vec<_> = steps.iter().map(|step| (&step["how"], &step["line"])).collect();
    assert_eq!(steps, [(&json!("given"), &json!(2)), (&json!("over"), &json!(21))]);
    assert_eq!(shown["origin"]["global_conf"]["db_password"][0]["value"], "lemon");
    let shown = json("--sections --origin");
    assert_eq!(shown["sections"][2]["options"][1]["origin"][1]["how"], "reference");
    for form in ["--name sizelimit --type filter", "--sections", "--all"] {
        assert!(!json(form).to_string().contains("\"origin\""), "{form}");
        assert!(json(&format!("{form} --origin")).to_string().contains("\"origin\""), "{form}");
    }
}

#[test]
fn aligns_wide_letters_and_escapes_what_would_upset_a_terminal() {
    let file = "[app:main]\npaste.app_factory = m:f\na = \u{6f22}\u{5b57}\nb = \u{1b}[31m\n";
    let finished = Test::new().ini(file).arguments("show").run().status(0);
    let expected = "    a = \u{6f22}\u{5b57}        (api-paste.ini:3)\n    \
        b = \\u{1b}[31m  (api-paste.ini:4)\n";
    assert!(finished.stdout.ends_with(expected), "{}", finished.stdout);
}

#[test]
fn shows_what_is_set_for_a_part_where_it_is_set() {
    let file = "[pipeline:main]\npipeline = f a\n[filter:f]\nuse = egg:pasteline#pass\n\
        set debug = 1\n[app:a]\nuse = config:inc.ini\n";
    let include = "[DEFAULT]\nregion = north\n[app:main]\nuse = egg:pasteline#echo\n";
    let test = Test::new().ini(file).file("inc.ini", include);
    let finished = test.arguments("show").run().status(0);
    finished
        .prints("\n      set debug = 1  (api-paste.ini:5)\n")
        .prints("\n      [DEFAULT] region = north  (inc.ini:2)\n");
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

#[test]
fn a_directory_need_not_have_a_name_that_is_text() {
    let test = Test::new()
        .file("outer/api-paste.ini", "[app:main]\nuse = config:inc.ini#x\n")
        .file("outer/inc.ini", "[app:x]\nuse = egg:pasteline#echo\n");
    let directory = test.directory().join(OsStr::from_bytes(b"d\xff"));
    fs::rename(test.directory().join("outer"), &directory).unwrap();
    let mut command = test.command(&["show".to_owned()]);
    let output = command.current_dir(directory).output().unwrap();
    Finished::of(&output).status(0).prints("by app:x  (inc.ini:1)");
}
