//! Where the sockets of servers lie, and who may use them.

use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::process::getuid;

use crate::service::Environment;

/// The directories in which servers may have their sockets, the one of this process first: what
/// the service manager has made, `/run/pasteline` for root, the directory of the user, and where
/// there is none, one of ours in that for temporary files.
fn candidates(environment: &Environment) -> Vec<PathBuf> {
    let Environment { runtime_directory, user_directory, .. } = environment;
    let system = PathBuf::from("/run/pasteline");
    let own = if getuid().is_root() {
        system.clone()
    } else if let Some(directory) = user_directory {
        directory.join("pasteline")
    } else {
        env::temp_dir().join(format!("pasteline-{}", getuid().as_raw()))
    };
    let mut candidates: Vec<_> = runtime_directory.iter().cloned().chain([own, system]).collect();
    candidates.dedup();
    candidates
}

/// The sockets in the directories where servers may have theirs.
pub(crate) fn sockets(environment: &Environment) -> Vec<PathBuf> {
    candidates(environment).iter().flat_map(|directory| in_directory(directory)).collect()
}

fn in_directory(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sock"));
    paths.sort();
    paths
}

/// The path for the socket of this process. Sockets of servers that have died without removing
/// theirs are removed.
pub(super) fn own_path(environment: &Environment) -> PathBuf {
    let directory = candidates(environment).swap_remove(0);
    for path in in_directory(&directory) {
        // One that cannot be removed does no harm.
        let _ = remove_if_dead(&path);
    }
    directory.join(format!("{}.sock", std::process::id()))
}

/// Makes the directory of a socket, and removes a socket that nobody listens at any more.
pub(super) fn make_room(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => trust(directory)?,
            made => made?,
        }
    }
    remove_if_dead(path)
}

/// Refuses a directory in which somebody else could put another socket in our place.
fn trust(directory: &Path) -> io::Result<()> {
    let metadata = fs::metadata(directory)?;
    let is_ours = [0, getuid().as_raw()].contains(&metadata.uid());
    // The sticky bit keeps others from replacing what is ours.
    let is_open = metadata.mode() & 0o022 != 0 && metadata.mode() & 0o1000 == 0;
    if is_ours && !is_open {
        return Ok(());
    }
    let reason = format!("others may write to `{}`", directory.display());
    Err(io::Error::new(ErrorKind::PermissionDenied, reason))
}

fn remove_if_dead(path: &Path) -> io::Result<()> {
    match UnixStream::connect(path) {
        Ok(_) => Err(ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
