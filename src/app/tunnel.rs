//! What becomes of a connection that goes on in another protocol.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream of bytes each way.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// The connection to the client, once it is no longer one of HTTP.
pub type Client = Box<dyn Duplex>;

/// What goes on until the connection ends.
pub(crate) type Going = Pin<Box<dyn Future<Output = ()> + Send>>;

type Go = Box<dyn FnOnce(Client) -> Going + Send>;

/// What becomes of a connection after the response `101 Switching Protocols`, in whose extensions
/// this travels. Clones are the same; only one of them is taken.
#[derive(Clone)]
pub struct Tunnel(Arc<Mutex<Option<Go>>>);

impl Tunnel {
    /// Hands the connection to a function, whose future ends with it.
    pub fn new<F>(go: impl FnOnce(Client) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let go: Go = Box::new(|client| Box::pin(go(client)));
        Self(Arc::new(Mutex::new(Some(go))))
    }

    /// Has it go on by what a function makes of the connection, which may note what passes.
    #[must_use]
    pub fn by(self, wrap: impl FnOnce(Client) -> Client + Send + 'static) -> Self {
        Self::new(move |client| {
            let going = self.begin(wrap(client));
            async {
                if let Some(going) = going {
                    going.await;
                }
            }
        })
    }

    /// Begins, unless a clone has.
    pub(crate) fn begin(&self, client: Client) -> Option<Going> {
        let go = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        go.map(|go| go(client))
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tunnel").finish_non_exhaustive()
    }
}
