//! Asks DNS for aliases.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use domain::base::iana::Rcode;
use domain::base::{Name, Rtype};
use domain::rdata::Cname;
use domain::resolv::StubResolver;
use domain::resolv::stub::conf::{ResolvConf, ServerConf, Transport};
use quick_cache::sync::Cache;
use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

use super::server::NameServer;
use crate::builtin::pace::Pace;

/// Asks DNS for aliases, and remembers what it says.
pub(super) struct Resolver {
    conf: ResolvConf,
    /// By the runtime that they ask on: what waits for the name servers is a task there, and would
    /// end with a runtime while others still ask.
    stubs: Mutex<HashMap<Id, Arc<StubResolver>>>,
    remembered: Cache<String, Answer>,
    /// For the log, which is not to be filled while nobody answers.
    pace: Pace,
}

/// What a name is an alias of, if it is one, and until when that is known.
#[derive(Clone)]
struct Answer {
    alias: Option<String>,
    /// When it was found.
    found: Instant,
    until: Instant,
}

impl Answer {
    /// One that counts from now on.
    fn new(alias: Option<String>, span: Duration) -> Self {
        let found = Instant::now();
        Self { alias, found, until: found + span }
    }
}

/// How many names are remembered.
const MOST: usize = 10_000;

/// How long it is remembered that a name is no alias, and an alias at most.
const NONE_FOR: Duration = Duration::from_secs(60);
const ALIAS_FOR: Duration = Duration::from_secs(86_400);

/// How long nobody is asked again who has not answered.
const FAILURE_FOR: Duration = Duration::from_secs(5);

/// What names the name servers of the system.
const SYSTEM: &str = "/etc/resolv.conf";

impl Resolver {
    /// One that asks these servers, or those of the system if there are none.
    pub(super) fn new(servers: &[NameServer]) -> Self {
        let servers = servers.iter().map(|server| ServerConf::new(server.0, Transport::UdpTcp));
        let mut conf = ResolvConf { servers: servers.collect(), ..ResolvConf::new() };
        if conf.servers.is_empty() {
            // Without the file it is a server of this machine, and a line of it that makes no sense
            // is left out, as the C library does.
            let text = fs::read(SYSTEM).unwrap_or_default();
            for mut line in text.split(|byte| *byte == b'\n') {
                let _ = conf.parse(&mut line);
            }
        }
        conf.finalize();
        let remembered = Cache::new(MOST);
        Self { conf, stubs: Mutex::default(), remembered, pace: Pace::default() }
    }

    /// What a name is an alias of; none if it is none, or nobody says so. Whoever wants to know
    /// while somebody asks waits for that answer, even one that may not be remembered.
    pub(super) async fn alias(&self, name: &str) -> Option<String> {
        let name = &*name.to_ascii_lowercase();
        let (began, earlier) = (Instant::now(), self.remembered.peek(name));
        loop {
            let now = Instant::now();
            let is_over = |answer: &Answer| answer.until <= now && answer.found < began;
            self.remembered.remove_if(name, is_over);
            match self.remembered.get_value_or_guard_async(name).await {
                Ok(answer) if !is_over(&answer) => return answer.alias,
                Ok(_) => {}
                Err(guard) => {
                    let answer = self.find(name, earlier).await;
                    // It is not taken where it has been cleared away meanwhile.
                    let _ = guard.insert(answer.clone());
                    return answer.alias;
                }
            }
        }
    }

    /// What the name servers say. If they do not answer, what was known counts on, and they are not
    /// asked again and again.
    async fn find(&self, name: &str, earlier: Option<Answer>) -> Answer {
        self.ask(name).await.unwrap_or_else(|error| {
            if self.pace.allows() {
                tracing::warn!(name, %error, "the alias of a host cannot be looked up");
            }
            Answer::new(earlier.and_then(|answer| answer.alias), FAILURE_FOR)
        })
    }

    async fn ask(&self, name: &str) -> io::Result<Answer> {
        let asked = Name::vec_from_str(name).map_err(io::Error::other)?;
        let answer = self.stub().query((&asked, Rtype::CNAME)).await?;
        match answer.header().rcode() {
            Rcode::NOERROR | Rcode::NXDOMAIN => {}
            rcode => return Err(io::Error::other(format!("the name server answers {rcode}"))),
        }
        for record in answer.answer().map_err(io::Error::other)?.limit_to::<Cname<_>>() {
            let record = record.map_err(io::Error::other)?;
            if *record.owner() == asked {
                let span = record.ttl().into_duration().min(ALIAS_FOR);
                return Ok(Answer::new(Some(record.data().cname().to_string()), span));
            }
        }
        Ok(Answer::new(None, NONE_FOR))
    }

    /// What asks on this runtime.
    fn stub(&self) -> Arc<StubResolver> {
        let mut stubs = self.stubs.lock().unwrap_or_else(PoisonError::into_inner);
        let stub = || Arc::new(StubResolver::from_conf(self.conf.clone()));
        Arc::clone(stubs.entry(Handle::current().id()).or_insert_with(stub))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::Ordering;
    use std::task::Poll;

    use super::*;
    use crate::builtin::filters::cname_lookup::tests::dns;
    use crate::settings::Setting;

    #[tokio::test]
    async fn what_was_known_counts_on_while_nobody_answers() {
        let (server, asked) = dns().await;
        let resolver = Resolver::new(&[NameServer::parse(&server).unwrap()]);
        let name = "broken.example.org";
        let before = Instant::now();
        assert_eq!(resolver.alias(name).await, None);
        assert!(asked.load(Ordering::Relaxed) > 0);
        let failed = resolver.remembered.get(name).unwrap();
        assert!(failed.until >= before + FAILURE_FOR, "nobody is asked again for a while");
        let alias = Some("near.example.org".to_owned());
        let expired = Answer { alias: alias.clone(), found: before, until: before };
        resolver.remembered.insert(name.to_owned(), expired);
        assert_eq!(resolver.alias("Broken.example.org").await, alias, "it has expired");
        assert!(resolver.remembered.get(name).unwrap().until >= before + FAILURE_FOR);
    }

    #[tokio::test]
    async fn who_asks_at_once_asks_once() {
        let (server, asked) = dns().await;
        let resolver = Resolver::new(&[NameServer::parse(&server).unwrap()]);
        let alias = |name| resolver.alias(name);
        let name = "far.example.org";
        let found = tokio::join!(alias(name), alias("FAR.example.org"), alias(name), alias(name));
        let near = Some("near.example.org".to_owned());
        assert_eq!(found, (near.clone(), near.clone(), near.clone(), near));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn another_asks_where_somebody_gave_up() {
        let (server, _) = dns().await;
        let resolver = Resolver::new(&[NameServer::parse(&server).unwrap()]);
        let mut first = Box::pin(resolver.alias("far.example.org"));
        let is_pending = poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_pending()));
        assert!(is_pending.await);
        let second = resolver.alias("far.example.org");
        let (found, ()) = tokio::join!(second, async move { drop(first) });
        assert_eq!(found.as_deref(), Some("near.example.org"));
    }

    /// Each thread that serves has a runtime of its own, and may end before others.
    #[tokio::test]
    async fn who_asks_first_may_end_first() {
        let (server, asked) = dns().await;
        let resolver = Arc::new(Resolver::new(&[NameServer::parse(&server).unwrap()]));
        let theirs = Arc::clone(&resolver);
        let other = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(theirs.alias("far.example.org"))
        });
        assert_eq!(other.await.unwrap().as_deref(), Some("near.example.org"));
        let alias = resolver.alias("www.example.org").await;
        assert_eq!(alias.as_deref(), Some("photos.auth-alice.storage.example.com"));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
