//! The connections to one server of memcached.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::super::pace::Pace;
use super::super::server::Server;
use super::Limits;
use super::connection::{Command, Connection};

/// The connections to one server of memcached.
pub(in crate::builtin::filters) struct Pool {
    server: Server,
    limits: Limits,
    permits: Semaphore,
    state: Mutex<State>,
    pace: Pace,
}

#[derive(Default)]
struct State {
    /// Those that nobody uses, the latest at the end.
    idle: VecDeque<(Connection, Instant)>,
    dead_until: Option<Instant>,
}

impl Pool {
    pub(in crate::builtin::filters) fn new(server: Server, limits: Limits) -> Self {
        let permits = Semaphore::new(limits.connections);
        Self { server, limits, permits, state: Mutex::default(), pace: Pace::default() }
    }

    /// Whether it has failed and is not yet tried again.
    pub(in crate::builtin::filters) fn is_dead(&self) -> bool {
        let mut state = self.state();
        let is_dead = state.dead_until.is_some_and(|until| Instant::now() < until);
        if !is_dead {
            state.dead_until = None;
        }
        is_dead
    }

    /// Has it left alone for a time.
    pub(in crate::builtin::filters) fn bury(&self, error: &io::Error) {
        let Self { server, limits, .. } = self;
        let seconds = limits.dead_time.as_secs();
        tracing::warn!(%server, %error, "memcached fails; it is not asked for {seconds} s");
        let mut state = self.state();
        state.idle.clear();
        state.dead_until = Some(Instant::now() + limits.dead_time);
    }

    /// Does something with an entry; nothing if no connection is free in time, which is no fault of
    /// the server's.
    pub(in crate::builtin::filters) async fn run(
        &self,
        command: &Command<'_>,
    ) -> io::Result<Option<Vec<u8>>> {
        let Ok(permit) = timeout(self.limits.wait, self.permits.acquire()).await else {
            if self.pace.allows() {
                tracing::warn!(server = %self.server, "no connection to memcached is free");
            }
            return Ok(None);
        };
        let _permit = permit.expect("it is never closed");
        if let Some(mut connection) = self.idle() {
            match timeout(self.limits.timeout, connection.run(command)).await {
                Ok(Ok(done)) => {
                    self.put(connection);
                    return Ok(done);
                }
                // The server may have closed it meanwhile; then a new one is tried.
                Ok(Err(_)) => {}
                // It may still do what it was told, which is not to be done twice.
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
        let attempt = async {
            let mut connection = Connection::open(&self.server).await?;
            let done = connection.run(command).await?;
            Ok::<_, io::Error>((connection, done))
        };
        let Ok(done) = timeout(self.limits.timeout, attempt).await else {
            return Err(io::ErrorKind::TimedOut.into());
        };
        let (connection, done) = done?;
        self.put(connection);
        Ok(done)
    }

    /// A connection that was used not long ago.
    fn idle(&self) -> Option<Connection> {
        let mut state = self.state();
        while state.idle.front().is_some_and(|(_, used)| used.elapsed() > self.limits.idle_time) {
            state.idle.pop_front();
        }
        state.idle.pop_back().map(|(connection, _)| connection)
    }

    fn put(&self, connection: Connection) {
        self.state().idle.push_back((connection, Instant::now()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic between two changes leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
