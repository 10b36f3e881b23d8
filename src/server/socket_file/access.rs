//! Who may connect to a Unix socket, by the mode and the owner of its file.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, fchown};
use std::os::unix::net::UnixDatagram;

use rustix::fs::{OFlags, open};

use super::{SocketFile, identity};
use crate::server::account::Owner;
use crate::source::describe;

/// Who may connect to a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access<'a> {
    pub(crate) mode: u32,
    /// Whom it belongs to; where that does not say, to whoever has made it.
    pub(crate) owner: Option<&'a Owner>,
}

/// The permissions, the user and the group of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct State {
    mode: u32,
    user: u32,
    group: u32,
}

impl State {
    fn of(found: &Metadata) -> Self {
        Self { mode: found.mode() & 0o777, user: found.uid(), group: found.gid() }
    }
}

impl SocketFile {
    /// Has the file be as an access says.
    pub(in crate::server) fn grant(&self, access: Access<'_>) -> io::Result<()> {
        let Some((file, now)) = self.find()? else {
            return Err(io::Error::other("its file has gone, or another has taken its place"));
        };
        let wanted = self.wanted(access, now)?;
        if wanted == now {
            // Who may not change the file is not to try.
            return Ok(());
        }
        if (wanted.user, wanted.group) != (now.user, now.group) {
            // In between nobody may connect who may not before or after.
            set_mode(&file, now.mode & wanted.mode)?;
            chown(path(&file), Some(wanted.user), Some(wanted.group))?;
        }
        set_mode(&file, wanted.mode)
    }

    /// Whether the file can be as an access says, if it is still there; nothing is changed.
    pub(in crate::server) fn check(&self, access: Access<'_>) -> io::Result<()> {
        let checked = match self.find() {
            Ok(Some((file, now))) => {
                self.wanted(access, now).and_then(|wanted| may_change(&file, now, wanted))
            }
            // Who cannot see the file cannot tell either whether there is anything to change.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            found => found.map(drop),
        };
        checked.map_err(|error| {
            let error = describe(&error);
            io::Error::other(format!("the mode and the owner of its file cannot change: {error}"))
        })
    }

    /// The file and how it is, unless it has gone or another has taken its place. Whatever comes
    /// to its path later is not touched by way of this.
    fn find(&self) -> io::Result<Option<(File, State)>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match open(&self.path, flags, rustix::fs::Mode::empty()) {
            Ok(file) => File::from(file),
            Err(error) => {
                let error = io::Error::from(error);
                return if error.kind() == ErrorKind::NotFound { Ok(None) } else { Err(error) };
            }
        };
        let found = file.metadata()?;
        let is_ours = identity(&found) == self.identity;
        Ok(is_ours.then(|| (file, State::of(&found))))
    }

    fn wanted(&self, Access { mode, owner }: Access<'_>, now: State) -> io::Result<State> {
        let (user, group) = owner.map_or(Ok((None, None)), Owner::ids)?;
        let maker = self.maker.unwrap_or((now.user, now.group));
        Ok(State { mode, user: user.unwrap_or(maker.0), group: group.unwrap_or(maker.1) })
    }
}

/// Whether this process may change a file so: the system tells by changes that change nothing.
fn may_change(file: &File, now: State, wanted: State) -> io::Result<()> {
    if now != wanted {
        set_mode(file, now.mode)?;
    }
    if (now.user, now.group) != (wanted.user, wanted.group) {
        // Nobody sees this one.
        fchown(UnixDatagram::unbound()?, Some(wanted.user), Some(wanted.group))?;
    }
    Ok(())
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    let set = fs::set_permissions(path(file), Permissions::from_mode(mode));
    set.map_err(|error| match error.kind() {
        // The file is open.
        ErrorKind::NotFound => io::Error::other("`/proc` is not mounted"),
        _ => error,
    })
}

/// A path that leads to a file that is open, wherever it is.
fn path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}
