//! Tells listeners and connections that the server ends, and waits for them.

use tokio::sync::watch;

/// Tells everyone who watches that the server ends, and waits until nobody watches any more.
#[derive(Debug)]
pub(super) struct Drain(watch::Sender<Phase>);

/// Where a server is in its life. A phase only ever gives way to a later one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Phase {
    /// Connections are accepted and live on after a response.
    Serving,
    /// No connection is accepted, and each ends with the request that it is at.
    Ending,
}

impl Drain {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }

    /// Someone to be told of the end, and to be waited for as long as the value lives.
    pub(super) fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }

    /// Tells that the server ends, and waits until nobody watches any more.
    pub(super) async fn end(self) {
        self.0.send_replace(Phase::Ending);
        self.0.closed().await;
    }
}

/// One who is told that the server ends, and who is waited for.
#[derive(Clone, Debug)]
pub(super) struct Watch(watch::Receiver<Phase>);

impl Watch {
    /// Waits until the server ends. It ends too when nobody is left who could tell.
    pub(super) async fn ending(&mut self) {
        let _ = self.0.wait_for(|phase| *phase >= Phase::Ending).await;
    }
}
