//! What the servers of one process bear, over all that they have been.

use crate::server::Load;
use crate::service::{Role, Site};

/// What the servers of one process bear, in the order of their sites. Servers that are replaced
/// have connections for a while yet, which count for their successors: the process has to bear
/// both.
#[derive(Debug, Default)]
pub(in crate::service) struct Loads(Vec<Load>);

impl Loads {
    /// What the servers of sites bear, each the same as the one in its place before.
    pub(in crate::service) fn of(&mut self, sites: &[Site]) -> Vec<Load> {
        let servers = sites.iter().filter(|site| site.role == Role::App).count();
        while self.0.len() < sites.len() {
            self.0.push(Load::default());
        }
        self.0[..sites.len()].iter().map(|load| load.among(servers)).collect()
    }
}
