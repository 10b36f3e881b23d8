//! All listening sockets of a server, over all of its processes.

mod listening;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unix_tests;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

use socket2::Socket;

use self::listening::Files;
pub(super) use self::listening::{Begin, Listening};
use super::address::Address;
use super::backlog::warn_if_cut_off;
use super::bind::{BindError, Options, Patience};
use super::endpoint::Endpoint;
use super::inherited::Inherited;
use super::opening::Opening;
use super::settings::Settings;
use super::share::{Share, Spread};
use super::target::{Handed, Target, resolve};
use crate::source::describe;

/// All listening sockets of a server, over all of its processes.
///
/// There is one socket per worker at each IP address (`SO_REUSEPORT`), so that connections are
/// spread evenly; a Unix socket, or one that the service manager has opened, is shared by all. They
/// are held for as long as the server lives: when a worker dies, what waits in the queues of its
/// sockets waits for its successor.
///
/// A clone holds the same sockets. They close when the last holder drops them, and the files of
/// Unix sockets are removed then, unless another server has put its own there or other sockets
/// [have been handed over](Self::hand_over).
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
        Self::default().open((settings, Begin::AtOnce), workers, inherited).await
    }

    /// Takes every address of other settings, or for another number of workers; where the address
    /// is the same, with the sockets that are here.
    ///
    /// Those that are new do not listen before they are [served](super::Server::new): what is
    /// given up before that has let no client in. A new Unix socket listens at once, as its path
    /// would be taken for left over otherwise. Those that are here stay as they are until they are
    /// [adjusted](Self::adjust).
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
        self.open((settings, Begin::WhenServed), workers, inherited).await
    }

    async fn open(
        &self,
        (settings, begin): (&Settings, Begin),
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
        let mut opening = Opening { options, patience, begin, opened: Vec::new() };
        let mut done = opening.open(wanted, self, inherited).await;
        if done.is_ok() {
            done = opening.listen(workers.max(1)).await;
        }
        let listening = opening.opened.into_iter().map(|(_, listening)| listening).collect();
        done?;
        warn_if_cut_off(settings.backlog);
        Ok(Self { listening })
    }

    /// The same sockets for another number of workers, where each has one of its own. Those that
    /// are new do not listen before they are [served](super::Server::new). No name is looked up:
    /// what it stands for is what it stood for when these were opened.
    ///
    /// # Errors
    ///
    /// The system has no room for another socket.
    pub fn resize(&self, settings: &Settings, workers: usize) -> io::Result<Self> {
        let mut resized = self.clone();
        for at in &mut resized.listening {
            at.resize(workers, Options::new(settings), Begin::WhenServed)?;
        }
        Ok(resized)
    }

    /// Has the sockets be as the settings say that are in force now, also those that were made by
    /// others. What cannot be is logged, and stays as it was.
    pub fn adjust(&self, settings: &Settings) {
        for at in &self.listening {
            if let Err(error) = at.adjust(Options::new(settings)) {
                let (at, error) = (&at.held.place.endpoint, describe(&error));
                tracing::error!("what listens at {at} stays as it was: {error}");
            }
        }
    }

    /// Duplicates of the sockets of one worker, counted from 0.
    ///
    /// # Errors
    ///
    /// No descriptor is left, or there is no such worker.
    pub fn share(&self, worker: usize) -> io::Result<Share> {
        let share = |at: &Listening| {
            let socket =
                at.of(worker).ok_or_else(|| io::Error::other("there is no such worker"))?;
            Ok((at.held.place.clone(), OwnedFd::from(socket.try_clone()?)))
        };
        let sockets = self.listening.iter().map(share).collect::<io::Result<_>>()?;
        Ok(Share { sockets })
    }

    /// Takes over the sockets of another process, which has shared those of each of its workers.
    /// The files of Unix sockets stay its own until it is [relieved](Self::take_charge).
    pub fn adopt(shares: Vec<Share>) -> Self {
        let mut listening: Vec<Listening> = Vec::new();
        for (place, socket) in shares.into_iter().flat_map(|share| share.sockets) {
            let socket = Socket::from(socket);
            match listening.iter_mut().find(|at| at.held.place == place) {
                Some(at) if place.spread == Spread::OneForEach => at.sockets.push(socket.into()),
                Some(_) => {}
                None => listening.push(Listening::new(place, socket)),
            }
        }
        let adopted = Self { listening };
        adopted.let_files(Files::Stay);
        adopted
    }

    /// Warns of what the service manager has opened and others do not have: it stays open, and
    /// clients wait there for nothing.
    pub fn warn_of_left(&self, others: &[Self]) {
        let is_kept = |at: &Listening| {
            let mut others = others.iter().flat_map(|other| &other.listening);
            others.any(|other| other.held.place == at.held.place)
        };
        for at in self.listening.iter().filter(|at| at.held.place.is_handed_over && !is_kept(at)) {
            tracing::warn!(
                "nothing listens at {} any more, which the service manager holds open: clients \
                 wait there until its socket unit is stopped",
                at.held.place.endpoint
            );
        }
    }

    /// Closes the sockets that no clone and no successor by [`rebind`](Self::rebind) holds, and
    /// removes the files of Unix sockets among them, as if they were dropped.
    pub fn close(self) {}

    /// Lets go of sockets that another process has [adopted](Self::adopt): their files stay.
    pub fn hand_over(self) {
        self.let_files(Files::Stay);
    }

    /// Has the files of adopted sockets removed when these close.
    pub fn take_charge(&self) {
        self.let_files(Files::Go);
    }

    fn let_files(&self, files: Files) {
        for at in &self.listening {
            at.held.removes.store(files == Files::Go, Ordering::Relaxed);
        }
    }

    /// Where the sockets listen, with the ports that the system has chosen where 0 was asked for.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.listening.iter().map(|at| &at.held.place.endpoint)
    }

    /// The sockets for a target, if there are any.
    pub(super) fn at(&self, target: &Target) -> Option<Listening> {
        self.listening.iter().find(|at| at.held.place.target == *target).cloned()
    }

    /// What was handed over by the service manager.
    fn handed(&self) -> impl Iterator<Item = &Handed> {
        self.listening.iter().filter_map(|at| match &at.held.place.target {
            Target::Inherited(handed) => Some(handed),
            _ => None,
        })
    }
}
