//! Loads the files anew, one time after another however often it is asked for.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Order, Prepared, Refusal, prepare};
use crate::registry::Registry;

/// How a reload ended: what is in force now, or why all is as it was, each in a line or more.
pub(super) type Result = std::result::Result<String, String>;

/// What who asked for a reload is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Told {
    /// How it ended.
    Ended(Result),
    /// That the process of this number has taken over, and is to be asked.
    Relieved(u32),
}

/// Logs how a reload ended, each fault in a line of its own.
pub(super) fn log(result: &Result) {
    match result {
        Ok(what) => tracing::info!("reloaded: {what}"),
        Err(faults) => {
            faults.lines().for_each(|fault| tracing::error!("{fault}"));
            tracing::error!("not reloaded: what was served before is served on");
        }
    }
}

/// Loads the files anew when it is asked to.
///
/// Whoever asks while a reload is under way gets the result of the next one, which begins when
/// that one is settled: files may have changed after the first one read them. However many ask
/// meanwhile, it is one.
#[derive(Debug)]
pub(super) struct Reloads {
    order: Arc<Order>,
    registry: Arc<Registry>,
    loading: Option<JoinHandle<std::result::Result<Prepared, Box<Refusal>>>>,
    /// Those who asked for what is under way; none if nothing is.
    now: Option<Vec<Asker>>,
    /// Those who asked since.
    next: Option<Vec<Asker>>,
    /// Whether the next one waits for more than that.
    is_put_off: bool,
    /// What all are told where none begins any more.
    end: Option<Told>,
}

/// Why what was to be loaded is at fault.
#[derive(Debug)]
pub(super) struct Failure {
    /// Each in a line or more.
    pub(super) faults: String,
    /// The files that were read.
    pub(super) paths: Vec<PathBuf>,
}

/// Who is told how a reload ended, if anybody waits for it.
pub(super) type Asker = Option<oneshot::Sender<Told>>;

impl Reloads {
    pub(super) fn new(order: Arc<Order>, registry: Arc<Registry>) -> Self {
        Self { order, registry, loading: None, now: None, next: None, is_put_off: false, end: None }
    }

    /// Whether a reload is under way.
    pub(super) fn is_under_way(&self) -> bool {
        self.now.is_some()
    }

    /// Whether none begins any more.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Asks for a reload.
    pub(super) fn ask(&mut self, asker: Asker) {
        if let Some(told) = &self.end {
            return tell(Some(vec![asker]), told);
        }
        self.next.get_or_insert_default().push(asker);
        self.go_on();
    }

    /// Has none begin from now on, whoever asks.
    pub(super) fn put_off(&mut self) {
        self.is_put_off = true;
    }

    /// Begins what was put off, and whatever is asked for from now on.
    pub(super) fn take_up(&mut self) {
        self.is_put_off = false;
        self.go_on();
    }

    /// Has none begin any more, and tells that to those who wait for the next one, and to whoever
    /// asks from now on. Tells whether anybody waits for it.
    pub(super) fn end(&mut self, told: Told) -> bool {
        let askers = self.next.take();
        let is_asked_for = askers.is_some();
        tell(askers, &told);
        self.end = Some(told);
        is_asked_for
    }

    /// Begins the next one, if somebody has asked for it and nothing is in its way.
    fn go_on(&mut self) {
        if self.now.is_none() && !self.is_put_off {
            self.now = self.next.take();
            if self.now.is_some() {
                self.load();
            }
        }
    }

    fn load(&mut self) {
        let (order, registry) = (Arc::clone(&self.order), Arc::clone(&self.registry));
        // Off the reactor: it has requests to answer, or workers to look after.
        self.loading = Some(spawn_blocking(move || prepare(&order, &registry, None)));
    }

    /// Waits until what was asked for is loaded, checked and built, for as long as nothing was
    /// asked for.
    pub(super) async fn loaded(&mut self) -> std::result::Result<Prepared, Failure> {
        let Some(loading) = &mut self.loading else { return std::future::pending().await };
        let loaded = loading.await;
        self.loading = None;
        match loaded {
            Ok(Ok(prepared)) => Ok(prepared),
            Ok(Err(refusal)) => Err(Failure {
                faults: refusal.lines().join("\n"),
                paths: refusal.sources.iter().map(|(_, text)| text.path().to_owned()).collect(),
            }),
            // A factory of the program's user, in all likelihood.
            Err(panic) => {
                Err(Failure { faults: format!("loading has failed: {panic}"), paths: Vec::new() })
            }
        }
    }

    /// Tells those who asked how it ended, and begins the next one if somebody asked since.
    pub(super) fn settle(&mut self, result: &Result) {
        tell(self.now.take(), &Told::Ended(result.clone()));
        self.go_on();
    }
}

fn tell(askers: Option<Vec<Asker>>, told: &Told) {
    for asker in askers.into_iter().flatten().flatten() {
        // Who does not wait any more need not be told.
        let _ = asker.send(told.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Input;

    fn reloads() -> Reloads {
        let order = Order::new(Input::new("no/such.ini"));
        Reloads::new(Arc::new(order), Arc::new(Registry::builtin()))
    }

    fn asker() -> (Asker, oneshot::Receiver<Told>) {
        let (sender, receiver) = oneshot::channel();
        (Some(sender), receiver)
    }

    #[tokio::test]
    async fn what_is_put_off_begins_when_it_is_taken_up() {
        let mut reloads = reloads();
        reloads.put_off();
        let ((first, first_result), (second, second_result)) = (asker(), asker());
        reloads.ask(first);
        reloads.ask(second);
        assert!(!reloads.is_under_way());
        reloads.take_up();
        reloads.loaded().await.unwrap_err();
        reloads.settle(&Ok("done".to_owned()));
        for result in [first_result, second_result] {
            assert_eq!(result.await.unwrap(), Told::Ended(Ok("done".to_owned())));
        }
        reloads.take_up();
        assert!(!reloads.is_under_way(), "nobody has asked");
    }

    #[tokio::test]
    async fn none_begins_after_the_end_and_all_who_ask_are_told_why() {
        let mut reloads = reloads();
        reloads.put_off();
        let ((first, first_result), (second, second_result)) = (asker(), asker());
        reloads.ask(first);
        assert!(reloads.end(Told::Relieved(7)));
        reloads.ask(second);
        reloads.ask(None);
        for result in [first_result, second_result] {
            assert_eq!(result.await.unwrap(), Told::Relieved(7));
        }
        reloads.take_up();
        assert!(!reloads.is_under_way());
        assert!(!self::reloads().end(Told::Relieved(7)), "nobody has asked");
    }

    #[tokio::test]
    async fn a_burst_is_one_reload_after_the_one_under_way() {
        let mut reloads = reloads();
        let ((first, first_result), (second, second_result)) = (asker(), asker());
        reloads.ask(first);
        reloads.ask(second);
        reloads.ask(None);
        let failure = reloads.loaded().await.unwrap_err();
        assert!(failure.faults.contains("cannot read `no/such.ini`"), "{failure:?}");
        reloads.settle(&Err("first".to_owned()));
        assert_eq!(first_result.await.unwrap(), Told::Ended(Err("first".to_owned())));
        assert!(reloads.is_under_way());
        reloads.loaded().await.unwrap_err();
        reloads.settle(&Ok("second".to_owned()));
        assert_eq!(second_result.await.unwrap(), Told::Ended(Ok("second".to_owned())));
        assert!(!reloads.is_under_way());
    }
}
