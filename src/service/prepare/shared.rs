//! Addresses that several servers of one process would listen at.

use super::settings::{Places, Rank, settings};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::graph::{Loader, Object};
use crate::registry::Registry;
use crate::server::{Address, Settings};
use crate::service::Order;
use crate::source::Span;

/// A server, and the places that say where it listens.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) server: String,
    pub(super) settings: Settings,
    pub(super) places: Places,
}

impl Claim {
    /// Where it listens, with the place that says so. Where nothing does, the command line may, or
    /// the service manager.
    fn own(&self) -> (Vec<Address>, Option<Span>) {
        let addresses = self.places.bind.map(|_| self.settings.addresses());
        (addresses.unwrap_or_default(), self.places.bind)
    }

    /// Where the server listens that tells how all are.
    fn admin(&self) -> (Vec<Address>, Option<Span>) {
        (self.settings.admin_bind.0.clone(), self.places.admin)
    }
}

/// What servers would both listen at that are to be served at once.
pub(super) fn shared(claims: &[Claim]) -> Vec<Diagnostic> {
    let refuse = |(address, server, before): (&Address, &str, &str)| {
        let message = format!("`[server:{server}]` listens at `{address}`, as {before} does");
        Diagnostic::error("shared-address", message).help("give it an address of its own")
    };
    clashes(claims, refuse)
}

/// What servers of a file both listen at, which may never be meant to be served at once.
pub(crate) fn check_servers(
    loader: &mut Loader<'_>,
    registry: &Registry,
    config: &Config,
) -> Vec<Diagnostic> {
    let sections = loader.loadable().into_iter();
    let servers = sections.filter(|section| section.object == Object::Server);
    let names = servers.filter_map(|section| section.name).map(|name| name.to_string());
    let names: Vec<_> = names.collect();
    let mut claims = Vec::new();
    for server in names {
        let rank = if server == Order::MAIN { Rank::First(config) } else { Rank::Further(None) };
        let (read, _) = settings(loader, registry, (&server, rank));
        // Where nothing says where one listens, that is no mistake of anybody.
        let read = read.filter(|(_, places)| places.bind.is_some());
        claims.extend(read.map(|(settings, places)| Claim { server, settings, places }));
    }
    let warn = |(address, server, before): (&Address, &str, &str)| {
        let message = format!("`[server:{server}]` listens at `{address}`, as {before} does");
        Diagnostic::warning("shared-address", message).help("they cannot be served at once")
    };
    clashes(&claims, warn)
}

/// What a later one of servers would listen at that one before it does, or the one that tells how
/// the first is.
fn clashes(
    claims: &[Claim],
    tell: impl Fn((&Address, &str, &str)) -> Diagnostic,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (number, claim) in claims.iter().enumerate().skip(1) {
        let (own, place) = claim.own();
        let before = &claims[..number];
        let servers =
            before.iter().map(|other| (format!("`[server:{}]`", other.server), other.own()));
        let admin = before.first().map(|first| ("`admin_bind`".to_owned(), first.admin()));
        for (name, (theirs, their_place)) in servers.chain(admin) {
            let meets = |address: &&Address| theirs.iter().any(|other| other.meets(address));
            if let Some(address) = own.iter().find(meets) {
                let diagnostic = tell((address, &claim.server, &name)).at(place);
                found.push(diagnostic.related(their_place, format!("{name} listens here")));
            }
        }
    }
    found
}

/// What the addresses of the command line would share with others, in a line; none if nothing.
pub(super) fn shared_by_order(order: &Order, claims: &[Claim]) -> Option<String> {
    let first = claims.first()?;
    let others = claims.iter().skip(1).flat_map(|claim| claim.settings.addresses());
    let others: Vec<_> = others.chain(first.settings.admin_bind.0.iter().cloned()).collect();
    let meets = |address: &&Address| others.iter().any(|other| other.meets(address));
    let address = order.bind.iter().find(meets)?;
    Some(format!("error: `--bind` names `{address}`, where another server of the file listens"))
}
