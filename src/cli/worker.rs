//! `pasteline worker`: what a server starts itself as. Nobody else needs it.

use std::io;
use std::process::ExitCode;

use super::serve::status;
use super::{log, terminal};
use crate::program::Program;
use crate::service;

/// Serves as a worker of the process that has started this one.
pub(super) fn run(program: &Program) -> io::Result<ExitCode> {
    status(service::work(program.clone(), |config| {
        if let Err(error) = log::start(config) {
            // The supervisor writes to the same file and has told of it.
            let _ = terminal::tell(&format!("error: {error}"));
        }
    }))
}
