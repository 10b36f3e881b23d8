//! What processes and machines share of what they know of tokens.

use std::time::Duration;

use super::asked::Asked;
use super::options::Strategy;
use super::seal::Seal;
use crate::builtin::memcached::{Act, Command, Limits, Pool, Server};
use crate::builtin::pace::Pace;

/// Servers of memcached, used as keystonemiddleware uses them, so that it may share them.
pub(in crate::builtin::filters) struct Memcached {
    pools: Vec<Pool>,
    protection: Protection,
    time: Duration,
    pace: Pace,
}

/// How entries are protected.
pub(in crate::builtin::filters) struct Protection {
    pub(in crate::builtin::filters) strategy: Strategy,
    pub(in crate::builtin::filters) secret: Vec<u8>,
}

/// How many servers are tried for an entry at most.
const TRIES: u32 = 10;

/// The longest value that memcached takes unless it is told otherwise.
const LONGEST: usize = 1024 * 1024;

impl Memcached {
    /// Remembers entries for a time by these servers.
    pub(in crate::builtin::filters) fn new(
        servers: Vec<Server>,
        protection: Protection,
        limits: Limits,
        time: Duration,
    ) -> Self {
        let pools = servers.into_iter().map(|server| Pool::new(server, limits)).collect();
        Self { pools, protection, time, pace: Pace::default() }
    }

    /// What Keystone said of a token, if it is remembered.
    pub(in crate::builtin::filters) async fn find(&self, asked: &Asked) -> Option<Vec<u8>> {
        let (name, seal) = self.name(asked)?;
        let stored = self.run(&Command { name: &name, act: Act::Fetch }).await?;
        match &seal {
            None => Some(stored),
            Some(seal) => {
                let data = seal.open(&stored);
                if data.is_none() && self.pace.allows() {
                    tracing::warn!(
                        "an entry in memcached is not what was stored, or by another key"
                    );
                }
                data
            }
        }
    }

    /// Remembers what Keystone said of a token.
    pub(in crate::builtin::filters) async fn store(
        &self,
        asked: &Asked,
        document: &[u8],
        most: Duration,
    ) {
        let Some((name, seal)) = self.name(asked) else { return };
        let sealed = match &seal {
            None => Some(document.to_vec()),
            Some(seal) => seal.close(document),
        };
        let Some(data) = sealed.filter(|data| data.len() <= LONGEST) else { return };
        let seconds = self.time.min(most).as_secs();
        // None would mean for ever.
        if seconds > 0 {
            let act = Act::Store { value: &data, seconds };
            self.run(&Command { name: &name, act }).await;
        }
    }

    /// The name of an entry, and what protects it.
    fn name(&self, asked: &Asked) -> Option<(String, Option<Seal>)> {
        let Protection { strategy, secret } = &self.protection;
        if *strategy == Strategy::None {
            let digits = asked.digest.iter().map(|byte| format!("{byte:02x}"));
            return Some((format!("tokens/{}", digits.collect::<String>()), None));
        }
        let seal = Seal::new(*strategy, secret, asked.token.as_bytes())?;
        Some((format!("tokens/{}", seal.name()), Some(seal)))
    }

    /// Does something with the server that has an entry; the next one if it cannot be reached.
    async fn run(&self, command: &Command<'_>) -> Option<Vec<u8>> {
        let mut hash = hash(command.name.as_bytes());
        for attempt in 0..TRIES {
            let pool = &self.pools[hash as usize % self.pools.len()];
            if !pool.is_dead() {
                match pool.run(command).await {
                    Ok(found) => return found,
                    Err(error) => pool.bury(&error),
                }
            }
            hash = self::hash(format!("{hash}{attempt}").as_bytes());
        }
        None
    }
}

/// By which python-memcached chooses a server.
fn hash(name: &[u8]) -> u32 {
    (crc32fast::hash(name) >> 16) & 0x7fff
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;
    use tokio::sync::Mutex;

    use super::super::asked::Claim;
    use super::*;
    use crate::builtin::fixture::closed_address;

    type Entries = Arc<Mutex<HashMap<String, Vec<u8>>>>;

    /// A memcached that knows `get` and `set`, and what it holds.
    async fn memcached() -> (Server, Entries) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::Network("127.0.0.1".to_owned(), listener.local_addr().unwrap().port());
        let entries = Entries::default();
        let theirs = Arc::clone(&entries);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let entries = Arc::clone(&theirs);
                tokio::spawn(async move { serve(BufReader::new(stream), entries).await });
            }
        });
        (server, entries)
    }

    async fn serve(mut stream: BufReader<tokio::net::TcpStream>, entries: Entries) {
        let mut line = String::new();
        while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            line.clear();
            let reply = if words[0] == "get" {
                match entries.lock().await.get(&words[1]) {
                    Some(value) => {
                        let head = format!("VALUE {} 0 {}\r\n", words[1], value.len());
                        [head.as_bytes(), value, b"\r\nEND\r\n"].concat()
                    }
                    None => b"END\r\n".to_vec(),
                }
            } else {
                let mut value = vec![0; words[4].parse::<usize>().unwrap() + 2];
                stream.read_exact(&mut value).await.unwrap();
                value.truncate(value.len() - 2);
                entries.lock().await.insert(words[1].clone(), value);
                b"STORED\r\n".to_vec()
            };
            stream.write_all(&reply).await.unwrap();
        }
    }

    fn client(servers: Vec<Server>, strategy: Strategy) -> Memcached {
        let protection = Protection { strategy, secret: b"secret".to_vec() };
        let long = Duration::from_secs(600);
        let limits =
            Limits { dead_time: long, connections: 2, timeout: long, idle_time: long, wait: long };
        Memcached::new(servers, protection, limits, long)
    }

    fn asked(token: &str) -> Asked {
        let mut headers = http::HeaderMap::new();
        headers.insert("x-auth-token", token.parse().unwrap());
        let Claim::Token(asked) = Claim::of_user(&headers) else { panic!("it is one") };
        asked
    }

    #[tokio::test]
    async fn what_is_stored_is_found_however_it_is_protected() {
        for strategy in [Strategy::None, Strategy::Mac, Strategy::Encrypt] {
            let (server, entries) = memcached().await;
            let client = client(vec![server], strategy);
            assert_eq!(client.find(&asked("a")).await, None);
            client.store(&asked("a"), b"{}", Duration::MAX).await;
            assert_eq!(client.find(&asked("a")).await.as_deref(), Some(&b"{}"[..]));
            assert_eq!(client.find(&asked("b")).await, None);
            let in_clear = entries.lock().await.values().any(|value| value == b"{}");
            assert_eq!(in_clear, strategy == Strategy::None);
            for value in entries.lock().await.values_mut() {
                value[0] ^= 1;
            }
            let damaged = client.find(&asked("a")).await;
            assert_eq!(damaged.is_some(), strategy == Strategy::None);
        }
    }

    #[tokio::test]
    async fn another_server_takes_the_place_of_one_that_is_gone() {
        let (_socket, closed) = closed_address();
        let gone = Server::Network("127.0.0.1".to_owned(), closed.port());
        let (server, entries) = memcached().await;
        let client = client(vec![gone, server], Strategy::None);
        for number in 0..20 {
            let asked = asked(&format!("token-{number}"));
            client.store(&asked, b"{}", Duration::MAX).await;
            assert!(client.find(&asked).await.is_some());
        }
        assert_eq!(entries.lock().await.len(), 20);
        assert!(client.pools[0].is_dead());
    }

    #[tokio::test]
    async fn what_counts_no_longer_is_not_stored() {
        let (server, entries) = memcached().await;
        let client = client(vec![server], Strategy::None);
        client.store(&asked("a"), b"{}", Duration::from_millis(900)).await;
        client.store(&asked("b"), &vec![b'x'; LONGEST + 1], Duration::MAX).await;
        assert!(entries.lock().await.is_empty());
    }

    /// Computed by python-memcached 1.62.
    #[test]
    fn servers_are_chosen_as_python_memcached_does() {
        assert_eq!(
            [hash(b"tokens/abc"), hash(b"tokens/abd"), hash(b"123450")],
            [30021, 27425, 24593]
        );
    }
}
