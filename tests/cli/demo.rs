//! The file that is served if no other is named: each path that its comments name.

use std::fs;

use crate::support::Test;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/api-paste.ini");

/// What the comments ask for, with the status that comes and a part of the body.
const ANSWERS: [(&str, u16, &str); 6] = [
    ("/", 200, "\"v1.0\""),
    ("/healthcheck", 200, "OK"),
    ("/static/reference.md", 200, "# Factories"),
    ("/echo/hello?name=world", 200, "/echo/hello?name=world"),
    ("/private", 200, "only for those who know the password"),
    ("/no/such/page", 404, "Nothing is served here"),
];

#[test]
fn answers_at_each_path_that_its_comments_name() {
    let text = String::from_utf8(fs::read(FILE).unwrap()).unwrap();
    let commands = text.lines().filter_map(|line| line.strip_prefix("#   curl "));
    let named: Vec<_> = commands
        .filter_map(|command| command.split_once("http://127.0.0.1:9696"))
        .map(|(_, path)| path.split(' ').next().unwrap())
        .collect();
    assert_eq!(named, ANSWERS.map(|(path, ..)| path));

    let server = Test::new().argument(FILE).serve();
    for (path, status, part) in ANSWERS {
        // Base64 of `demo:demo`.
        let answer = server.get_with(path, "Authorization: Basic ZGVtbzpkZW1v\r\n").expect(status);
        assert!(answer.body.contains(part), "{answer:#?}");
        assert!(answer.header("x-openstack-request-id").is_some(), "{answer:#?}");
    }
}

#[test]
fn keeps_out_who_does_not_know_the_password() {
    let server = Test::new().argument(FILE).serve();
    let answer = server.get("/private").expect(401);
    assert!(!answer.body.contains("only for those"), "{answer:#?}");
}

#[test]
fn is_valid() {
    let finished = Test::new().argument(FILE).validate().status(0);
    assert_eq!(finished.stderr, "");
}
