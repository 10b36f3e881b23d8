//! Tells the service manager how the server is (`sd_notify`).

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Tells the service manager how the server is, if there is one.
///
/// The messages are systemd's, each one datagram. A service manager that does not read holds the
/// server up for a moment only.
#[derive(Debug, Default)]
pub(super) struct Notifier(Option<UnixDatagram>);

impl Notifier {
    /// A notifier of who listens at `NOTIFY_SOCKET`; one that tells nobody without that.
    pub(super) fn new(address: Option<&OsStr>) -> Self {
        let Some(address) = address.filter(|address| !address.is_empty()) else {
            return Self::default();
        };
        let socket = connect(address);
        if let Err(error) = &socket {
            tracing::warn!(%error, "the service manager cannot be told anything");
        }
        Self(socket.ok())
    }

    /// All workers accept connections, or a reload has ended.
    pub(super) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// A reload begins. [`ready`](Self::ready) ends it, well or not.
    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}\nSTATUS=reloading"));
    }

    /// The server stops, and may take so long.
    pub(super) fn stopping(&self, patience: Option<Duration>) {
        self.send("STOPPING=1\nSTATUS=finishing what has begun");
        if let Some(patience) = patience {
            let microseconds = patience.saturating_add(MARGIN).as_micros();
            self.send(&format!("EXTEND_TIMEOUT_USEC={microseconds}"));
        }
    }

    /// How the server is, in words.
    pub(super) fn status(&self, status: &str) {
        self.send(&format!("STATUS={}", one_line(status)));
    }

    /// The server is well.
    pub(super) fn watchdog(&self) {
        self.send("WATCHDOG=1");
    }

    /// Another process has taken over.
    pub(super) fn main_process(&self, process: u32) {
        self.send(&format!("MAINPID={process}"));
    }

    fn send(&self, message: &str) {
        if let Some(socket) = &self.0
            && let Err(error) = socket.send(message.as_bytes())
        {
            tracing::debug!(%error, "the service manager cannot be told: {message}");
        }
    }
}

/// What the service manager grants beyond the time that what has begun may take.
const MARGIN: Duration = Duration::from_secs(5);

/// How long a message may wait until the service manager has read those before it.
const PATIENCE: Duration = Duration::from_millis(200);

fn connect(address: &OsStr) -> io::Result<UnixDatagram> {
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// The first line of a text: a message ends where its line does.
fn one_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_who_listens_at_an_abstract_address() {
        let name = format!("pasteline-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        let notifier = Notifier::new(Some(OsStr::new(&format!("@{name}"))));
        let read = || {
            let mut bytes = [0; 256];
            let length = manager.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..length].to_vec()).unwrap()
        };
        notifier.ready("two workers\nand more");
        assert_eq!(read(), "READY=1\nSTATUS=two workers");
        notifier.reloading();
        assert!(read().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        notifier.stopping(Some(Duration::from_secs(60)));
        assert!(read().starts_with("STOPPING=1\n"));
        assert_eq!(read(), "EXTEND_TIMEOUT_USEC=65000000");
    }

    #[test]
    fn without_a_service_manager_nobody_is_told() {
        Notifier::new(None).ready("ready");
        Notifier::new(Some(OsStr::new("/no/such/socket"))).ready("ready");
    }
}
