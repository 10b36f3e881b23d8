//! What a URL map says, and what follows from it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use super::NOT_FOUND;
use super::key::Address;
use super::router::Router;
use super::table::{Mounted, Table};
use crate::app::{App, Filter, Request};
use crate::builtin::composites::{child, object};
use crate::registry::{Branch, Error, Flow, Plan, Route, Turn};

/// What a URL map says: which app takes which requests.
#[derive(Debug)]
pub(super) struct Mounts {
    /// In the order of the file.
    pub(super) mounts: Vec<Mount>,
    pub(super) not_found: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Mount {
    pub(super) key: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) address: Address,
    pub(super) app: usize,
}

impl Mounts {
    /// The mounts in the order in which they are tried. Of those with the same address the last
    /// stands.
    fn dispatch(&self) -> Vec<&Mount> {
        let mounts = self.mounts.iter().map(|mount| (&mount.address, mount));
        let mut dispatch: Vec<_> = mounts.collect::<IndexMap<_, _>>().into_values().collect();
        dispatch.sort_by_key(|Mount { address: Address { host, path }, .. }| {
            // Paste puts keys without a host behind all hosts by giving them this one.
            let host = host.as_deref().unwrap_or("\u{ff}");
            (host, Reverse(path.chars().count()), path)
        });
        dispatch
    }

    fn table(&self) -> Table {
        let mut table = Table::default();
        for mount in &self.mounts {
            table.mount(&mount.address, mount.app);
        }
        table
    }

    /// The mounts that no request ever comes to, by their apps, each with the key before it.
    fn hidden(&self) -> HashMap<usize, &Arc<str>> {
        let table = self.table();
        let mounts = self.mounts.iter();
        let last: HashMap<_, _> = mounts.clone().map(|mount| (&mount.address, mount.app)).collect();
        let keys: HashMap<_, _> = mounts.clone().map(|mount| (mount.app, &mount.key)).collect();
        let hidden = mounts.filter_map(|mount| {
            let same = last.get(&mount.address).copied().filter(|app| *app != mount.app);
            let before = same.or_else(|| table.covering(&mount.address))?;
            Some((mount.app, *keys.get(&before)?))
        });
        hidden.collect()
    }

    /// What becomes of a request that no key takes.
    fn not_found(&self) -> Route {
        match self.not_found {
            Some(app) => Route {
                turns: vec![Turn { key: Some(NOT_FOUND.name.into()), app, mount: 0 }],
                reason: format!("no key takes it, so `{}` does", NOT_FOUND.name),
            },
            None => Route {
                turns: Vec::new(),
                reason: "no key takes it, so the answer is 404".to_owned(),
            },
        }
    }
}

impl Plan for Mounts {
    fn kind(&self) -> &'static str {
        "urlmap"
    }

    fn show(&self, mut apps: Vec<Json>, _: Vec<Json>) -> Map<String, Json> {
        let tried = |mount: &Mount| {
            let Mount { key, address: Address { host, path }, .. } = mount;
            json!({"domain": host, "path": path, "key": **key})
        };
        let dispatch = self.dispatch().into_iter().map(tried).collect();
        let mut take = |app: usize| apps[app].take();
        let not_found = self.not_found.map(&mut take).unwrap_or_default();
        let child = |mount: &Mount| child(&mount.key, &mount.name, take(mount.app));
        let children = self.mounts.iter().map(child).collect();
        object([("children", children), ("dispatch", dispatch), ("not_found", not_found)])
    }

    fn build(&self, apps: Vec<App>, _: Vec<Filter>) -> Result<App, Error> {
        Ok(App::new(Router { table: self.table(), apps, not_found: self.not_found }))
    }

    fn flow(&self) -> Flow {
        let hidden = self.hidden();
        let branch = |mount: &Mount| Branch {
            key: Arc::clone(&mount.key),
            app: mount.app,
            hidden_by: hidden.get(&mount.app).map(|key| Arc::clone(key)),
        };
        let not_found = |app| Branch { key: NOT_FOUND.name.into(), app, hidden_by: None };
        let is_hidden = |mount: &Mount| hidden.contains_key(&mount.app);
        let mut branches: Vec<_> =
            self.dispatch().into_iter().filter(|mount| !is_hidden(mount)).map(branch).collect();
        branches.extend(self.not_found.map(not_found));
        branches.extend(self.mounts.iter().filter(|mount| is_hidden(mount)).map(branch));
        Flow::Branches(branches)
    }

    fn route(&self, request: &Request) -> Route {
        let found = self.table().find(request).and_then(|Mounted { app, length }| {
            let mount = self.mounts.iter().find(|mount| mount.app == app)?;
            let turn = Turn { key: Some(Arc::clone(&mount.key)), app, mount: length };
            Some(Route { turns: vec![turn], reason: format!("`{}` takes it", mount.key) })
        });
        found.unwrap_or_else(|| self.not_found())
    }
}
