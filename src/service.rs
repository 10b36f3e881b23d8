//! Runs a server in this process, from its start to the signal that ends it.

mod pid_file;
mod privileges;
mod signals;

use std::fmt;
use std::io;

use tokio::runtime;

use self::pid_file::PidFile;
use self::signals::Signals;
use crate::app::App;
use crate::server::{BindError, Inherited, Server, Settings, Sockets};

/// Serves an app until SIGTERM or SIGINT, lets every request that has begun finish, and returns.
/// A second signal ends it at once. Sockets that the service manager has opened are served where
/// the settings ask for them.
///
/// # Errors
///
/// An address that cannot be listened at, or a system that has no room for a runtime.
///
/// # Panics
///
/// Inside of a tokio runtime, as it makes its own.
pub fn run(app: App, settings: Settings, inherited: Inherited) -> Result<(), Error> {
    // One thread: worker processes take the place of threads, and nothing crosses between cores.
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Error::Runtime)?.block_on(serve(app, settings, inherited))
}

async fn serve(app: App, settings: Settings, mut inherited: Inherited) -> Result<(), Error> {
    // Before anyone can know that the server listens, as a signal would kill it until then.
    let mut signals = Signals::listen().map_err(Error::Runtime)?;
    let sockets = tokio::select! {
        bound = Sockets::bind(&settings, 0, &mut inherited) => bound.map_err(Error::Bind)?,
        signal = signals.next() => {
            tracing::info!("{signal}: ended before it could listen");
            return Ok(());
        }
    };
    inherited.warn();
    let pid_file = settings.pid_file.as_deref().map(PidFile::write).transpose();
    let pid_file = pid_file.map_err(Error::Files)?;
    privileges::drop(&settings).map_err(Error::Privileges)?;
    let server = sockets.share(0).and_then(|share| Server::new(share, settings));
    let server = server.map_err(Error::Runtime)?;
    for endpoint in server.endpoints() {
        tracing::info!("listening on {}", endpoint.url());
    }
    let running = server.start(app);
    let signal = signals.next().await;
    tracing::info!("{signal}: finishing what has begun; a second signal ends it at once");
    sockets.close();
    tokio::select! {
        () = running.end() => tracing::info!("ended"),
        signal = signals.next() => tracing::warn!("{signal}: ended at once"),
    }
    if let Some(pid_file) = pid_file {
        pid_file.remove();
    }
    Ok(())
}

/// The world keeps a server from running.
#[derive(Debug)]
pub enum Error {
    /// An address cannot be listened at.
    Bind(BindError),
    /// The pid file cannot be written.
    Files(io::Error),
    /// The rights of root cannot be given up.
    Privileges(io::Error),
    /// The system has no room for a runtime, or does not tell of signals.
    Runtime(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::Files(error) => error.fmt(f),
            Self::Privileges(error) => write!(f, "cannot drop privileges: {error}"),
            Self::Runtime(error) => write!(f, "cannot start the server: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind(error) => error.source(),
            Self::Files(error) | Self::Privileges(error) | Self::Runtime(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::app::response;
    use crate::settings::Seconds;

    #[test]
    fn a_port_in_use_is_one_clear_line() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let mut settings = Settings::default();
        settings.bind_to(vec![address.to_string().parse().unwrap()]);
        settings.retry_until_window = Seconds(Duration::ZERO);
        let app = App::ready(|_| response::text(StatusCode::OK, ""));
        let error = run(app, settings, Inherited::none()).unwrap_err().to_string();
        let expected =
            format!("Could not bind to {address}: another process listens there already");
        assert_eq!(error, expected);
    }
}
