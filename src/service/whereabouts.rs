//! What others find a running server by, and how a reload changes that.

use super::control::Control;
use super::outside::Outside;
use super::pid_file::PidFile;
use super::plan::write_pid_file;
use super::succession::Succession;
use crate::server::Settings;

/// What others are to find a running server by, where that is something else than before. It is
/// there already, so that nothing is missing when it comes into force.
#[derive(Debug, Default)]
pub(super) struct Whereabouts {
    /// Whether there is to be another PID file, or none any more.
    changes_file: bool,
    pid_file: Option<PidFile>,
    /// None if it stays.
    control: Option<Control>,
}

impl Whereabouts {
    /// Makes what settings ask for that follow others.
    ///
    /// # Errors
    ///
    /// It cannot be made; nothing of it is left then.
    pub(super) fn prepare(
        (before, now): (&Settings, &Settings),
        outside: &Outside,
    ) -> Result<Self, String> {
        let control = (before.control != now.control)
            .then(|| outside.listen_at(now.control.as_deref()))
            .transpose()
            .map_err(|error| error.to_string())?;
        let changes_file = before.pid_file != now.pid_file;
        let pid_file = if changes_file { write_pid_file(now) } else { Ok(None) };
        let pid_file = pid_file.map_err(|error| error.to_string())?;
        Ok(Self { changes_file, pid_file, control })
    }

    /// Has others find the server by this from now on, and by nothing that was before.
    pub(super) fn put_in_force(self, succession: &mut Succession, outside: &mut Outside) {
        if self.changes_file {
            succession.replace_file(self.pid_file);
        }
        if let Some(control) = self.control {
            outside.is_asked_at(control);
        }
    }

    /// Forgets it, and leaves nothing behind.
    pub(super) fn give_up(self) {
        if let Some(pid_file) = self.pid_file {
            pid_file.remove();
        }
    }
}

/// Whether servers that are there need not be replaced for other settings: nothing else has
/// changed than what others find them by.
pub(super) fn serve_alike(before: &[Settings], now: &[Settings]) -> bool {
    let alike = |(before, now): (&Settings, &Settings)| {
        let (pid_file, control) = (now.pid_file.clone(), now.control.clone());
        Settings { pid_file, control, ..before.clone() } == *now
    };
    before.len() == now.len() && before.iter().zip(now).all(alike)
}
