//! Apps that are tried in turn.

mod tries;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value as Json, json};

use self::tries::Tries;
use super::{child, object, words};
use crate::app::{App, Filter, Request, response};
use crate::diagnostic::Diagnostic;
use crate::ini::Value;
use crate::registry::{
    Alias, Assembly, Branch, Composite, Definition, Error, Flow, Globals, Plan, Route, Turn,
};
use crate::settings::{OptionSpec, Setting};

pub(super) const DEFINITION: Definition =
    Definition::composite::<Cascade>("cascade").aliases(ALIASES);

const CATCH: OptionSpec = OptionSpec {
    expected: "statuses, separated by blanks",
    ..OptionSpec::of::<String>(
        "catch",
        "The statuses for which the next app is tried, separated by blanks: those of redirects and\n\
         errors that Paste knows (300 to 305, 307, 400 to 417, 429, 500 to 505).",
        Some("404"),
    )
};

const MAX_BODY_SIZE: OptionSpec = OptionSpec::of::<usize>(
    "max_body_size",
    "The largest body of a request, in bytes. It is held in memory, so that each app can read\n\
     it; a larger one is refused with 413.",
    Some("1048576"),
);

/// The composite; see [`Composite::DOC`].
struct Cascade;

impl Composite for Cascade {
    const DOC: &'static str = "\
Tries apps in turn until one answers with a status other than those to `catch`. What the last app
answers is final.

Every option that begins with `app` names an app; they are tried in the order of these options as
texts, in which `app10` comes before `app2`.

```ini
[composite:main]
use = egg:pasteline#cascade
app1 = static
app2 = api
catch = 404 405
```
";

    const OPTIONS: &'static [OptionSpec] = &[CATCH, MAX_BODY_SIZE];

    fn plan(assembly: &mut Assembly<'_>) -> Option<Box<dyn Plan>> {
        let local = assembly.local;
        let others =
            local.iter().filter(|(key, _)| ![CATCH.name, MAX_BODY_SIZE.name].contains(&&***key));
        let attempts: Vec<_> = others.map(|(key, name)| attempt(assembly, key, name)).collect();
        let catch = catch(assembly);
        let limit = limit(assembly);
        let mut attempts: Vec<_> = attempts.into_iter().collect::<Option<_>>()?;
        if attempts.is_empty() {
            assembly.children.note(
                Diagnostic::warning(
                    "empty-cascade",
                    "a cascade without apps answers 404 to everything",
                )
                .at(assembly.place)
                .help("add `app1 = …`, `app2 = …`"),
            );
        }
        attempts.sort_by(|one: &Attempt, other| one.key.cmp(&other.key));
        Some(Box::new(Turns { attempts, catch: catch?, limit: limit? }))
    }
}

fn attempt(assembly: &mut Assembly<'_>, key: &Arc<str>, name: &Value) -> Option<Attempt> {
    if !key.starts_with("app") {
        assembly.children.note(
            Diagnostic::error("bad-cascade-key", format!("`{key}` does not begin with `app`"))
                .at(name.key_span)
                .suggest(key, [CATCH.name, MAX_BODY_SIZE.name], assembly.sources)
                .help("a cascade names its apps by `app1`, `app2` and the like")
                .class("ValueError"),
        );
        return None;
    }
    let app = assembly.children.app(name, Globals::Passed)?;
    Some(Attempt { key: Arc::clone(key), name: Arc::clone(&name.text), app })
}

fn catch(assembly: &mut Assembly<'_>) -> Option<BTreeSet<StatusCode>> {
    let Some(value) = assembly.local.get(CATCH.name) else {
        return Some(BTreeSet::from([StatusCode::NOT_FOUND]));
    };
    // All are read before any fault counts, so that all faults are found.
    let statuses: Vec<_> =
        words(value, assembly.sources).map(|word| status(assembly, &word)).collect();
    statuses.into_iter().collect()
}

fn status(assembly: &mut Assembly<'_>, word: &Value) -> Option<StatusCode> {
    let (message, class) = match word.text.parse() {
        Ok(code @ (300..=305 | 307 | 400..=417 | 429 | 500..=505)) => {
            return StatusCode::from_u16(code).ok();
        }
        Ok(code) => (format!("a cascade cannot catch the status `{code}`"), "KeyError"),
        Err(_) => (format!("`{}` is not a status", word.text), "ValueError"),
    };
    assembly.children.note(
        Diagnostic::error("bad-value", message)
            .at(word.span)
            .help("expected statuses of redirects and errors, such as `404 405`")
            .class(class),
    );
    None
}

fn limit(assembly: &mut Assembly<'_>) -> Option<usize> {
    let given = assembly.local.get(MAX_BODY_SIZE.name);
    let text = given.map(|value| &*value.text).or(MAX_BODY_SIZE.default).unwrap_or_default();
    let limit = usize::parse(text).ok();
    if limit.is_none() {
        let expected = MAX_BODY_SIZE.expectation();
        let message = format!("`{}` is `{text}`, expected {expected}", MAX_BODY_SIZE.name);
        let place = given.and_then(|value| value.span);
        assembly.children.note(Diagnostic::error("bad-value", message).at(place));
    }
    limit
}

/// What a cascade says.
#[derive(Debug)]
struct Turns {
    /// In the order in which they are made.
    attempts: Vec<Attempt>,
    catch: BTreeSet<StatusCode>,
    limit: usize,
}

#[derive(Debug)]
struct Attempt {
    key: Arc<str>,
    name: Arc<str>,
    app: usize,
}

impl Turns {
    /// The attempts that can come to be made: without a status to catch the first answer is
    /// final.
    fn reached(&self) -> &[Attempt] {
        let count = if self.catch.is_empty() { 1 } else { self.attempts.len() };
        &self.attempts[..count.min(self.attempts.len())]
    }
}

impl Plan for Turns {
    fn kind(&self) -> &'static str {
        "cascade"
    }

    fn show(&self, mut apps: Vec<Json>, _: Vec<Json>) -> Map<String, Json> {
        let catch = self.catch.iter().map(|status| json!(status.as_u16())).collect();
        let child = |Attempt { key, name, app }: &Attempt| child(key, name, apps[*app].take());
        let children = self.attempts.iter().map(child).collect();
        object([("catch", catch), ("children", children)])
    }

    fn build(&self, apps: Vec<App>, _: Vec<Filter>) -> Result<App, Error> {
        let Some((last, others)) = self.attempts.split_last() else {
            return Ok(App::ready(|request| response::not_found(request.headers())));
        };
        let app = |attempt: &Attempt| apps[attempt.app].clone();
        if others.is_empty() {
            // Its body need not be held for another.
            return Ok(app(last));
        }
        let tries = Arc::new(Tries {
            others: others.iter().map(app).collect(),
            last: app(last),
            catch: self.catch.iter().copied().collect(),
            limit: self.limit,
        });
        Ok(App::from_fn(move |request| {
            let tries = Arc::clone(&tries);
            async move { tries.answer(request).await }
        }))
    }

    fn flow(&self) -> Flow {
        let reached = self.reached().len();
        let first = || self.attempts.first().map(|first| Arc::clone(&first.key));
        let branch = |(number, Attempt { key, app, .. }): (usize, &Attempt)| Branch {
            key: Arc::clone(key),
            app: *app,
            hidden_by: first().filter(|_| number >= reached),
        };
        Flow::Branches(self.attempts.iter().enumerate().map(branch).collect())
    }

    fn route(&self, _: &Request) -> Route {
        let reached = self.reached();
        let turn = |Attempt { key, app, .. }: &Attempt| Turn {
            key: Some(Arc::clone(key)),
            app: *app,
            mount: 0,
        };
        let turns = reached.iter().map(turn).collect();
        let reason = match reached {
            [] => "it has no apps, so the answer is 404".to_owned(),
            [only] => format!("only `{}` can have the answer", only.key),
            several => {
                let catch: Vec<_> = self.catch.iter().map(StatusCode::as_str).collect();
                let (count, catch) = (several.len(), catch.join(", "));
                format!("tries {count} apps, the next one after each {catch}")
            }
        };
        Route { turns, reason }
    }
}

const ALIASES: &[Alias] = &[
    Alias::of("egg:Paste#cascade")
        .note("The original has no bound on the body, and fails each request if it has no apps."),
    Alias::of("paste.cascade:make_cascade"),
];

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http_body_util::BodyExt;
    use serde_json::json;

    use crate::app::{App, Body, Request, response};
    use crate::builtin::fixture::{Planned, plan, refused_by, text};
    use crate::registry::{Flow, Turn};

    fn cascade(options: &str) -> Planned {
        plan(&format!("[composite:a]\nuse = egg:Paste#cascade\n{options}"), None)
    }

    #[test]
    fn tries_apps_in_the_order_of_their_keys() {
        let planned = cascade("app2 = b\napp10 = c\napp = a\ncatch = 500 404\n  403 404\n");
        assert_eq!(planned.asked, ["app b", "app c", "app a"]);
        let shown = planned.plan.unwrap().show(vec![json!(0), json!(1), json!(2)], Vec::new());
        assert_eq!(shown["catch"], json!([403, 404, 500]));
        let children = json!([
            {"key": "app", "name": "a", "node": 2},
            {"key": "app10", "name": "c", "node": 1},
            {"key": "app2", "name": "b", "node": 0},
        ]);
        assert_eq!(shown["children"], children);
    }

    #[test]
    fn finds_every_fault_and_its_place() {
        let options = "app1 = a\nother = b\ncatch = 200\n  all\nmax_body_size = big\n";
        let planned = cascade(options);
        let expected = [
            "test.ini:4:1: error[bad-cascade-key]: `other` does not begin with `app`",
            "test.ini:5:9: error[bad-value]: a cascade cannot catch the status `200`",
            "test.ini:6:3: error[bad-value]: `all` is not a status",
            "test.ini:7:17: error[bad-value]: `max_body_size` is `big`, expected a whole number \
             of at least 0",
        ];
        assert_eq!(planned.faults(), expected);
        assert_eq!(planned.classes(), ["ValueError", "KeyError", "ValueError", ""]);
    }

    #[test]
    fn warns_of_a_cascade_without_apps() {
        let expected = "test.ini:2:7: warning[empty-cascade]: a cascade without apps answers 404 \
                        to everything";
        let planned = cascade("");
        assert_eq!(planned.faults(), [expected]);
        assert!(planned.plan.is_some());
    }

    #[test]
    fn tells_which_apps_are_tried() {
        let told = |options: &str| {
            let request = http::Request::get("/").body(Body::empty()).unwrap();
            let plan = cascade(options).plan.unwrap();
            let Flow::Branches(branches) = plan.flow() else { panic!() };
            let hidden = branches.iter().filter(|branch| branch.is_hidden()).count();
            let route = plan.route(&request);
            let turns: Vec<_> = route
                .turns
                .iter()
                .map(|Turn { key, app, .. }| (key.as_deref().unwrap(), *app))
                .collect();
            format!("{turns:?}, {hidden} hidden: {}", route.reason)
        };
        let expected = [
            (
                "app2 = b\napp1 = a\ncatch = 404 403\n",
                "[(\"app1\", 1), (\"app2\", 0)], 0 hidden: tries 2 apps, the next one after each 403, 404",
            ),
            (
                "app2 = b\napp1 = a\ncatch =\n",
                "[(\"app1\", 1)], 1 hidden: only `app1` can have the answer",
            ),
            ("", "[], 0 hidden: it has no apps, so the answer is 404"),
        ];
        for (options, expected) in expected {
            assert_eq!(told(options), expected);
        }
    }

    /// An app that answers with a status and what it read.
    fn reads(status: StatusCode) -> App {
        App::from_fn(move |request: Request| async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            response::text(status, body)
        })
    }

    async fn answer(options: &str, statuses: [StatusCode; 2], body: Body) -> (StatusCode, String) {
        let app = cascade(options).app_of(statuses.map(reads).into());
        let response = app.answer(http::Request::post("/").body(body).unwrap()).await;
        (response.status(), text(response).await)
    }

    const APPS: &str = "app1 = a\napp2 = b\n";

    #[tokio::test]
    async fn each_app_reads_the_same_body() {
        let statuses = [StatusCode::NOT_FOUND, StatusCode::CREATED];
        let answered = answer(APPS, statuses, Body::from("hello")).await;
        assert_eq!(answered, (StatusCode::CREATED, "hello".to_owned()));
    }

    #[tokio::test]
    async fn an_answer_that_is_not_caught_is_final() {
        let statuses = [StatusCode::FORBIDDEN, StatusCode::OK];
        assert_eq!(answer(APPS, statuses, Body::empty()).await.0, StatusCode::FORBIDDEN);
        let catch = format!("{APPS}catch = 403\n");
        assert_eq!(answer(&catch, statuses, Body::empty()).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn the_last_answer_is_final() {
        let statuses = [StatusCode::NOT_FOUND, StatusCode::NOT_FOUND];
        assert_eq!(
            answer(APPS, statuses, Body::from("x")).await,
            (StatusCode::NOT_FOUND, "x".into())
        );
    }

    #[tokio::test]
    async fn the_body_for_a_single_app_is_not_held() {
        let app = cascade("app = a\nmax_body_size = 4\n").app_of(vec![reads(StatusCode::OK)]);
        let response = app.answer(Request::new(Body::from("fives"))).await;
        assert_eq!(text(response).await, "fives");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let apps = || [StatusCode::OK; 2].map(reads).to_vec();
        for (body, status, by) in [
            (Body::from("four"), StatusCode::OK, None),
            (Body::from("fives"), StatusCode::PAYLOAD_TOO_LARGE, Some("cascade")),
        ] {
            let app = cascade(&format!("{APPS}max_body_size = 4\n")).app_of(apps());
            let response = app.answer(Request::new(body)).await;
            assert_eq!((response.status(), refused_by(&response)), (status, by));
        }
    }
}
