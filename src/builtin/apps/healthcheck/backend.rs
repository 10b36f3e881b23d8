//! What a health check looks at.

use std::path::{Path, PathBuf};

use super::files::{Presence, Seen};
use crate::settings::{Form, Rejected, Setting};

/// The name of something to look at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Backend {
    DisableByFile,
    DisableByFilesPorts,
    EnableByFiles,
}

impl Setting for Backend {
    const EXPECTED: &'static str =
        "`disable_by_file`, `disable_by_files_ports` or `enable_by_files`";
    const FORM: Form =
        Form::Words(&["disable_by_file", "disable_by_files_ports", "enable_by_files"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "disable_by_file" => Ok(Self::DisableByFile),
            "disable_by_files_ports" => Ok(Self::DisableByFilesPorts),
            "enable_by_files" => Ok(Self::EnableByFiles),
            _ => Err(Rejected::because(format!("there is no backend `{text}`"))),
        }
    }
}

/// A file for connections to one port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PortFile {
    port: u16,
    path: PathBuf,
}

impl Setting for PortFile {
    const EXPECTED: &'static str = "`PORT:PATH`, such as `5000:/run/api/disabled`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        Self::parse_in(text, Path::new(""))
    }

    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        let (port, path) = text.split_once(':').ok_or_else(Rejected::default)?;
        let port = port.trim_end().parse().map_err(|_| Rejected::default())?;
        Ok(Self { port, path: PathBuf::parse_in(path.trim_start(), directory)? })
    }
}

/// Something to look at, with all that is needed for it.
#[derive(Clone, Debug)]
pub(super) enum Check {
    /// The file must not be there; without one all is well.
    DisableByFile(Option<PathBuf>),
    /// The file for the port of the connection must not be there; without one all is well.
    DisableByFilesPorts(Vec<PortFile>),
    /// All files must be there.
    EnableByFiles(Vec<PathBuf>),
}

impl Check {
    /// The files that it looks at.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::DisableByFile(path) => path.iter().cloned().collect(),
            Self::DisableByFilesPorts(files) => {
                files.iter().map(|file| file.path.clone()).collect()
            }
            Self::EnableByFiles(paths) => paths.clone(),
        }
    }

    /// What it makes of its files, given the port that the request came to.
    pub(super) fn judge(&self, seen: &Seen, port: Option<u16>) -> Verdict<'_> {
        match self {
            Self::DisableByFile(path) => Verdict::unless_there(path.as_deref(), seen),
            Self::DisableByFilesPorts(files) => {
                let file = files.iter().find(|file| Some(file.port) == port);
                Verdict::unless_there(file.map(|file| &*file.path), seen)
            }
            Self::EnableByFiles(paths) => {
                let amiss = paths.iter().find(|path| seen.of(path) != Presence::There);
                amiss.map_or(Verdict::Enabled, |path| match seen.of(path) {
                    Presence::Unknown => Verdict::Unknown(path),
                    _ => Verdict::Missing(path),
                })
            }
        }
    }
}

/// What was seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict<'a> {
    /// The file that disables is there.
    Disabled(&'a Path),
    /// All files are there.
    Enabled,
    /// A file that enables is not there.
    Missing(&'a Path),
    /// The file that disables is not there, if any is named.
    NotDisabled(Option<&'a Path>),
    /// Whether a file is there cannot be told.
    Unknown(&'a Path),
}

impl<'a> Verdict<'a> {
    fn unless_there(path: Option<&'a Path>, seen: &Seen) -> Self {
        match path.map(|path| (path, seen.of(path))) {
            None => Self::NotDisabled(None),
            Some((path, Presence::Missing)) => Self::NotDisabled(Some(path)),
            Some((path, Presence::There)) => Self::Disabled(path),
            Some((path, Presence::Unknown)) => Self::Unknown(path),
        }
    }

    /// Whether all is well.
    pub(super) fn is_healthy(self) -> bool {
        matches!(self, Self::Enabled | Self::NotDisabled(_))
    }

    /// What is told to everyone, in oslo's words.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Disabled(_) => "DISABLED BY FILE",
            Self::Enabled | Self::NotDisabled(_) => "OK",
            Self::Missing(_) => "FILE PATH MISSING",
            Self::Unknown(_) => "FILE PATH UNREADABLE",
        }
    }

    /// What is told where details are wanted, in oslo's words.
    pub(super) fn details(self) -> String {
        match self {
            Self::Disabled(path) => format!("Path '{}' was found", path.display()),
            Self::Enabled => "Specified file paths are available".to_owned(),
            Self::Missing(path) => format!("File path {} is missing", path.display()),
            Self::NotDisabled(Some(path)) => format!("Path '{}' was not found", path.display()),
            Self::NotDisabled(None) => "No path is specified".to_owned(),
            Self::Unknown(path) => {
                format!("Whether there is a file at {} cannot be told", path.display())
            }
        }
    }
}
