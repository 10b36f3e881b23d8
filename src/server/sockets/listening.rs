//! The sockets at one place.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::Socket;

use crate::server::bind::{Options, Sharing, bind};
use crate::server::endpoint::Endpoint;
use crate::server::share::{Place, Spread};
use crate::server::target::Target;

/// When new sockets begin to listen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::server) enum Begin {
    AtOnce,
    WhenServed,
}

/// What becomes of the files of Unix sockets when these close.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Files {
    Go,
    Stay,
}

/// A place that is held. The last who holds it removes the file.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) place: Place,
    /// Whether the file goes.
    pub(super) removes: AtomicBool,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(file) = &self.place.file
            && self.removes.load(Ordering::Relaxed)
        {
            file.remove();
        }
    }
}

/// The sockets at one place.
#[derive(Clone, Debug)]
pub(in crate::server) struct Listening {
    pub(super) held: Arc<Held>,
    /// At least one.
    pub(super) sockets: Vec<Arc<Socket>>,
}

impl Listening {
    pub(in crate::server) fn new(place: Place, socket: Socket) -> Self {
        let held = Arc::new(Held { place, removes: AtomicBool::new(true) });
        Self { held, sockets: vec![Arc::new(socket)] }
    }

    pub(super) fn first(&self) -> &Socket {
        &self.sockets[0]
    }

    /// Has new sockets listen. One that all share does already.
    pub(in crate::server) fn listen(&self, options: Options<'_>) -> io::Result<()> {
        if self.held.place.spread == Spread::OneForEach {
            self.sockets.iter().try_for_each(|socket| options.listen(socket))?;
        }
        Ok(())
    }

    /// Whether the sockets can be as the settings say, as far as that may fail; nothing is changed.
    pub(in crate::server) fn check(&self, options: Options<'_>) -> io::Result<()> {
        match &self.held.place.file {
            Some(file) => file.check(options.access()),
            None => Ok(()),
        }
    }

    /// Has the sockets be as the settings say. Those that do not listen yet go on not to, and what
    /// the service manager has opened keeps the backlog that it has chosen.
    pub(in crate::server) fn adjust(&self, options: Options<'_>) -> io::Result<()> {
        let Place { endpoint, file, is_handed_over, .. } = &self.held.place;
        for socket in &self.sockets {
            if let Endpoint::Network(_) = endpoint {
                options.tune(socket)?;
            }
            if !is_handed_over && socket.is_listener()? {
                options.listen(socket)?;
            }
        }
        file.as_ref().map_or(Ok(()), |file| file.grant(options.access()))
    }

    /// The socket of a worker; none if there is no such worker.
    pub(super) fn of(&self, worker: usize) -> Option<&Socket> {
        match self.held.place.spread {
            Spread::OneForAll => Some(self.first()),
            Spread::OneForEach => self.sockets.get(worker).map(AsRef::as_ref),
        }
    }

    /// Opens siblings until there are so many sockets, or lets go of those past that.
    pub(in crate::server) fn resize(
        &mut self,
        workers: usize,
        options: Options<'_>,
        begin: Begin,
    ) -> io::Result<()> {
        let Place { spread, target, endpoint, .. } = &self.held.place;
        let (Spread::OneForEach, Target::Network { only_v6, .. }, Endpoint::Network(at)) =
            (spread, target, endpoint)
        else {
            return Ok(());
        };
        self.sockets.truncate(workers);
        while self.sockets.len() < workers {
            self.first().set_reuse_port(true)?;
            let sibling = bind((*at, *only_v6), Sharing::Sibling)?;
            options.tune(&sibling)?;
            if begin == Begin::AtOnce {
                options.listen(&sibling)?;
            }
            self.sockets.push(Arc::new(sibling));
        }
        Ok(())
    }
}
