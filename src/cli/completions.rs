//! `pasteline completions SHELL`: what a shell needs to complete command lines.

use std::io;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Command};
use clap_complete::Shell;

use super::terminal;
use crate::diagnostic::PAGES;
use crate::registry::Registry;

/// Print the completions of a shell: commands, options, files and names of factories
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline completions bash > ~/.local/share/bash-completion/completions/pasteline
  pasteline completions zsh > ~/.zfunc/_pasteline
  pasteline completions fish > ~/.config/fish/completions/pasteline.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, program: Command, registry: &Registry) -> io::Result<ExitCode> {
        let mut program = with_names(program, registry);
        let name = program.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, name, &mut script);
        terminal::print(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Lets the arguments that name something be completed. Python spellings are left out: shells
/// break words at their colons.
fn with_names(program: Command, registry: &Registry) -> Command {
    let factories: Vec<_> =
        registry.definitions().into_iter().map(|definition| definition.name).collect();
    let slugs = PAGES.iter().map(|page| page.slug);
    let explained: Vec<_> = factories.iter().copied().chain(slugs).collect();
    program.mut_subcommands(|command| {
        let names = match command.get_name() {
            "explain" => &explained,
            "schema" => &factories,
            _ => return command,
        };
        command.mut_arg("name", |name| name.value_parser(PossibleValuesParser::new(names)))
    })
}
