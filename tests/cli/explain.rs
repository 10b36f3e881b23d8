//! `list` and `explain`, and command lines that are not understood.

use crate::support::Test;

#[test]
fn lists_the_factories_in_alphabetical_order() {
    let finished = Test::new().arguments("list").run().status(0);
    let names: Vec<_> = finished.stdout.lines().map(|line| line.split(' ').next()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert!(names.contains(&Some("respond")), "{names:?}");
}

#[test]
fn explains_a_native_name_and_python_spellings() {
    let explain = |name: &str| Test::new().arguments("explain").argument(name).run().status(0);
    explain("strategy").prints("strategy: composite").prints("```ini").prints("Stands for");
    let spelling = "call:neutron.auth:pipeline_factory";
    explain(spelling).prints("strategy: composite").prints("As `");
}

#[test]
fn explains_a_diagnostic() {
    let explain = |name: &str| Test::new().arguments("explain").argument(name).run();
    explain("stray-percent").status(0).prints("# stray-percent").prints("body = 100%% of it");
    let near = "help: did you mean `stray-percent`?\n";
    assert!(explain("stray-precent").status(1).stderr.ends_with(near));
}

#[test]
fn tells_how_a_warning_is_silenced() {
    let explain = |name: &str| Test::new().arguments("explain").argument(name).run().status(0);
    explain("unused-section")
        .prints("\n\nA comment directly above")
        .prints("`# pasteline: allow unused-section`")
        .prints("`# pasteline: allow-file unused-section`");
    explain("hidden-option").prints("\n\nWhere it is no error, a comment");
    assert!(!explain("stray-percent").stdout.contains("# pasteline:"));
}

#[test]
fn an_unknown_name_is_an_error_with_the_nearest_one() {
    let finished = Test::new().arguments("explain respnd").run().status(1);
    let expected =
        "error: no factory or diagnostic is called `respnd`\nhelp: did you mean `respond`?\n";
    assert_eq!((&*finished.stdout, &*finished.stderr), ("", expected));
}

#[test]
fn wrong_usage_has_a_status_of_its_own() {
    let wrong =
        ["sreve", "explain", "show --type pipeline", "validate --global x", "serve --bind 1"];
    for arguments in wrong {
        let finished = Test::new().arguments(arguments).run().status(2);
        assert!(finished.stdout.is_empty(), "{arguments}");
        finished.tells("'--help'");
    }
}

#[test]
fn every_command_helps_with_an_example() {
    let finished = Test::new().arguments("--help").run().status(0);
    let (_, commands) = finished.stdout.split_once("Commands:\n").unwrap();
    let commands = commands.lines().map_while(|line| line.trim_start().split(' ').next());
    let commands: Vec<_> = commands.take_while(|command| !command.is_empty()).collect();
    assert!(commands.contains(&"serve"), "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let help = Test::new().arguments(command).arguments("--help").run().status(0);
        help.prints(&format!("  pasteline {command}"));
    }
}
