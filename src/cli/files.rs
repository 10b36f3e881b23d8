//! The arguments that say which files are read and what the operator adds to them.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::config::Search;
use crate::graph::{DropIns, Input};

/// Which files are read, and what the operator adds to them.
#[derive(Args, Debug)]
pub(super) struct Files {
    /// The paste file [default: api-paste.ini]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,

    #[command(flatten)]
    additions: Additions,
}

/// What the operator adds to a file.
#[derive(Args, Debug)]
pub(super) struct Additions {
    /// Lay the sections of another file over those of FILE, option by option; repeatable, the
    /// last one wins
    #[arg(long = "overlay", value_name = "FILE", value_hint = ValueHint::FilePath)]
    overlays: Vec<PathBuf>,

    /// Leave out the files FILE.d/*.ini, which otherwise are laid over FILE in the order of their
    /// names, before the overlays
    #[arg(long)]
    no_dropins: bool,

    /// Set a global option, which factories get before that of `[DEFAULT]`; references to it get
    /// it where no file gives one of the name; repeatable
    #[arg(long = "global", value_name = "KEY=VALUE", value_parser = pair)]
    globals: Vec<(String, String)>,

    /// Choose among the pipelines of a composite such as OpenStack's `pipeline_factory`; it takes
    /// `keystone`, or for some services `default`, if this is not given
    #[arg(long, value_name = "NAME")]
    strategy: Option<String>,
}

impl Files {
    /// What is to be loaded.
    pub(super) fn input(self) -> Input {
        let mut input = self.open_input();
        if input.file.as_os_str().is_empty() {
            input.file = PathBuf::from("api-paste.ini");
        }
        input
    }

    /// What is to be loaded, with the file left open if none is named: settings may name it.
    pub(super) fn open_input(self) -> Input {
        self.additions.input(self.file.unwrap_or_default())
    }
}

impl Additions {
    /// What is to be loaded of a file.
    pub(super) fn input(self, file: PathBuf) -> Input {
        let Self { overlays, no_dropins, globals, strategy } = self;
        let drop_ins = if no_dropins { DropIns::Ignored } else { DropIns::Read };
        let search = Search::default();
        Input { file, overlays, drop_ins, globals, strategy, search }
    }
}

/// The two halves of `KEY=VALUE`; the value may be empty and hold further `=`.
fn pair(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE"),
    }
}
