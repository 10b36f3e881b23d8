//! Services that run beside servers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;

use super::Readings;
use crate::app::BoxError;

/// What runs as long as the servers do, and ends with them.
///
/// In each of its processes a service is made, started, waited for, and told to stop when the
/// server drains. While [`wait`](Self::wait) waits, the other methods are called beside it. All of
/// them run on the one thread that the process has for its connections and signals: what takes
/// long without waiting belongs into `tokio::task::spawn_blocking`, of which 64 run at a time, and
/// what never ends into a thread of its own.
///
/// A service that fails, panics, or ends before it is told to, ends all: the servers drain, the
/// other services stop, and the exit status is not 0. One whose *process* dies, of a signal say, is
/// started anew in a new one. One whose process is sent SIGTERM is told to stop, and starts anew in
/// a new one meanwhile; as during an upgrade there are two for a while.
///
/// ```
/// use pasteline::app::BoxError;
/// use pasteline::program::Service;
/// use tokio::sync::Notify;
/// use tokio::time::Instant;
///
/// /// Does nothing until it is told to stop.
/// #[derive(Default)]
/// struct Idle {
///     stop: Notify,
/// }
///
/// impl Service for Idle {
///     async fn wait(&self) -> Result<(), BoxError> {
///         self.stop.notified().await;
///         Ok(())
///     }
///
///     async fn stop(&self, _: Option<Instant>) {
///         self.stop.notify_one();
///     }
/// }
/// ```
pub trait Service: Send + Sync + 'static {
    /// Makes ready. Until this has returned, the process does not count as started, and a worker
    /// accepts no connection.
    ///
    /// # Errors
    ///
    /// The service cannot run; it is not waited for then.
    fn start(&self) -> impl Future<Output = Result<(), BoxError>> + Send {
        async { Ok(()) }
    }

    /// Returns when the service has ended. What it does may be done here.
    ///
    /// # Errors
    ///
    /// The service has failed.
    fn wait(&self) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Has the service end, so that [`wait`](Self::wait) returns. What is not finished at the
    /// deadline, which `graceful_shutdown_timeout` sets, is cut off; without one it may take as
    /// long as it does.
    fn stop(&self, deadline: Option<Instant>) -> impl Future<Output = ()> + Send;

    /// Looks anew at what may have changed: a reload has come into force.
    ///
    /// # Errors
    ///
    /// Something of it cannot be used. That is logged; the service goes on.
    fn reset(&self) -> impl Future<Output = Result<(), BoxError>> + Send {
        async { Ok(()) }
    }
}

type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

type Renew = dyn Fn(&Readings) + Send + Sync;

/// A service whose type is forgotten.
#[derive(Clone)]
pub(crate) struct Running {
    service: Arc<dyn AnyService>,
    /// Has other settings in force; none for a service that has none.
    renew: Option<Arc<Renew>>,
}

impl Running {
    pub(super) fn new(service: impl Service) -> Self {
        Self { service: Arc::new(Known(Arc::new(service))), renew: None }
    }

    pub(super) fn renewed(self, renew: impl Fn(&Readings) + Send + Sync + 'static) -> Self {
        Self { renew: Some(Arc::new(renew)), ..self }
    }

    /// Has other settings in force, which [`reset`](Self::reset) is to tell of.
    pub(crate) fn renew(&self, readings: &Readings) {
        if let Some(renew) = &self.renew {
            renew(readings);
        }
    }

    /// See [`Service::start`].
    pub(crate) fn start(&self) -> Waiting<Result<(), BoxError>> {
        self.service.start()
    }

    /// See [`Service::wait`].
    pub(crate) fn wait(&self) -> Waiting<Result<(), BoxError>> {
        self.service.wait()
    }

    /// See [`Service::stop`].
    pub(crate) fn stop(&self, deadline: Option<Instant>) -> Waiting<()> {
        self.service.stop(deadline)
    }

    /// See [`Service::reset`].
    pub(crate) fn reset(&self) -> Waiting<Result<(), BoxError>> {
        self.service.reset()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

trait AnyService: Send + Sync {
    fn start(&self) -> Waiting<Result<(), BoxError>>;
    fn wait(&self) -> Waiting<Result<(), BoxError>>;
    fn stop(&self, deadline: Option<Instant>) -> Waiting<()>;
    fn reset(&self) -> Waiting<Result<(), BoxError>>;
}

struct Known<S>(Arc<S>);

impl<S: Service> AnyService for Known<S> {
    fn start(&self) -> Waiting<Result<(), BoxError>> {
        let service = Arc::clone(&self.0);
        Box::pin(async move { service.start().await })
    }

    fn wait(&self) -> Waiting<Result<(), BoxError>> {
        let service = Arc::clone(&self.0);
        Box::pin(async move { service.wait().await })
    }

    fn stop(&self, deadline: Option<Instant>) -> Waiting<()> {
        let service = Arc::clone(&self.0);
        Box::pin(async move { service.stop(deadline).await })
    }

    fn reset(&self) -> Waiting<Result<(), BoxError>> {
        let service = Arc::clone(&self.0);
        Box::pin(async move { service.reset().await })
    }
}
