//! `pasteline show --settings`: every setting, with where it comes from.

use std::process::ExitCode;
use std::{io, iter};

use crate::cli::config::ConfigPaths;
use crate::cli::files::{self, Files};
use crate::cli::log::{self, Told};
use crate::cli::{report, terminal};
use crate::config::Config;
use crate::graph::{Loader, Object};
use crate::registry::Registry;
use crate::service::{Order, check_sections};
use crate::source::Sources;

/// Prints every setting of the service and of its servers with where its value comes from, and what
/// settings files give for factories.
pub(super) fn print(files: Files, paths: ConfigPaths, registry: &Registry) -> io::Result<ExitCode> {
    let mut sources = Sources::default();
    let (config, mut diagnostics) = Config::read(&paths.input(Vec::new()), &mut sources);
    let input = files.open_input();
    let is_named = !input.file.as_os_str().is_empty();
    let input = input.or(&config, &sources);
    let Some(input) = files::read_stdin(input, &mut sources)? else {
        return Ok(ExitCode::FAILURE);
    };
    let mut loader = Loader::open_with(&input, registry, sources).with_settings(config.groups());
    if is_named {
        diagnostics.extend(loader.faults().iter().cloned());
    }
    let mut all = log::told(&config, loader.sources(), registry);
    for server in servers(&loader) {
        let config = Some(&config).filter(|_| server == Order::MAIN);
        all.extend(log::of_server(&mut loader, registry, (&server, config)));
    }
    diagnostics.extend(config.groups().unknown(&registry.groups()));
    diagnostics.extend(check_sections(&config, registry, loader.sources()));
    let (given, found) = log::given((&config, loader.sources()), registry);
    diagnostics.extend(found);
    all.extend(given);
    let (mut text, mut last) = (String::new(), String::new());
    for Told { group, name, value, origin } in all {
        if last != group {
            let gap = if last.is_empty() { "" } else { "\n" };
            text.extend([gap, "[", &group, "]\n"]);
            last = group;
        }
        let value = value.map_or_else(String::new, |value| format!(" {value}"));
        text.extend([&*name, " =", &value, "  (", &origin, ")\n"]);
    }
    terminal::print(&text)?;
    report::tell(&diagnostics, loader.sources(), &registry.mask(), report::Format::Text)?;
    Ok(report::status(&diagnostics))
}

/// The servers of a file, `main` first, which there is in any case.
fn servers(loader: &Loader<'_>) -> Vec<String> {
    let described = loader.loadable().into_iter();
    let described = described.filter(|section| section.object == Object::Server);
    let further = described.filter_map(|section| section.name.map(|name| name.to_string()));
    let further = further.filter(|name| name != Order::MAIN);
    iter::once(Order::MAIN.to_owned()).chain(further).collect()
}
