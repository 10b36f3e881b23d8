//! Where what is known of tokens comes from: memory, memcached, Keystone.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::asked::Asked;
use super::cache::{Finding, Memory, Outcome, Question, StandIn};
use super::keystone::{Fault, Keystone};
use super::memcached::Memcached;
use super::moment::Moment;
use super::token::{Flaw, Token};
use crate::builtin::pace::Pace;

/// Where what is known of tokens comes from.
pub(super) struct Source {
    pub(super) memory: Memory,
    pub(super) memcached: Option<Memcached>,
    pub(super) keystone: Keystone,
    /// For the log, which is not to be filled while Keystone is away.
    pub(super) pace: Pace,
}

/// How long what came from memcached is remembered here: its age is not known, and it is to count
/// not much longer than `token_cache_time`.
const SECOND_HAND: Duration = Duration::from_secs(10);

impl Source {
    /// What is known of a token at once.
    pub(super) fn known(&self, asked: &Asked, allows_expired: bool) -> Option<Outcome> {
        let digest = asked.digest;
        let known = |allows_expired| self.memory.known(&Question { digest, allows_expired });
        let outcome = known(false);
        if !allows_expired || matches!(outcome, Some(Outcome::Valid(_))) {
            return outcome;
        }
        // That it is not known without its being allowed to have expired says nothing.
        known(true)
    }

    /// What is found out of a token.
    pub(super) async fn find(&self, asked: &Asked, allows_expired: bool) -> Outcome {
        if let Some(outcome) = self.known(asked, allows_expired) {
            return outcome;
        }
        let question = Question { digest: asked.digest, allows_expired };
        let ask = |stand_in| self.ask(asked, allows_expired, stand_in);
        self.memory.find(question, ask).await
    }

    async fn ask(&self, asked: &Asked, allows_expired: bool, stand_in: StandIn) -> Finding {
        if let Some(memcached) = &self.memcached
            && let Some(stored) = memcached.find(asked).await
            && let Some(token) = self.remembered(&stored)
            && (allows_expired || !token.has_expired())
        {
            return Finding { outcome: Outcome::Valid(Arc::new(token)), most: SECOND_HAND };
        }
        // Who has something to go on with does not wait each time for a Keystone that is away.
        let waits = stand_in == StandIn::None;
        let outcome = match self.keystone.validate(asked, allows_expired, waits).await {
            Ok(None) => Outcome::Invalid,
            Ok(Some(document)) => self.read(asked, &document).await,
            Err(fault) => {
                self.tell(&fault);
                Outcome::Unavailable
            }
        };
        Finding { outcome, most: Duration::MAX }
    }

    /// Reads what Keystone answered, and has others share it.
    async fn read(&self, asked: &Asked, document: &[u8]) -> Outcome {
        let token = match self.parse(document) {
            Ok(token) => token,
            Err(flaw) => return self.flawed(flaw),
        };
        if let Some(memcached) = &self.memcached
            && let Some(shared) = shared(document)
        {
            let left = token.expires.since(Moment::now());
            let most = if left.is_zero() { Duration::MAX } else { left };
            memcached.store(asked, shared.as_bytes(), most).await;
        }
        Outcome::Valid(Arc::new(token))
    }

    fn parse(&self, document: &[u8]) -> Result<Token, Flaw> {
        Token::parse(document, self.keystone.wants_catalog)
    }

    /// What others have kept: the token, or the pair of it and its end.
    fn remembered(&self, stored: &[u8]) -> Option<Token> {
        let single = self.parse(stored).ok();
        single.or_else(|| {
            let pair: (Json, Json) = serde_json::from_slice(stored).ok()?;
            self.parse(pair.0.to_string().as_bytes()).ok()
        })
    }

    /// What becomes of a token of which Keystone says what is of no use.
    fn flawed(&self, flaw: Flaw) -> Outcome {
        if self.pace.allows() {
            let what = match flaw {
                Flaw::Unreadable => "cannot be read",
                Flaw::Untellable => "has a name that cannot stand in a header",
            };
            tracing::warn!("what Keystone says of a token {what}");
        }
        match flaw {
            // That is not the fault of who brings it.
            Flaw::Unreadable => Outcome::Unavailable,
            Flaw::Untellable => Outcome::Invalid,
        }
    }

    fn tell(&self, fault: &Fault) {
        if self.pace.allows() {
            tracing::error!("tokens cannot be validated by Keystone: {fault}");
        }
    }
}

/// What is kept for others: the token alone, as the original takes anything of two parts for a
/// form that it once had.
fn shared(document: &[u8]) -> Option<String> {
    let mut document: Json = serde_json::from_slice(document).ok()?;
    let token = document.get_mut("token").map(Json::take)?;
    Some(serde_json::json!({ "token": token }).to_string())
}
