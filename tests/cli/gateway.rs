//! The program before a service: what is passed on, and what becomes of a service that is gone.

use crate::support::{Test, Upstream, closed_address};

fn proxy(upstream: &Upstream) -> String {
    let upstream = upstream.address();
    format!("[app:main]\nuse = egg:pasteline#proxy\nupstream = http://{upstream}\n")
}

#[test]
fn finishes_what_has_begun_before_it_ends() {
    let upstream = Upstream::holding();
    let server = Test::new().ini(&proxy(&upstream)).serve();
    let mut client = server.connect().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    upstream.request();
    server.signal("TERM");
    while !server.refuses() {}
    upstream.release();
    assert_eq!(client.next_answer().expect(200).body, "from upstream");
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn a_client_cannot_name_away_what_a_filter_has_set() {
    let upstream = Upstream::start();
    let text = proxy(&upstream).replace("app:main", "app:up");
    let text = format!(
        "[pipeline:main]\npipeline = noauth up\n\
         [filter:noauth]\nuse = egg:pasteline#noauth\n{text}"
    );
    let server = Test::new().ini(&text).serve();
    let named = "Connection: X-Roles, x-identity-status, X-Own\r\nX-Own: 1\r\n";
    server.get_with("/", named).expect(200);
    let seen = upstream.request();
    for name in ["x-roles", "x-identity-status", "x-user-id", "x-project-id"] {
        assert!(seen.contains(&format!("\r\n{name}: ")), "{name}: {seen}");
    }
    assert!(!seen.contains("x-own"), "{seen}");
}

#[test]
fn a_dead_upstream_is_told_as_json_with_the_id_of_the_request() {
    let (_socket, dead) = closed_address();
    let text = format!(
        "[pipeline:main]\npipeline = request_id app\n\
         [filter:request_id]\nuse = egg:pasteline#request_id\n\
         [app:app]\nuse = egg:pasteline#proxy\nupstream = http://{dead}\n"
    );
    let answer = Test::new().ini(&text).serve().get("/").expect(502);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let id = answer.header("x-openstack-request-id").unwrap();
    assert!(answer.body.contains(id), "{answer:#?}");
    assert!(answer.json().is_object());
}
