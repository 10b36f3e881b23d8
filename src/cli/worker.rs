//! `pasteline worker`: what a server starts itself as. Nobody else needs it.

use std::io;
use std::process::ExitCode;

use super::serve::{start_log, status};
use crate::registry::Registry;
use crate::service;

/// Serves as a worker of the process that has started this one.
pub(super) fn run(registry: &Registry) -> io::Result<ExitCode> {
    start_log();
    status(service::work(registry.clone()))
}
