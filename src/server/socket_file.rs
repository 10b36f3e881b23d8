//! The files of Unix sockets: who may connect, and who removes them.

mod access;

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use socket2::{Domain, SockAddr, Socket, Type};

pub(crate) use self::access::Access;
use crate::source::describe;

/// The file of a Unix socket that was made here.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: Identity,
    /// The user and the group that it was made by; none if a process has made it that does not
    /// tell.
    #[serde(default)]
    maker: Option<(u32, u32)>,
}

/// Device, inode, and when it was made, in seconds and nanoseconds: the number of an inode alone
/// is soon given anew.
type Identity = (u64, u64, i64, i64);

impl SocketFile {
    /// Has a socket listen at a path. What is there already gives way if it is a socket at which
    /// nobody listens.
    pub(super) fn listen(
        path: &Path,
        access: Access<'_>,
        backlog: i32,
    ) -> io::Result<(Socket, Self)> {
        let _lock = lock(path)?;
        make_room(path)?;
        Self::listen_at_free(path, access, backlog)
    }

    /// Has a socket listen at a path where there is nothing.
    pub(crate) fn listen_at_free(
        path: &Path,
        access: Access<'_>,
        backlog: i32,
    ) -> io::Result<(Socket, Self)> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        let made = path.symlink_metadata()?;
        let (identity, maker) = (identity(&made), Some((made.uid(), made.gid())));
        let file = Self { path: path.to_owned(), identity, maker };
        // Nobody can connect before it listens, and then the permissions are right already.
        match file.grant(access).and_then(|()| socket.listen(backlog)) {
            Ok(()) => Ok((socket, file)),
            Err(error) => {
                file.remove();
                Err(error)
            }
        }
    }

    /// Has the file take the place of what is at another path of the same directory.
    pub(crate) fn rename(&mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        path.clone_into(&mut self.path);
        Ok(())
    }

    /// Removes the file, unless another has taken its place.
    pub(crate) fn remove(&self) {
        if !self.path.symlink_metadata().is_ok_and(|found| identity(&found) == self.identity) {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            // The next start removes it: a socket at which nobody listens stands in no one's way.
            let (path, error) = (self.path.display(), describe(&error));
            tracing::info!("cannot remove `{path}`: {error}");
        }
    }
}

fn identity(file: &Metadata) -> Identity {
    (file.dev(), file.ino(), file.mtime(), file.mtime_nsec())
}

/// Locks the directory of a path until the lock is dropped: of two that start at the same time,
/// each could take the socket of the other, which does not listen yet, for one that is left over.
/// Where directories cannot be read or locked there is none: the risk is small.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(directory) = File::open(directory.unwrap_or(Path::new("."))) else { return Ok(None) };
    match directory.try_lock() {
        Ok(()) => Ok(Some(directory)),
        Err(TryLockError::WouldBlock) => Err(ErrorKind::ResourceBusy.into()),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Removes a socket at which nobody listens.
fn make_room(path: &Path) -> io::Result<()> {
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::other("there is a file that is no socket, which is left as it is"));
    }
    let client = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // It would wait for room in the queue of a server that is busy.
    client.set_nonblocking(true)?;
    match client.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            tracing::info!("removing `{}`, a socket that is left over", path.display());
            fs::remove_file(path)
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
        _ => Err(ErrorKind::AddrInUse.into()),
    }
}
