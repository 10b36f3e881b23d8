//! A file of users, looked at again as time goes by.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::credentials::Credentials;
use super::users::Users;
use crate::registry::Error;
use crate::source::Sources;

/// How often the file is looked at, at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// A file of users.
pub(super) struct UserFile {
    path: PathBuf,
    cache_time: Duration,
    state: Mutex<State>,
    /// One permit a processor: more hashing at a time would only keep everything else waiting.
    hashing: Arc<Semaphore>,
}

struct State {
    users: Arc<Users>,
    /// That of the file when it was last read, whether or not it could be.
    stamp: Option<Stamp>,
    looked: Instant,
}

/// By what a change of a file is seen.
type Stamp = (SystemTime, u64);

impl UserFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or a line is at fault.
    pub(super) fn open(path: PathBuf, cache_time: Duration) -> Result<Self, Error> {
        let stamp = stamp(&path);
        let users = Arc::new(read(&path, cache_time)?);
        let state = Mutex::new(State { users, stamp, looked: Instant::now() });
        let permits = available_parallelism().map_or(1, usize::from);
        Ok(Self { path, cache_time, state, hashing: Arc::new(Semaphore::new(permits)) })
    }

    /// Whether a name and a password are right.
    pub(super) async fn verify(self: &Arc<Self>, credentials: Arc<Credentials>) -> bool {
        let users = self.users().await;
        if users.remembers(&credentials) {
            return true;
        }
        // The permit goes with the work, which goes on if the client leaves.
        let Ok(permit) = Arc::clone(&self.hashing).acquire_owned().await else { return false };
        let verified = spawn_blocking(move || {
            let right = users.verify(&credentials);
            drop(permit);
            right
        });
        verified.await.unwrap_or(false)
    }

    /// The users as the file has them by now.
    async fn users(self: &Arc<Self>) -> Arc<Users> {
        if self.is_due() {
            let file = Arc::clone(self);
            // If it cannot be looked at, the users stay as they are.
            let _ = spawn_blocking(move || file.look()).await;
        }
        Arc::clone(&self.state().users)
    }

    /// Whether the file is to be looked at, which only one who asks is told.
    fn is_due(&self) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        let due = now.duration_since(state.looked) >= INTERVAL;
        if due {
            state.looked = now;
        }
        due
    }

    /// Reads the file again if it has changed. This may take long.
    fn look(&self) {
        let stamp = stamp(&self.path);
        if self.state().stamp == stamp {
            return;
        }
        let users = read(&self.path, self.cache_time);
        let mut state = self.state();
        state.stamp = stamp;
        match users {
            Ok(users) => {
                tracing::info!(path = %self.path.display(), "the users are read anew");
                state.users = Arc::new(users);
            }
            Err(error) => tracing::error!(%error, "the users stay as they were"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = path.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(path: &Path, cache_time: Duration) -> Result<Users, Error> {
    let mut sources = Sources::default();
    let source = sources.read(path).map_err(|error| Error::new(error.to_string()))?;
    Users::parse(sources.get(source).text(), path, cache_time)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::builtin::filters::basic_auth::password::tests::{ALICE, BUILDER};
    use crate::builtin::fixture::Directory;

    async fn passes(file: &Arc<UserFile>, name: &str, password: &str) -> bool {
        let (name, password) = (name.to_owned(), password.as_bytes().to_vec());
        file.verify(Arc::new(Credentials { name, password })).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_changes_is_read_again() {
        let directory = Directory::new();
        let path = directory.path("users");
        fs::write(&path, format!("alice:{ALICE}")).unwrap();
        let file = Arc::new(UserFile::open(path.clone(), Duration::from_secs(60)).unwrap());
        assert!(passes(&file, "alice", "wonderland").await);

        fs::write(&path, format!("bob:{BUILDER}")).unwrap();
        assert!(!passes(&file, "bob", "builder").await);
        tokio::time::advance(INTERVAL).await;
        assert!(passes(&file, "bob", "builder").await);
        assert!(!passes(&file, "alice", "wonderland").await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_users_stay_if_the_file_is_at_fault_or_gone() {
        let directory = Directory::new();
        let path = directory.path("users");
        fs::write(&path, format!("alice:{ALICE}")).unwrap();
        let file = Arc::new(UserFile::open(path.clone(), Duration::ZERO).unwrap());
        fs::write(&path, "alice").unwrap();
        tokio::time::advance(INTERVAL).await;
        assert!(passes(&file, "alice", "wonderland").await);
        fs::remove_file(&path).unwrap();
        tokio::time::advance(INTERVAL).await;
        assert!(passes(&file, "alice", "wonderland").await);
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let error = UserFile::open("/no/such/file".into(), Duration::ZERO).err().unwrap();
        assert_eq!(error.to_string(), "cannot read `/no/such/file`: no such file or directory");
    }
}
