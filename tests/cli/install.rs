//! What comes with an installed program: completions and manual pages.

use std::fs;
use std::process::Command;

use crate::support::Test;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

#[test]
fn every_shell_has_completions_of_commands_and_names() {
    for shell in SHELLS {
        let finished = Test::new().arguments("completions").argument(shell).run().status(0);
        let finished = finished.prints("validate").prints("origin");
        // The others complete no arguments but options.
        if ["bash", "zsh"].contains(&shell) {
            finished.prints("stray-percent").prints("http_proxy_to_wsgi");
        }
    }
}

#[test]
fn bash_completes_commands_options_and_names() {
    let script = Test::new().arguments("completions bash").run().status(0).stdout;
    let complete = |words: &str| {
        let (before, last) = words.rsplit_once(' ').unwrap();
        let position = before.split(' ').count();
        let previous = before.rsplit(' ').next().unwrap();
        let call = format!(
            "{script}\nCOMP_WORDS=({words})\nCOMP_CWORD={position}\n\
             _pasteline pasteline '{last}' '{previous}'\necho \"${{COMPREPLY[@]}}\"\n"
        );
        let output = Command::new("bash").args(["--norc", "-c", &call]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    assert_eq!(complete("pasteline val"), "validate");
    assert_eq!(complete("pasteline show --ori"), "--origin");
    assert_eq!(complete("pasteline explain stray-p"), "stray-percent");
    assert_eq!(complete("pasteline schema size"), "sizelimit");
    assert_eq!(complete("pasteline show --format j"), "json");
}

#[test]
fn every_command_has_a_manual_page() {
    let test = Test::new().arguments("man --out man/man1");
    assert_eq!(test.run().status(0).stdout, "");
    let help = Test::new().arguments("--help").run().status(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands.lines().map_while(|line| line.split_whitespace().next());
    let commands = commands.filter(|command| *command != "help");
    let mut expected: Vec<_> = commands.map(|command| format!("pasteline-{command}.1")).collect();
    expected.push("pasteline.1".to_owned());
    expected.sort();
    let directory = test.directory().join("man/man1");
    let entries = fs::read_dir(&directory).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    assert_eq!(names, expected);
    for name in names {
        let page = String::from_utf8(fs::read(directory.join(&name)).unwrap()).unwrap();
        let title = format!(".TH {} 1", name.strip_suffix(".1").unwrap());
        assert!(page.contains(&title) && page.contains(".SH DESCRIPTION"), "{page}");
        // It is not on every machine.
        let mut roff = Command::new("groff");
        roff.args(["-man", "-Tutf8", "-ww"]);
        if let Ok(output) = roff.arg(directory.join(&name)).output() {
            assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}");
        }
    }
}

#[test]
fn a_manual_page_is_printed_by_the_name_of_its_command() {
    Test::new().arguments("man").run().status(0).prints(".TH pasteline 1");
    let version = format!("\"pasteline {}\"", env!("CARGO_PKG_VERSION"));
    let page = Test::new().arguments("man fmt").run().status(0);
    page.prints(".TH pasteline-fmt 1").prints(&version);
    let finished = Test::new().arguments("man shwo").run().status(1);
    let expected = "error: no command is called `shwo`\nhelp: did you mean `show`?\n";
    assert_eq!((&*finished.stdout, &*finished.stderr), ("", expected));
    let test = Test::new().file("taken", "").arguments("man --out taken");
    test.run().status(1).tells("error: cannot write `taken`: ");
}
