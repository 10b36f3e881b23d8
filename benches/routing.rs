//! What a URL map costs as it grows: one of 10 prefixes beside one of 10,000.
//!
//! `cargo bench --bench routing` prints the time of a request through each, the whole stack
//! included, and fails where the large one is slower by more than its bar. `-- --test` sends one
//! request through each.

#![expect(clippy::print_stdout, reason = "a benchmark reports by printing")]

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::StatusCode;
use pasteline::app::{App, Body};
use pasteline::graph::{Input, Loader, Object};
use pasteline::registry::Registry;
use pasteline::stack;

/// By how many nanoseconds a request through the large map may be slower.
const BAR: f64 = 150.0;

/// How many requests are sent in a round.
const REQUESTS: u32 = 20_000;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--list") {
        // A runner of tests asks which there are.
        return ExitCode::SUCCESS;
    }
    let smoke = std::env::args().any(|argument| argument == "--test");
    let rounds = if smoke { 1 } else { 15 };
    let maps = [10, 10_000].map(|prefixes| (app(prefixes), prefixes));
    let mut best = [Duration::MAX; 2];
    // In turn, so that what else the machine does falls upon both.
    for _ in 0..rounds {
        for ((app, prefixes), best) in maps.iter().zip(&mut best) {
            *best = round(app, *prefixes).min(*best);
        }
    }
    let [small, large] = best.map(|best| best.as_secs_f64() * 1e9 / f64::from(REQUESTS));
    println!("    10 prefixes {small:8.1} ns a request");
    println!("10,000 prefixes {large:8.1} ns a request");
    println!("the larger costs {:.1} ns more (bar {BAR})", large - small);
    if smoke || large - small <= BAR { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A URL map of so many prefixes before one small app.
fn app(prefixes: usize) -> App {
    let mut text = "[app:hello]\nuse = egg:pasteline#respond\nbody = Hello, World!\n\n\
                    [composite:main]\nuse = egg:Paste#urlmap\n"
        .to_owned();
    for index in 0..prefixes {
        writeln!(text, "/v1/service-{index} = hello").expect("a string has room");
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("routing-{prefixes}.ini"));
    fs::write(&file, text).expect("the directory is there");
    let registry = Registry::builtin();
    let mut loader = Loader::open(&Input::new(file), &registry);
    let loaded = loader.load(Object::App, Some("main"));
    let root = loaded.root.expect("the file has no fault");
    stack::build(&loaded.graph, root, &registry, loader.sources()).expect("nothing is missing")
}

/// The time of many requests to prefixes all over a map.
fn round(app: &App, prefixes: usize) -> Duration {
    // A dozen paths are asked for again and again, so that it is the look-up that is measured
    // and not the memory that ten thousand different requests would touch.
    let paths: Vec<_> = (0..12)
        .map(|index| format!("/v1/service-{}/resource/7", index * 7919 % prefixes))
        .map(|path| http::Uri::try_from(path).expect("it is a path"))
        .collect();
    let start = Instant::now();
    for uri in paths.iter().cycle().take(REQUESTS as usize) {
        let mut request = http::Request::new(Body::empty());
        *request.uri_mut() = uri.clone();
        let future = pin!(app.answer(black_box(request)));
        let Poll::Ready(response) = future.poll(&mut Context::from_waker(Waker::noop())) else {
            unreachable!("neither the map nor the app waits");
        };
        assert_eq!(response.status(), StatusCode::OK, "{uri}");
    }
    start.elapsed()
}
