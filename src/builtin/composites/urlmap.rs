//! Apps by the beginning of the path, and by the host.

mod key;
mod mounts;
mod paths;
mod router;
mod table;

use std::sync::Arc;

use self::key::{Fault, Key};
use self::mounts::{Mount, Mounts};
use crate::diagnostic::{Diagnostic, Excerpt, nearest};
use crate::ini::Value;
use crate::registry::{Alias, Assembly, Composite, Definition, Globals, Plan};
use crate::settings::OptionSpec;
use crate::source::Span;

pub(super) const DEFINITION: Definition =
    Definition::composite::<UrlMap>("urlmap").aliases(ALIASES);

const NOT_FOUND: OptionSpec = OptionSpec {
    expected: "the name of an app",
    ..OptionSpec::of::<Option<String>>(
        "not_found_app",
        "The app for requests that no key takes; 404 if there is none. It is also taken from\n\
         `[DEFAULT]`.",
        None,
    )
};

/// The composite; see [`Composite::DOC`].
struct UrlMap;

impl Composite for UrlMap {
    const DOC: &'static str = "\
Hands each request to the app whose key takes it: the one with the longest path that the path of
the request begins with, segment by segment. What the key takes of the path is cut off for the
app.

Every option but `not_found_app` is such a key, and its value names an app. A key may name a
host, and with it a port: `domain api.example.com port 8080 /v2`. Keys that name the host of
the request come before all others; upper and lower case of hosts do not matter. A path that
ends in `/+` wants something after the slash.

Paths compare decoded, with several slashes as one, and case matters.

```ini
[composite:main]
use = egg:pasteline#urlmap
/ = versions
/v2.0 = api
domain status.example.com / = status
not_found_app = sorry
```
";

    const OPTIONS: &'static [OptionSpec] = &[NOT_FOUND];

    fn plan(assembly: &mut Assembly<'_>) -> Option<Box<dyn Plan>> {
        let local = assembly.local;
        let not_found = local.get(NOT_FOUND.name).or_else(|| assembly.global.get(NOT_FOUND.name));
        // An empty value in the section hides the global one.
        let not_found = not_found.filter(|name| !name.text.is_empty());
        let not_found = not_found.map(|name| assembly.children.app(name, Globals::Passed));
        let keys = local.iter().filter(|(key, _)| &***key != NOT_FOUND.name);
        // All keys are looked at before any fault counts, so that all faults are found.
        let mounts: Vec<_> = keys.map(|(key, name)| mount(assembly, key, name)).collect();
        let not_found = match not_found {
            Some(app) => Some(app?),
            None => None,
        };
        let mounts = mounts.into_iter().collect::<Option<_>>()?;
        Some(Box::new(Mounts { mounts, not_found }))
    }
}

/// Reads a key and asks for its app, in the order in which Paste complains: of the words of the
/// key, of the app, of the form of the path.
fn mount(assembly: &mut Assembly<'_>, key: &Arc<str>, name: &Value) -> Option<Mount> {
    let parsed = Key::parse(key).map_err(|fault| refuse(assembly, &fault, key, name)).ok();
    let app = assembly.children.app(name, Globals::Passed);
    let address = parsed?.address().map_err(|fault| refuse(assembly, &fault, key, name)).ok()?;
    if let Some(host) = address.host.as_deref().filter(|host| !key::is_possible(host)) {
        assembly.children.note(impossible(host, name.key_span));
    }
    Some(Mount { key: Arc::clone(key), name: Arc::clone(&name.text), address, app: app? })
}

fn refuse(assembly: &mut Assembly<'_>, fault: &Fault<'_>, key: &str, name: &Value) {
    let help = match nearest(key, [NOT_FOUND.name]) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a key is a path, with `domain HOST` and `port NUMBER` if need be".to_owned(),
    };
    assembly.children.note(
        Diagnostic::error("bad-mount", fault.message.clone())
            .at(name.key_span.map(|span| place(span, key, fault.word)))
            .help(help)
            .class(fault.class),
    );
}

fn impossible(host: &str, place: Option<Span>) -> Diagnostic {
    let help = if host.contains('*') {
        "a key names one host, there are no wildcards"
    } else {
        "expected a name such as `api.example.com` in ASCII, and a port from 1 to 65535"
    };
    let message = format!("no request names the host `{}`", Excerpt(host));
    Diagnostic::warning("impossible-host", message)
        .at(place)
        .label("no request comes to it")
        .help(help)
}

/// The place of a word in a key, as long as the key stands in the file as it is.
fn place(span: Span, key: &str, word: Option<&str>) -> Span {
    match word {
        Some(word) if span.range().len() == key.len() => {
            let start = word.as_ptr() as usize - key.as_ptr() as usize;
            span.part(start, start + word.len())
        }
        _ => span,
    }
}

const ALIASES: &[Alias] = &[
    Alias::of("cinder.api.openstack.urlmap:urlmap_factory"),
    Alias::of("cinder.api.urlmap:urlmap_factory"),
    Alias::of("cinder.api:root_app_factory")
        .note("The original drops the keys `/v1` and `/v2`; here they are mounted."),
    Alias::of("dalek.api.openstack.urlmap:urlmap_factory"),
    Alias::of("delfin.api:root_app_factory"),
    Alias::of("egg:Paste#urlmap").note(
        "In the original a domain with upper-case letters never matches, `/+` at the end of a \
         path has no meaning, and the page for 404 lists all apps in a comment.",
    ),
    Alias::of("egg:rutter#urlmap"),
    Alias::of("freezer_api.cmd.api:root_app_factory")
        .note("The original drops the key `/v1`; here it is mounted."),
    Alias::of("freezer_api.service:root_app_factory")
        .note("The original drops the key `/v1`; here it is mounted."),
    Alias::of("fusion.api:root_app_factory"),
    Alias::of("glance.api:root_app_factory"),
    Alias::of("heat.api:root_app_factory"),
    Alias::of("magnum.api:root_app_factory"),
    Alias::of("manila.api.openstack.urlmap:urlmap_factory"),
    Alias::of("manila.api.urlmap:urlmap_factory"),
    Alias::of("manila.api:root_app_factory"),
    Alias::of("masakari.api.urlmap:urlmap_factory"),
    Alias::of("nova.api.openstack.urlmap:urlmap_factory")
        .note("The original also chooses by `version=` in `Accept` and `Content-Type`."),
    Alias::of("paste.urlmap:urlmap_factory"),
    Alias::of("reddwarf.common.wsgi:versioned_urlmap")
        .retired(super::RENAMED, "trove.common.wsgi:versioned_urlmap"),
    Alias::of("subject.api:root_app_factory"),
    Alias::of("traffic.api.openstack.urlmap:urlmap_factory"),
    Alias::of("trove.common.wsgi:versioned_urlmap"),
];

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode, header};
    use serde_json::json;

    use crate::app::{App, Body, RequestExt, Scheme};
    use crate::builtin::fixture::{Planned, get, plan, text};
    use crate::registry::{Flow, Turn};

    fn urlmap(options: &str) -> Planned {
        plan(&format!("[composite:a]\nuse = egg:Paste#urlmap\n{options}"), None)
    }

    #[test]
    fn asks_for_the_apps_in_the_order_of_the_file() {
        let planned = urlmap("/b = two\n/a = one\nnot_found_app = sorry\n");
        assert_eq!(planned.asked, ["app sorry", "app two", "app one"]);
    }

    #[test]
    fn an_empty_not_found_app_hides_the_global_one() {
        let default = "[DEFAULT]\nnot_found_app = sorry\n[composite:a]\nuse = egg:Paste#urlmap\n";
        assert_eq!(plan(default, None).asked, ["app sorry"]);
        let hidden = format!("{default}not_found_app =\n");
        assert_eq!(plan(&hidden, None).asked, [""; 0]);
    }

    #[test]
    fn finds_every_fault_and_its_place() {
        let planned = urlmap("/a /b = x\ndebug = true\nnot_found_ap = sorry\n");
        let expected = [
            "test.ini:3:4: error[bad-mount]: a key has one path, not `/a` and `/b`",
            "test.ini:4:1: error[bad-mount]: the path `debug` does not begin with `/`",
            "test.ini:5:1: error[bad-mount]: the path `not_found_ap` does not begin with `/`",
        ];
        assert_eq!(planned.faults(), expected);
        assert_eq!(planned.classes(), ["ValueError", "AssertionError", "AssertionError"]);
        assert_eq!(planned.diagnostics[2].help, ["did you mean `not_found_app`?"]);
        assert_eq!(planned.asked, ["app x", "app true", "app sorry"]);
    }

    #[test]
    fn warns_of_a_host_that_no_request_names() {
        let planned = urlmap("domain a.org port http = x\ndomain *.a.org /v2 = y\n");
        let expected = [
            "test.ini:3:1: warning[impossible-host]: no request names the host `a.org:http`",
            "test.ini:4:1: warning[impossible-host]: no request names the host `*.a.org`",
        ];
        assert_eq!(planned.faults(), expected);
        assert!(planned.plan.is_some());
    }

    #[test]
    fn shows_the_order_in_which_keys_are_tried() {
        let planned = urlmap(
            "/long = 0\ndomain b.org /a = 1\ndomain A.org = 2\ndomain b.org /ab = 3\n/ = 4\n\
             /long/ = 5\nnot_found_app = 6\n",
        );
        let plan = planned.plan.unwrap();
        let shown = plan.show((0..7).map(|app| json!(app)).collect(), Vec::new());
        let tried: Vec<_> = shown["dispatch"].as_array().unwrap().iter().collect();
        let tried: Vec<_> = tried.iter().map(|entry| entry["key"].as_str().unwrap()).collect();
        let expected = ["domain A.org", "domain b.org /ab", "domain b.org /a", "/long/", "/"];
        assert_eq!(tried, expected);
        assert_eq!(
            shown["dispatch"][0],
            json!({"domain": "a.org", "path": "", "key": "domain A.org"})
        );
        assert_eq!(shown["children"][1], json!({"key": "domain b.org /a", "name": "1", "node": 2}));
        assert_eq!(shown["not_found"], json!(0));
    }

    #[test]
    fn draws_keys_in_the_order_in_which_they_are_tried() {
        let options = "/ = 0\n/a = 1\ndomain a.org port 80 /b = 2\ndomain a.org = 3\n/a/ = 4\n\
                       not_found_app = 5\n";
        let Flow::Branches(branches) = urlmap(options).plan.unwrap().flow() else { panic!() };
        let branches: Vec<_> = branches
            .iter()
            .map(|branch| (&*branch.key, branch.app, branch.hidden_by.as_deref()))
            .collect();
        let expected = [
            ("domain a.org", 4, None),
            ("/a/", 5, None),
            ("/", 1, None),
            ("not_found_app", 0, None),
            ("/a", 2, Some("/a/")),
            ("domain a.org port 80 /b", 3, Some("domain a.org")),
        ];
        assert_eq!(branches, expected);
    }

    #[test]
    fn tells_which_key_takes_a_request() {
        let route = |options: &str, path: &str| {
            let request = http::Request::get(path).body(Body::empty()).unwrap();
            let route = urlmap(options).plan.unwrap().route(&request);
            let turns = route.turns.into_iter().map(|Turn { key, app, mount }| (key, app, mount));
            (turns.collect::<Vec<_>>(), route.reason)
        };
        let with_app = "/v2 = 0\nnot_found_app = sorry\n";
        let taken = (vec![(Some("/v2".into()), 1, 4)], "`/v2` takes it".to_owned());
        assert_eq!(route(with_app, "//v2/x"), taken);
        let sorry = (
            vec![(Some("not_found_app".into()), 0, 0)],
            "no key takes it, so `not_found_app` does".to_owned(),
        );
        assert_eq!(route(with_app, "/x"), sorry);
        let nothing = (Vec::new(), "no key takes it, so the answer is 404".to_owned());
        assert_eq!(route("/v2 = 0\n", "/x"), nothing);
    }

    async fn seen(app: &App, host: &str, path: &str) -> String {
        let mut request = http::Request::get(path).body(Body::empty()).unwrap();
        request.headers_mut().insert(header::HOST, HeaderValue::from_str(host).unwrap());
        text(app.answer(request).await).await
    }

    #[tokio::test]
    async fn moves_the_path_to_the_script_name() {
        let app = urlmap("/ = root\n/v2.0 = api\n").app();
        for (path, expected) in [
            ("/v2.0", "api /v2.0 "),
            ("/v2.0/", "api /v2.0 /"),
            ("//v2.0//x", "api //v2.0/ /x"),
            ("/v2.0x", "root  /v2.0x"),
        ] {
            assert_eq!(text(get(&app, path).await).await, expected);
        }
    }

    #[tokio::test]
    async fn a_host_comes_before_a_longer_path() {
        let app = urlmap(
            "/a/b = any\ndomain One.org / = one\ndomain two.org port 8080 /a = two\n\
             domain three.org port 80 /a = three\n",
        )
        .app();
        for (host, expected) in [
            ("one.org", "one  /a/b"),
            ("ONE.ORG:81", "one  /a/b"),
            ("two.org:8080", "two /a /b"),
            ("two.org", "any /a/b "),
            ("three.org", "three /a /b"),
            ("", "any /a/b "),
        ] {
            assert_eq!(seen(&app, host, "/a/b").await, expected, "{host}");
        }
    }

    #[tokio::test]
    async fn the_default_port_is_that_of_the_scheme() {
        let app = urlmap("domain a.org port 443 / = secure\n").app();
        let mut request = http::Request::get("https://a.org/").body(Body::empty()).unwrap();
        request.context_mut().forwarded_scheme = Some(Scheme::Https);
        assert_eq!(app.answer(request).await.status(), StatusCode::OK);
        assert_eq!(get(&app, "http://a.org/").await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn says_404_and_not_which_apps_there_are() {
        let app = urlmap("/secret = api\n").app();
        let response = get(&app, "/other").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let body = text(response).await;
        assert!(!body.contains("secret") && !body.contains("other"), "{body}");
    }

    #[tokio::test]
    async fn an_app_of_its_own_answers_what_no_key_takes() {
        let app = urlmap("/a = api\nnot_found_app = sorry\n").app();
        assert_eq!(text(get(&app, "/b").await).await, "sorry  /b");
    }
}
