//! What a filter costs, in process: instructions, nanoseconds and allocations a request.
//!
//! `cargo bench --bench layers` prints a table and fails where a bar is missed. Each figure is a
//! difference: a request through 32 filters less a request through none, divided by 32.
//! Instructions are counted by valgrind's callgrind, which runs this program again; they do not
//! depend on what else the machine does. Nanoseconds are the best of several rounds.
//! `-- --test` runs each case once.

#![expect(clippy::print_stdout, reason = "a benchmark reports by printing")]

use std::env::Args;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::pin::pin;
use std::process::{Command, ExitCode};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, StatusCode};
use pasteline::app::{App, Body, Filter, Handler, Phase, Request, Response, response};
use tower_http::sensitive_headers::SetSensitiveResponseHeadersLayer;

const FILTERS: usize = 32;

/// A kind of filter and what one of it may cost.
struct Case {
    name: &'static str,
    filter: fn(usize) -> Filter,
    instructions: Option<u64>,
    nanoseconds: Option<f64>,
}

const SETS_A_HEADER: Case = Case {
    name: "phase that sets a header",
    filter: |index| Filter::phase(SetHeader::new(index)),
    instructions: Some(600),
    nanoseconds: Some(60.0),
};

const CASES: &[Case] = &[
    Case {
        name: "idle phase",
        filter: |_| Filter::phase(Idle),
        instructions: Some(120),
        nanoseconds: Some(10.0),
    },
    Case {
        name: "phase with a memo",
        filter: |_| Filter::phase(Remembering),
        instructions: Some(160),
        nanoseconds: None,
    },
    SETS_A_HEADER,
    Case {
        name: "idle handler",
        filter: |_| Filter::handler(Idle),
        instructions: None,
        nanoseconds: None,
    },
    Case {
        name: "layer of tower-http",
        filter: |_| Filter::layer(SetSensitiveResponseHeadersLayer::new([])),
        instructions: None,
        nanoseconds: None,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    match arguments.nth(1).as_deref() {
        Some("--run") => run_for_callgrind(arguments),
        // A runner of tests asks which there are.
        Some("--list") => {}
        Some("--test") => CASES.iter().for_each(|case| answer(&stack(case, FILTERS))),
        _ => return table(),
    }
    ExitCode::SUCCESS
}

/// Prints a row for each case. Fails where a bar is missed.
fn table() -> ExitCode {
    println!("{:26} {:>12} {:>10} {:>12}", "a filter", "instructions", "ns", "allocations");
    let missed = CASES.iter().filter(|case| !is_within_bars(case)).count();
    let allocated = |filters| allocations(&stack(&SETS_A_HEADER, filters));
    let more = allocated(12) - allocated(0);
    println!("12 phases that set a header allocate {more} times more than none");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn is_within_bars(case: &Case) -> bool {
    let instructions = instructions(case);
    let nanoseconds = per_filter(|filters| nanoseconds(&stack(case, filters)));
    let allocations = per_filter(|filters| allocations(&stack(case, filters)));
    let counted = instructions.map_or("no valgrind".to_owned(), |count| count.to_string());
    println!("{:26} {counted:>12} {nanoseconds:>10.1} {allocations:>12.2}", case.name);
    let over = instructions.zip(case.instructions).is_some_and(|(is, bar)| is > bar)
        || case.nanoseconds.is_some_and(|bar| nanoseconds > bar);
    if over {
        println!("  its bar: {:?} instructions, {:?} ns", case.instructions, case.nanoseconds);
    }
    !over
}

#[expect(clippy::cast_precision_loss, reason = "there are 32 filters")]
fn per_filter(measure: impl Fn(usize) -> f64) -> f64 {
    (measure(FILTERS) - measure(0)) / FILTERS as f64
}

fn stack(case: &Case, filters: usize) -> App {
    let filters: Vec<_> = (0..filters).map(case.filter).collect();
    App::ready(|_| response::text(StatusCode::OK, "Hello, World!")).behind(&filters)
}

/// Sends one request through; what is measured never waits.
fn answer(app: &App) {
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert(http::header::HOST, HeaderValue::from_static("localhost"));
    let future = pin!(app.answer(black_box(request)));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => drop(black_box(response)),
        Poll::Pending => unreachable!("no filter of this benchmark waits"),
    }
}

fn nanoseconds(app: &App) -> f64 {
    const REQUESTS: u32 = 20_000;
    let round = || {
        let start = Instant::now();
        (0..REQUESTS).for_each(|_| answer(app));
        start.elapsed()
    };
    let best = (0..15).map(|_| round()).min().unwrap_or(Duration::MAX);
    best.as_secs_f64() * 1e9 / f64::from(REQUESTS)
}

#[expect(clippy::cast_precision_loss, reason = "a request makes a few dozen at most")]
fn allocations(app: &App) -> f64 {
    answer(app);
    allocation_counter::measure(|| answer(app)).count_total as f64
}

/// Instructions of one filter; none where valgrind is not installed.
fn instructions(case: &Case) -> Option<u64> {
    let run = |filters: usize, requests: u64| -> Option<u64> {
        let program = std::env::current_exe().ok()?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .args(["--run", case.name, &filters.to_string(), &requests.to_string()])
            .output()
            .ok()?;
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        let (_, counted) = report.split_once("Collected : ")?;
        counted.split_whitespace().next()?.parse().ok()
    };
    // What the program does before its first request is the same for both numbers of requests.
    let per_request = |filters| Some((run(filters, 1100)? - run(filters, 100)?) / 1000);
    Some((per_request(FILTERS)? - per_request(0)?) / FILTERS as u64)
}

fn run_for_callgrind(mut arguments: Args) {
    let name = arguments.next().unwrap_or_default();
    let mut number = || arguments.next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let (filters, requests) = (number(), number());
    if let Some(case) = CASES.iter().find(|case| case.name == name) {
        let app = stack(case, filters);
        (0..requests).for_each(|_| answer(&app));
    }
}

struct Idle;

impl Phase for Idle {
    type Memo = ();

    fn request(&self, _: &mut Request) -> ControlFlow<Response> {
        ControlFlow::Continue(())
    }
}

impl Handler for Idle {
    async fn handle(&self, request: Request, next: App) -> Response {
        next.answer(request).await
    }
}

struct Remembering;

impl Phase for Remembering {
    type Memo = u64;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, u64> {
        ControlFlow::Continue(request.uri().path().len() as u64)
    }

    fn response(&self, memo: u64, _: &mut Response) {
        black_box(memo);
    }
}

struct SetHeader {
    name: HeaderName,
    value: HeaderValue,
}

impl SetHeader {
    fn new(index: usize) -> Self {
        let name = HeaderName::try_from(format!("x-f{index}")).expect("it is a token");
        Self { name, value: HeaderValue::from_static("v") }
    }
}

impl Phase for SetHeader {
    type Memo = ();

    fn request(&self, _: &mut Request) -> ControlFlow<Response> {
        ControlFlow::Continue(())
    }

    fn response(&self, (): (), response: &mut Response) {
        response.headers_mut().insert(self.name.clone(), self.value.clone());
    }
}
