//! `pasteline man`: the manual pages, made of what the commands say in their help.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, ValueHint};

use super::terminal;
use crate::diagnostic::nearest;
use crate::source::describe;

/// Print a manual page, or write all of them to a directory
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline man validate | man -l -
  pasteline man --out /usr/local/share/man/man1")]
pub(super) struct Man {
    /// The command whose page is printed; that of the program if none is given
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,

    /// Write the pages of the program and of all its commands to this directory instead, which is
    /// made if it is not there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self, program: Command) -> io::Result<ExitCode> {
        let pages = pages(program);
        let outcome = match self {
            Self { out: Some(directory), .. } => write(&pages, &directory),
            Self { command, .. } => print(&pages, command.as_deref())?,
        };
        match outcome {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => terminal::tell(&format!("error: {error}")).map(|()| ExitCode::FAILURE),
        }
    }
}

/// The program and its commands, each of which has a page.
fn pages(program: Command) -> Vec<Command> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
    let commands: Vec<_> = commands.cloned().collect();
    [program].into_iter().chain(commands).collect()
}

fn print(pages: &[Command], name: Option<&str>) -> io::Result<Result<(), String>> {
    let names = || pages.iter().skip(1).map(Command::get_name);
    let page = match name {
        Some(name) => pages.iter().skip(1).find(|page| page.get_name() == name),
        None => pages.first(),
    };
    if let Some(page) = page {
        return terminal::print(&String::from_utf8_lossy(&render(page)?)).map(Ok);
    }
    let name = name.unwrap_or_default();
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the commands are {}", names().collect::<Vec<_>>().join(", ")),
    };
    Ok(Err(format!("no command is called `{name}`\nhelp: {help}")))
}

fn write(pages: &[Command], directory: &Path) -> Result<(), String> {
    let cannot = |path: &Path, error: &io::Error| {
        format!("cannot write `{}`: {}", path.display(), describe(error))
    };
    fs::create_dir_all(directory).map_err(|error| cannot(directory, &error))?;
    for page in pages {
        let name = page.get_display_name().unwrap_or(page.get_name());
        let path = directory.join(format!("{name}.1"));
        let written = render(page).and_then(|text| fs::write(&path, text));
        written.map_err(|error| cannot(&path, &error))?;
    }
    Ok(())
}

fn render(page: &Command) -> io::Result<Vec<u8>> {
    /// What stands at the foot of each page; a command has no version of its own.
    const SOURCE: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone()).source(SOURCE).render(&mut text)?;
    Ok(text)
}
