//! The command line: reads it, runs the command, prints, and says how the process ends.

mod aliases;
mod completions;
mod config;
mod difference;
mod explain;
mod files;
mod fix;
mod fmt;
mod graph;
mod list;
mod log;
mod man;
mod patch;
mod reference;
mod reload;
mod report;
mod request;
mod rewrite;
mod route;
mod rows;
mod running;
mod sample_config;
mod schema;
mod sections;
mod serve;
mod settings_page;
mod show;
mod status;
mod terminal;
#[cfg(test)]
mod tests;
mod tree;
mod validate;
mod veil;
mod way;
mod worker;

use std::io;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, Parser, Subcommand};

use crate::program::Program;
use crate::registry::Registry;
use crate::source::describe;

/// Runs the command that this process was started with, and says how it ends: 0 if all is well,
/// 1 if something is wrong, 2 if the command line was not understood.
///
/// This is all that a program with filters of its own needs; it has every command then. One with
/// services too is a [`Program`].
///
/// ```no_run
/// use std::process::ExitCode;
/// use pasteline::registry::Registry;
///
/// fn main() -> ExitCode {
///     pasteline::main(Registry::builtin())
/// }
/// ```
pub fn main(registry: Registry) -> ExitCode {
    Program::new(registry).run()
}

impl Program {
    /// Runs the command that this process was started with, and says how it ends: 0 if all is
    /// well, 1 if something is wrong, 2 if the command line was not understood.
    pub fn run(self) -> ExitCode {
        run(&self)
    }
}

fn run(program: &Program) -> ExitCode {
    let faults = program.faults();
    if !faults.is_empty() {
        return refuse_program(&faults);
    }
    let CommandLine { command, color } = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return refuse(&error),
    };
    terminal::choose_colours(color);
    match command.run(program) {
        Ok(code) => code,
        // Whoever reads the output has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // If not even that can be told, the exit code has to say it.
            let _ = terminal::tell(&format!("error: cannot print: {}", describe(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Tells what is wrong with the program, of which no command can make anything.
fn refuse_program(faults: &[String]) -> ExitCode {
    for fault in faults {
        // If that cannot be told, the exit code says it.
        let _ = terminal::tell(&format!("error: {fault}"));
    }
    ExitCode::FAILURE
}

/// Read api-paste.ini, check it, build it into a tower stack and serve it
///
/// A paste file says in INI sections which filters stand before which HTTP apps, and in which
/// order. Files of Python services that use Paste Deploy load unchanged; their well-known
/// factories have native counterparts here.
///
/// Results go to standard output, all else to standard error. The exit status is 0 if all is well,
/// 1 if a file or the world is at fault, 2 if the command line is not understood.
#[derive(Debug, Parser)]
#[command(
    name = "pasteline",
    version,
    after_long_help = "\
Example:
  pasteline validate api-paste.ini
  pasteline serve api-paste.ini --bind 127.0.0.1:8080"
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,

    /// When to use colours; `auto` is on a terminal that shows them, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

/// The commands, in the order in which a newcomer meets them.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Reload(reload::Reload),
    Status(status::Status),
    Validate(validate::Validate),
    Show(show::Show),
    Graph(graph::Graph),
    Route(route::Route),
    Fix(fix::Fix),
    Fmt(fmt::Fmt),
    List(list::List),
    Explain(explain::Explain),
    Schema(schema::Schema),
    SampleConfig(sample_config::SampleConfig),
    Completions(completions::Completions),
    Man(man::Man),
    /// Serve as a worker of another process, which starts it
    #[command(hide = true)]
    Worker,
}

impl Command {
    fn run(self, program: &Program) -> io::Result<ExitCode> {
        let registry = program.registry();
        match self {
            Self::Serve(serve) => serve.run(program),
            Self::Reload(reload) => reload.run(),
            Self::Status(status) => status.run(),
            Self::Validate(validate) => validate.run(registry),
            Self::Show(show) => show.run(registry),
            Self::Graph(graph) => graph.run(registry),
            Self::Route(route) => route.run(registry),
            Self::Fix(fix) => fix.run(registry),
            Self::Fmt(fmt) => fmt.run(registry),
            Self::List(list) => list.run(registry),
            Self::Explain(explain) => explain.run(registry),
            Self::Schema(schema) => schema.run(registry),
            Self::SampleConfig(sample) => sample.run(registry),
            Self::Completions(completions) => completions.run(CommandLine::command(), registry),
            Self::Man(man) => man.run(CommandLine::command()),
            Self::Worker => worker::run(program),
        }
    }
}

/// Prints what clap has to say: help and version to standard output, else usage to standard
/// error.
fn refuse(error: &clap::Error) -> ExitCode {
    // If even that cannot be printed, the exit code has to say it.
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}
