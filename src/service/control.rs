//! The socket at which a running server is asked to reload, and how it is.
//!
//! Each server has one of its own, named for its process, in a directory that only its user may
//! enter. So a server is found whatever has become of its file, and two of one file do not meet.
//! A question is one line of JSON, and so is its answer.

mod directory;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub(crate) use self::directory::sockets;

use super::Environment;
use super::reload::Told;
use super::status::Status;
use crate::server::{Access, SocketFile};
use crate::source::describe;

/// The longest question, in bytes.
const LONGEST_QUESTION: u64 = 1024;

/// How long who asks waits for an answer. A reload takes as long as its files do.
const PATIENCE: Duration = Duration::from_secs(150);

/// What a server may be asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Question {
    /// To reload its files.
    Reload,
    /// How it is.
    Status,
}

/// What it answers.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    /// What was asked for was not done, for a reason.
    Refused(String),
    /// The process of this number has taken over, and is to be asked.
    Relieved(u32),
    /// What was loaded is in force, in words.
    Reloaded(String),
    /// How it is.
    Status(Box<Status>),
}

/// A question, and who waits for its answer.
#[derive(Debug)]
pub(super) enum Request {
    Reload(oneshot::Sender<Told>),
    Status(oneshot::Sender<Status>),
}

/// The socket of a server. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Control {
    file: Option<SocketFile>,
    /// Where it is to be once this server has taken over from another one, which is asked there
    /// until then.
    wanted: Option<PathBuf>,
    requests: mpsc::Receiver<Request>,
    task: Option<JoinHandle<()>>,
}

impl Control {
    /// Listens at a path, or where servers are looked for if there is none. A server that cannot
    /// be asked serves all the same.
    pub(super) fn start(path: Option<&Path>, role: Role, environment: &Environment) -> Self {
        let (path, wanted) = match (path, role) {
            (None, _) => (directory::own_path(environment), None),
            (Some(path), Role::First) => (path.to_owned(), None),
            (Some(path), Role::Successor) => (beside(path), Some(path.to_owned())),
        };
        match Self::listen(&path) {
            Ok(mut control) => {
                control.wanted = wanted;
                control
            }
            Err(error) => {
                tracing::warn!("`pasteline reload` and `status` cannot ask this server: {error}");
                Self { file: None, wanted: None, requests: mpsc::channel(1).1, task: None }
            }
        }
    }

    /// Listens at another path, or where servers are looked for if there is none.
    ///
    /// # Errors
    ///
    /// Nobody can listen there; the message names the path.
    pub(super) fn at(path: Option<&Path>, environment: &Environment) -> io::Result<Self> {
        let own = || directory::own_path(environment);
        Self::listen(&path.map_or_else(own, Path::to_owned))
    }

    fn listen(path: &Path) -> io::Result<Self> {
        let (listener, file) = listen(path)?;
        let (sender, requests) = mpsc::channel(1);
        let task = Some(tokio::spawn(accept(listener, sender)));
        Ok(Self { file: Some(file), wanted: None, requests, task })
    }

    /// Is asked from now on where the server was that this one takes over from.
    pub(super) fn take_place(&mut self) {
        if let (Some(file), Some(path)) = (&mut self.file, self.wanted.take())
            && let Err(error) = file.rename(&path)
        {
            let (path, error) = (path.display(), describe(&error));
            tracing::warn!("this server cannot be asked at `{path}`: {error}");
        }
    }

    /// Waits for a request.
    pub(super) async fn next(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            file.remove();
        }
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Whether a server is there already that this one takes over from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    First,
    Successor,
}

/// The path of this process beside one that another process has.
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    beside.into()
}

/// How many questions may wait until the server takes them.
const BACKLOG: i32 = 128;

/// Listens at a path that nobody listens at, for the owner, and root, alone.
fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let open = || {
        directory::make_room(path)?;
        let access = Access { mode: 0o600, owner: None };
        let (socket, file) = SocketFile::listen_at_free(path, access, BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok((UnixListener::from_std(socket.into())?, file))
    };
    open().map_err(|error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen at `{}`: {error}", path.display()))
    })
}

async fn accept(listener: UnixListener, requests: mpsc::Sender<Request>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let requests = requests.clone();
                tokio::spawn(async move {
                    if let Err(error) = answer(stream, requests).await {
                        tracing::debug!(%error, "a question was not answered");
                    }
                });
            }
            // No descriptor is left, say.
            Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
}

/// Answers one question.
async fn answer(stream: UnixStream, requests: mpsc::Sender<Request>) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    let mut line = String::new();
    (&mut stream).take(LONGEST_QUESTION).read_line(&mut line).await?;
    let gone = || io::Error::other("the server stops");
    let answer = match serde_json::from_str(&line) {
        Err(error) => Answer::Refused(format!("no question: {error}")),
        Ok(Question::Reload) => {
            let (sender, result) = oneshot::channel();
            requests.send(Request::Reload(sender)).await.map_err(|_| gone())?;
            match result.await.map_err(|_| gone())? {
                Told::Ended(Ok(what)) => Answer::Reloaded(what),
                Told::Ended(Err(faults)) => Answer::Refused(faults),
                Told::Relieved(process) => Answer::Relieved(process),
            }
        }
        Ok(Question::Status) => {
            let (sender, status) = oneshot::channel();
            requests.send(Request::Status(sender)).await.map_err(|_| gone())?;
            Answer::Status(Box::new(status.await.map_err(|_| gone())?))
        }
    };
    let mut answer = serde_json::to_vec(&answer)?;
    answer.push(b'\n');
    stream.write_all(&answer).await?;
    stream.flush().await
}

/// Asks a server.
///
/// # Errors
///
/// Nobody listens at the path, or what is said there is no answer.
pub(crate) fn ask(path: &Path, question: Question) -> io::Result<Answer> {
    let mut stream = StdStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(&question)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(io::Error::other("the server has stopped"));
    }
    Ok(serde_json::from_str(&answer)?)
}
