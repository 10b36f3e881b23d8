//! The listening sockets of one process, and how they travel to it.

use std::io;
use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};
use socket2::SockRef;

use super::bind::Options;
use super::endpoint::Endpoint;
use super::settings::Settings;
use super::socket_file::SocketFile;
use super::target::Target;

/// The listening sockets of one process.
///
/// It can be taken apart into descriptors and what is known of them, to be sent to another
/// process and put together again there.
#[derive(Debug, Default)]
pub struct Share {
    pub(super) sockets: Vec<(Place, OwnedFd)>,
}

/// What is known of one socket: what it was opened for, and where it listens.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Place {
    pub(super) target: Target,
    pub(super) endpoint: Endpoint,
    pub(super) spread: Spread,
    /// The file of a Unix socket that was made here.
    pub(super) file: Option<SocketFile>,
    /// Whether the service manager has opened it.
    #[serde(default)]
    pub(super) is_handed_over: bool,
}

/// How the connections at a place come to the processes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Spread {
    /// By one socket that all share.
    OneForAll,
    /// By a socket for each, among which the system chooses.
    OneForEach,
}

impl Place {
    /// Has a socket here listen that is for one process alone, unless it does; others do already.
    pub(super) fn listen(&self, socket: &OwnedFd, settings: &Settings) -> io::Result<()> {
        let socket = SockRef::from(socket);
        match self.spread {
            Spread::OneForEach if !socket.is_listener()? => Options::new(settings).listen(&socket),
            Spread::OneForAll | Spread::OneForEach => Ok(()),
        }
    }
}

impl Share {
    /// Takes it apart. There are as many places as descriptors, in the same order.
    pub fn into_parts(self) -> (Vec<Place>, Vec<OwnedFd>) {
        self.sockets.into_iter().unzip()
    }

    /// What no other process has: without the sockets that all share.
    #[must_use]
    pub fn own(mut self) -> Self {
        self.sockets.retain(|(place, _)| place.spread == Spread::OneForEach);
        self
    }

    /// Puts it together again; none if there are not as many descriptors as places.
    pub fn from_parts(places: Vec<Place>, descriptors: Vec<OwnedFd>) -> Option<Self> {
        let is_whole = places.len() == descriptors.len();
        is_whole.then(|| Self { sockets: places.into_iter().zip(descriptors).collect() })
    }

    /// Duplicates of the sockets, for another thread of the process.
    ///
    /// # Errors
    ///
    /// No descriptor is left.
    pub fn try_clone(&self) -> io::Result<Self> {
        let duplicate =
            |(place, socket): &(Place, OwnedFd)| Ok((place.clone(), socket.try_clone()?));
        let sockets = self.sockets.iter().map(duplicate).collect::<io::Result<_>>()?;
        Ok(Self { sockets })
    }

    /// Where the sockets listen.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.sockets.iter().map(|(place, _)| &place.endpoint)
    }
}
