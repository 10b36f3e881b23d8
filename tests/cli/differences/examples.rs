//! The examples, in the order of the rows.

use super::{Example, Run};

const ECHO: &str = "[app:main]\nuse = egg:pasteline#echo\n";
const PAGE: &str = "[app:page]\nuse = egg:pasteline#echo\n";
const FILTER: &str = "[filter:f]\nuse = egg:pasteline#request_id\n";

const VALIDATE: Run = Run::Command("validate", 0);
const REFUSE: Run = Run::Command("validate", 1);
const ROUTE: Run = Run::Command("route api-paste.ini GET /", 0);
const SHOW: Run = Run::Command("show", 0);

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// The examples, in the order of the rows.
pub(super) fn examples() -> Vec<Example> {
    [files(), faults(), filters(), uris(), bounds(), factories(), composites()]
        .into_iter()
        .flatten()
        .collect()
}

/// What is read.
fn files() -> Vec<Example> {
    let body = |body| respond(&format!("body = {body}"));
    let repeated = "# pasteline: allow repeated-filter\npipeline = f f page";
    let overlay = Run::Command("show --overlay over.ini", 0);
    vec![
        example("encoding", body("Café"), SHOW, &["body = Café"]),
        example("special-file", app("use = config:/dev/null"), REFUSE, &["not a regular file"]),
        example("large-file", app("use = config:large.ini"), REFUSE, &["larger than 64 MiB"])
            .file("large.ini", "\n".repeat((64 << 20) + 1)),
        example("slashes-of-a-path", app("use = config:///%(here)s/inc.ini"), SHOW, &["own = /"])
            .file("inc.ini", "[app:main]\nuse = egg:Inner\nown = %(here)s\n".to_owned())
            .hides("own = //"),
        example("drop-ins", body("old"), SHOW, &["body = new"])
            .file("api-paste.ini.d/site.ini", "[app:main]\nbody = new\n".to_owned()),
        example("overlay", body("old"), overlay, &["body = new"])
            .file("over.ini", "[app:main]\nbody = new\n".to_owned()),
        example("allowances", pipeline(repeated), VALIDATE, &["is valid: "]),
    ]
}

/// What is told of it.
fn faults() -> Vec<Example> {
    let unused = format!("{ECHO}[filter:x]\nuse = egg:pasteline#corss\n");
    let parameter = format!("{ECHO}global_conf = x\n");
    let tenfold =
        |[key, name]: [char; 2]| format!("{key} = {}\n", format!("%({name})s").repeat(10));
    let keys = ["ab", "bc", "cd", "de", "ef", "fg", "gh"].map(|keys| {
        let mut keys = keys.chars();
        std::array::from_fn(|_| keys.next().unwrap())
    });
    let values = keys.map(tenfold).concat();
    let large = format!("[DEFAULT]\n{values}h = something\n{}", respond("body = %(a)s"));
    let names = &["filter is called `a`", "filter is called `b`", "app is called `c`"];
    vec![
        example("all-faults", pipeline("pipeline = a b c"), REFUSE, names),
        example("unused-sections", unused, REFUSE, &["did you mean `cors`?"]),
        example("warnings", pipeline("pipeline = f f page"), VALIDATE, &["1 warning"]),
        example("large-value", large, REFUSE, &[]),
        example("get-of-nothing", respond("get status = code"), REFUSE, &["api-paste.ini:3:14"]),
        example("python-parameters", parameter, REFUSE, &["has no option `global_conf`"]),
    ]
}

/// Filters by `filter-with`.
fn filters() -> Vec<Example> {
    let filtered = "filter-with = f\n";
    let pipeline = format!("[pipeline:main]\npipeline = page\n{filtered}{PAGE}{FILTER}");
    let with = "use = egg:pasteline#pass\nnext = page\n";
    let filter_app = format!("[filter-app:main]\n{with}{filtered}{PAGE}{FILTER}");
    let twice = format!("[app:main]\nuse = page\n{filtered}{PAGE}{filtered}{FILTER}");
    vec![
        example("filter-with-on-a-pipeline", pipeline, ROUTE, &["filter:f ", "app:page"]),
        example("filter-with-on-a-filter-app", filter_app, ROUTE, &["filter:f ", "app:page"]),
        example("filter-with-twice", twice, ROUTE, &["filter:f "]),
    ]
}

/// Names that are URIs.
fn uris() -> Vec<Example> {
    let dotted = "[filter:f]\nuse = call:oslo_middleware:RequestId.factory\n";
    let dotted = format!("[pipeline:main]\npipeline = f page\n{dotted}{PAGE}");
    let filter_app = format!("[filter-app:main]\nuse = call:demo:filter\nnext = page\n{PAGE}");
    let comment = app("paste.app_factory = demo:app # ours");
    let filter = &["call:demo:filter", "app:page"];
    vec![
        example("dotted-call", dotted, VALIDATE, &["is valid: "]),
        example("call-outside-of-use", pipeline("pipeline = call:demo:filter page"), SHOW, filter),
        example("call-in-a-filter-app", filter_app, SHOW, filter),
        example("surplus-in-a-call", app("use = call:demo:a:b"), REFUSE, &["api-paste.ini:2:18"]),
        example("egg-without-a-name", app("use = egg:#x"), REFUSE, &["api-paste.ini:2:7"]),
        example("comment-behind-a-factory", comment, REFUSE, &["a comment stands on a line"]),
    ]
}

/// What has no end, or too late a one.
fn bounds() -> Vec<Example> {
    let cycle = format!("{}[app:a]\nuse = main\n", app("use = a"));
    let used = |number| format!("[app:a{number}]\nuse = a{}\n", number + 1);
    let used: String = (1..480).map(used).collect();
    let depth = format!("{}{used}[app:a480]\nuse = egg:pasteline#echo\n", app("use = a1"));
    let tenfold = |(name, next)| {
        let keys = (0..10).map(|key| format!("/{key} = {next}\n"));
        format!("[composite:{name}]\nuse = egg:Paste#urlmap\n{}", keys.collect::<String>())
    };
    let names = ["main", "c1", "c2", "c3", "c4", "page"];
    let tenfold = names.windows(2).map(|pair| tenfold((pair[0], pair[1])));
    let size = tenfold.collect::<String>() + PAGE;
    vec![
        example("empty-pipeline", pipeline("pipeline ="), REFUSE, &["api-paste.ini:2:1"]),
        example("cycle", cycle, REFUSE, &["`[app:main]` → `[app:a]` → `[app:main]`"]),
        example("depth", depth, REFUSE, &["480 deep"]),
        example("size", size, Run::Command("show", 1), &["100000 parts"]),
    ]
}

/// Factories, their options, and what is asked of the service.
fn factories() -> Vec<Example> {
    let require = format!("{ECHO}require = nothing-of-the-kind\n");
    let known =
        "[pipeline:main]\npipeline = f page\n[filter:f]\nuse = egg:oslo.middleware#request_id\n";
    let files = app("use = egg:pasteline#static\nroot = files");
    let served = Run::Request("etc/api.ini", "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    let server = format!("{ECHO}[server:main]\nuse = egg:waitress#main\nthreads = 4\n");
    let nova = "use = call:nova.api.auth:pipeline_factory\nnoauth = page\n";
    let nova = format!("[composite:main]\n{nova}{PAGE}");
    vec![
        example("require", require, VALIDATE, &["is valid: "]),
        example("python-factories", format!("{known}{PAGE}"), VALIDATE, &["is valid: "]),
        example("other-factories", app("use = egg:neutron#app"), REFUSE, &["egg:pasteline#proxy"]),
        example("unknown-option", respond("statsu = 204"), REFUSE, &["did you mean `status`?"]),
        example("bad-value", respond("status = many"), REFUSE, &["api-paste.ini:3:10"]),
        example("relative-path", String::new(), served, &["200 from the file"])
            .file("etc/api.ini", files)
            .file("etc/files/a.txt", "from the file".to_owned()),
        example("no-server", ECHO.to_owned(), Run::Request("", GET), &["200 "]),
        example("python-servers", server, VALIDATE, &["`threads`"]),
        example("strategy", nova, REFUSE, &["`--strategy` chooses one"]),
    ]
}

/// Composites.
fn composites() -> Vec<Example> {
    let map = |key| format!("[composite:main]\nuse = egg:Paste#urlmap\n{key} = page\n{PAGE}");
    let cascade = |option| {
        let apps = format!("app1 = page\napp2 = page\n{PAGE}");
        format!("[composite:main]\nuse = egg:Paste#cascade\n{option}\n{apps}")
    };
    let nothing = "[composite:main]\nuse = egg:Paste#cascade\n".to_owned();
    let host = Run::Command("route api-paste.ini GET http://api.example.org/", 0);
    let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let plus = Run::Command("route api-paste.ini GET /v2/x", 0);
    let dots = "GET /v1/../v2/x HTTP/1.1\r\nHost: a\r\n\r\n";
    let path = &["200 ", "\"path_info\":\"/x\""];
    vec![
        example("case-of-hosts", map("domain API.example.org /"), host, &["app:page"]),
        example("plus-in-a-path", map("/v2/+"), plus, &["app:page"]),
        example("dots-in-a-path", map("/v2"), Run::Request("", dots), path),
        example("page-for-404", map("/internal"), Run::Request("", GET), &["404 "])
            .hides("internal"),
        example("statuses-to-catch", cascade("catch = 200"), REFUSE, &["api-paste.ini:3:9"]),
        example("python-numbers", cascade("catch = 4_04"), REFUSE, &["`4_04` is not a status"]),
        example("cascade-of-nothing", nothing, VALIDATE, &["1 warning"]),
        example(
            "body-of-a-cascade",
            cascade("max_body_size = 4"),
            Run::Request("", body),
            &["413 "],
        ),
    ]
}

fn example(row: &'static str, text: String, run: Run, says: &'static [&'static str]) -> Example {
    Example { row, files: vec![("api-paste.ini", text)], run, says, hides: None }
}

fn app(options: &str) -> String {
    format!("[app:main]\n{options}\n")
}

fn respond(options: &str) -> String {
    app(&format!("use = egg:pasteline#respond\n{options}"))
}

fn pipeline(options: &str) -> String {
    format!("[pipeline:main]\n{options}\n{PAGE}{FILTER}")
}
