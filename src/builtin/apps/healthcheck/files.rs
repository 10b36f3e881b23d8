//! Looks whether files are there, without a thread that serves waiting for a disk.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long a probe waits for what is seen. A network file system may not answer at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Files to look at.
#[derive(Debug)]
pub(super) struct Files {
    paths: Arc<[PathBuf]>,
    /// The look that began last. All probes wait for it until it ends, so that however many there
    /// are, one thread is kept waiting.
    look: Mutex<Option<watch::Receiver<Option<Seen>>>>,
    patience: Duration,
}

/// Whether a file is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Presence {
    Missing,
    There,
    /// It cannot be told, or not in time.
    Unknown,
}

/// Which files are there. Of one that was not looked at it is not known.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<[(PathBuf, Presence)]>);

impl Seen {
    /// Whether a file was there.
    pub(super) fn of(&self, path: &Path) -> Presence {
        let seen = self.0.iter().find(|(seen, _)| seen == path);
        seen.map_or(Presence::Unknown, |(_, presence)| *presence)
    }
}

impl Files {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths: paths.into(), look: Mutex::default(), patience: PATIENCE }
    }

    /// Which of them are there; not known of any if that takes too long.
    pub(super) async fn look(&self) -> Seen {
        self.look_with(presence).await
    }

    async fn look_with(&self, presence: fn(&Path) -> Presence) -> Seen {
        if self.paths.is_empty() {
            return Seen::default();
        }
        let mut look = self.running(presence);
        let seen = timeout(self.patience, look.wait_for(Option::is_some)).await;
        let seen = seen.ok().and_then(Result::ok).and_then(|seen| seen.clone());
        seen.unwrap_or_else(|| {
            tracing::warn!("whether the files of a health check are there cannot be told in time");
            Seen::default()
        })
    }

    /// The look that is under way, or a new one.
    fn running(&self, presence: fn(&Path) -> Presence) -> watch::Receiver<Option<Seen>> {
        let mut last = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = last.as_ref().filter(|look| look.borrow().is_none()) {
            return look.clone();
        }
        let (sender, look) = watch::channel(None);
        let paths = Arc::clone(&self.paths);
        spawn_blocking(move || {
            let seen = paths.iter().map(|path| (path.clone(), presence(path))).collect();
            sender.send_replace(Some(Seen(seen)));
        });
        last.insert(look).clone()
    }
}

fn presence(path: &Path) -> Presence {
    match path.metadata().map_err(|error| error.kind()) {
        Ok(_) => Presence::There,
        Err(ErrorKind::NotFound | ErrorKind::NotADirectory) => Presence::Missing,
        Err(_) => Presence::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn tells_what_is_not_there_from_what_cannot_be_told() {
        let there = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let long = there.with_file_name("x".repeat(5000));
        let (missing, below) = (there.with_file_name("no-such-file"), there.join("a"));
        let paths = vec![there.clone(), missing.clone(), below.clone(), long.clone()];
        let seen = Files::new(paths).look().await;
        assert_eq!(seen.of(&there), Presence::There);
        assert_eq!(seen.of(&missing), Presence::Missing);
        assert_eq!(seen.of(&below), Presence::Missing);
        assert_eq!(seen.of(&long), Presence::Unknown);
    }

    /// Whether the file system answers, and how often it was asked.
    static ANSWERS: Mutex<bool> = Mutex::new(false);
    static ANSWER: Condvar = Condvar::new();
    static ASKED: AtomicUsize = AtomicUsize::new(0);

    fn hanging(_: &Path) -> Presence {
        ASKED.fetch_add(1, Ordering::SeqCst);
        let answers = ANSWERS.lock().unwrap();
        drop(ANSWER.wait_while(answers, |answers| !*answers).unwrap());
        Presence::There
    }

    #[tokio::test]
    async fn probes_share_one_look_at_a_file_system_that_hangs() {
        let path = PathBuf::from("/mounted");
        let mut files = Files::new(vec![path.clone()]);
        files.patience = Duration::ZERO;
        for _ in 0..3 {
            assert_eq!(files.look_with(hanging).await.of(&path), Presence::Unknown);
        }
        files.patience = Duration::from_secs(600);
        *ANSWERS.lock().unwrap() = true;
        ANSWER.notify_all();
        assert_eq!(files.look_with(hanging).await.of(&path), Presence::There);
        // The fourth came either in time for the same look or after its end.
        assert!(ASKED.load(Ordering::SeqCst) <= 2);
    }
}
