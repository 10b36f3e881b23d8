//! `pasteline status`: how a running server is.

use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::running::Running;
use super::terminal;
use crate::service::{Attendant, Listening, Member, Status as Server};

/// Tell how a running server is
///
/// Shows what it serves and where, its workers, and whether the last reload came into force. The
/// exit status is 0 if so, and 1 if what is served is older than the file, or there is no server.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline status
  pasteline status /etc/neutron/api-paste.ini --format json")]
pub(super) struct Status {
    #[command(flatten)]
    running: Running,

    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// JSON on standard output, for tools
    Json,
    /// Lines for people
    Text,
}

impl Status {
    pub(super) fn run(self) -> io::Result<ExitCode> {
        let status = match self.running.find() {
            Ok(server) => server.status,
            Err(reason) => {
                terminal::tell(&format!("error: {reason}"))?;
                return Ok(ExitCode::FAILURE);
            }
        };
        match self.format {
            Format::Json => terminal::print_json(&status)?,
            Format::Text => terminal::print(&text(&status))?,
        }
        let is_stale = status.failure.is_some();
        Ok(if is_stale { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn text(status: &Server) -> String {
    let Server { process, version, file, addresses, reloads, failure, stopping, .. } = status;
    let state = if *stopping { "stops" } else { "serves" };
    let mut lines = vec![
        format!("pasteline {version}, process {process}, {state} {}", file.display()),
        format!("listens at {}", addresses.join(", ")),
    ];
    lines.extend(status.servers.iter().map(listening));
    match failure {
        Some(faults) => {
            lines.push("the last reload was refused, what was served before is served on:".into());
            lines.extend(faults.lines().map(|fault| format!("  {fault}")));
        }
        None => lines.push(format!("in force since the start and {reloads} reloads")),
    }
    lines.extend(status.workers.iter().map(member));
    lines.extend(status.services.iter().map(attendant));
    lines.push(String::new());
    lines.join("\n")
}

fn listening(listening: &Listening) -> String {
    let Listening { server, app, addresses } = listening;
    format!("server {server}: serves {app} at {}", addresses.join(", "))
}

fn member(member: &Member) -> String {
    let Member { worker, generation, process, state, connections } = member;
    format!(
        "worker {worker}: process {process}, generation {generation}, {state}, {connections} \
         connections"
    )
}

fn attendant(attendant: &Attendant) -> String {
    let Attendant { service, number, process, state } = attendant;
    format!("service {service} {number}: process {process}, {state}")
}
