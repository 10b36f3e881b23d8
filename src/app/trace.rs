//! The id of the request that a thread is at, so that each line of the log can tell it.

use std::cell::Cell;

use http::HeaderValue;

thread_local! {
    static CURRENT: Cell<Option<Box<HeaderValue>>> = const { Cell::new(None) };
}

/// The id of one request while no thread is at it.
///
/// It is no span of `tracing`: that would cost every request an entry in a table, whether or not a
/// line is logged. It is a pointer, as it changes places several times for each request, with or
/// without an id; a request with one pays for that with an allocation.
#[derive(Debug, Default)]
pub struct Trace(Option<Box<HeaderValue>>);

impl Trace {
    /// Does some of the work for the request: what is logged meanwhile has its id.
    pub fn within<T>(&mut self, work: impl FnOnce() -> T) -> T {
        /// Puts things back where they belong, also when the work panics.
        struct Turn<'a>(&'a mut Trace);

        impl Drop for Turn<'_> {
            fn drop(&mut self) {
                self.0.swap();
            }
        }

        self.swap();
        let turn = Turn(self);
        let done = work();
        drop(turn);
        done
    }

    fn swap(&mut self) {
        CURRENT.with(|current| self.0 = current.replace(self.0.take()));
    }
}

/// Says what the id of the request is that this thread is at.
pub fn identify(id: &HeaderValue) {
    CURRENT.set(Some(Box::new(id.clone())));
}

/// The id of the request that this thread is at, if it is at one that has an id.
pub fn current_id() -> Option<HeaderValue> {
    let current = CURRENT.take();
    let id = current.as_deref().cloned();
    CURRENT.set(current);
    id
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn each_request_has_its_own() {
        let (mut one, mut two) = (Trace::default(), Trace::default());
        one.within(|| identify(&HeaderValue::from_static("req-1")));
        two.within(|| assert_eq!(current_id(), None));
        let panics = catch_unwind(AssertUnwindSafe(|| one.within(|| panic!("a bug"))));
        assert!(panics.is_err() && current_id().is_none());
        one.within(|| assert_eq!(current_id().unwrap(), "req-1"));
    }
}
