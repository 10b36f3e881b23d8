//! Who is called when something happens in the life of a server, and in which order.

use std::any::{Any, type_name};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Event;
use crate::app::BoxError;

type Call = dyn Fn(&dyn Any) -> Option<Result<(), BoxError>> + Send + Sync;

/// What is called at a turn in the life of a server: the one whose type its parameter has.
///
/// All callbacks for an event are called, whatever others fail with. They are called on the thread
/// that the process serves and hears signals with, and should return soon.
///
/// ```
/// use std::fs;
///
/// use pasteline::program::{BeforeSpawn, Callback, Draining};
///
/// // Without its directory nothing is started at all.
/// let look = Callback::new(|_: &BeforeSpawn| {
///     fs::read_dir("/var/lib/greeter")?;
///     Ok(())
/// });
/// // Before other callbacks for the event; it is no reason to fail if it cannot be told.
/// let tell = Callback::new(|draining: &Draining| {
///     println!("{} drains", draining.part);
///     Ok(())
/// });
/// let tell = tell.priority(-10);
/// # let _ = (look, tell);
/// ```
#[derive(Clone)]
pub struct Callback {
    event: &'static str,
    priority: i32,
    is_essential: bool,
    call: Arc<Call>,
}

impl Callback {
    /// A callback for the event that it takes, of priority 0. Its failure is logged; for a
    /// [`BeforeSpawn`](super::BeforeSpawn) it is [essential](Self::essential) too.
    pub fn new<E: Event>(
        callback: impl Fn(&E) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        let call = move |event: &dyn Any| event.downcast_ref().map(&callback);
        let event = type_name::<E>().rsplit("::").next().unwrap_or_default();
        Self { event, priority: 0, is_essential: E::IS_BEFORE, call: Arc::new(call) }
    }

    /// Has the callback called before those of a higher priority.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Has a failure of this callback keep from happening what the event comes before. After all
    /// others, it ends the server as a service does that fails: the exit status is not 0.
    #[must_use]
    pub fn essential(mut self) -> Self {
        self.is_essential = true;
        self
    }

    /// Has a failure of this callback logged, and nothing else.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.is_essential = false;
        self
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, priority, is_essential, call: _ } = self;
        f.debug_struct("Callback")
            .field("event", event)
            .field("priority", priority)
            .field("is_essential", is_essential)
            .finish_non_exhaustive()
    }
}

/// The callbacks of a program, in the order in which they are called.
#[derive(Clone, Debug, Default)]
pub(super) struct Callbacks(Vec<Callback>);

impl Callbacks {
    pub(super) fn add(&mut self, callback: Callback) {
        self.0.push(callback);
        // Those of one priority stay in their order.
        self.0.sort_by_key(|callback| callback.priority);
    }

    /// Calls all that are for an event; gives what those failed with that are essential.
    pub(super) fn publish<E: Event>(&self, event: &E) -> Result<(), String> {
        let mut essential = Vec::new();
        for callback in &self.0 {
            let Err(failure) = callback.call(event) else { continue };
            let failure = format!("a callback for `{}` has failed: {failure}", callback.event);
            if callback.is_essential {
                essential.push(failure);
            } else {
                tracing::error!("{failure}");
            }
        }
        if essential.is_empty() { Ok(()) } else { Err(essential.join("\n")) }
    }
}

impl Callback {
    fn call(&self, event: &dyn Any) -> Result<(), String> {
        // What it shares with others is its own affair, as it is where a thread panics.
        match catch_unwind(AssertUnwindSafe(|| (self.call)(event))) {
            Ok(None | Some(Ok(()))) => Ok(()),
            Ok(Some(Err(error))) => Err(error.to_string()),
            Err(_) => Err("it has panicked".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::{BeforeSpawn, Draining, Part};
    use super::*;

    /// What was called, in order.
    type Calls = Arc<Mutex<Vec<&'static str>>>;

    fn note<E: Event>(calls: &Calls, name: &'static str) -> Callback {
        let calls = Arc::clone(calls);
        Callback::new(move |_: &E| {
            calls.lock().unwrap().push(name);
            if name.starts_with("bad") { Err(name.into()) } else { Ok(()) }
        })
    }

    fn publish<E: Event>(callbacks: Vec<Callback>, event: &E) -> Result<(), String> {
        let mut all = Callbacks::default();
        for callback in callbacks {
            all.add(callback);
        }
        all.publish(event)
    }

    fn before() -> BeforeSpawn {
        BeforeSpawn { addresses: Vec::new(), workers: 1 }
    }

    const DRAINING: Draining = Draining { part: Part::Main };

    #[test]
    fn low_priorities_come_first_and_equal_ones_in_their_order() {
        let calls = Calls::default();
        let callbacks = vec![
            note::<Draining>(&calls, "second"),
            note::<Draining>(&calls, "third"),
            note::<Draining>(&calls, "last").priority(1),
            note::<Draining>(&calls, "first").priority(-1),
            note::<BeforeSpawn>(&calls, "never"),
        ];
        publish(callbacks, &DRAINING).unwrap();
        assert_eq!(*calls.lock().unwrap(), ["first", "second", "third", "last"]);
    }

    #[test]
    fn all_are_called_whoever_fails_or_panics() {
        let calls = Calls::default();
        let panics = Callback::new(|_: &BeforeSpawn| panic!("as the test has it"));
        let callbacks = vec![
            note::<BeforeSpawn>(&calls, "bad one"),
            panics,
            note::<BeforeSpawn>(&calls, "bad two"),
            note::<BeforeSpawn>(&calls, "good"),
        ];
        let failure = publish(callbacks, &before()).unwrap_err();
        let expected = ["bad one", "it has panicked", "bad two"]
            .map(|why| format!("a callback for `BeforeSpawn` has failed: {why}"));
        assert_eq!(failure, expected.join("\n"));
        assert_eq!(*calls.lock().unwrap(), ["bad one", "bad two", "good"]);
    }

    #[test]
    fn each_callback_says_for_itself_whether_it_is_essential() {
        let calls = Calls::default();
        let bad = || note::<Draining>(&calls, "bad");
        publish(vec![bad(), bad().optional()], &DRAINING).unwrap();
        // Upstream's registry takes the word of the first for all of one priority.
        publish(vec![bad(), bad().essential()], &DRAINING).unwrap_err();
        let bad = || note::<BeforeSpawn>(&calls, "bad");
        publish(vec![bad().optional()], &before()).unwrap();
        publish(vec![bad().optional(), bad()], &before()).unwrap_err();
    }
}
