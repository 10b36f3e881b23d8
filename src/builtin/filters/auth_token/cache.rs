//! What is remembered of tokens, within bounds of time and memory.

use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use tokio::time::Instant;

use super::asked::Digest;
use super::moment::Moment;
use super::token::Token;

/// What was found out of a token.
#[derive(Debug)]
pub(in crate::builtin::filters) enum Outcome<T = Token> {
    /// Keystone knows no such token, or it has expired.
    Invalid,
    /// Keystone could not be asked.
    Unavailable,
    Valid(Arc<T>),
}

impl<T> Clone for Outcome<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Invalid => Self::Invalid,
            Self::Unavailable => Self::Unavailable,
            Self::Valid(token) => Self::Valid(Arc::clone(token)),
        }
    }
}

/// What is known of a token that is good.
pub(in crate::builtin::filters) trait Remembered:
    Send + Sync + 'static
{
    /// Until when it is good.
    fn expires(&self) -> Moment;

    /// How many bytes of memory it takes, about.
    fn memory(&self) -> usize;
}

impl Remembered for Token {
    fn expires(&self) -> Moment {
        self.expires
    }

    fn memory(&self) -> usize {
        Self::memory(self)
    }
}

/// An outcome, and how long it may be remembered at most.
#[derive(Debug)]
pub(in crate::builtin::filters) struct Finding<T = Token> {
    pub(in crate::builtin::filters) outcome: Outcome<T>,
    pub(in crate::builtin::filters) most: Duration,
}

/// Whether there is something to go on with where nothing can be found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) enum StandIn {
    /// What was found earlier, and may count for some time yet.
    Earlier,
    None,
}

/// A question about a token.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::builtin::filters) struct Question {
    pub(in crate::builtin::filters) digest: Digest,
    /// Whether it may have expired, as the service behind it was found right.
    pub(in crate::builtin::filters) allows_expired: bool,
}

/// How long what is remembered.
#[derive(Clone, Copy, Debug)]
pub(in crate::builtin::filters) struct Times {
    pub(in crate::builtin::filters) valid: Duration,
    pub(in crate::builtin::filters) invalid: Duration,
    /// How much longer a valid one counts while Keystone cannot be asked.
    pub(in crate::builtin::filters) stale: Duration,
}

/// What is remembered of tokens. Whoever asks for one while others do waits for their answer.
pub(in crate::builtin::filters) struct Memory<T: Remembered = Token> {
    entries: Cache<Question, Entry<T>, Weights, RandomState>,
    times: Times,
    /// How many questions and answers there were.
    turn: AtomicU64,
}

#[derive(Debug)]
struct Entry<T> {
    outcome: Outcome<T>,
    /// At which turn it was found.
    turn: u64,
    /// Until when it counts.
    until: Instant,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self { outcome: self.outcome.clone(), turn: self.turn, until: self.until }
    }
}

impl<T: Remembered> Memory<T> {
    /// One that takes so many bytes at most.
    pub(in crate::builtin::filters) fn new(times: Times, bytes: u64) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(usize::try_from(bytes / TYPICAL).unwrap_or(usize::MAX).max(1))
            .weight_capacity(bytes)
            .build()
            .expect("both capacities are set");
        let (hashes, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
        let entries = Cache::with_options(options, Weights, hashes, lifecycle);
        Self { entries, times, turn: AtomicU64::new(0) }
    }

    /// What is remembered, if it still counts.
    pub(in crate::builtin::filters) fn known(&self, question: &Question) -> Option<Outcome<T>> {
        let entry = self.entries.get(question)?;
        (Instant::now() < entry.until).then_some(entry.outcome)
    }

    /// What is remembered, else what `ask` finds, once for all that want to know it meanwhile. It
    /// is told whether there is something that stands in where nothing can be found.
    pub(in crate::builtin::filters) async fn find<F: Future<Output = Finding<T>>>(
        &self,
        question: Question,
        ask: impl FnOnce(StandIn) -> F,
    ) -> Outcome<T> {
        let began = self.next_turn();
        let earlier = self.entries.peek(&question);
        loop {
            let now = Instant::now();
            self.entries.remove_if(&question, |entry| entry.until <= now && entry.turn < began);
            match self.entries.get_value_or_guard_async(&question).await {
                // What was found since then counts, even if it may not be remembered.
                Ok(entry) if entry.turn > began || Instant::now() < entry.until => {
                    return entry.outcome;
                }
                Ok(_) => {}
                Err(guard) => {
                    let has = earlier.as_ref().is_some_and(|it| self.may_stand_in(it, now));
                    let stand_in = if has { StandIn::Earlier } else { StandIn::None };
                    let entry = self.entry(ask(stand_in).await, earlier);
                    let outcome = entry.outcome.clone();
                    // It is not taken where it has been cleared away meanwhile.
                    let _ = guard.insert(entry);
                    return outcome;
                }
            }
        }
    }

    fn entry(&self, finding: Finding<T>, earlier: Option<Entry<T>>) -> Entry<T> {
        let Finding { outcome, most } = finding;
        let (now, turn) = (Instant::now(), self.next_turn());
        let (outcome, time) = match outcome {
            Outcome::Valid(token) => {
                let left = token.expires().since(Moment::now());
                // One that has expired counts for services, which may use it still.
                let left = if left.is_zero() { self.times.valid } else { left };
                (Outcome::Valid(token), self.times.valid.min(left))
            }
            Outcome::Invalid => (Outcome::Invalid, self.times.invalid),
            Outcome::Unavailable => match earlier.filter(|entry| self.may_stand_in(entry, now)) {
                Some(Entry { outcome, until, .. }) => {
                    // It keeps its time, so that its end does not move.
                    return Entry { outcome, turn, until };
                }
                None => (Outcome::Unavailable, Duration::ZERO),
            },
        };
        Entry { outcome, turn, until: now + time.min(most) }
    }

    fn next_turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether an entry may stand in for an answer that does not come.
    fn may_stand_in(&self, entry: &Entry<T>, now: Instant) -> bool {
        matches!(entry.outcome, Outcome::Valid(_)) && now < entry.until + self.times.stale
    }

    #[cfg(test)]
    fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}

/// The memory of a token with a small catalog.
const TYPICAL: u64 = 4096;

/// What an entry takes beside its token: its place in the table, and the marks of those that were
/// thrown out.
const OVERHEAD: usize = 160;

#[derive(Clone, Debug)]
struct Weights;

impl<T: Remembered> Weighter<Question, Entry<T>> for Weights {
    fn weight(&self, _: &Question, entry: &Entry<T>) -> u64 {
        let token = match &entry.outcome {
            Outcome::Valid(token) => token.memory(),
            Outcome::Invalid | Outcome::Unavailable => 0,
        };
        let fixed = size_of::<(Question, Entry<T>)>() + OVERHEAD;
        u64::try_from(fixed + token).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use serde_json::json;
    use tokio::task::yield_now;
    use tokio::time::advance;

    use super::super::tests::fake;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const TIMES: Times =
        Times { valid: Duration::from_secs(300), invalid: Duration::from_secs(10), stale: SECOND };

    fn question(number: u32) -> Question {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        Question { digest, allows_expired: false }
    }

    fn valid() -> Outcome {
        let document = json!({"token": fake::token()}).to_string();
        Outcome::Valid(Arc::new(Token::parse(document.as_bytes(), true).unwrap()))
    }

    /// What is remembered, in a word.
    async fn find(memory: &Memory, number: u32, outcome: Outcome) -> (&'static str, bool) {
        let asked = AtomicUsize::new(0);
        let finding = |_| async {
            asked.fetch_add(1, Ordering::Relaxed);
            Finding { outcome, most: Duration::MAX }
        };
        let word = match memory.find(question(number), finding).await {
            Outcome::Invalid => "invalid",
            Outcome::Unavailable => "unavailable",
            Outcome::Valid(_) => "valid",
        };
        (word, asked.into_inner() > 0)
    }

    #[tokio::test(start_paused = true)]
    async fn each_outcome_is_remembered_for_its_time() {
        let memory = Memory::new(TIMES, 1 << 20);
        for (outcome, word, time) in [(valid(), "valid", 300), (Outcome::Invalid, "invalid", 10)] {
            assert_eq!(find(&memory, time, outcome.clone()).await, (word, true));
            advance(SECOND * (time - 1)).await;
            assert_eq!(find(&memory, time, outcome.clone()).await, (word, false));
            advance(SECOND).await;
            assert_eq!(find(&memory, time, outcome).await, (word, true));
        }
        for _ in 0..2 {
            let found = find(&memory, 1, Outcome::Unavailable).await;
            assert_eq!(found, ("unavailable", true));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_stands_in_for_a_while_after_its_time() {
        let memory = Memory::new(TIMES, 1 << 20);
        find(&memory, 1, valid()).await;
        advance(TIMES.valid).await;
        for _ in 0..2 {
            assert_eq!(find(&memory, 1, Outcome::Unavailable).await, ("valid", true));
        }
        advance(TIMES.stale).await;
        assert_eq!(find(&memory, 1, Outcome::Unavailable).await, ("unavailable", true));
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_is_told_whether_something_stands_in() {
        let memory = Memory::new(TIMES, 1 << 20);
        let told = async || {
            let told = Mutex::new(None);
            let ask = async |stand_in| {
                *told.lock().unwrap() = Some(stand_in);
                Finding { outcome: Outcome::Unavailable, most: Duration::MAX }
            };
            memory.find(question(1), ask).await;
            told.into_inner().unwrap()
        };
        assert_eq!(told().await, Some(StandIn::None));
        find(&memory, 1, valid()).await;
        assert_eq!(told().await, None, "it is remembered");
        advance(TIMES.valid).await;
        assert_eq!(told().await, Some(StandIn::Earlier));
        advance(TIMES.stale).await;
        assert_eq!(told().await, Some(StandIn::None));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_shares_what_is_found_even_if_it_is_not_remembered() {
        let none = Times { valid: Duration::ZERO, invalid: Duration::ZERO, stale: Duration::ZERO };
        for outcome in [valid(), Outcome::Invalid, Outcome::Unavailable] {
            let memory = Memory::new(none, 1 << 20);
            let asked = AtomicUsize::new(0);
            let one = || {
                memory.find(question(1), |_| async {
                    asked.fetch_add(1, Ordering::Relaxed);
                    yield_now().await;
                    Finding { outcome: outcome.clone(), most: Duration::MAX }
                })
            };
            tokio::join!(one(), one(), one());
            assert_eq!(asked.into_inner(), 1, "{outcome:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_takes_no_more_memory_than_allowed() {
        let limit = 1 << 20;
        let memory = Memory::new(TIMES, limit);
        for number in 0..20_000 {
            let outcome = if number % 2 == 0 { valid() } else { Outcome::Invalid };
            find(&memory, number, outcome).await;
            assert!(memory.bytes() <= limit);
        }
        assert!(memory.bytes() > limit / 2);
    }

    #[test]
    fn what_a_token_takes_is_not_less_than_it_is() {
        let Outcome::Valid(token) = valid() else { panic!("it is") };
        let values = "u1aliceDefaultdefaultp1demod2Othermember,reader".len();
        assert!(token.memory() > values + size_of::<Token>());
    }
}
