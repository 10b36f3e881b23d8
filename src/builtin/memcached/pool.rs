//! The connections to one server of memcached.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::Limits;
use super::connection::{Command, Connection};
use super::server::Server;
use crate::builtin::pace::Pace;

/// The connections to one server of memcached.
pub(in crate::builtin) struct Pool {
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
    pub(in crate::builtin) fn new(server: Server, limits: Limits) -> Self {
        let permits = Semaphore::new(limits.connections);
        Self { server, limits, permits, state: Mutex::default(), pace: Pace::default() }
    }

    /// Whether it has failed and is not yet tried again.
    pub(in crate::builtin) fn is_dead(&self) -> bool {
        let mut state = self.state();
        let is_dead = state.dead_until.is_some_and(|until| Instant::now() < until);
        if !is_dead {
            state.dead_until = None;
        }
        is_dead
    }

    /// Has it left alone for a time.
    pub(in crate::builtin) fn bury(&self, error: &io::Error) {
        let Self { server, limits, .. } = self;
        let seconds = limits.dead_time.as_secs();
        tracing::warn!(%server, %error, "memcached fails; it is not asked for {seconds} s");
        let mut state = self.state();
        state.idle.clear();
        state.dead_until = Some(Instant::now() + limits.dead_time);
    }

    /// Does something with an entry; nothing if no connection is free in time, which is no fault of
    /// the server's.
    pub(in crate::builtin) async fn run(
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::builtin::memcached::Act;

    /// A server that answers the first of all commands and no other, and tells of each.
    async fn server() -> (Server, UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::Network("127.0.0.1".to_owned(), listener.local_addr().unwrap().port());
        let (sender, commands) = unbounded_channel();
        tokio::spawn(async move {
            let mut answer = Some("1\r\n");
            while let Ok((stream, _)) = listener.accept().await {
                let (sender, mut answer) = (sender.clone(), answer.take());
                tokio::spawn(async move {
                    let (read, mut write) = stream.into_split();
                    let mut lines = BufReader::new(read).lines();
                    while let Ok(Some(line)) = lines.next_line().await {
                        sender.send(line).unwrap();
                        if let Some(answer) = answer.take() {
                            write.write_all(answer.as_bytes()).await.unwrap();
                        }
                    }
                });
            }
        });
        (server, commands)
    }

    fn pool(server: Server, timeout: Duration) -> Pool {
        let long = Duration::from_secs(600);
        Pool::new(
            server,
            Limits { dead_time: long, connections: 2, timeout, idle_time: long, wait: long },
        )
    }

    /// The time is up as soon as the server has heard the command.
    async fn time_out(pool: &Pool, commands: &mut UnboundedReceiver<String>) {
        let command = Command { name: "a", act: Act::Raise(1) };
        let heard = async {
            let command = commands.recv().await;
            tokio::time::pause();
            tokio::time::advance(pool.limits.timeout).await;
            tokio::time::resume();
            command
        };
        let (done, heard) = tokio::join!(pool.run(&command), heard);
        assert_eq!(done.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(heard.unwrap(), "incr a 1");
    }

    #[tokio::test]
    async fn what_timed_out_is_not_told_again() {
        let (server, mut commands) = server().await;
        let pool = pool(server, Duration::from_secs(600));
        let command = Command { name: "a", act: Act::Raise(1) };
        assert_eq!(pool.run(&command).await.unwrap().unwrap(), b"1");
        assert_eq!(commands.recv().await.unwrap(), "incr a 1");
        // On a connection that was used before, and on one that is new.
        for is_used in [true, false] {
            assert_eq!(pool.state().idle.is_empty(), !is_used);
            time_out(&pool, &mut commands).await;
            assert!(commands.try_recv().is_err(), "it is told once");
        }
    }
}
