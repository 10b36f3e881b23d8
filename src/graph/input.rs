//! What is loaded.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Search};
use crate::source::Sources;

/// The files to read and what the operator adds to them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Input {
    /// The main file; empty for one that is named elsewhere, by settings.
    pub file: PathBuf,
    /// Files whose sections go over those of the main file, the later ones winning.
    pub overlays: Vec<PathBuf>,
    /// Whether the files that lie beside the main file go over it too, before the overlays.
    pub drop_ins: DropIns,
    /// Global options: they win over `[DEFAULT]` for factories, and lose to it in references.
    pub globals: Vec<(String, String)>,
    /// Which of the pipelines a composite such as OpenStack's `pipeline_factory` takes; none for
    /// its default.
    pub strategy: Option<String>,
    /// How the main file was looked for, if settings name it.
    #[serde(skip)]
    pub search: Search,
}

impl Input {
    /// A main file with its drop-ins, and nothing added.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// The same, with what it leaves open filled in by settings: the main file and the strategy.
    #[must_use]
    pub fn or(mut self, config: &Config, sources: &Sources) -> Self {
        if self.file.as_os_str().is_empty() {
            (self.file, self.search) = config.paste_file(sources);
        }
        self.strategy = self.strategy.or_else(|| config.main.auth_strategy.clone());
        self
    }
}

/// What becomes of the drop-ins, the files `FILE.d/*.ini`, in the order of their names.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum DropIns {
    /// They are left alone.
    Ignored,
    /// They go over the main file.
    #[default]
    Read,
}
