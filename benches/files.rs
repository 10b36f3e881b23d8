//! What large and hostile files cost: the time and the memory of the whole process.
//!
//! `cargo bench --bench files` writes the files, runs the program on each, prints the best of
//! several runs, and fails where a bar is missed. Where Python has Paste Deploy (`PyPI`'s
//! PasteDeploy), it is run beside on the files that it reads. `-- --test` runs each case once, on
//! files a hundredth the size, and holds nothing against the bars.
//! Linux only: the memory is the largest resident set, which GNU's `time` tells.

#![expect(clippy::print_stdout, reason = "a benchmark reports by printing")]

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What a run may cost.
#[derive(Clone, Copy)]
struct Bar {
    time: Duration,
    memory_kib: u64,
}

const fn bar(milliseconds: u64, mebibytes: u64) -> Bar {
    Bar { time: Duration::from_millis(milliseconds), memory_kib: mebibytes << 10 }
}

const ORDINARY: Bar = bar(1000, 250);
const TWICE: Bar = bar(2300, 500);
const ANY: Bar = bar(4000, 600);
const THOUSAND: Bar = bar(20, 600);
const ATTACK: Bar = bar(50, 600);

/// Ten megabytes.
const SIZE: usize = 10 << 20;

/// What a case is called, what it is run with, its bar, and the file of a size in parts of the
/// whole.
type Case = (&'static str, &'static [&'static str], Bar, fn(usize) -> String);

const SECTIONS: &[&str] = &["show", "--sections"];
const VALIDATE: &[&str] = &["validate"];

const CASES: &[Case] = &[
    ("26,000 ordinary sections", SECTIONS, ORDINARY, |part| ordinary(26_000 / part)),
    ("twice as many", SECTIONS, TWICE, |part| ordinary(52_000 / part)),
    ("empty lines", SECTIONS, ANY, |part| "\n".repeat(SIZE / part)),
    ("330,000 sections", SECTIONS, ANY, |part| {
        numbered(330_000 / part, |n| format!("[s{n}]\na = {n}\nb = x\n"))
    }),
    ("one line", VALIDATE, ANY, |part| format!("[app:main]\nuse = {}", "x".repeat(SIZE / part))),
    ("lines that are none", VALIDATE, ANY, |part| {
        format!("[s]\n{}", "junk\n".repeat(SIZE / 5 / part))
    }),
    ("330,000 broken sections", VALIDATE, ANY, |part| {
        numbered(330_000 / part, |n| format!("[filter:f{n}]\nuse = egg:a\n"))
    }),
    ("280,000 pipelines", VALIDATE, ANY, |part| {
        numbered(280_000 / part, |n| format!("[pipeline:p{n}]\npipeline = f f app\n")) + LAST
    }),
    ("800,000 options", VALIDATE, ANY, |part| {
        format!("{LAST}{}", numbered(800_000 / part, |n| format!("k{n} = v\n")))
    }),
    ("a pipeline of 5,000,000", VALIDATE, ANY, |part| {
        format!("[pipeline:main]\npipeline = {}app\n{LAST}", "f ".repeat(SIZE / 2 / part))
    }),
    ("10,000 faults in one line", VALIDATE, ANY, |part| {
        let filters = numbered(90_000 / part, |n| format!("{n}{} ", "x".repeat(100)));
        format!("[pipeline:main]\npipeline = {filters}app\n{LAST}")
    }),
    ("900,000 stray signs", SECTIONS, ANY, |part| {
        format!("[s]\n{}", numbered(900_000 / part, |n| format!("k{n} = %\n")))
    }),
    ("700,000 entries of a URL map", VALIDATE, ANY, |part| {
        let entries = numbered(700_000 / part, |n| format!("/{n} = app\n"));
        format!("[composite:main]\nuse = egg:Paste#urlmap\n{entries}{LAST}")
    }),
    ("1,000 sections", VALIDATE, THOUSAND, |part| thousand(996 / part)),
    ("a way 10,000 sections deep", VALIDATE, ATTACK, |part| row(10_000 / part, "app", USE)),
    ("a circle of 10,000 sections", VALIDATE, ATTACK, |part| row(10_000 / part, "main", USE)),
    ("10,000 pipelines in a row", VALIDATE, ATTACK, |part| row(10_000 / part, "app", PIPELINE)),
    ("a circle of 10,000 pipelines", VALIDATE, ATTACK, |part| row(10_000 / part, "main", PIPELINE)),
    ("10,000 composites in a row", VALIDATE, ATTACK, |part| row(10_000 / part, "app", COMPOSITE)),
    ("a circle of 10,000 composites", VALIDATE, ATTACK, |part| {
        row(10_000 / part, "main", COMPOSITE)
    }),
    ("10,000 includes in a row", VALIDATE, ATTACK, |part| row(10_000 / part, "app", INCLUDE)),
    ("a circle of 10,000 includes", VALIDATE, ATTACK, |part| row(10_000 / part, "main", INCLUDE)),
    ("10,000 references in a row", VALIDATE, ATTACK, |part| references(10_000 / part, "x")),
    ("a circle of 10,000 references", VALIDATE, ATTACK, |part| references(10_000 / part, "%(k0)s")),
    ("composites that double", VALIDATE, ATTACK, |_| {
        let section =
            |n| format!("[composite:c{n}]\nuse = egg:Paste#urlmap\n/a = c{0}\n/b = c{0}\n", n + 1);
        numbered(19, section).replace("= c19", "= app") + LAST
    }),
];

const LAST: &str =
    "[app:app]\nuse = egg:pasteline#respond\n[filter:f]\nuse = egg:pasteline#request_id\n";

fn main() -> io::Result<ExitCode> {
    if std::env::args().any(|argument| argument == "--list") {
        // A runner of tests asks which there are.
        return Ok(ExitCode::SUCCESS);
    }
    let smoke = std::env::args().any(|argument| argument == "--test");
    let (part, rounds) = if smoke { (100, 1) } else { (1, 5) };
    let paste_deploy = has_paste_deploy();
    let mut met = true;
    for (name, arguments, bar, make) in CASES {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("files.ini");
        fs::write(&file, make(part))?;
        let runs: io::Result<Vec<_>> = (0..rounds).map(|_| run(arguments, &file)).collect();
        let (time, memory) = best(&runs?);
        let is_met = time <= bar.time && memory <= bar.memory_kib;
        met &= is_met;
        let mut line = format!(
            "{name:30} {:8.1} ms (bar {:4}) {:5} MiB (bar {:3})",
            time.as_secs_f64() * 1e3,
            bar.time.as_millis(),
            memory >> 10,
            bar.memory_kib >> 10
        );
        if paste_deploy && (*arguments == SECTIONS || bar.time == THOUSAND.time) {
            write!(line, "  Paste Deploy {:8.1} ms", beside(&file)?.as_secs_f64() * 1e3)
                .map_err(io::Error::other)?;
        }
        println!("{line}{}", if is_met || smoke { "" } else { "  MISSED" });
    }
    Ok(if met || smoke { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn numbered(count: usize, make: impl FnMut(usize) -> String) -> String {
    (0..count).map(make).collect()
}

/// Sections as people write them, 400 bytes each.
fn ordinary(count: usize) -> String {
    let section = |n| {
        format!(
            "[filter:f{n}]\nuse = egg:pasteline#request_id\n# how many at once\nset limit = 100\n\
             retries = 7\nname = %(prefix)s/service-{n}\nbackends = http://10.0.0.{0}:8080/one\n  \
             http://10.1.0.{0}:8080/two\npath = /srv/{1}/{n}\n\n",
            n % 256,
            "x".repeat(200)
        )
    };
    "[DEFAULT]\nprefix = /v2\n".to_owned() + &numbered(count, section)
}

/// A pipeline of filters, each with a section, and nothing wrong.
fn thousand(count: usize) -> String {
    let filter = |n| {
        format!(
            "[filter:f{n}]\nuse = egg:pasteline#headers\nset_response =\n  X-A{n}: %(prefix)s\n"
        )
    };
    let names = numbered(count, |n| format!("f{n} "));
    format!("[DEFAULT]\nprefix = /v2\n[pipeline:main]\npipeline = {names}app\n{LAST}")
        + "[server:main]\nuse = egg:pasteline#http\n"
        + &numbered(count, filter)
}

/// A section by its name that leads to another.
type Link = fn(&str, &str) -> String;

const COMPOSITE: Link =
    |name, next| format!("[composite:{name}]\nuse = egg:Paste#urlmap\n/ = {next}\n");
const INCLUDE: Link = |name, next| format!("[app:{name}]\nuse = config:files.ini#{next}\n");
const PIPELINE: Link = |name, next| format!("[pipeline:{name}]\npipeline = f {next}\n");
const USE: Link = |name, next| format!("[app:{name}]\nuse = {next}\n");

/// Sections that each lead to the next, from `main` on.
fn row(count: usize, last: &str, link: Link) -> String {
    let name = |n| if n == 0 { "main".to_owned() } else { format!("a{n}") };
    let next = |n| if n + 1 == count { last.to_owned() } else { name(n + 1) };
    numbered(count, |n| link(&name(n), &next(n))) + LAST
}

/// Options that each refer to the next.
fn references(count: usize, last: &str) -> String {
    let links = numbered(count, |n| format!("k{n} = %(k{})s\n", n + 1));
    format!("[DEFAULT]\n{links}k{count} = {last}\n{LAST}")
}

/// Runs the program on a file once: the time that it takes, and its memory in KiB.
fn run(arguments: &[&str], file: &PathBuf) -> io::Result<(Duration, u64)> {
    let start = Instant::now();
    let output = Command::new("time")
        .args(["-q", "-f", "%M", env!("CARGO_BIN_EXE_pasteline")])
        .args(arguments)
        .arg(file)
        .stdout(Stdio::null())
        .output()?;
    let time = start.elapsed();
    let told = String::from_utf8_lossy(&output.stderr);
    let memory = told.lines().last().and_then(|line| line.trim().parse().ok());
    match (output.status.code(), memory) {
        (Some(0 | 1), Some(memory)) => Ok((time, memory)),
        _ => Err(io::Error::other(format!("no answer for {arguments:?}: {}", output.status))),
    }
}

/// The shortest time and the largest memory.
fn best(runs: &[(Duration, u64)]) -> (Duration, u64) {
    let time = runs.iter().map(|(time, _)| *time).min().unwrap_or_default();
    (time, runs.iter().map(|(_, memory)| *memory).max().unwrap_or_default())
}

const READ: &str = "import sys; from paste.deploy.loadwsgi import ConfigLoader
parser = ConfigLoader(sys.argv[1]).parser
for name in parser.sections():
    for key in parser.options(name): parser.get(name, key)";

/// How long Paste Deploy takes to read a file, with all options and the start of Python.
fn beside(file: &Path) -> io::Result<Duration> {
    let start = Instant::now();
    python(READ).arg(file).status()?;
    Ok(start.elapsed())
}

fn has_paste_deploy() -> bool {
    python("import paste.deploy").status().is_ok_and(|status| status.success())
}

fn python(program: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", program]).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
