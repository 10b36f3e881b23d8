//! Asks DNS for aliases.

use std::time::Duration;
use std::{fs, io};

use domain::base::iana::Rcode;
use domain::base::{Name, Rtype};
use domain::rdata::Cname;
use domain::resolv::StubResolver;
use domain::resolv::stub::conf::{ResolvConf, ServerConf, Transport};
use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::server::NameServer;
use crate::builtin::pace::Pace;

/// Asks DNS for aliases, and remembers what it says.
pub(super) struct Resolver {
    stub: StubResolver,
    remembered: Cache<String, Answer>,
    /// For the log, which is not to be filled while nobody answers.
    pace: Pace,
}

/// What a name is an alias of, if it is one, and until when that is known.
#[derive(Clone)]
struct Answer {
    alias: Option<String>,
    until: Instant,
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
        let stub = StubResolver::from_conf(conf);
        Self { stub, remembered: Cache::new(MOST), pace: Pace::default() }
    }

    /// What a name is an alias of; none if it is none, or nobody says so.
    pub(super) async fn alias(&self, name: &str) -> Option<String> {
        let name = &*name.to_ascii_lowercase();
        let earlier = self.remembered.get(name);
        if let Some(answer) = earlier.as_ref().filter(|answer| Instant::now() < answer.until) {
            return answer.alias.clone();
        }
        match self.ask(name).await {
            Ok(answer) => {
                self.remembered.insert(name.to_owned(), answer.clone());
                answer.alias
            }
            Err(error) => {
                if self.pace.allows() {
                    tracing::warn!(name, %error, "the alias of a host cannot be looked up");
                }
                // What was known counts on, and nobody is asked again and again.
                let alias = earlier.and_then(|answer| answer.alias);
                let until = Instant::now() + FAILURE_FOR;
                self.remembered.insert(name.to_owned(), Answer { alias: alias.clone(), until });
                alias
            }
        }
    }

    async fn ask(&self, name: &str) -> io::Result<Answer> {
        let asked = Name::vec_from_str(name).map_err(io::Error::other)?;
        let answer = self.stub.query((&asked, Rtype::CNAME)).await?;
        let until = |span: Duration| Instant::now() + span;
        match answer.header().rcode() {
            Rcode::NOERROR | Rcode::NXDOMAIN => {}
            rcode => return Err(io::Error::other(format!("the name server answers {rcode}"))),
        }
        for record in answer.answer().map_err(io::Error::other)?.limit_to::<Cname<_>>() {
            let record = record.map_err(io::Error::other)?;
            if *record.owner() == asked {
                let span = record.ttl().into_duration().min(ALIAS_FOR);
                let alias = Some(record.data().cname().to_string());
                return Ok(Answer { alias, until: until(span) });
            }
        }
        Ok(Answer { alias: None, until: until(NONE_FOR) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

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
        resolver.remembered.insert(name.to_owned(), Answer { alias: alias.clone(), until: before });
        assert_eq!(resolver.alias("Broken.example.org").await, alias, "it has expired");
        assert!(resolver.remembered.get(name).unwrap().until >= before + FAILURE_FOR);
    }
}
