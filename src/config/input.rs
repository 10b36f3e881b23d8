//! What the settings are read from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::options::{ALIASES, GROUPS};

/// What the settings are read from, beside defaults.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Input {
    /// Files and directories of files in the order in which they were named; later ones win.
    pub paths: Vec<ConfigPath>,
    /// What the environment sets: the name of the variable and its value. It wins over files.
    pub variables: Vec<(String, String)>,
    /// What the command line sets: options of `[DEFAULT]` and their values. It wins over all.
    pub arguments: Vec<(String, String)>,
    /// Where services have their files: the last directories in which the paste file is looked
    /// for.
    pub directories: Vec<PathBuf>,
}

/// A file of settings, or a directory of them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ConfigPath {
    /// The files `*.conf` of a directory, in the order of their names.
    Directory(PathBuf),
    /// One file.
    File(PathBuf),
}

impl Input {
    /// Takes those of the variables of an environment that set an option, under any of its names.
    pub fn environment(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Vec<(String, String)> {
        let names: Vec<_> = names().map(|(group, name)| variable(group, name)).collect();
        variables.into_iter().filter(|(name, _)| names.contains(name)).collect()
    }
}

/// The variable of the environment that sets an option.
pub(super) fn variable(group: &str, name: &str) -> String {
    format!("OS_{}__{}", group.to_uppercase(), name.to_uppercase())
}

/// All names of all options, old ones included.
pub(super) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let ours = GROUPS
        .iter()
        .flat_map(|group| group.options.iter().map(|option| (group.name, option.name)));
    ours.chain(ALIASES.iter().map(|alias| alias.theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_variables_that_set_an_option() {
        let names =
            ["OS_DEFAULT__BIND_PORT", "OS_SSL__KEY_FILE", "OS_USERNAME", "OS_DEFAULT__HOST"];
        let all = names.map(|name| (name.to_owned(), "x".to_owned()));
        let taken: Vec<_> = Input::environment(all).into_iter().map(|(name, _)| name).collect();
        assert_eq!(taken, ["OS_DEFAULT__BIND_PORT", "OS_SSL__KEY_FILE"]);
    }
}
