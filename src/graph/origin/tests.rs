//! Where options come from.

use crate::graph::fixture::{loader, registry};
use crate::graph::{How, Object, Origin, Origins, Step};
use crate::source::Sources;

/// Where an option of the app `main` comes from: its local one, else the global one, else what
/// the factory implies.
fn origin(text: &str, others: &[(&str, &str)], key: &str) -> String {
    let registry = registry();
    let mut loader = loader(text, others, &[("given", "by the caller")], &registry);
    let loaded = loader.load(Object::App, Some("main"));
    let node = loaded.graph.node(loaded.root.expect("the file is right"));
    let origins = Origins::new(&loader);
    let kinds = [origins.local(node), origins.global(node), origins.implied(node)];
    let found = kinds.into_iter().flatten().find(|origin| &*origin.key == key);
    let Origin { text, steps, .. } = found.expect("the option is there");
    let steps: Vec<_> = steps.iter().map(|step| show(step, loader.sources())).collect();
    format!("{text}: {}", steps.join(", "))
}

fn show(step: &Step, sources: &Sources) -> String {
    let Step { how, section, key, text, span } = step;
    let section = section.as_ref().map_or_else(String::new, |section| format!("[{section}] "));
    let depth = if let How::Reference(depth) = how { depth.to_string() } else { String::new() };
    let place = span.map_or_else(String::new, |span| {
        let location = sources.location(span);
        let name = location.path.file_name().unwrap().display();
        format!(" @{name}:{}", location.line)
    });
    format!("{}{depth} {section}{key}={text}{place}", how.name())
}

const PAGE: &str = "use = egg:pasteline#page";

#[test]
fn an_option_comes_through_the_sections_that_use_one_another() {
    let text =
        format!("[app:main]\nuse = a\n[app:a]\nuse = b\ntitle = x\n[app:b]\n{PAGE}\ntitle = y\n");
    let expected = "x: given [app:a] title=x @paste.ini:5, use [app:main] use=a @paste.ini:2, \
                    over [app:b] title=y @paste.ini:8";
    assert_eq!(origin(&text, &[], "title"), expected);
}

#[test]
fn an_option_comes_out_of_a_file_that_is_included() {
    let include =
        format!("[DEFAULT]\nname = inc\n[app:x]\n{PAGE}\ntitle = %(name)s %(given)s %(far)s\n");
    let text = "[DEFAULT]\nfar = away\n[app:main]\nuse = config:inc.ini#x\n";
    let expected = "inc by the caller away: \
                    given [app:x] title=%(name)s %(given)s %(far)s @inc.ini:5, \
                    use [app:main] use=config:inc.ini#x @paste.ini:4, \
                    reference1 [DEFAULT] name=inc @inc.ini:2, \
                    reference1 given=by the caller, \
                    reference1 [DEFAULT] far=away @paste.ini:2";
    assert_eq!(origin(text, &[("inc.ini", &include)], "title"), expected);
}

#[test]
fn global_options_come_from_sections_too() {
    let text = format!(
        "[DEFAULT]\nA = 1\n[app:main]\n{PAGE}\nset A = %(title)s\ntitle = 2\nget times = A\n"
    );
    let set = "set [app:main] set A=%(title)s @paste.ini:5";
    let rest = "over [DEFAULT] A=1 @paste.ini:2, reference1 [app:main] title=2 @paste.ini:6";
    assert_eq!(origin(&text, &[], "A"), format!("2: {set}, {rest}"));
    let got = format!("2: {set}, {rest}, get [app:main] get times=A @paste.ini:7");
    assert_eq!(origin(&text, &[], "times"), got);
    assert_eq!(origin(&text, &[], "given"), "by the caller: unwritten given=by the caller");
    assert_eq!(origin(&text, &[], "here"), "/dir: unwritten here=/dir");
}

#[test]
fn what_is_not_given_is_the_default_of_the_factory() {
    let text = format!("[app:main]\n{PAGE}\ntitle = x\n");
    assert_eq!(origin(&text, &[], "times"), "1: default times=1");
}
