//! Tells what a health check has seen, in the form that is asked for.

use std::time::SystemTime;

use http::StatusCode;
use serde_json::{Value as Json, json};

use super::backend::Verdict;
use crate::app::Response;
use crate::app::response::{self, Form};

/// Whether a report tells more than the reasons.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Detail {
    Detailed,
    ReasonsOnly,
}

/// Makes the response of a form. Text never has details, as with oslo.
pub(super) fn report(verdicts: &[Verdict<'_>], form: Form, detail: Detail) -> Response {
    let status = status(verdicts);
    match form {
        Form::Html => response::html(status, page(verdicts, detail)),
        Form::Json => {
            let document = pretty(&document(verdicts, detail));
            response::typed(status, "application/json", document.into())
        }
        Form::Text => {
            let reasons: Vec<_> = verdicts.iter().map(|verdict| verdict.reason()).collect();
            response::text(status, reasons.join("\n"))
        }
    }
}

/// 200 if all is well, else 503.
pub(super) fn status(verdicts: &[Verdict<'_>]) -> StatusCode {
    let healthy = verdicts.iter().all(|verdict| verdict.is_healthy());
    if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// The keys are oslo's, in its order. What there tells of Python's garbage collector, threads and
/// version has no counterpart.
fn document(verdicts: &[Verdict<'_>], detail: Detail) -> Json {
    let verdicts = verdicts.iter();
    match detail {
        Detail::Detailed => json!({
            "detailed": true,
            "now": httpdate::fmt_http_date(SystemTime::now()),
            "platform": platform(),
            "reasons": verdicts.map(|verdict| json!({
                "class": "HealthcheckResult",
                "details": verdict.details(),
                "reason": verdict.reason(),
            })).collect::<Json>(),
        }),
        Detail::ReasonsOnly => json!({
            "detailed": false,
            "reasons": verdicts.map(|verdict| json!(verdict.reason())).collect::<Json>(),
        }),
    }
}

fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// JSON as oslo indents it: by four blanks a level, where `serde_json` has two.
fn pretty(value: &Json) -> String {
    let text = format!("{value:#}");
    let lines = text.lines().map(|line| {
        let indentation = &line[..line.len() - line.trim_start().len()];
        format!("{indentation}{line}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn page(verdicts: &[Verdict<'_>], detail: Detail) -> String {
    let row = |verdict: &Verdict<'_>| match detail {
        Detail::Detailed => {
            let details = response::escape(&verdict.details());
            format!("<tr><td>{}</td><td>{details}</td></tr>\n", verdict.reason())
        }
        Detail::ReasonsOnly => format!("<tr><td>{}</td></tr>\n", verdict.reason()),
    };
    let (about, heads) = match detail {
        Detail::Detailed => {
            let now = httpdate::fmt_http_date(SystemTime::now());
            let about = format!("<p>Current time: {now}</p>\n<p>Platform: {}</p>\n", platform());
            (about, "<th>Reason</th><th>Details</th>")
        }
        Detail::ReasonsOnly => (String::new(), "<th>Reason</th>"),
    };
    let (count, rows): (_, String) = (verdicts.len(), verdicts.iter().map(row).collect());
    format!(
        "<!doctype html>\n<title>Healthcheck Status</title>\n<h1>Healthcheck Status</h1>\n{about}\
         <h2>Result of {count} checks:</h2>\n<table>\n<tr>{heads}</tr>\n{rows}</table>\n"
    )
}
