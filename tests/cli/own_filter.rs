//! A program of someone's own: `examples/own_filter.rs`.

use crate::support::Test;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/own_filter.ini");

/// The example's program, which lies beside the directory of the test's own.
fn program() -> Test {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().with_file_name("examples").join("own_filter");
    assert!(
        program.exists(),
        "`cargo test` builds it; for one test, `cargo build --examples` does"
    );
    Test::program(program)
}

#[test]
fn serves_its_own_filters_and_app() {
    let arguments = ["serve", FILE, "--bind", "127.0.0.1:0"];
    let server = arguments.into_iter().fold(program(), Test::argument).start();
    let answer = server.get("/greet/Ada").expect(200);
    assert_eq!(answer.body, "Bonjour Ada\n");
    let timing = answer.header("server-timing").unwrap();
    assert!(timing.starts_with("greeter;dur="), "{timing}");
    assert!(answer.header("x-openstack-request-id").is_some(), "{answer:#?}");
    server.get("/coffee").expect(418);
    server.get("/elsewhere").expect(404);
}

#[test]
fn has_the_whole_command_line() {
    program().arguments("validate").argument(FILE).run().status(0).prints("is valid");
    program().arguments("explain teapot").run().status(0).prints("418 I'm a teapot");
    let file = "[app:main]\nuse = egg:pasteline#greeter\ngreetin = Hi\n";
    program().ini(file).validate().status(1).tells("did you mean `greeting`?");
}
