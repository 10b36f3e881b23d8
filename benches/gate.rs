//! What it costs to look at the head of a request: instructions and nanoseconds.
//!
//! `cargo bench --bench gate` prints a table and fails where a bar is missed. Instructions are
//! counted by valgrind's callgrind, which runs this program again; nanoseconds are the best of
//! several rounds. `-- --test` runs each case once.

#![expect(clippy::print_stdout, reason = "a benchmark reports by printing")]

use std::env::Args;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use http::Request;
use pasteline::server::{Gate, Settings};

/// A request, and what the checks of its head and path may cost together.
struct Case {
    name: &'static str,
    request: fn() -> Request<()>,
    instructions: u64,
    nanoseconds: f64,
}

const CASES: &[Case] = &[
    Case {
        name: "a load generator's",
        request: || head(&[("host", "127.0.0.1:9696")]),
        instructions: 700,
        nanoseconds: 60.0,
    },
    Case {
        name: "an OpenStack client's",
        request: || {
            head(&[
                ("host", "network.example:9696"),
                ("user-agent", "openstacksdk/4.0.0 keystoneauth1/5.8.0 python-requests/2.32.3"),
                ("accept-encoding", "gzip, deflate"),
                ("accept", "application/json"),
                ("connection", "keep-alive"),
                ("x-auth-token", "gAAAAABm"),
            ])
        },
        instructions: 1200,
        nanoseconds: 60.0,
    },
];

fn head(fields: &[(&str, &str)]) -> Request<()> {
    let target = "/v2.0/networks/3fa85f64-5717-4562-b3fc-2c963f66afa6?fields=id";
    let request = fields
        .iter()
        .fold(Request::get(target), |request, (name, value)| request.header(*name, *value));
    request.body(()).expect("it is a request")
}

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    match arguments.nth(1).as_deref() {
        Some("--run") => run_for_callgrind(arguments),
        // A runner of tests asks which there are.
        Some("--list") => {}
        Some("--test") => CASES.iter().for_each(|case| admit(case, 1)),
        _ => return table(),
    }
    ExitCode::SUCCESS
}

/// Prints a row for each case. Fails where a bar is missed.
fn table() -> ExitCode {
    println!("{:24} {:>12} {:>8}", "a request", "instructions", "ns");
    let missed = CASES.iter().filter(|case| !is_within_bars(case)).count();
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn is_within_bars(case: &Case) -> bool {
    let (instructions, nanoseconds) = (instructions(case), nanoseconds(case));
    let counted = instructions.map_or("no valgrind".to_owned(), |count| count.to_string());
    println!("{:24} {counted:>12} {nanoseconds:>8.1}", case.name);
    let is_over = instructions.is_some_and(|count| count > case.instructions)
        || nanoseconds > case.nanoseconds;
    if is_over {
        println!("  its bar: {} instructions, {} ns", case.instructions, case.nanoseconds);
    }
    !is_over
}

/// Has a request looked at so many times. It is let through as it is, so it stays the same.
fn admit(case: &Case, times: u32) {
    let gate = Gate::new(&Settings::default());
    let mut request = (case.request)();
    for _ in 0..times {
        let verdict = gate.admit(black_box(&mut request));
        assert!(black_box(verdict).is_ok(), "it is let through");
    }
}

fn nanoseconds(case: &Case) -> f64 {
    const TIMES: u32 = 100_000;
    let round = || {
        let start = Instant::now();
        admit(case, TIMES);
        start.elapsed()
    };
    let best = (0..15).map(|_| round()).min().unwrap_or(Duration::MAX);
    best.as_secs_f64() * 1e9 / f64::from(TIMES)
}

/// Instructions for one request; none where valgrind is not installed.
fn instructions(case: &Case) -> Option<u64> {
    let run = |times: u32| -> Option<u64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().ok()?)
            .args(["--run", case.name, &times.to_string()])
            .output()
            .ok()?;
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        let (_, counted) = report.split_once("Collected : ")?;
        counted.split_whitespace().next()?.parse().ok()
    };
    // What the program does before the first is the same for both.
    Some((run(1100)? - run(100)?) / 1000)
}

fn run_for_callgrind(mut arguments: Args) {
    let name = arguments.next().unwrap_or_default();
    let times = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(0);
    if let Some(case) = CASES.iter().find(|case| case.name == name) {
        admit(case, times);
    }
}
