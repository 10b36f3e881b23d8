//! `pasteline reload`: asks a running server to reload its files, and waits for the result.

use std::io;
use std::process::ExitCode;

use clap::Args;

use super::running::Running;
use super::terminal;
use crate::service::{Answer, Question};

/// Have a running server reload its files
///
/// Waits until what was loaded is in force in all workers. The exit status is 0 then; it is 1 if
/// anything is wrong with the files, which is told, and all is served as before.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline reload
  pasteline reload /etc/neutron/api-paste.ini")]
pub(super) struct Reload {
    #[command(flatten)]
    running: Running,
}

impl Reload {
    pub(super) fn run(self) -> io::Result<ExitCode> {
        let answer = match self.running.find() {
            Ok(server) => {
                let unanswered = |error| Answer::Refused(format!("error: {error}"));
                server.ask(Question::Reload).unwrap_or_else(unanswered)
            }
            Err(reason) => Answer::Refused(format!("error: {reason}")),
        };
        match answer {
            Answer::Reloaded(what) => {
                terminal::print(&format!("reloaded: {what}\n"))?;
                Ok(ExitCode::SUCCESS)
            }
            Answer::Refused(faults) => {
                terminal::tell(&faults)?;
                Ok(ExitCode::FAILURE)
            }
            Answer::Status(_) => Err(io::Error::other("the server answers something else")),
        }
    }
}
