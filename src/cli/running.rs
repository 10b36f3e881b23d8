//! Finds the running server that a command is about.

use std::env;
use std::io;
use std::iter;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::service::{self, Answer, Environment, Question, Status};
use crate::source::absolute;

/// Which running server a command is about.
#[derive(Args, Debug)]
pub(super) struct Running {
    /// The paste file that it serves; not needed where only one server runs
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// The number of its process, where several serve the file
    #[arg(long, value_name = "NUMBER")]
    pid: Option<u32>,

    /// The path of its control socket, if its settings name one
    #[arg(long, value_name = "PATH", conflicts_with_all = ["file", "pid"])]
    control: Option<PathBuf>,
}

/// A server that runs.
#[derive(Debug)]
pub(super) struct Found {
    control: PathBuf,
    pub(super) status: Status,
}

impl Found {
    /// The server that listens at a path; none if there is no server.
    fn at(control: PathBuf) -> io::Result<Self> {
        match service::ask(&control, Question::Status)? {
            Answer::Status(status) => Ok(Self { control, status: *status }),
            _ => Err(io::Error::other("the server answers something else")),
        }
    }

    /// Asks it something.
    pub(super) fn ask(&self, question: Question) -> io::Result<Answer> {
        service::ask(&self.control, question)
    }

    /// The server of another process that has taken over from this one.
    ///
    /// # Errors
    ///
    /// It is not found.
    pub(super) fn successor(&self, process: u32) -> Result<Self, String> {
        // If its settings name a place, it is asked where this one was.
        let paths = iter::once(self.control.clone()).chain(sockets());
        let mut found = paths.filter_map(|path| Self::at(path).ok());
        found.find(|found| found.status.process == process).ok_or_else(|| {
            format!(
                "process {process} has taken over and is not found where this one was; its log \
                 tells whether it has reloaded"
            )
        })
    }

    fn is_wanted(&self, file: Option<&Path>, process: Option<u32>) -> bool {
        file.is_none_or(|file| self.status.file == file)
            && process.is_none_or(|process| self.status.process == process)
    }
}

impl Running {
    /// The one server that is meant.
    ///
    /// # Errors
    ///
    /// That there is none, or which ones there are.
    pub(super) fn find(self) -> Result<Found, String> {
        let Self { file, pid, control } = self;
        if let Some(control) = control {
            let blame = |error| format!("no server answers at `{}`: {error}", control.display());
            return Found::at(control.clone()).map_err(blame);
        }
        let file = file.map(|file| absolute(&file));
        let found = sockets().filter_map(|path| Found::at(path).ok());
        let mut found: Vec<_> =
            found.filter(|found| found.is_wanted(file.as_deref(), pid)).collect();
        // One that finishes what it has begun is meant only where no other goes on.
        if found.iter().any(|found| !found.status.stopping) {
            found.retain(|found| !found.status.stopping);
        }
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                found.push(last);
                Err(format!(
                    "several servers run, name one by its file or `--pid`:\n{}",
                    list(&found)
                ))
            }
            (None, _) => {
                let of = file.map(|file| format!(" of `{}`", file.display())).unwrap_or_default();
                Err(format!(
                    "no running server{of} is found; one of another user may run, or one with a `control` of its own"
                ))
            }
        }
    }
}

/// The sockets of servers, where they are looked for.
fn sockets() -> impl Iterator<Item = PathBuf> {
    let environment = Environment::of(|name| env::var_os(name), std::process::id());
    service::sockets(&environment).into_iter()
}

fn list(found: &[Found]) -> String {
    let line =
        |Found { status, .. }: &Found| format!("  {} {}", status.process, status.file.display());
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}
