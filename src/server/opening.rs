//! Opens the sockets of a server: first all addresses are taken, then all listen.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use socket2::Socket;

use super::bind::{self, BindError, Options, Patience, Sharing};
use super::endpoint::Endpoint;
use super::inherited::Inherited;
use super::share::{Place, Spread};
use super::sockets::{Begin, Listening, Sockets};
use super::target::{Target, Wanted};

/// The sockets of a server that are being opened.
pub(super) struct Opening<'a> {
    pub(super) options: Options<'a>,
    pub(super) patience: Patience,
    pub(super) begin: Begin,
    pub(super) opened: Vec<(Wanted, Listening)>,
}

impl Opening<'_> {
    /// Takes the address of each target: with the sockets that are there, or a new one.
    ///
    /// A name such as `localhost` stands for an address of each kind, and a machine may have only
    /// one of them.
    pub(super) async fn open(
        &mut self,
        wanted: Vec<Wanted>,
        kept: &Sockets,
        inherited: &mut Inherited,
    ) -> Result<(), BindError> {
        let mut absent = Vec::new();
        for wanted in wanted {
            let there = match kept.at(&wanted.target) {
                None => taken_over(&wanted, self.options, inherited)?,
                there => there,
            };
            let listening = match there {
                Some(listening) => self.keep(&wanted, listening),
                None => self.patience.attempt(&wanted, || self.bind(&wanted.target, kept)).await,
            };
            match listening {
                Ok(listening) => self.opened.push((wanted, listening)),
                Err(error) if error.is_absent() => absent.push((wanted.asked, error)),
                Err(error) => return Err(error),
            }
        }
        for (asked, error) in absent {
            if !self.opened.iter().any(|(wanted, _)| wanted.asked == asked) {
                return Err(error);
            }
            tracing::warn!("{error}");
        }
        Ok(())
    }

    /// Takes what is there, if it can be as the settings say once they are in force.
    fn keep(&self, wanted: &Wanted, there: Listening) -> Result<Listening, BindError> {
        match there.check(self.options) {
            Ok(()) => Ok(there),
            Err(cause) => Err(self.patience.give_up(wanted, cause)),
        }
    }

    fn bind(&self, target: &Target, kept: &Sockets) -> io::Result<Listening> {
        let (socket, spread, file) = match target {
            Target::Network { at, only_v6 } => {
                let socket = bind::bind((*at, *only_v6), Sharing::Alone);
                let socket = socket.map_err(|error| name_own(error, *at, kept))?;
                self.options.tune(&socket)?;
                (socket, Spread::OneForEach, None)
            }
            Target::Unix(name) => {
                let (socket, file) = self.options.listen_at(name)?;
                (socket, Spread::OneForAll, file)
            }
            Target::Inherited(_) => return Err(io::Error::other("it was handed over before")),
        };
        let endpoint = Endpoint::of(&socket)?;
        let target = target.clone();
        let place = Place { target, endpoint, spread, file, is_handed_over: false };
        Ok(Listening::new(place, socket))
    }

    /// Has there be a socket for each of so many workers where that can be, and all listen if they
    /// are to at once: all are new then. What was there before is served, and stays as it is.
    pub(super) async fn listen(&mut self, workers: usize) -> Result<(), BindError> {
        let Self { options, patience, begin, opened } = self;
        for (wanted, listening) in opened.iter().filter(|_| *begin == Begin::AtOnce) {
            patience.attempt(wanted, || listening.listen(*options)).await?;
        }
        // Only now: as long as the first socket listened alone, a second start was refused, and so
        // was another program that shares ports.
        for (wanted, listening) in opened {
            let grown = listening.resize(workers, *options, *begin);
            grown.map_err(|cause| patience.give_up(wanted, cause))?;
        }
        Ok(())
    }
}

/// Names the socket of this server itself that keeps it from an address, such as `127.0.0.1:80`
/// from `0.0.0.0:80`: it is held until the new one is there, so that to wait is of no use.
fn name_own(error: io::Error, wanted: SocketAddr, kept: &Sockets) -> io::Error {
    let covers = |own: &SocketAddr| {
        own.port() == wanted.port()
            && (own.ip() == wanted.ip()
                || own.ip().is_unspecified()
                || wanted.ip().is_unspecified())
    };
    let mut own = kept.endpoints().filter_map(Endpoint::socket_address);
    match own.find(covers).filter(|_| error.kind() == ErrorKind::AddrInUse) {
        Some(own) => io::Error::other(format!(
            "this server itself listens at {own}, which it can leave for that by a restart only"
        )),
        None => error,
    }
}

/// What the service manager has opened for a target, by name or because it listens there.
fn taken_over(
    wanted: &Wanted,
    options: Options<'_>,
    inherited: &mut Inherited,
) -> Result<Option<Listening>, BindError> {
    let blame = |cause| BindError::unresolved(&wanted.asked, cause);
    let socket = match &wanted.target {
        Target::Inherited(handed) => match inherited.remove(handed) {
            Some(Err(unfit)) => {
                let (name, number) = (&handed.name, handed.descriptor);
                let reason = format!("descriptor {number}, `{name}`, is of no use: {unfit}");
                return Err(blame(io::Error::other(reason)));
            }
            found => found.and_then(Result::ok),
        },
        Target::Network { at, .. } => inherited.remove_at(&Endpoint::Network(*at)),
        Target::Unix(name) => inherited.remove_at(&Endpoint::Unix(name.clone())),
    };
    let Some(socket) = socket else { return Ok(None) };
    let place = |endpoint| Place {
        target: wanted.target.clone(),
        endpoint,
        spread: Spread::OneForAll,
        file: None,
        is_handed_over: true,
    };
    let listening = |socket: Socket| {
        let listening = Listening::new(place(Endpoint::of(&socket)?), socket);
        listening.adjust(options).map(|()| listening)
    };
    listening(socket).map(Some).map_err(blame)
}
