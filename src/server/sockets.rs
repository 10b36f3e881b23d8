//! All listening sockets of a server, over all of its processes.

#[cfg(test)]
mod tests;
#[cfg(test)]
mod unix_tests;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use socket2::Socket;

use super::address::Address;
use super::backlog::warn_if_cut_off;
use super::bind::{BindError, Options, Patience, Sharing, bind};
use super::endpoint::Endpoint;
use super::inherited::Inherited;
use super::opening::Opening;
use super::settings::Settings;
use super::share::{Place, Share, Spread};
use super::target::{Handed, Target, resolve};

/// All listening sockets of a server, over all of its processes.
///
/// There is one socket per worker at each IP address (`SO_REUSEPORT`), so that connections are
/// spread evenly; a Unix socket, or one that the service manager has opened, is shared by all. They
/// are held for as long as the server lives: when a worker dies, what waits in the queues of its
/// sockets waits for its successor.
///
/// A clone holds the same sockets. They close when the last holder drops them; the files of Unix
/// sockets stay until they are [closed](Self::close).
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    listening: Vec<Listening>,
}

impl Sockets {
    /// Listens at every address of the settings, with a socket for each of so many workers; with
    /// one for 0, which stands for this process.
    ///
    /// What the service manager has opened is taken where the settings name it or where it listens
    /// at one of the addresses; if the settings name no address at all, all of it.
    ///
    /// An address that is in use is tried again within
    /// [`retry_until_window`](Settings::retry_until_window). No port listens before all addresses
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
        let handed: Vec<_> = self.handed().chain(inherited.handed()).cloned().collect();
        let addresses = if settings.names_addresses() || handed.is_empty() {
            settings.addresses()
        } else {
            vec![Address::Systemd(None)]
        };
        let wanted = resolve(addresses, &handed).await?;
        let options = Options::new(settings);
        let patience = Patience::new(settings.retry_until_window.0);
        let mut opening = Opening { options, patience, opened: Vec::new() };
        let mut done = opening.open(wanted, self, inherited).await;
        if done.is_ok() {
            done = opening.listen(workers.max(1)).await;
        }
        let listening = opening.opened.into_iter().map(|(_, listening)| listening).collect();
        let sockets = Self { listening };
        match done {
            Ok(()) => {
                warn_if_cut_off(settings.backlog);
                Ok(sockets)
            }
            Err(error) => {
                sockets.close();
                Err(error)
            }
        }
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
            let socket = at.of(worker).try_clone()?;
            Ok((Place::clone(&at.place), OwnedFd::from(socket)))
        };
        let sockets = self.listening.iter().map(share).collect::<io::Result<_>>()?;
        Ok(Share { sockets })
    }

    /// Takes over the sockets of another process, which has shared those of each of its workers.
    pub fn adopt(shares: Vec<Share>) -> Self {
        let mut listening: Vec<Listening> = Vec::new();
        for (place, socket) in shares.into_iter().flat_map(|share| share.sockets) {
            let socket = Socket::from(socket);
            match listening.iter_mut().find(|at| *at.place == place) {
                Some(at) if place.spread == Spread::OneForEach => at.sockets.push(socket.into()),
                Some(_) => {}
                None => listening.push(Listening::new(place, socket)),
            }
        }
        Self { listening }
    }

    /// Closes the sockets that no clone and no successor by [`rebind`](Self::rebind) holds, and
    /// removes the files of Unix sockets among them, unless another server has put its own there.
    pub fn close(self) {
        for Listening { place, .. } in self.listening {
            let file = Arc::into_inner(place).and_then(|place| place.file);
            if let Some(file) = file {
                file.remove();
            }
        }
    }

    /// Where the sockets listen, with the ports that the system has chosen where 0 was asked for.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.listening.iter().map(|at| &at.place.endpoint)
    }

    /// The sockets for a target, if there are any.
    pub(super) fn at(&self, target: &Target) -> Option<Listening> {
        self.listening.iter().find(|at| at.place.target == *target).cloned()
    }

    /// What was handed over by the service manager.
    fn handed(&self) -> impl Iterator<Item = &Handed> {
        self.listening.iter().filter_map(|at| match &at.place.target {
            Target::Inherited(handed) => Some(handed),
            _ => None,
        })
    }
}

/// The sockets at one place.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    /// The last who holds it removes the file.
    place: Arc<Place>,
    /// At least one.
    sockets: Vec<Arc<Socket>>,
}

impl Listening {
    pub(super) fn new(place: Place, socket: Socket) -> Self {
        Self { place: Arc::new(place), sockets: vec![Arc::new(socket)] }
    }

    fn first(&self) -> &Socket {
        &self.sockets[0]
    }

    /// Has the sockets listen as the settings say. One that others may have opened listens already,
    /// with the backlog that they have chosen.
    pub(super) fn listen(&self, options: Options<'_>) -> io::Result<()> {
        for socket in &self.sockets {
            if let Endpoint::Network(_) = self.place.endpoint {
                options.tune(socket)?;
            }
            if self.place.spread == Spread::OneForEach {
                options.listen(socket)?;
            }
        }
        Ok(())
    }

    /// The socket of a worker.
    fn of(&self, worker: usize) -> &Socket {
        match self.place.spread {
            Spread::OneForAll => self.first(),
            Spread::OneForEach => &self.sockets[worker],
        }
    }

    /// Opens siblings until there are so many sockets, or lets go of those past that.
    pub(super) fn resize(&mut self, workers: usize, options: Options<'_>) -> io::Result<()> {
        let (Spread::OneForEach, Target::Network { only_v6, .. }, Endpoint::Network(at)) =
            (self.place.spread, &self.place.target, &self.place.endpoint)
        else {
            return Ok(());
        };
        self.sockets.truncate(workers);
        while self.sockets.len() < workers {
            self.first().set_reuse_port(true)?;
            let sibling = bind((*at, *only_v6), Sharing::Sibling)?;
            options.tune(&sibling)?;
            options.listen(&sibling)?;
            self.sockets.push(Arc::new(sibling));
        }
        Ok(())
    }
}
