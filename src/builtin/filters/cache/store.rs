//! Where responses are kept, and requests wait for one another.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::sync::Semaphore;

use super::entry::Entry;
use crate::app::{Request, RequestExt};

/// What a response is kept under: the URL as the client has it.
pub(super) type Key = Arc<str>;

/// The key of a request.
pub(super) fn key(request: &Request) -> Key {
    let context = request.context();
    let prefix = context.forwarded_prefix.as_ref().map_or(&b""[..], |prefix| prefix.as_bytes());
    let prefix = String::from_utf8_lossy(prefix);
    let host = request.host().unwrap_or_default().to_ascii_lowercase();
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    format!("{}://{host}{prefix}{path}", context.scheme().name()).into()
}

/// The responses of a URL, the latest last; none if the last one could not be kept.
type Variants = Arc<[Arc<Entry>]>;

/// How many responses of a URL are kept.
const MOST_VARIANTS: usize = 8;

/// How many counters tell whether a URL was changed; some share one.
const TURNS: usize = 1024;

/// Responses, up to a size.
pub(super) struct Store {
    responses: Cache<Key, Variants, Size>,
    flights: Mutex<HashMap<Key, Arc<Flight>>>,
    turns: Box<[AtomicU64]>,
    numbers: DefaultHashBuilder,
}

/// What is found of a URL.
pub(super) enum Found {
    /// A response that was chosen for such a request.
    Entry(Arc<Entry>),
    /// Only responses to others.
    Others,
    /// Nothing.
    Nothing,
    /// That the last response could not be kept.
    Unkept,
}

impl Store {
    /// A store of so many bytes, for responses of at most so many.
    pub(super) fn new(size: u64, largest: u64) -> Self {
        // Each part of it has room for the variants of a URL.
        let room = largest.saturating_mul(MOST_VARIANTS as u64).max(1);
        let parts = usize::try_from(size / room).unwrap_or(usize::MAX).clamp(1, 16);
        let items = usize::try_from(size >> 14).unwrap_or(usize::MAX).clamp(16, 1 << 20);
        let options = OptionsBuilder::new()
            .shards(parts)
            .estimated_items_capacity(items)
            .weight_capacity(size)
            .build()
            .expect("both capacities are given");
        let (numbers, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        let responses = Cache::with_options(options, Size, numbers.clone(), lifecycle);
        let turns = (0..TURNS).map(|_| AtomicU64::default()).collect();
        Self { responses, flights: Mutex::default(), turns, numbers }
    }

    pub(super) fn find(&self, key: &Key, asked: &HeaderMap) -> Found {
        let Some(variants) = self.responses.get(key) else { return Found::Nothing };
        let entry = variants.iter().rfind(|entry| entry.is_for(asked));
        match entry {
            Some(entry) => Found::Entry(Arc::clone(entry)),
            None if variants.is_empty() => Found::Unkept,
            None => Found::Others,
        }
    }

    /// Which turn it is of a URL: it is another one after a change.
    pub(super) fn turn(&self, key: &Key) -> u64 {
        self.counter(key).load(Ordering::SeqCst)
    }

    /// Keeps the response to a request of a turn, or notes that it cannot be kept, unless the URL
    /// was changed meanwhile.
    pub(super) fn keep(&self, (key, turn): (&Key, u64), asked: &HeaderMap, entry: Option<Entry>) {
        let mut variants = self.responses.get(key).map_or_else(Vec::new, |known| known.to_vec());
        variants.retain(|known| !known.is_for(asked));
        if variants.len() == MOST_VARIANTS {
            variants.remove(0);
        }
        variants.extend(entry.map(Arc::new));
        self.responses.insert(Arc::clone(key), variants.into());
        if self.turn(key) != turn {
            self.responses.remove(key);
        }
    }

    /// Forgets a URL that was changed.
    pub(super) fn change(&self, key: &Key) {
        self.counter(key).fetch_add(1, Ordering::SeqCst);
        self.responses.remove(key);
    }

    fn counter(&self, key: &Key) -> &AtomicU64 {
        let number = self.numbers.hash_one(key) % self.turns.len() as u64;
        &self.turns[usize::try_from(number).expect("it is less than a length")]
    }

    /// Takes the lead in asking for a URL, or finds who has it.
    pub(super) fn lead(self: &Arc<Self>, key: &Key) -> Result<Lead, Arc<Flight>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        match flights.entry(Arc::clone(key)) {
            Place::Occupied(flight) => Err(Arc::clone(flight.get())),
            Place::Vacant(place) => {
                let flight = Arc::clone(place.insert(Arc::default()));
                Ok(Lead { store: Arc::clone(self), key: Arc::clone(key), flight })
            }
        }
    }
}

/// A request for a URL that others wait for.
#[derive(Debug)]
pub(super) struct Flight {
    /// Closed at the end.
    end: Semaphore,
    has_landed: AtomicBool,
}

impl Default for Flight {
    fn default() -> Self {
        Self { end: Semaphore::new(0), has_landed: AtomicBool::new(false) }
    }
}

impl Flight {
    /// Waits for its end; false if its client has gone before there was an answer.
    pub(super) async fn landed(&self) -> bool {
        // It has no permits: all that can come is its end.
        let _ = self.end.acquire().await;
        self.has_landed.load(Ordering::Acquire)
    }
}

/// Who asks for a URL first. Others wait until this is dropped.
pub(super) struct Lead {
    store: Arc<Store>,
    key: Key,
    flight: Arc<Flight>,
}

impl Lead {
    /// Tells that there is an answer.
    pub(super) fn land(self) {
        self.flight.has_landed.store(true, Ordering::Release);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let mut flights = self.store.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.remove(&self.key);
        self.flight.end.close();
    }
}

/// The size of the responses of a URL.
#[derive(Clone)]
struct Size;

impl Weighter<Key, Variants> for Size {
    fn weight(&self, key: &Key, variants: &Variants) -> u64 {
        let sizes = variants.iter().map(|entry| entry.size()).sum::<usize>();
        (key.len() + sizes + 128) as u64
    }
}
