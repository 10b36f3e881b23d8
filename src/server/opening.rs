//! Opens the sockets of a server: first all addresses are taken, then all listen.

use std::io;

use socket2::Socket;

use super::bind::{self, BindError, Options, Patience, Sharing};
use super::endpoint::Endpoint;
use super::inherited::Inherited;
use super::share::{Place, Spread};
use super::sockets::{Listening, Sockets};
use super::target::{Target, Wanted};

/// The sockets of a server that are being opened.
pub(super) struct Opening<'a> {
    pub(super) options: Options<'a>,
    pub(super) patience: Patience,
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
                None => taken_over(&wanted, inherited)?,
                there => there,
            };
            let listening = match there {
                Some(listening) => Ok(listening),
                None => self.patience.attempt(&wanted, || self.bind(&wanted.target)).await,
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

    fn bind(&self, target: &Target) -> io::Result<Listening> {
        let (socket, spread, file) = match target {
            Target::Network { at, only_v6 } => {
                let socket = bind::bind((*at, *only_v6), Sharing::Alone)?;
                (socket, Spread::OneForEach, None)
            }
            Target::Unix(name) => {
                let (socket, file) = self.options.listen_at(name)?;
                (socket, Spread::OneForAll, file)
            }
            Target::Inherited(_) => return Err(io::Error::other("it was handed over before")),
        };
        let endpoint = Endpoint::of(&socket)?;
        Ok(Listening::new(Place { target: target.clone(), endpoint, spread, file }, socket))
    }

    /// Has all sockets listen, with one for each of so many workers where that can be.
    pub(super) async fn listen(&mut self, workers: usize) -> Result<(), BindError> {
        let Self { options, patience, opened } = self;
        for (wanted, listening) in opened.iter() {
            patience.attempt(wanted, || listening.listen(*options)).await?;
        }
        // Only now: as long as the first socket listened alone, a second start was refused, and so
        // was another program that shares ports.
        for (wanted, listening) in opened {
            let grown = listening.resize(workers, *options);
            grown.map_err(|cause| patience.give_up(wanted, cause))?;
        }
        Ok(())
    }
}

/// What the service manager has opened for a target, by name or because it listens there.
fn taken_over(wanted: &Wanted, inherited: &mut Inherited) -> Result<Option<Listening>, BindError> {
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
    };
    let listening = |socket: Socket| Ok(Listening::new(place(Endpoint::of(&socket)?), socket));
    listening(socket).map(Some).map_err(blame)
}
