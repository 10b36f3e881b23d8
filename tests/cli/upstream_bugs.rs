//! What the originals do wrong and these do not, a test each; `docs/openstack.md` lists them.

use serde_json::Value as Json;

use crate::support::Test;

/// A health check as upstream has it, with options.
fn health(name: &str, options: &str) -> String {
    let factory = "oslo_middleware:Healthcheck.app_factory";
    format!("[app:{name}]\npaste.app_factory = {factory}\n{options}\n")
}

/// A pipeline of one filter before `echo`, or another app.
fn piped(filter: &str, app: &str) -> String {
    format!("[pipeline:main]\npipeline = it app\n[filter:it]\n{filter}\n[app:app]\n{app}\n")
}

#[test]
fn a_client_that_is_not_to_know_the_health_is_refused_at_once() {
    // Upstream asks itself over HTTP, without end.
    let text = health("main", "allowed_source_ranges = 10.0.0.0/8");
    assert_eq!(Test::new().ini(&text).serve().get("/").status, 403);
}

#[test]
fn a_backend_that_does_not_exist_is_refused() {
    // Upstream says that all is well.
    let test = Test::new().ini(&health("main", "backends = nosuch"));
    test.validate().status(1).tells("`nosuch`");
}

#[test]
fn backends_that_exclude_each_other_are_refused_with_a_reason() {
    // Upstream's message is `Invalid configuration file. %(error_msg)s`.
    let test = Test::new().ini(&health("main", "backends = disable_by_file, enable_by_files"));
    test.validate().status(1).tells("`disable_by_file` and `enable_by_files` exclude each other");
}

#[test]
fn an_option_of_one_section_is_not_that_of_another() {
    // Upstream sets it for all filters of the process that read it.
    let urlmap = "[composite:main]\nuse = egg:Paste#urlmap\n/a = a\n/b = b\n";
    let text = format!("{urlmap}{}{}", health("a", "detailed = True"), health("b", ""));
    let server = Test::new().ini(&text).serve();
    let detailed = |path: &str| server.get_with(path, "Accept: application/json\r\n").json();
    assert_eq!(detailed("/a")["detailed"], Json::Bool(true));
    assert_eq!(detailed("/b")["detailed"], Json::Bool(false));
}

#[test]
fn the_client_is_not_what_the_client_says() {
    // Upstream takes the whole list, and of `Forwarded` the first.
    let filter = "paste.filter_factory = oslo_middleware:HTTPProxyToWSGI.factory\n\
                  enable_proxy_headers_parsing = true";
    let server = Test::new().ini(&piped(filter, "use = egg:pasteline#echo")).serve();
    for header in
        ["X-Forwarded-For: 1.1.1.1, 192.0.2.7", "Forwarded: for=1.1.1.1, for=\"192.0.2.7:80\""]
    {
        let seen = server.get_with("/", &format!("{header}\r\n")).json();
        assert_eq!(seen["client"], "192.0.2.7", "{header}");
    }
}

#[test]
fn an_options_that_is_no_preflight_is_the_apps() {
    // Upstream makes 200 of it.
    let filter = "paste.filter_factory = oslo_middleware.cors:filter_factory\n\
                  allowed_origin = https://a.example";
    let text = piped(filter, "use = egg:pasteline#respond\nstatus = 404");
    let server = Test::new().ini(&text).serve();
    assert_eq!(server.send("OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n").status, 404);
}

#[test]
fn credentials_are_not_allowed_to_everyone() {
    // Upstream allows them, and browsers refuse the response.
    let filter = "paste.filter_factory = oslo_middleware.cors:filter_factory\nallowed_origin = *";
    let server = Test::new().ini(&piped(filter, "use = egg:pasteline#echo")).serve();
    let answer = server.get_with("/", "Origin: https://a.example\r\n");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[test]
fn what_fails_behind_basic_auth_is_not_a_wrong_password() {
    // Upstream makes 401 of it, without saying how to log in.
    let filter = "paste.filter_factory = oslo_middleware:BasicAuthMiddleware.factory\n\
                  http_basic_auth_user_file = %(here)s/users";
    let text = piped(filter, "use = egg:pasteline#respond\nstatus = 500");
    // `alice` and `wonderland`.
    let users = "alice:$2y$04$VIBsJ1k9apJtT1IWAdWm5eJAZo.Mon6WXxo83Wedpzith3BMHxzBm\n";
    let server = Test::new().ini(&text).file("users", users).serve();
    let credentials = "Authorization: Basic YWxpY2U6d29uZGVybGFuZA==\r\n";
    assert_eq!(server.get_with("/", credentials).status, 500);
    let answer = server.get("/").expect(401);
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"api\", charset=\"UTF-8\""));
}

#[test]
fn a_limit_is_told_with_its_number() {
    // Upstream's message has `%s` in it.
    let filter = "paste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory\n\
                  max_request_body_size = 3";
    let server = Test::new().ini(&piped(filter, "use = egg:pasteline#echo")).serve();
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody";
    let answer = server.send(request).expect(413);
    assert!(answer.body.contains("Larger than max_request_body_size (3)."), "{}", answer.body);
}

#[test]
fn a_uuid_in_a_path_is_left_out_of_statistics() {
    // Upstream does so only if an `a` follows it.
    let statsd = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = statsd.local_addr().unwrap().port();
    let filter = format!(
        "paste.filter_factory = oslo_middleware.stats:StatsMiddleware.factory\nname = n\n\
         stats_host = 127.0.0.1\nstats_port = {port}\nremove_uuid = true\n\
         remove_short_uuid = False"
    );
    let server = Test::new().ini(&piped(&filter, "use = egg:pasteline#echo")).serve();
    server.get("/v2.0/x/5a1b6b0e-52bd-4a4f-9d6a-1c3e1f3f2a77/5a1b6b0e52bd4a4f9d6a1c3e1f3f2a77");
    let mut line = [0; 512];
    let length = statsd.recv(&mut line).unwrap();
    let line = String::from_utf8_lossy(&line[..length]).into_owned();
    assert!(line.starts_with("n.GET.v20.x.5a1b6b0e52bd4a4f9d6a1c3e1f3f2a77:"), "{line}");
}

#[test]
fn without_patience_an_address_is_tried_once() {
    // Upstream does not try at all.
    let text = "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\n\
                retry_until_window = 0\n[app:main]\nuse = egg:pasteline#respond\nbody = here\n";
    let server = Test::new().ini(text).arguments("serve").start();
    assert_eq!(server.get("/").expect(200).body, "here");
}

#[test]
fn idle_connections_keep_nobody_waiting() {
    // Upstream's workers have so many threads, and each idle connection takes one.
    let text = "[app:main]\nuse = egg:pasteline#respond\nbody = here\n";
    let server = Test::new().ini(text).serve();
    let mut idle: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for client in &mut idle {
        client.ask("/").expect(200);
    }
    assert_eq!(server.get("/").expect(200).body, "here");
    assert_eq!(idle[0].ask("/").expect(200).body, "here");
}

#[test]
fn a_line_that_ends_in_lf_alone_is_read_by_all_alike() {
    // Upstream passes it on as it came, to whoever takes both lines for one.
    let app = Test::new().ini("[app:main]\nuse = egg:pasteline#echo\n").serve();
    let proxy = format!("use = egg:pasteline#proxy\nupstream = http://{}", app.address());
    let text = piped("use = egg:pasteline#gatekeeper", &proxy);
    let server = Test::new().ini(&text).serve();
    let request = "GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\nX-Backend-A: 2\nX-B: 3\r\n\r\n";
    let seen = server.send(request).expect(200).json();
    let named = |name: &str| seen["headers"].as_array().unwrap().iter().any(|one| one[0] == *name);
    assert_eq!(["x-a", "x-backend-a", "x-b"].map(named), [true, false, true], "{seen}");
}
