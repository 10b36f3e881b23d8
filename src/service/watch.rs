//! Notices that files of the configuration change.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, OsStr, OsString};
use std::fs;
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
use tokio::time::{Instant, timeout_at};

use crate::source::{Snapshot, absolute};

/// How long files must have been left alone before they count as changed: an editor, or a tool
/// that writes several, is given the time to finish.
const CALM: Duration = Duration::from_millis(200);

/// How many symbolic links are followed at most on the way to a file, as the system has it.
const MOST_LINKS: usize = 40;

/// Notices that files of the configuration change.
///
/// It looks at the directories that they lie in, as editors and tools put a new file in the place
/// of the old one; and where symbolic links lead to them, at these and where they lead. What lies
/// on a network and is changed elsewhere is not noticed.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: Arc<OwnedFd>,
    /// What happens: to which name, in the directory of which number.
    events: UnboundedReceiver<(i32, OsString)>,
    /// The paths of each directory, by the number that the system has given it.
    directories: BTreeMap<i32, BTreeSet<PathBuf>>,
    /// Files, and directories of drop-ins.
    files: BTreeSet<PathBuf>,
    /// The directories that they lie in, each of which may give way to another.
    parents: BTreeSet<PathBuf>,
    /// When files have changed that have not been left alone for long enough since.
    changed_at: Option<Instant>,
}

impl Watch {
    pub(super) fn new(snapshot: &Snapshot) -> io::Result<Self> {
        let inotify = Arc::new(inotify::init(CreateFlags::CLOEXEC)?);
        let (seen, events) = unbounded_channel();
        let theirs = Arc::clone(&inotify);
        // A thread that waits: the reactor takes in no descriptor of this kind without `unsafe`.
        thread::Builder::new().name("watch".to_owned()).spawn(move || read(&theirs, &seen))?;
        let mut watch = Self {
            inotify,
            events,
            directories: BTreeMap::new(),
            files: BTreeSet::new(),
            parents: BTreeSet::new(),
            changed_at: None,
        };
        watch.look_at(snapshot);
        Ok(watch)
    }

    /// Looks at the files of another load from now on.
    pub(super) fn look_at(&mut self, snapshot: &Snapshot) {
        self.files.clear();
        self.look_at_more(snapshot.paths());
    }

    /// Looks at further files, too.
    pub(super) fn look_at_more<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) {
        self.files.extend(paths.flat_map(trail));
        self.look();
    }

    /// Looks at all directories in which something may happen to the files.
    fn look(&mut self) {
        let parents = self.files.iter().filter_map(|path| path.parent());
        self.parents = parents.map(Path::to_owned).collect();
        let grandparents = self.parents.iter().filter_map(|path| path.parent());
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR;
        let own = self.files.iter().chain(&self.parents).map(PathBuf::as_path);
        for directory in own.chain(grandparents) {
            // One that is not there, or is none, is noticed where it lies when it comes.
            if let Ok(number) = inotify::add_watch(&self.inotify, directory, flags) {
                self.directories.entry(number).or_default().insert(directory.to_owned());
            }
        }
    }

    /// Waits until files have changed and been left alone for a moment. What has happened is not
    /// forgotten where nobody waits any more.
    pub(super) async fn changed(&mut self) {
        loop {
            let calm = self.changed_at.map(|changed_at| changed_at + CALM);
            let event = match calm {
                Some(calm) => timeout_at(calm, self.events.recv()).await,
                None => Ok(self.events.recv().await),
            };
            match event {
                Ok(Some((number, name))) => self.note(number, &name),
                Ok(None) => std::future::pending().await,
                Err(_) => {
                    self.changed_at = None;
                    return;
                }
            }
        }
    }

    fn note(&mut self, number: i32, name: &OsStr) {
        let directories = self.directories.get(&number).into_iter().flatten();
        let concerns = directories.into_iter().any(|directory| self.concerns(directory, name));
        if concerns || number == OVERFLOW {
            // What is there now may be another directory, or lie elsewhere.
            let files: Vec<_> = self.files.iter().cloned().collect();
            self.look_at_more(files.iter().map(PathBuf::as_path));
        }
        // Whatever happens beside the files is of the same change in all likelihood.
        if concerns || number == OVERFLOW || self.changed_at.is_some() {
            self.changed_at = Some(Instant::now());
        }
    }

    /// Whether a name in a directory is that of a file of the configuration, of a drop-in, or of
    /// a directory that they lie in.
    fn concerns(&self, directory: &Path, name: &OsStr) -> bool {
        let is_ini = Path::new(name).extension() == Some(OsStr::new("ini"));
        let path = directory.join(name);
        let is_file = self.files.contains(&path);
        is_file || self.parents.contains(&path) || is_ini && self.files.contains(directory)
    }
}

/// The number that stands for all directories: more has happened than the system could keep.
const OVERFLOW: i32 = -1;

/// A path, the symbolic links on the way to what lies there, and where each of them leads.
fn trail(path: &Path) -> Vec<PathBuf> {
    let mut trail = vec![path.to_owned()];
    for _ in 0..MOST_LINKS {
        let end = trail[trail.len() - 1].clone();
        let all: Vec<_> = end.ancestors().collect();
        // The first one on the way, so that no link lies before it.
        let Some(link) = all.into_iter().rev().find(|path| path.is_symlink()) else { break };
        let (Ok(target), Ok(rest)) = (fs::read_link(link), end.strip_prefix(link)) else { break };
        let target = absolute(&link.parent().unwrap_or(link).join(target));
        trail.push(link.to_owned());
        trail.push(target.join(rest).components().collect());
    }
    trail
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
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;
    use crate::source::Sources;
    use crate::source::fixture::Directory;

    /// It is there so that a fault ends the test.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn watch(files: &[&Path]) -> (Watch, Sources) {
        let mut sources = Sources::default();
        for file in files {
            sources.read(file).unwrap();
        }
        (Watch::new(&sources.snapshot()).unwrap(), sources)
    }

    async fn changed(watch: &mut Watch) {
        timeout(PATIENCE, watch.changed()).await.expect("the change is noticed");
    }

    #[tokio::test]
    async fn notices_a_file_that_takes_the_place_of_another() {
        let directory = Directory::new();
        let (file, drop_ins) = (directory.join("a.ini"), directory.join("a.ini.d"));
        fs::write(&file, "[a]\n").unwrap();
        let mut sources = Sources::default();
        sources.read(&file).unwrap();
        sources.list(&drop_ins, "ini").unwrap();
        let mut watch = Watch::new(&sources.snapshot()).unwrap();
        fs::write(directory.join("other"), "").unwrap();
        fs::write(directory.join("new"), "[b]\n").unwrap();
        fs::rename(directory.join("new"), &file).unwrap();
        changed(&mut watch).await;
        fs::create_dir(&drop_ins).unwrap();
        changed(&mut watch).await;
        fs::write(drop_ins.join("1.ini"), "[c]\n").unwrap();
        changed(&mut watch).await;
    }

    #[tokio::test]
    async fn a_change_is_not_forgotten_when_the_wait_for_it_is_given_up() {
        let directory = Directory::new();
        let file = directory.join("a.ini");
        fs::write(&file, "[a]\n").unwrap();
        let (mut watch, _) = watch(&[&file]);
        fs::write(&file, "[b]\n").unwrap();
        let noticed = async {
            while watch.changed_at.is_none() {
                tokio::select! {
                    biased;
                    () = watch.changed() => panic!("it is not calm yet"),
                    () = yield_now() => {}
                }
            }
        };
        timeout(PATIENCE, noticed).await.expect("it is noticed");
        changed(&mut watch).await;
    }

    #[tokio::test]
    async fn notices_a_link_that_leads_elsewhere() {
        let directory = Directory::new();
        for (name, text) in [("one", "[a]\n"), ("two", "[b]\n")] {
            fs::create_dir(directory.join(name)).unwrap();
            fs::write(directory.join(name).join("a.ini"), text).unwrap();
        }
        symlink("one", directory.join("..data")).unwrap();
        symlink("..data/a.ini", directory.join("a.ini")).unwrap();
        let (mut watch, _) = watch(&[&directory.join("a.ini")]);
        symlink("two", directory.join("..new")).unwrap();
        fs::rename(directory.join("..new"), directory.join("..data")).unwrap();
        changed(&mut watch).await;
        fs::write(directory.join("two/a.ini"), "[c]\n").unwrap();
        changed(&mut watch).await;
    }

    #[tokio::test]
    async fn notices_what_comes_into_a_directory_that_is_made_anew() {
        let directory = Directory::new();
        let (etc, file) = (directory.join("etc"), directory.join("etc/a.ini"));
        fs::create_dir(&etc).unwrap();
        fs::write(&file, "[a]\n").unwrap();
        let (mut watch, _) = watch(&[&file]);
        fs::remove_dir_all(&etc).unwrap();
        changed(&mut watch).await;
        fs::create_dir(&etc).unwrap();
        changed(&mut watch).await;
        fs::write(&file, "[b]\n").unwrap();
        changed(&mut watch).await;
    }

    #[tokio::test]
    async fn more_than_the_system_could_keep_counts_as_a_change() {
        let directory = Directory::new();
        let file = directory.join("a.ini");
        fs::write(&file, "[a]\n").unwrap();
        let (mut watch, _) = watch(&[&file]);
        watch.note(OVERFLOW, OsStr::new(""));
        changed(&mut watch).await;
    }
}
