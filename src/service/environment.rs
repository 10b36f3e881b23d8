//! What the environment says of who looks after the process.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What the environment says of who looks after the process.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Where the service manager listens (`NOTIFY_SOCKET`).
    pub notify_socket: Option<OsString>,
    /// How often the service manager wants to hear that all is well, at least (`WATCHDOG_USEC`).
    pub watchdog: Option<Duration>,
    /// The directory for sockets and the like that the service manager has made for this service
    /// (`RUNTIME_DIRECTORY`).
    pub runtime_directory: Option<PathBuf>,
    /// The directory for those of this user (`XDG_RUNTIME_DIR`).
    pub user_directory: Option<PathBuf>,
}

impl Environment {
    /// What the variables of an environment say to a process.
    pub fn of(variable: impl Fn(&str) -> Option<OsString>, process: u32) -> Self {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let number = |name: &str| given(name)?.to_str()?.parse::<u64>().ok();
        // One that is meant for another process, which has started this one.
        let is_ours = number("WATCHDOG_PID").is_none_or(|other| other == u64::from(process));
        let watchdog = number("WATCHDOG_USEC").filter(|_| is_ours).map(Duration::from_micros);
        Self {
            notify_socket: given("NOTIFY_SOCKET"),
            watchdog: watchdog.filter(|interval| !interval.is_zero()),
            // There may be several, separated by colons.
            runtime_directory: given("RUNTIME_DIRECTORY")
                .and_then(|paths| env::split_paths(&paths).next()),
            user_directory: given("XDG_RUNTIME_DIR").map(PathBuf::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let find = |name: &str| variables.iter().find(|(other, _)| *other == name);
        Environment::of(|name| find(name).map(|(_, value)| OsString::from(value)), 7)
    }

    #[test]
    fn says_who_is_told_and_where_sockets_are_put() {
        let read = environment(&[
            ("NOTIFY_SOCKET", "@notify"),
            ("WATCHDOG_USEC", "2000000"),
            ("RUNTIME_DIRECTORY", "/run/a:/run/b"),
        ]);
        assert_eq!(read.notify_socket.as_deref(), Some(OsStr::new("@notify")));
        assert_eq!(read.watchdog, Some(Duration::from_secs(2)));
        assert_eq!(read.runtime_directory.as_deref(), Some(Path::new("/run/a")));
        let nothing = environment(&[("NOTIFY_SOCKET", "")]);
        assert!(nothing.notify_socket.is_none() && nothing.watchdog.is_none());
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_ours() {
        let watchdog = |process| {
            environment(&[("WATCHDOG_USEC", "1000000"), ("WATCHDOG_PID", process)]).watchdog
        };
        assert_eq!(watchdog("7"), Some(Duration::from_secs(1)));
        assert_eq!(watchdog("8"), None);
    }
}
