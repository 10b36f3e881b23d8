//! Notices that files of the configuration change.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::source::Snapshot;

/// How long files must have been left alone before they count as changed: an editor, or a tool
/// that writes several, is given the time to finish.
const CALM: Duration = Duration::from_millis(200);

/// Notices that files of the configuration change.
///
/// It looks at the directories that they lie in, as editors and tools put a new file in the place
/// of the old one. What lies on a network and is changed elsewhere is not noticed.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: Arc<OwnedFd>,
    /// What happens: to which name, in the directory of which number.
    events: UnboundedReceiver<(i32, OsString)>,
    /// The directories, by the number that the system has given each.
    directories: BTreeMap<i32, PathBuf>,
    files: Vec<PathBuf>,
}

impl Watch {
    pub(super) fn new(snapshot: &Snapshot) -> io::Result<Self> {
        let inotify = Arc::new(inotify::init(CreateFlags::CLOEXEC)?);
        let (seen, events) = unbounded_channel();
        let theirs = Arc::clone(&inotify);
        // A thread that waits: the reactor takes in no descriptor of this kind without `unsafe`.
        thread::Builder::new().name("watch".to_owned()).spawn(move || read(&theirs, &seen))?;
        let (directories, files) = (BTreeMap::new(), Vec::new());
        let mut watch = Self { inotify, events, directories, files };
        watch.look_at(snapshot);
        Ok(watch)
    }

    /// Looks at the files of another load too.
    pub(super) fn look_at(&mut self, snapshot: &Snapshot) {
        self.files = snapshot.paths().map(Path::to_owned).collect();
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR;
        for path in &self.files {
            // A directory of drop-ins, and the one that it or a file lies in.
            for directory in [Some(&**path), path.parent()].into_iter().flatten() {
                // One that is not there, or is none, is noticed where it lies when it comes.
                if let Ok(number) = inotify::add_watch(&self.inotify, directory, flags) {
                    self.directories.insert(number, directory.to_owned());
                }
            }
        }
    }

    /// Waits until files have changed and been left alone for a moment.
    pub(super) async fn changed(&mut self) {
        while !self.next().await {}
        // Whatever happens beside them is of the same change in all likelihood.
        while timeout(CALM, self.next()).await.is_ok() {}
    }

    /// Waits until something happens, and says whether it concerns the files.
    async fn next(&mut self) -> bool {
        match self.events.recv().await {
            Some((number, name)) => self
                .directories
                .get(&number)
                .is_some_and(|directory| self.concerns(directory, &name)),
            None => std::future::pending().await,
        }
    }

    /// Whether a name in a directory is that of a file of the configuration, or of a drop-in.
    fn concerns(&self, directory: &Path, name: &OsStr) -> bool {
        let is_ini = Path::new(name).extension() == Some(OsStr::new("ini"));
        let is = |path: &Path| self.files.iter().any(|file| file == path);
        is(&directory.join(name)) || is_ini && is(directory)
    }
}

/// Passes on what happens, for as long as somebody listens.
fn read(inotify: &OwnedFd, seen: &UnboundedSender<(i32, OsString)>) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(inotify, &mut buffer);
    loop {
        match reader.next() {
            Ok(event) => {
                let name = event.file_name().map_or(&[][..], CStr::to_bytes);
                let name = OsStr::from_bytes(name).to_owned();
                if seen.send((event.wd(), name)).is_err() {
                    return;
                }
            }
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::source::Sources;

    #[tokio::test]
    async fn notices_a_file_that_takes_the_place_of_another() {
        let directory =
            std::env::temp_dir().join(format!("pasteline-{}-watch", std::process::id()));
        let (file, drop_ins) = (directory.join("a.ini"), directory.join("a.ini.d"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(&file, "[a]\n").unwrap();
        let mut sources = Sources::default();
        sources.read(&file).unwrap();
        sources.list(&drop_ins, "ini").unwrap();
        let mut watch = Watch::new(&sources.snapshot()).unwrap();
        fs::write(directory.join("other"), "").unwrap();
        fs::write(directory.join("new"), "[b]\n").unwrap();
        fs::rename(directory.join("new"), &file).unwrap();
        watch.changed().await;
        fs::create_dir(&drop_ins).unwrap();
        watch.changed().await;
        watch.look_at(&sources.snapshot());
        fs::write(drop_ins.join("1.ini"), "[c]\n").unwrap();
        watch.changed().await;
        fs::remove_dir_all(&directory).unwrap();
    }
}
