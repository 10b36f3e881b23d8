//! `pasteline route`: which way a request takes.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::files::Additions;
use super::request::Request;
use super::way::Way;
use super::{report, terminal};
use crate::graph::{Loader, Object};
use crate::registry::Registry;
use crate::route;

/// Tell which composites, filters and apps a request comes to, and why
///
/// Nothing is built or started. Composites decide by the same code that routes requests when the
/// file is served. What depends on more than the request is told in words: a filter may answer by
/// itself, and a cascade tries its apps until one answers well enough.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline route api-paste.ini GET /v2.0/networks
  pasteline route api-paste.ini POST https://api.example.org/v2.0/networks --name neutron
  pasteline route api-paste.ini GET / -H 'Host: example.org' --format json")]
pub(super) struct Route {
    /// The paste file
    file: PathBuf,

    #[command(flatten)]
    request: Request,

    /// The app that the request comes to
    #[arg(long, value_name = "NAME", default_value = "main")]
    name: String,

    #[command(flatten)]
    additions: Additions,

    /// A table for people, or JSON for tools
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// An object with the request and its steps
    Json,
    /// A line a step, with its place
    Text,
}

impl Route {
    pub(super) fn run(self, registry: &Registry) -> io::Result<ExitCode> {
        let Self { file, request, name, additions, format } = self;
        let mut loader = Loader::open(&additions.input(file), registry);
        let loaded = loader.load(Object::App, Some(&name));
        let head = request.head();
        if let Some(root) = loaded.root {
            let steps = route::route(&loaded.graph, root, &head);
            let way = Way { steps, head: &head, graph: &loaded.graph, sources: loader.sources() };
            match format {
                Format::Json => terminal::print_json(&way.json())?,
                Format::Text => terminal::print(&way.to_string())?,
            }
        }
        report::tell(
            &loaded.diagnostics,
            loader.sources(),
            &registry.mask(),
            report::Format::Text,
        )?;
        Ok(report::status(&loaded.diagnostics))
    }
}
