//! The `pasteline` program.

use std::process::ExitCode;

use pasteline::registry::Registry;

fn main() -> ExitCode {
    pasteline::main(Registry::builtin())
}
