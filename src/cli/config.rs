//! The arguments that say where the settings of the service come from.

use std::env;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint, value_parser};

use crate::config::{ConfigPath, Input};

/// Files and directories of settings, in the order in which they are named: that of two arguments
/// counts here, which clap does not keep by itself.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfigPaths(Vec<ConfigPath>);

const FILE: &str = "config-file";
const DIRECTORY: &str = "config-dir";

impl ConfigPaths {
    /// What the settings are read from, with options that other arguments set.
    pub(super) fn input(self, arguments: Vec<(String, String)>) -> Input {
        let readable = |(name, value): (_, std::ffi::OsString)| {
            Some((std::ffi::OsString::into_string(name).ok()?, value.into_string().ok()?))
        };
        let variables = Input::environment(env::vars_os().filter_map(readable));
        let home = env::home_dir();
        let own = home.iter().flat_map(|home| [home.join(".pasteline"), home.clone()]);
        let directories = own.chain(["/etc/pasteline", "/etc"].map(PathBuf::from)).collect();
        Input { paths: self.0, variables, arguments, directories }
    }
}

impl Args for ConfigPaths {
    fn augment_args(command: Command) -> Command {
        let argument = |name: &'static str| {
            Arg::new(name).long(name).action(ArgAction::Append).value_parser(value_parser!(PathBuf))
        };
        let file = argument(FILE).value_name("FILE").value_hint(ValueHint::FilePath).help(
            "Read the settings of the service from a file such as `neutron.conf`; repeatable, the \
             last one wins",
        );
        let directory = argument(DIRECTORY).value_name("DIR").value_hint(ValueHint::DirPath).help(
            "Read the settings of the service from the files DIR/*.conf, in the order of their \
             names; repeatable",
        );
        command.arg(file).arg(directory)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ConfigPaths {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let named = |name: &str, path: fn(PathBuf) -> ConfigPath| {
            let paths = matches.get_many::<PathBuf>(name).into_iter().flatten().cloned();
            let places = matches.indices_of(name).into_iter().flatten();
            places.zip(paths.map(path)).collect::<Vec<_>>()
        };
        let mut all = named(FILE, ConfigPath::File);
        all.extend(named(DIRECTORY, ConfigPath::Directory));
        all.sort_by_key(|(place, _)| *place);
        Ok(Self(all.into_iter().map(|(_, path)| path).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_stay_in_their_order() {
        let command = ConfigPaths::augment_args(Command::new("x"));
        let line = ["x", "--config-file", "a", "--config-dir", "b", "--config-file", "c"];
        let ConfigPaths(paths) =
            ConfigPaths::from_arg_matches(&command.get_matches_from(line)).unwrap();
        let expected = [
            ConfigPath::File("a".into()),
            ConfigPath::Directory("b".into()),
            ConfigPath::File("c".into()),
        ];
        assert_eq!(paths, expected);
    }
}
