//! What is loaded.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The files to read and what the operator adds to them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Input {
    /// The main file.
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
}

impl Input {
    /// A main file with its drop-ins, and nothing added.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), ..Self::default() }
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
