//! The processes of a server: what they serve, and how they start, change and end.

mod attendant;
mod capacity;
mod census;
mod company;
mod control;
mod engine;
mod environment;
mod error;
mod files;
mod fleet;
mod link;
mod notify;
mod order;
mod outside;
mod pid_file;
mod plan;
mod prepare;
mod privileges;
mod process;
mod reload;
mod signals;
mod single;
mod status;
mod succession;
mod supervisor;
mod tickets;
mod upgrade;
mod watch;
mod whereabouts;
mod wire;
mod worker;

pub(crate) use self::control::{Answer, Question, ask, sockets};
pub use self::environment::Environment;
pub use self::error::Error;
pub use self::order::{NotServed, Order, Served};
use self::prepare::readings;
pub use self::prepare::{Basis, Prepared, Refusal, Role, Site, prepare};
pub(crate) use self::prepare::{InForce, check_sections, check_servers, check_settings, in_force};
pub(crate) use self::status::{Attendant, Listening, Member, Status};
pub(crate) use self::worker::work;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{self, Runtime};

use self::outside::Outside;
use self::prepare::admin_site;
use self::upgrade::Estate;
use crate::access_log;
use crate::admin::Desk;
use crate::app::App;
use crate::metrics::{Metrics, Snapshot};
use crate::program::{Program, Readings};
use crate::server::{Inherited, Settings, Tls};
use crate::source::Sources;

/// How a server has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Something that had begun was cut off: it took too long, or the server was told to end at
    /// once.
    CutOff,
    /// A service of the program ended without being told to, or a callback failed that was
    /// essential: so all was ended. What had begun was finished, if there was time.
    Failed,
    /// Everything that had begun was finished.
    Finished,
}

/// Serves an app in this process until SIGTERM or SIGINT, and lets every request that has begun
/// finish, for as long as the settings grant. A second signal ends it at once. Sockets that the
/// service manager has opened are served where the settings ask for them. From then on the process
/// may have as many files open as the system grants.
///
/// # Errors
///
/// An address that cannot be listened at, a system that has no room for a runtime, or settings
/// that ask for worker processes: only a program whose `main` is [`pasteline::main`](crate::main)
/// can start itself anew as a worker.
///
/// # Panics
///
/// Inside of a tokio runtime, as it makes its own.
pub fn run(app: App, settings: Settings, inherited: Inherited) -> Result<Outcome, Error> {
    if settings.workers.is_some_and(|workers| workers > 0) {
        return Err(Error::NoWorkers);
    }
    files::allow_most();
    let desk = Desk::default();
    let tls = Tls::load(&settings, &Sources::default()).map_err(Error::Tls)?;
    let (name, server) = ("app".to_owned(), Order::MAIN.to_owned());
    let mut sites = vec![Site { app, tls, settings, name, server, role: Role::App }];
    sites.extend(admin_site(&sites[0], &desk));
    let estate = Estate::of(inherited);
    let single = single::serve(
        sites,
        (None, Program::default(), Readings::default()),
        (estate, desk.open()),
    );
    let outcome = runtime().map_err(Error::System)?.block_on(single);
    end_logs();
    outcome
}

/// Serves what has been prepared for an order until it is told to stop: by worker processes, or
/// in this one if the settings say so.
pub(crate) fn serve(
    order: Order,
    prepared: Prepared,
    (program, inherited): (Program, Inherited),
) -> Result<Outcome, Error> {
    // First of all: whoever waits to be relieved is told if anything else fails.
    let estate = if order.succeeds { Estate::take_over()? } else { Estate::of(inherited) };
    // Before others are started, which have the limit of this process.
    files::allow_most();
    let order = Arc::new(order);
    let runtime = runtime().map_err(Error::System)?;
    // Within the runtime, as it has sockets too.
    let inside = runtime.enter();
    let outside = Outside::start(&order, program.registry().clone(), &prepared);
    drop(inside);
    let inquiries = order.desk.open();
    let outcome = match workers(&prepared.sites) {
        0 => {
            let Prepared { sites, readings, .. } = prepared;
            let own = (Some(outside), program, readings);
            runtime.block_on(single::serve(sites, own, (estate, inquiries)))
        }
        _ => runtime.block_on(supervisor::serve((order, program), prepared, (outside, estate))),
    };
    // With it ends what was being answered, which is logged then.
    drop(runtime);
    end_logs();
    outcome
}

/// How long the end of a process waits for the last lines of its access logs to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Waits for the last lines of access logs to be written.
fn end_logs() {
    access_log::flush(LAST_LINES);
}

/// What this process has counted.
fn counted(metrics: &Metrics, accepts: bool) -> Snapshot {
    let mut counted = metrics.snapshot();
    counted.accepting = u64::from(accepts);
    counted.log_lines_lost = access_log::lost();
    counted
}

/// How many worker processes are asked for.
fn workers(sites: &[Site]) -> u16 {
    let workers = sites.first().and_then(|site| site.settings.workers);
    workers.unwrap_or_else(capacity::workers)
}

/// How many threads of a runtime may do what blocks at a time: read files, verify passwords, look
/// up names. Each costs memory, and more of them make no disk faster; what is beyond waits.
const BLOCKING_THREADS: usize = 64;

/// One thread: workers take the place of threads, and nothing crosses between cores.
fn runtime() -> io::Result<Runtime> {
    let mut builder = runtime::Builder::new_current_thread();
    builder.enable_all().max_blocking_threads(BLOCKING_THREADS).build()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::app::response;
    use crate::server::Sockets;
    use crate::settings::Seconds;

    fn hello() -> App {
        App::ready(|_| response::text(StatusCode::OK, ""))
    }

    #[tokio::test]
    async fn a_port_in_use_is_one_clear_line() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let mut settings = Settings::default();
        settings.bind_to(vec![address.to_string().parse().unwrap()]);
        settings.retry_until_window = Seconds(Duration::ZERO);
        // Whoever runs a server hears signals from then on, which is nothing for a process of tests.
        let error = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap_err();
        let error = Error::Bind(error).to_string();
        let expected =
            format!("Could not bind to {address}: another process listens there already");
        assert_eq!(error, expected);
    }

    #[test]
    fn a_program_that_cannot_be_a_worker_starts_none() {
        let settings = Settings { workers: Some(2), ..Settings::default() };
        let error = run(hello(), settings, Inherited::none()).unwrap_err();
        assert!(matches!(error, Error::NoWorkers), "{error}");
    }
}
