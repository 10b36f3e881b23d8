//! Tells the service manager how the server is (`sd_notify`).

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// Tells the service manager how the server is, if there is one.
///
/// The messages are systemd's, each one datagram. A service manager that does not read holds the
/// server up for a moment only.
#[derive(Clone, Debug, Default)]
pub(super) struct Notifier {
    /// None if there is nobody to be told.
    socket: Option<Arc<UnixDatagram>>,
    /// When it is to be told that the end takes longer.
    due: Option<Instant>,
}

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
        Self { socket: socket.ok().map(Arc::new), due: None }
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

    /// The server stops, and may take a while, of which more is asked for as long as it does.
    pub(super) fn stopping(&mut self) {
        self.send("STOPPING=1\nSTATUS=finishing what has begun");
        self.extend(Instant::now());
    }

    /// When more time is to be asked for; none unless the server stops.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Asks for more time, if it is time for that.
    pub(super) fn look(&mut self, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.extend(now);
        }
    }

    fn extend(&mut self, now: Instant) {
        self.send(&format!("EXTEND_TIMEOUT_USEC={}", EXTENSION.as_micros()));
        self.due = Some(now + EXTENSION / 5);
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
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(message.as_bytes())
        {
            tracing::debug!(%error, "the service manager cannot be told: {message}");
        }
    }
}

/// How much time the service manager is asked for at once, long before the last has passed: a
/// machine with much to do may take a while.
const EXTENSION: Duration = Duration::from_secs(10);

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
        let mut notifier = Notifier::new(Some(OsStr::new(&format!("@{name}"))));
        let read = || {
            let mut bytes = [0; 256];
            let length = manager.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..length].to_vec()).unwrap()
        };
        notifier.ready("two workers\nand more");
        assert_eq!(read(), "READY=1\nSTATUS=two workers");
        notifier.reloading();
        assert!(read().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        assert_eq!(notifier.due(), None);
        notifier.stopping();
        assert!(read().starts_with("STOPPING=1\n"));
        assert_eq!(read(), "EXTEND_TIMEOUT_USEC=10000000");
        let due = notifier.due().unwrap();
        notifier.look(due - Duration::from_millis(1));
        assert_eq!(notifier.due(), Some(due), "there is time yet");
        notifier.look(due);
        assert_eq!(read(), "EXTEND_TIMEOUT_USEC=10000000");
        assert_eq!(notifier.due(), Some(due + Duration::from_secs(2)));
    }

    #[test]
    fn without_a_service_manager_nobody_is_told() {
        Notifier::new(None).ready("ready");
        Notifier::new(Some(OsStr::new("/no/such/socket"))).ready("ready");
    }
}
