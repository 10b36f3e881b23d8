//! `pasteline reload`: asks a running server to reload its files, and waits for the result.

use std::io;
use std::process::ExitCode;

use clap::Args;

use super::running::{Found, Running};
use super::terminal;
use crate::service::{Answer, Question};

/// Have a running server reload its files
///
/// Waits until what was loaded is in force in all workers. The exit status is 0 then; it is 1 if
/// anything is wrong with the files, which is told, and all is served as before. Where another
/// process takes over meanwhile, it is asked.
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
        let result = match self.running.find() {
            Ok(server) => reload(server)?,
            Err(reason) => Err(format!("error: {reason}")),
        };
        match result {
            Ok(what) => {
                terminal::print(&format!("reloaded: {what}\n"))?;
                Ok(ExitCode::SUCCESS)
            }
            Err(faults) => {
                terminal::tell(&faults)?;
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

/// Has a server reload, or whoever has taken over from it: what is in force, or what is wrong.
fn reload(mut server: Found) -> io::Result<Result<String, String>> {
    loop {
        match server.ask(Question::Reload) {
            Ok(Answer::Reloaded(what)) => return Ok(Ok(what)),
            Ok(Answer::Refused(faults)) => return Ok(Err(faults)),
            Ok(Answer::Relieved(process)) => match server.successor(process) {
                Ok(successor) => {
                    terminal::tell(&format!("process {process} has taken over, and is asked"))?;
                    server = successor;
                }
                Err(reason) => return Ok(Err(format!("error: {reason}"))),
            },
            Ok(Answer::Status(_)) => {
                return Err(io::Error::other("the server answers something else"));
            }
            Err(error) => return Ok(Err(format!("error: {error}"))),
        }
    }
}
