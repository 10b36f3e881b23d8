//! The arguments that say which files are read and what the operator adds to them.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Arg, Args, ValueHint};

use super::terminal;
use crate::config::Search;
use crate::graph::{DropIns, Input};
use crate::source::Sources;

/// The name of standard input among files, and in messages.
pub(super) const STDIN: &str = "-";
pub(super) const SHOWN_STDIN: &str = "<stdin>";

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

/// Says of the argument that names the file that it may be standard input.
pub(super) fn or_stdin(argument: Arg) -> Arg {
    argument.help("The paste file; `-` reads standard input [default: api-paste.ini]")
}

/// Reads standard input where that is the file to load. Relative paths in it count from the current
/// directory, and no drop-ins lie beside it. None if it cannot be read, which is told.
pub(super) fn read_stdin(mut input: Input, sources: &mut Sources) -> io::Result<Option<Input>> {
    if input.file != Path::new(STDIN) {
        return Ok(Some(input));
    }
    input.file = SHOWN_STDIN.into();
    input.drop_ins = DropIns::Ignored;
    match sources.stand_in(&input.file, io::stdin().lock()) {
        Ok(()) => Ok(Some(input)),
        Err(error) => terminal::tell(&format!("error: {error}")).map(|()| None),
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
