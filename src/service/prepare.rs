//! Loads, checks and builds all that an order asks for.

mod settings;
mod shared;

use std::path::PathBuf;
use std::sync::Arc;

pub(super) use self::settings::readings;
pub(crate) use self::settings::{InForce, check_sections, check_settings, in_force};
use self::settings::{Rank, settings};
pub(crate) use self::shared::check_servers;
use self::shared::{Claim, shared, shared_by_order};
use super::{Order, Served};
use crate::admin::{self, Desk};
use crate::app::App;
use crate::config::Config;
use crate::diagnostic::{Diagnostic, Findings, Severity, Style, render};
use crate::graph::{Graph, Loaded, Loader, NodeId, Object, check};
use crate::lint;
use crate::program::Readings;
use crate::registry::Registry;
use crate::server::{Settings, Tls};
use crate::source::{Snapshot, Sources};
use crate::stack;

/// Loads, checks and builds all that an order asks for: from the files, or from a snapshot of
/// them if there is one.
///
/// # Errors
///
/// Everything that is wrong with the files, or that stands in the way of what they describe.
pub fn prepare(
    order: &Order,
    registry: &Registry,
    snapshot: Option<Arc<Snapshot>>,
) -> Result<Prepared, Box<Refusal>> {
    // Who hands a snapshot on has looked for what is allowed and hardly meant.
    let is_first_look = snapshot.is_none();
    let mut sources = snapshot.map_or_else(Sources::default, Sources::from_snapshot);
    let mut findings = Findings::default();
    let (config, found) = Config::read(&order.config, &mut sources);
    findings.add(found);
    let (readings, found) = readings(&config, registry, &sources);
    findings.add(found);
    let input = order.input(&config, &sources);
    let mut loader = Loader::open_with(&input, registry, sources).with_settings(config.groups());
    let mut sites: Vec<Planned> = Vec::new();
    for served in &order.servers {
        // The settings of the service are those of the first server.
        let main = &order.servers[0];
        let first = sites.first().filter(|first| first.claim.server == main.server);
        let further = Rank::Further(first.map(|first| &first.claim.settings));
        let rank = if served == main { Rank::First(&config) } else { further };
        let planned = Planned::load(&mut loader, registry, (order, served, rank), &mut findings);
        sites.extend(planned);
    }
    let mut claims: Vec<_> = sites.iter().map(|site| site.claim.clone()).collect();
    if let Some(first) = claims.first_mut().filter(|_| !order.bind.is_empty()) {
        first.places.bind = None;
    }
    findings.add(shared(&claims));
    if is_first_look {
        let warnings = lint::validate(&mut loader, registry).into_iter();
        findings.add(warnings.filter(|found| found.severity == Severity::Warning));
    }
    let sources = loader.sources();
    let Findings { mut diagnostics, .. } = findings;
    lint::silence(&mut diagnostics, sources);
    // Whoever starts a server has not asked for more.
    diagnostics.retain(|found| found.severity != Severity::Note);
    diagnostics.sort_by_key(|found| found.span.map(|span| (span.source, span.start)));
    // From here on nobody needs to see a secret.
    let (told, masked) = registry.mask().told(&diagnostics, sources);
    let file = input.file.clone();
    let refusal = |errors| {
        Err(Box::new(Refusal { diagnostics: told.clone(), errors, sources: masked.clone(), file }))
    };
    let least = if order.denies_warnings { Severity::Warning } else { Severity::Error };
    let is_refused = diagnostics.iter().any(|found| found.severity <= least);
    if is_refused || sites.len() < order.servers.len() {
        return refusal(Vec::new());
    }
    if let Some(error) = shared_by_order(order, &claims) {
        return refusal(vec![error]);
    }
    let (mut built, mut errors) = (Vec::new(), Vec::new());
    for site in sites {
        match stack::build(&site.graph, site.root, registry, sources) {
            Ok(app) => {
                let name = site.graph.node(site.root).section().unwrap_or(&order.app).to_owned();
                match Tls::load(&site.claim.settings, sources) {
                    Ok(tls) => {
                        let Claim { settings, server, .. } = site.claim;
                        built.push(Site { app, tls, settings, name, server, role: Role::App });
                    }
                    // They were right a moment ago, and have been changed since.
                    Err(found) => errors.extend(found.into_iter().map(|found| found.message)),
                }
            }
            Err(found) => errors.extend(found.iter().map(|error| describe(error, sources))),
        }
    }
    if !errors.is_empty() {
        return refusal(errors);
    }
    if let Some(first) = built.first_mut() {
        order.override_settings(&mut first.settings);
    }
    built.extend(built.first().and_then(|first| admin_site(first, &order.desk)));
    let snapshot = Arc::new(sources.snapshot());
    let basis = Box::new(Basis { config, file: input.file });
    Ok(Prepared { sites: built, readings, basis, snapshot, diagnostics: told, sources: masked })
}

/// All that an order asked for, ready to be served.
#[derive(Debug)]
pub struct Prepared {
    /// What each server of the order serves, in its order, and at the end the one that tells how
    /// they are, if there is one.
    pub sites: Vec<Site>,
    /// The settings of services of the program.
    pub readings: Readings,
    /// What it was loaded by.
    pub basis: Box<Basis>,
    /// The texts that all of it was made of.
    pub snapshot: Arc<Snapshot>,
    /// Warnings and notes, secrets hidden.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that these are about, secrets hidden.
    pub sources: Sources,
}

/// What an order says, with what it leaves open filled in.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The settings of the service.
    pub config: Config,
    /// The main file.
    pub file: PathBuf,
}

/// An app, and the server that it is served by.
#[derive(Clone, Debug)]
pub struct Site {
    /// The app.
    pub app: App,
    /// What encrypts the connections, if anything.
    pub tls: Option<Tls>,
    /// The settings of the server.
    pub settings: Settings,
    /// The section that is served, such as `pipeline:main`.
    pub name: String,
    /// The name of the server.
    pub server: String,
    /// What it is for.
    pub role: Role,
}

/// What a server is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// To tell how the others are. It goes on while they end.
    Admin,
    /// To serve what the files say.
    App,
}

/// What tells how a site and its siblings are; none if the settings ask for nothing of the kind.
pub(super) fn admin_site(site: &Site, desk: &Desk) -> Option<Site> {
    let settings = site.settings.admin()?;
    let (app, name, server) = (admin::app(desk), "admin".to_owned(), site.server.clone());
    Some(Site { app, tls: None, settings, name, server, role: Role::Admin })
}

/// Why an order cannot be served.
#[derive(Debug)]
pub struct Refusal {
    /// What is wrong with the files, warnings and notes included, secrets hidden.
    pub diagnostics: Vec<Diagnostic>,
    /// What else stands in the way, such as a file that is not there, each in one line with the
    /// place that it is about.
    pub errors: Vec<String>,
    /// The texts that the diagnostics are about, secrets hidden.
    pub sources: Sources,
    /// The main file.
    pub file: PathBuf,
}

impl Refusal {
    /// What is wrong, each in one line with its place; of warnings and notes only if there is
    /// nothing worse.
    pub fn lines(&self) -> Vec<String> {
        let all = self.diagnostics.iter();
        let worst = all.clone().map(|found| found.severity).min();
        let mut faults: Vec<_> = all.filter(|found| Some(found.severity) == worst).collect();
        // What is missing may only follow from what is there.
        faults.sort_by_key(|fault| fault.span.is_none());
        let faults = faults.into_iter().map(|fault| {
            let line = render(fault, &self.sources, Style::Short);
            // What is missing has no place but the file.
            if fault.span.is_some() { line } else { format!("{}: {line}", self.file.display()) }
        });
        faults.chain(self.errors.iter().cloned()).collect()
    }
}

fn describe(error: &stack::Error, sources: &Sources) -> String {
    let place = error.place.map(|span| format!("{}: ", sources.location(span)));
    format!("{}error: {error}", place.unwrap_or_default())
}

/// What is to be built.
struct Planned {
    graph: Graph,
    root: NodeId,
    claim: Claim,
}

impl Planned {
    /// Loads one server of an order, and what it serves; none if that cannot be, which is noted.
    fn load(
        loader: &mut Loader<'_>,
        registry: &Registry,
        (order, served, rank): (&Order, &Served, Rank<'_>),
        findings: &mut Findings,
    ) -> Option<Self> {
        let (settings, found) = settings(loader, registry, (&served.server, rank));
        let named = settings.as_ref().and_then(|(settings, _)| settings.app.as_deref());
        let name = served.app.as_deref().or(named).unwrap_or(&order.app);
        let Loaded { graph, root, diagnostics } = loader.load(Object::App, Some(name));
        findings.add(diagnostics);
        findings.add(check(&graph, registry, loader.sources()));
        findings.add(found);
        let (settings, places) = settings?;
        let claim = Claim { server: served.server.clone(), settings, places };
        Some(Self { graph, root: root?, claim })
    }
}
