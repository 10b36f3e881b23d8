//! What the settings are read from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::layers::spelt;
use super::options::{ALIASES, GROUPS};
use super::unknown::misspelt;

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
    /// Takes those of the variables of an environment that set an option, under any of its names,
    /// or may set one of a factory.
    pub fn environment(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Vec<(String, String)> {
        variables.into_iter().filter(|(name, _)| option_of(name).is_some()).collect()
    }
}

/// The group and the name of the option that a variable of the environment sets: one of ours, one
/// that is most likely misspelt, or whatever it names in a group that we have nothing in.
pub(super) fn option_of(variable: &str) -> Option<(String, String)> {
    let known = names().find(|(group, name)| variable_of(group, name) == variable);
    if let Some((group, name)) = known {
        return Some((group.to_owned(), name.to_owned()));
    }
    let (group, name) = variable.strip_prefix("OS_")?.split_once("__")?;
    let (group, name) = (spelt(group), name.to_lowercase());
    if group.is_empty() || name.is_empty() {
        return None;
    }
    let is_theirs = || is_group_of_server(&group) && misspelt(&group, &name).is_none();
    (!is_theirs()).then(|| (group.into_owned(), name))
}

/// Whether the server itself reads a group of settings files, which is named in small letters or
/// others.
pub fn is_group_of_server(group: &str) -> bool {
    names().any(|(ours, _)| ours.eq_ignore_ascii_case(group))
}

/// The variable of the environment that sets an option.
fn variable_of(group: &str, name: &str) -> String {
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
        let names = [
            "OS_DEFAULT__BIND_PORT",
            "OS_SSL__KEY_FILE",
            "OS_USERNAME",
            "OS_DEFAULT__HOST",
            "OS_DEFAULT__BIND_PROT",
            "OS_WSGI__OTHER",
            "OS_CORS__MAX_AGE",
            "OS_SSL__KEY_FLE",
            "OS_CORS_MAX_AGE",
            "OS___MAX_AGE",
        ];
        let all = names.map(|name| (name.to_owned(), "x".to_owned()));
        let taken: Vec<_> = Input::environment(all).into_iter().map(|(name, _)| name).collect();
        let expected = [
            "OS_DEFAULT__BIND_PORT",
            "OS_SSL__KEY_FILE",
            "OS_DEFAULT__BIND_PROT",
            "OS_CORS__MAX_AGE",
            "OS_SSL__KEY_FLE",
        ];
        assert_eq!(taken, expected);
        let of_factory = Some(("cors".to_owned(), "max_age".to_owned()));
        assert_eq!(option_of("OS_CORS__MAX_AGE"), of_factory);
    }
}
