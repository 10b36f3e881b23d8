//! How one process begins to serve.

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Single;
use crate::metrics::Metrics;
use crate::program::{Part, Program, Readings, WorkerStarted};
use crate::server::{Settings, Sockets};
use crate::service::company::{Company, News};
use crate::service::engine::{Engine, Loads};
use crate::service::plan::{Names, after_spawn, before_spawn};
use crate::service::privileges::{self, Identity};
use crate::service::signals::Signals;
use crate::service::tickets::Rotation;
use crate::service::{Error, Site};

impl Single {
    /// Starts the services, and then to serve; not even that if a service cannot start, or a
    /// signal comes before.
    pub(super) async fn start(
        (sites, settings, sockets, names): (Vec<Site>, Vec<Settings>, Vec<Sockets>, Names),
        (program, readings, tickets): (Program, Readings, Rotation),
        signals: &mut Signals,
    ) -> Result<Self, Error> {
        program.publish(&before_spawn(&sockets, 0)).map_err(Error::Callback)?;
        privileges::drop(&Identity::of(&settings[0])).map_err(Error::Privileges)?;
        let started = program.publish(&WorkerStarted { part: Part::Main });
        let company = Company::start(&program, &Part::Main, &readings);
        let mut server = Self {
            settings,
            sockets,
            names,
            tickets,
            program,
            company,
            binding: JoinSet::new(),
            engine: None,
            loads: Loads::default(),
            metrics: Metrics::default(),
            leaving: JoinSet::new(),
            cut: watch::Sender::new(false),
            is_told: false,
            failed: false,
        };
        server.note(started);
        let has_services = !server.program.services().is_empty();
        let serves = tokio::select! {
            news = server.company.next() => match news {
                News::Started => !server.failed,
                News::Failed(reason) => {
                    server.note(Err(reason));
                    false
                }
            },
            // Without any, those who have connected already are answered first.
            signal = signals.stopping(), if has_services => {
                tracing::info!("{signal}: ended before all services had started");
                server.is_told = true;
                false
            }
        };
        if serves {
            let counts = (&mut server.loads, &server.metrics);
            server.engine = Some(engine(sites, &server.sockets, counts)?);
            let spawned = after_spawn(&server.sockets, 0);
            server.publish(&spawned);
        }
        Ok(server)
    }
}

/// Serves at the sockets, as long as this lives.
pub(super) fn engine(
    sites: Vec<Site>,
    sockets: &[Sockets],
    counts: (&mut Loads, &Metrics),
) -> Result<Engine, Error> {
    let shares = sockets.iter().map(|sockets| sockets.share(0)).collect::<Result<_, _>>();
    Engine::start(sites, shares.map_err(Error::System)?, counts).map_err(Error::System)
}
