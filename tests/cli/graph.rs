//! `graph`: what it draws, in which formats, and what it tells of files that are at fault.

use crate::support::Test;

const SHOP: &str = "\
[composite:main]
use = egg:Paste#urlmap
/ = egg:Paste#static
/tea = tea

[composite:tea]
use = call:nova.api.auth:pipeline_factory
keystone = lock pot
noauth = pot

[filter:lock]
use = egg:Tea#lock
password = lemon

[app:pot]
use = egg:pasteline#respond

[pipeline:other]
pipeline = lock pot
";

#[test]
fn says_how_to_ask_for_another_app_where_none_is_called_main() {
    let test = Test::new().ini(&SHOP.replace("main", "shop")).arguments("graph");
    let finished = test.run().status(1).tells("no app is called `main`");
    finished
        .tells("there are `pot`, `shop`, `tea`, `other`")
        .tells("`--name NAME` asks for one of them");
}

#[test]
fn draws_a_tree_without_colours_if_nobody_watches() {
    let expected = "\
main                     api-paste.ini:1   urlmap
├─ /tea → tea            api-paste.ini:6   pipeline_factory keystone
│  ├─ lock               api-paste.ini:11  unknown factory egg:Tea#lock
│  └─ pot                api-paste.ini:15  respond
└─ / → egg:Paste#static  api-paste.ini:3   static
";
    let finished = Test::new().ini(SHOP).arguments("graph").run().status(0);
    assert_eq!((&*finished.stdout, &*finished.stderr), (expected, ""));
}

#[test]
fn draws_what_the_strategy_chooses() {
    let finished = Test::new().ini(SHOP).arguments("graph --strategy noauth").run().status(0);
    assert!(!finished.stdout.contains("lock"), "{}", finished.stdout);
}

#[test]
fn draws_every_format() {
    for (format, start) in [
        ("dot", "digraph \"api-paste.ini\" {\n"),
        ("mermaid", "flowchart LR\n"),
        ("svg", "<svg xmlns="),
        ("tree", "main "),
    ] {
        let finished = Test::new().ini(SHOP).arguments("graph --format").argument(format).run();
        let drawn = finished.status(0).stdout;
        assert!(drawn.starts_with(start), "{drawn}");
        assert!(!drawn.contains("lemon"), "{drawn}");
    }
}

#[test]
fn draws_all_apps_that_no_other_is_made_of() {
    let finished = Test::new().ini(SHOP).arguments("graph --all").run().status(0);
    let roots: Vec<_> = finished.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    let roots: Vec<_> =
        roots.into_iter().filter(|word| word.is_ascii() && !word.is_empty()).collect();
    assert_eq!(roots, ["main", "other"]);
}

#[test]
fn tells_what_is_wrong_and_draws_nothing() {
    let text = SHOP.replace("/tea = tea", "/tea = tee");
    let finished = Test::new().ini(&text).arguments("graph --format svg").run().status(1);
    assert_eq!(finished.stdout, "");
    finished.tells("no app is called `tee`");
}
