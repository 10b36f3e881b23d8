//! The apps, composites, filters and servers that come with pasteline, one file each.

mod ahead;
mod apps;
mod body;
mod composites;
mod filters;
#[cfg(test)]
pub(crate) mod fixture;
mod foreign;
mod host;
mod memcached;
mod pace;
mod secrets;
mod servers;
#[cfg(test)]
mod tests;

use crate::registry::{Definition, Registry};

/// One table a kind. What is both an app and a filter stands where its file lies.
const TABLES: [&[Definition]; 4] = [apps::ALL, composites::ALL, filters::ALL, servers::ALL];

impl Registry {
    /// All factories that come with pasteline, and what it knows of others.
    ///
    /// ```
    /// use pasteline::registry::{Kind, Registry};
    ///
    /// let registry = Registry::builtin();
    /// assert!(registry.find(Kind::Composite, "egg:pasteline#no-such-thing").is_none());
    /// ```
    pub fn builtin() -> Self {
        let foreign = Self::default()
            .knowing(foreign::ALL)
            .knowing_packages(foreign::PACKAGES)
            .relaying(foreign::RELAYS);
        TABLES.into_iter().flatten().copied().fold(foreign, Self::with)
    }
}
