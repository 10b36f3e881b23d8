//! Gives up the rights of root, once what needs them is done.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Uid, User, getegid, geteuid, initgroups, setgid, setgroups, setuid};
use serde::{Deserialize, Serialize};

use crate::server::{Account, Settings};

/// The user and the group that a process is to become.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Identity {
    user: Option<Account>,
    group: Option<Account>,
}

impl Identity {
    /// Those of the settings.
    pub(super) fn of(settings: &Settings) -> Self {
        Self { user: settings.user.clone(), group: settings.group.clone() }
    }
}

/// Becomes a user and a group, for good, in all threads of this process; does
/// nothing if none are named or it is them already. Whatever needs root (ports below 1024, files
/// that only root may read) is to be open by then.
///
/// The system takes back the wish for a signal at the death of the parent; it is to be expressed
/// afterwards.
///
/// # Errors
///
/// There is no such user or group, or this process is not root's and another than they are.
pub(super) fn drop(identity: &Identity) -> io::Result<()> {
    match other(identity)? {
        Some((user, group)) => become_them(user.as_ref(), group),
        None => Ok(()),
    }
}

/// Looks whether [`drop`] can succeed. The supervisor does so in the place of its workers: it stays
/// root itself, as the system lets only sockets of one user share a port.
///
/// # Errors
///
/// As [`drop`].
pub(super) fn check(identity: &Identity) -> io::Result<()> {
    other(identity).map(|_| ())
}

/// The user and the group to become; none if there is nothing to change.
fn other(identity: &Identity) -> io::Result<Option<(Option<User>, Gid)>> {
    let user = identity.user.as_ref().map(Account::user).transpose()?;
    let group = identity.group.as_ref().map(Account::group).transpose()?;
    let group = group.or_else(|| user.as_ref().map(|user| user.gid));
    let Some(group) = group else { return Ok(None) };
    let user_id = user.as_ref().map_or_else(geteuid, |user| user.uid);
    if (user_id, group) == (geteuid(), getegid()) {
        return Ok(None);
    }
    if !geteuid().is_root() {
        let reason = "only root can change to the `user` and `group` of the settings: start as \
                      root, or leave them out";
        return Err(io::Error::other(reason));
    }
    Ok(Some((user, group)))
}

/// In this order, as each step takes away the right to the one before it.
fn become_them(user: Option<&User>, group: Gid) -> io::Result<()> {
    match user {
        Some(user) => initgroups(&CString::new(&*user.name)?, group)?,
        None => setgroups(&[group])?,
    }
    setgid(group)?;
    let Some(user) = user.filter(|user| !user.uid.is_root()) else { return Ok(()) };
    setuid(user.uid)?;
    // A system that lets it go back has not dropped anything.
    if setuid(Uid::from_raw(0)).is_ok() {
        return Err(io::Error::other("the rights of root are still there after they were dropped"));
    }
    Ok(())
}
