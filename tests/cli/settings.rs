//! Settings files: what they are for `serve` and `validate`.

use crate::support::{Server, Test, Upstream, process};

/// A file as Neutron has it, with much that is none of our business.
const NEUTRON: &str = "\
[DEFAULT]
core_plugin = ml2
service_plugins = router,qos
transport_url = rabbit://openstack:lemon@controller
bind_host = 127.0.0.1
bind_port = 0
api_workers = 2
rpc_workers = 0

[keystone_authtoken]
www_authenticate_uri = http://controller:5000
password = lemon

[database]
connection = mysql+pymysql://neutron:lemon@controller/neutron
";

const HELLO: &str = "[app:main]\nuse = egg:pasteline#respond\nbody = hello\n";

/// A server at a free port, with further settings.
fn serve(settings: &str) -> Server {
    let settings = format!("[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = 0\n{settings}");
    let test = Test::new().ini(HELLO).file("n.conf", settings);
    test.arguments("serve --workers 0 --config-file n.conf").start()
}

#[test]
fn a_neutron_conf_starts_the_server_with_no_edits() {
    let test = Test::new().file("etc/api-paste.ini", HELLO).file("etc/neutron.conf", NEUTRON);
    let mut server = test.arguments("serve --config-file etc/neutron.conf").start();
    server.line("ready: 2 workers");
    assert_eq!(server.get("/").expect(200).body, "hello");
    server.signal("TERM");
    let finished = server.wait();
    assert!(!finished.stderr.contains("warning"), "{finished:#?}");
}

#[test]
fn the_command_line_wins_over_settings_and_they_over_the_section() {
    let text = format!("{HELLO}[server:main]\nuse = egg:waitress\nlisten = *:1\nthreads = 4\n");
    let test = Test::new().ini(&text).file("n.conf", "[DEFAULT]\nbind_port = 1\napi_workers = 7\n");
    let test = test.arguments("--config-file n.conf");
    assert_eq!(test.serve().get("/").body, "hello");
    let test = Test::new().ini(&text).file("n.conf", NEUTRON);
    let server = test.arguments("serve --config-file n.conf --workers 0").start();
    assert_eq!(server.get("/").body, "hello");
}

#[test]
fn titles_of_workers_tell_as_much_as_is_asked_for() {
    for (title, expected) in [
        ("on", "pasteline: worker 1 (generation 1) ("),
        ("brief", "pasteline: worker 1 (generation 1) worker"),
        ("off", "pasteline worker"),
    ] {
        let settings = format!("[DEFAULT]\nsetproctitle = {title}\nbind_host = 127.0.0.1\n");
        let test = Test::new().ini(HELLO).file("n.conf", settings + "bind_port = 0\n");
        let mut server = test.arguments("serve --workers 1 --config-file n.conf").start();
        server.line("ready: 1 worker");
        let worker = *process::children(server.process()).first().unwrap();
        let shown = process::title(worker);
        assert!(shown.starts_with(expected), "{shown}");
        assert!((title == "on") == shown.contains(" serve --workers 1"), "{shown}");
    }
}

#[test]
fn the_strategy_of_the_settings_chooses_the_pipeline() {
    let composite = "[composite:main]\nuse = call:neutron.auth:pipeline_factory\nnoauth = open\n";
    let text = format!(
        "{composite}keystone = closed\n[app:open]\nuse = egg:pasteline#respond\nbody = open\n[app:closed]\nuse = egg:pasteline#respond\n"
    );
    let test = Test::new().ini(&text).file("n.conf", "[DEFAULT]\nauth_strategy = noauth\n");
    let server = test.arguments("--config-file n.conf").serve();
    assert_eq!(server.get("/").body, "open");
}

#[test]
fn debug_logs_all_settings_and_no_secret() {
    let server = serve("debug = on\n[keystone_authtoken]\npassword = lemon\n");
    server.signal("TERM");
    let finished = server.wait();
    assert!(!finished.stderr.contains("lemon"), "{finished:#?}");
    let finished = finished.tells("server:main.backlog            = 4096  (default)");
    finished.tells("debug                          = on  (n.conf:4:9)");
}

#[test]
fn the_log_is_json_and_single_loggers_are_quiet() {
    let mut server = serve("use_json = true\n");
    server.signal("TERM");
    let line = server.line("\"level\":\"INFO\"");
    assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    let mut server = serve("debug = on\ndefault_log_levels = pasteline.cli=WARN\n");
    server.signal("TERM");
    server.line("ended");
    assert!(!server.wait().stderr.contains("backlog"));
}

#[test]
fn the_log_goes_to_a_file() {
    let test = Test::new().ini(HELLO).arguments("serve --log-file no/such/dir");
    test.run().status(1).tells("error: cannot write the log to `no/such/dir`: no such file");
    let test = Test::new().ini(HELLO).file("n.conf", "[DEFAULT]\nlog_dir = .\n");
    let test = test.arguments("serve --config-file n.conf --bind 256.0.0.1:1 --workers 0 --debug");
    let log = test.directory().join("pasteline.log");
    test.run().status(1);
    let log = String::from_utf8(std::fs::read(log).unwrap()).unwrap();
    assert!(log.contains("log_dir                        = .  (n.conf:2:11)"), "{log}");
}

#[test]
fn validate_tells_the_faults_of_settings_too() {
    let text = "[DEFAULT]\napi_workers = banana\nbind_prot = 1\n";
    let test = Test::new().ini("[app:main]\nuse = nothing\n").file("n.conf", text);
    let finished = test.arguments("--config-file n.conf --format short").validate().status(1);
    let told: Vec<_> = finished.stderr.lines().collect();
    assert!(told[0].starts_with("n.conf:2:15: error[bad-value]: `api_workers` is `banana`"));
    assert!(told[1].starts_with("n.conf:3:1: warning[unknown-option]"));
    assert!(told[2].starts_with("api-paste.ini:2:7: error[unknown-section]"), "{told:?}");
}

#[test]
fn what_is_wrong_with_settings_keeps_the_server_from_starting() {
    let test = Test::new().ini(HELLO).file("n.conf", "[DEFAULT]\nuse_ssl = true\n");
    let finished = test.arguments("serve --config-file n.conf").run().status(1);
    finished.tells("`use_ssl` needs the option `cert_file` of `[ssl]`").tells("n.conf:2:11");
    let test = Test::new().ini(HELLO).arguments("serve --config-file none.conf");
    test.run().status(1).tells("cannot read `none.conf`: no such file or directory");
}

#[test]
fn show_tells_where_each_setting_comes_from() {
    let first = "[DEFAULT]\nbacklog = 1\ndebug = on\n";
    let test = Test::new().file("a.conf", first).file("d/b.conf", "[DEFAULT]\nbacklog = 2\n");
    let test = test.arguments("show --settings --config-file a.conf --config-dir d");
    let finished = test.run().status(0).prints("[DEFAULT]\nbind_host =  (as the server has it)\n");
    let finished = finished.prints("\nbacklog = 2  (d/b.conf:2:11)\n");
    finished.prints("\ndebug = on  (a.conf:3:9)\n").prints("\n\n[ssl]\n");
}

#[test]
fn show_tells_what_counts_for_each_server() {
    let servers = "[server:main]\nuse = egg:waitress\nlisten = *:1\nbacklog = 7\n\
                   [server:other]\nuse = egg:pasteline#http\nmax_fields = 9\n";
    let test = Test::new().ini(&format!("{HELLO}{servers}"));
    let test = test.file("a.conf", "[DEFAULT]\napi_workers = 3\n");
    let test = test.variable("OS_DEFAULT__TCP_KEEPIDLE", "5");
    let finished = test.arguments("show --settings --config-file a.conf").run().status(0);
    let (_, main) = finished.stdout.split_once("\n\n[server:main]\n").unwrap();
    let (main, other) = main.split_once("\n\n[server:other]\n").unwrap();
    let lines = |text: &str, expected: &[&str]| {
        for line in expected {
            assert!(text.lines().any(|told| told == *line), "{line}: {text}");
        }
    };
    lines(
        main,
        &[
            "bind = *:1  (api-paste.ini:6:10)",
            "backlog = 7  (api-paste.ini:7:11)",
            "tcp_keepidle = 5  (<environment>:1:26)",
            "workers = 3  (a.conf:2:15)",
            "max_header_line = 16384  (default)",
        ],
    );
    lines(other, &["max_fields = 9  (api-paste.ini:10:14)", "workers =  (default)"]);
}

#[test]
fn a_password_in_a_setting_is_not_shown() {
    let text = "[DEFAULT]\nwsgi_log_format = http://u:lemon@h\n";
    let test = Test::new().file("a.conf", text).arguments("show --settings --config-file a.conf");
    let finished = test.run().status(0).prints("http://u:****@h");
    assert!(!finished.stdout.contains("lemon") && !finished.stderr.contains("lemon"));
}

#[test]
fn the_sample_is_a_settings_file() {
    let sample = Test::new().arguments("sample-config").run().status(0).stdout;
    let test = Test::new().ini(HELLO).file("s.conf", &sample);
    let finished = test.arguments("--config-file s.conf --deny-warnings").validate().status(0);
    finished.prints("api-paste.ini is valid");
}

/// A pipeline as Neutron has it, and what its settings file says for it.
const FILTERS: &str = "\
[pipeline:main]
pipeline = cors size hello

[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = neutron
max_age = 7

[filter:size]
paste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory

[app:hello]
use = egg:pasteline#respond
body = hello
";

const ORIGINS: &str = "\
[DEFAULT]
domain = example
[CORS]
allowed_origin = https://a.$domain
max_age = 5
[oslo_middleware]
max_request_body_size = 3
";

fn preflight() -> &'static str {
    "OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: https://a.example\r\n\
     Access-Control-Request-Method: PUT\r\nConnection: close\r\n\r\n"
}

#[test]
fn filters_read_their_groups_of_settings_files() {
    let test = Test::new().ini(FILTERS).file("n.conf", ORIGINS);
    let server =
        test.arguments("serve --workers 1 --bind 127.0.0.1:0 --config-file n.conf").start();
    let answer = server.send(preflight());
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"));
    // The section wins.
    assert_eq!(answer.header("access-control-max-age"), Some("7"));
    let large = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
    assert_eq!(server.send(large).status, 413);
}

#[test]
fn a_reload_reads_the_groups_of_filters_anew() {
    let test = Test::new().ini(FILTERS).file("n.conf", ORIGINS);
    let settings = test.directory().join("n.conf");
    let mut server =
        test.arguments("serve --workers 1 --bind 127.0.0.1:0 --config-file n.conf").start();
    std::fs::write(settings, ORIGINS.replace("domain = example", "domain = other")).unwrap();
    server.signal("HUP");
    server.line("reloaded");
    assert_eq!(server.send(preflight()).header("access-control-allow-origin"), None);
}

#[test]
fn the_environment_wins_over_the_groups_of_settings_files() {
    let test = Test::new().ini(FILTERS).file("n.conf", ORIGINS);
    let test = test.variable("OS_CORS__ALLOWED_ORIGIN", "https://b.example");
    let finished = test.arguments("show --origin --config-file n.conf").run().status(0);
    let finished = finished.prints("allowed_origin = https://b.example  (<environment>:1:25)");
    finished.prints("max_request_body_size = 3  (n.conf:7:25)");
}

#[test]
fn faults_in_the_groups_of_filters_are_told_at_their_place() {
    let text = "[cors]\nallowed_origin = https://a.example, nowhere\nmax_agee = 1\n\
                [oslo_middleware]\nmax_request_body_size = $many\n\
                [database]\nanything = $goes\n";
    let test = Test::new().ini(FILTERS).file("n.conf", text);
    let test = test.arguments("--config-file n.conf --format short");
    let finished = test.validate().status(1);
    let told: Vec<_> = finished.stderr.lines().collect();
    assert!(told[0].starts_with("n.conf:2:37: error[bad-value]: `allowed_origin` has `nowhere`"));
    assert!(told[1].starts_with("n.conf:3:1: warning[unknown-option]: no option of `[cors]`"));
    assert!(told[2].starts_with("n.conf:5:25: error[unknown-reference]: `$many` stands for"));
    assert!(told[3].starts_with("api-paste.ini:6:1: note[ignored-option]"), "{told:?}");
}

#[test]
fn show_tells_what_settings_files_give_for_filters() {
    let test =
        Test::new().file("n.conf", ORIGINS).arguments("show --settings --config-file n.conf");
    let finished = test.run().status(0);
    let finished = finished.prints("\n[cors]\nallowed_origin = https://a.example  (n.conf:4:18)\n");
    finished.prints("\n[oslo_middleware]\nmax_request_body_size = 3  (n.conf:7:25)\n");
}

#[test]
fn a_login_may_stand_in_a_group_of_its_own() {
    let text = "[pipeline:main]\npipeline = authtoken app\n[filter:authtoken]\n\
        paste.filter_factory = keystonemiddleware.auth_token:filter_factory\n\
        [app:app]\nuse = egg:pasteline#echo\n";
    let settings = "[keystone_authtoken]\nauth_section = login\nusername = other\n\
        token_cache_time = 60\n\
        [login]\nauth_url = http://127.0.0.1:5000\nauth_type = password\nusername = neutron\n\
        user_domain_name = Default\npassword = secret\nproject_name = service\n\
        project_domain_name = Default\ntoken_cache_time = 30\n";
    let test = |settings: &str| {
        let test = Test::new().ini(text).file("n.conf", settings);
        test.arguments("show --origin --config-file n.conf").run()
    };
    let finished = test(settings).status(0);
    for (option, place) in [("username = neutron ", "8:12"), ("token_cache_time = 60 ", "4:20")] {
        let line = finished.stdout.lines().find(|line| line.trim_start().starts_with(option));
        let place = format!("(n.conf:{place})");
        assert!(line.is_some_and(|line| line.ends_with(&place)), "{line:?}");
    }
    let validate = |settings: &str| {
        let test = Test::new().ini(text).file("n.conf", settings);
        test.arguments("validate --config-file n.conf").run()
    };
    validate(settings).status(0);
    let missing = settings.replace("[login]", "[logon]");
    validate(&missing).status(1).tells("or give it in `[login]` of a file");
}

#[test]
fn a_secret_that_is_kept_elsewhere_is_used_and_never_shown() {
    const FILE: &str = "[pipeline:main]\npipeline = authtoken app\n[filter:authtoken]\n\
        paste.filter_factory = keystonemiddleware.auth_token:filter_factory\n\
        [app:app]\nuse = egg:pasteline#echo\n";
    for place in ["file:secrets/keystone", "env:LEMON"] {
        let keystone = Upstream::start();
        let settings = format!(
            "[DEFAULT]\ndebug = on\nbind_host = 127.0.0.1\nbind_port = 0\n\
             [keystone_authtoken]\nauth_url = http://{}\nauth_type = password\n\
             username = neutron\nuser_domain_name = Default\npassword = {place}\n\
             project_name = service\nproject_domain_name = Default\n\
             http_request_max_retries = 0\n",
            keystone.address()
        );
        let test = |arguments: &str| {
            let test = Test::new().ini(FILE).file("etc/n.conf", &settings);
            let test = test.file("etc/secrets/keystone", "lemon\n").variable("LEMON", "lemon");
            test.arguments(arguments).arguments("--config-file etc/n.conf")
        };
        let shown = test("show --settings").run().status(0);
        let shown = shown.prints("\npassword = ****  (etc/n.conf:10:12)\n");
        assert!(!shown.stdout.contains("lemon"), "{shown:#?}");
        let server = test("serve --workers 1").start();
        server.get_with("/", "X-Auth-Token: some\r\n").expect(503);
        while !keystone.request().contains("\"password\":\"lemon\"") {}
        server.signal("TERM");
        let finished = server.wait();
        assert!(!finished.stderr.contains("lemon"), "{finished:#?}");
        finished.tells("keystone_authtoken.password    = ****  (etc/n.conf:10:12)");
    }
}
