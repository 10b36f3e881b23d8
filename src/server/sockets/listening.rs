//! The sockets at one place.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::Socket;

use crate::server::bind::{Options, Sharing, bind};
use crate::server::endpoint::Endpoint;
use crate::server::share::{Place, Spread};
use crate::server::target::Target;
use crate::server::unix_name::UnixName;

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

    /// Whether the service manager has opened it, as far as that shows: not of a name that is no
    /// path.
    pub(super) fn is_handed_over(&self) -> bool {
        let Place { target, spread, file, .. } = &self.held.place;
        match target {
            Target::Inherited(_) => true,
            Target::Network { .. } => *spread == Spread::OneForAll,
            Target::Unix(name) => matches!(name, UnixName::Path(_)) && file.is_none(),
        }
    }

    pub(super) fn first(&self) -> &Socket {
        &self.sockets[0]
    }

    /// Has new sockets listen. One that others may have opened does already, with the backlog that
    /// they have chosen.
    pub(in crate::server) fn listen(&self, options: Options<'_>) -> io::Result<()> {
        if self.held.place.spread == Spread::OneForEach {
            self.sockets.iter().try_for_each(|socket| options.listen(socket))?;
        }
        Ok(())
    }

    /// Has the sockets be as the settings say; those that do not listen yet go on not to.
    pub(in crate::server) fn adjust(&self, options: Options<'_>) -> io::Result<()> {
        for socket in &self.sockets {
            if let Endpoint::Network(_) = self.held.place.endpoint {
                options.tune(socket)?;
            }
            if self.held.place.spread == Spread::OneForEach && socket.is_listener()? {
                options.listen(socket)?;
            }
        }
        Ok(())
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
