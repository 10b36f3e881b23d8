//! All listening sockets of a server, over all of its processes.

#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use socket2::Socket;

use super::bind::{BindError, Options, Patience, Sharing};
use super::endpoint::Endpoint;
use super::inherited::Inherited;
use super::settings::Settings;
use super::share::{Place, Share};
use super::target::{Target, Wanted, resolve};

/// All listening sockets of a server, over all of its processes.
///
/// There is one socket per worker at each address (`SO_REUSEPORT`), so that connections are spread
/// evenly. They are held for as long as the server lives: when a worker dies, what waits in the
/// queues of its sockets waits for its successor.
///
/// A clone holds the same sockets. They close when the last holder drops them.
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    listening: Vec<Listening>,
}

impl Sockets {
    /// Listens at every address of the settings, with a socket for each of so many workers; with
    /// one for 0, which stands for this process.
    ///
    /// An address that is in use is tried again within
    /// [`retry_until_window`](Settings::retry_until_window). Nothing listens before all addresses
    /// are there, so that no client is let in and then left alone.
    ///
    /// # Errors
    ///
    /// The first address that cannot be listened at. Of the addresses that one name stands for,
    /// those that this machine does not have are passed over with a warning, if there are others.
    pub async fn bind(
        settings: &Settings,
        workers: usize,
        inherited: &mut Inherited,
    ) -> Result<Self, BindError> {
        Self::default().rebind(settings, workers, inherited).await
    }

    /// Listens at every address of other settings, or for another number of workers; where the
    /// address is the same, with the sockets that are here.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub async fn rebind(
        &self,
        settings: &Settings,
        workers: usize,
        inherited: &mut Inherited,
    ) -> Result<Self, BindError> {
        let _ = inherited;
        let options = Options::new(settings);
        let patience = Patience::new(settings.retry_until_window.0);
        let wanted = resolve(settings.addresses()).await?;
        let mut listening = Vec::new();
        for (wanted, opened) in self.open_all(wanted, options, patience).await? {
            let mut at = match opened {
                Opened::Already(listening) => listening,
                Opened::Bound(socket) => {
                    patience.attempt(&wanted, || options.listen(&socket)).await?;
                    Listening::new(wanted.target.clone(), socket)
                        .map_err(|cause| patience.give_up(&wanted, cause))?
                }
            };
            let sized = at.resize(workers.max(1), options);
            sized.map_err(|cause| patience.give_up(&wanted, cause))?;
            listening.push(at);
        }
        Ok(Self { listening })
    }

    /// Opens a socket for each target that there is none for yet.
    async fn open_all(
        &self,
        wanted: Vec<Wanted>,
        options: Options,
        patience: Patience,
    ) -> Result<Vec<(Wanted, Opened)>, BindError> {
        let (mut opened, mut absent) = (Vec::new(), Vec::new());
        for wanted in wanted {
            let mut kept = self.listening.iter().filter(|at| at.place.target == wanted.target);
            if let Some(at) = kept.next() {
                opened.push((wanted, Opened::Already(at.clone())));
                continue;
            }
            let open = || options.open(&wanted.target, Sharing::Alone);
            match patience.attempt(&wanted, open).await {
                Ok(socket) => opened.push((wanted, Opened::Bound(socket))),
                Err(error) if error.is_absent() => absent.push((wanted, error)),
                Err(error) => return Err(error),
            }
        }
        // A name such as `localhost` stands for an address of each kind, and a machine may have
        // only one of them.
        for (absent, error) in absent {
            if !opened.iter().any(|(wanted, _)| wanted.asked == absent.asked) {
                return Err(error);
            }
            tracing::warn!("{error}");
        }
        Ok(opened)
    }

    /// Duplicates of the sockets of one worker, counted from 0.
    ///
    /// # Errors
    ///
    /// No descriptor is left.
    ///
    /// # Panics
    ///
    /// There is no such worker.
    pub fn share(&self, worker: usize) -> io::Result<Share> {
        let share = |at: &Listening| {
            let socket = at.sockets[worker].try_clone()?;
            Ok((at.place.clone(), OwnedFd::from(socket)))
        };
        let sockets = self.listening.iter().map(share).collect::<io::Result<_>>()?;
        Ok(Share { sockets })
    }

    /// Takes over the sockets of another process, which has shared those of each of its workers.
    pub fn adopt(shares: Vec<Share>) -> Self {
        let mut listening: Vec<Listening> = Vec::new();
        for (place, socket) in shares.into_iter().flat_map(|share| share.sockets) {
            let socket = Arc::new(Socket::from(socket));
            match listening.iter_mut().find(|at| at.place == place) {
                Some(at) => at.sockets.push(socket),
                None => listening.push(Listening { place, sockets: vec![socket] }),
            }
        }
        Self { listening }
    }

    /// Where the sockets listen, with the ports that the system has chosen where 0 was asked for.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.listening.iter().map(|at| &at.place.endpoint)
    }
}

/// The first socket for a target.
enum Opened {
    /// It was here before, and its siblings.
    Already(Listening),
    /// It is new and does not listen yet.
    Bound(Socket),
}

/// The sockets at one address.
#[derive(Clone, Debug)]
struct Listening {
    place: Place,
    /// One for each worker.
    sockets: Vec<Arc<Socket>>,
}

impl Listening {
    fn new(target: Target, socket: Socket) -> io::Result<Self> {
        let endpoint = Endpoint::of(&socket)?;
        Ok(Self { place: Place { target, endpoint }, sockets: vec![Arc::new(socket)] })
    }

    /// Opens siblings until there are so many sockets, or lets go of those past that.
    fn resize(&mut self, workers: usize, options: Options) -> io::Result<()> {
        self.sockets.truncate(workers);
        while self.sockets.len() < workers {
            // Only now: as long as the first socket listened alone, a second start was refused,
            // and so was one of another program that shares ports.
            self.sockets[0].set_reuse_port(true)?;
            let target = self.place.target.at(&self.place.endpoint);
            let sibling = options.open(&target, Sharing::Sibling)?;
            options.listen(&sibling)?;
            self.sockets.push(Arc::new(sibling));
        }
        Ok(())
    }
}
