//! How the options of a Python factory differ from those of the native one.

use super::OptionSpec;

/// How the options of a factory differ when it is named by one of its aliases.
///
/// ```
/// use pasteline::settings::Dialect;
///
/// const PASTE: Dialect = Dialect::new()
///     .renamed(&[("document_root", "root")])
///     .ignored(&[("cache_max_age", "no cache headers are sent yet")]);
/// assert_eq!(PASTE.native("document_root"), "root");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialect {
    renamed: &'static [(&'static str, &'static str)],
    /// Whether the other names are older ones, and our own are theirs too.
    are_older: bool,
    defaults: &'static [(&'static str, &'static str)],
    ignored: &'static [(&'static str, &'static str)],
    globals: &'static [&'static str],
    group: Option<Group>,
    /// The option that names another group, and the options that are given there.
    elsewhere: Option<(&'static str, &'static [&'static str])>,
    unknown: Unknown,
}

/// The group of settings files, such as `neutron.conf`, that a factory reads what its section
/// does not give from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Group {
    /// One that only factories read which are known here: other names in it are misspelt.
    Own(&'static str),
    /// One that others read too.
    Shared(&'static str),
}

impl Group {
    /// The name that heads it, without its brackets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own(name) | Self::Shared(name) => name,
        }
    }
}

/// What is known of a group of settings files that factories read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupSpec {
    /// The name that heads it.
    pub name: &'static str,
    /// All options that any of the factories has, under the names that they have there.
    pub options: Vec<(&'static str, &'static OptionSpec)>,
    /// The names of options that have no effect.
    pub ignored: Vec<&'static str>,
    /// Whether nobody else reads it.
    pub is_whole: bool,
}

impl GroupSpec {
    /// A group of which no option is known yet.
    pub fn of(group: Group) -> Self {
        let is_whole = matches!(group, Group::Own(_));
        Self { name: group.name(), options: Vec::new(), ignored: Vec::new(), is_whole }
    }
}

/// What becomes of an option that no factory knows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unknown {
    /// The upstream factory takes any option and says nothing: a warning, but for one that is
    /// near to a known name, which is refused.
    Ignored,
    /// It is refused.
    #[default]
    Refused,
}

impl Dialect {
    /// The native dialect: no difference, unknown options are refused.
    pub const fn new() -> Self {
        Self {
            renamed: &[],
            are_older: false,
            defaults: &[],
            ignored: &[],
            globals: &[],
            group: None,
            elsewhere: None,
            unknown: Unknown::Refused,
        }
    }

    /// The dialect of a factory that takes any option and says nothing.
    pub const fn lenient() -> Self {
        Self { unknown: Unknown::Ignored, ..Self::new() }
    }

    /// Sets the options of another name: theirs, ours.
    #[must_use]
    pub const fn renamed(mut self, renamed: &'static [(&'static str, &'static str)]) -> Self {
        self.renamed = renamed;
        self
    }

    /// Sets older names that options have beside our own, which are theirs too: the older, ours.
    #[must_use]
    pub const fn older(mut self, renamed: &'static [(&'static str, &'static str)]) -> Self {
        self.renamed = renamed;
        self.are_older = true;
        self
    }

    /// Sets the defaults that differ: our name, the default as it would be written.
    #[must_use]
    pub const fn defaults(mut self, defaults: &'static [(&'static str, &'static str)]) -> Self {
        self.defaults = defaults;
        self
    }

    /// Sets the options that are accepted and have no effect: their name, why.
    #[must_use]
    pub const fn ignored(mut self, ignored: &'static [(&'static str, &'static str)]) -> Self {
        self.ignored = ignored;
        self
    }

    /// Sets the options that are taken from `global_conf` if the section lacks them; their names.
    #[must_use]
    pub const fn globals(mut self, globals: &'static [&'static str]) -> Self {
        self.globals = globals;
        self
    }

    /// Sets the group of settings files from which comes what neither the section nor
    /// `global_conf` gives, by their names.
    #[must_use]
    pub const fn group(mut self, group: Group) -> Self {
        self.group = Some(group);
        self
    }

    /// Sets the option that names another group of settings files, and the options, by our names,
    /// that come from that one then in place of the own group.
    #[must_use]
    pub const fn elsewhere(mut self, option: &'static str, moved: &'static [&'static str]) -> Self {
        self.elsewhere = Some((option, moved));
        self
    }

    /// The option that names another group, and the options that come from it.
    pub fn moved(&self) -> Option<(&'static str, &'static [&'static str])> {
        self.elsewhere
    }

    /// Our name for one of their options.
    pub fn native<'a>(&self, theirs: &'a str) -> &'a str {
        let renamed = self.renamed.iter().find(|(name, _)| *name == theirs);
        renamed.map_or(theirs, |(_, ours)| ours)
    }

    /// Their name for one of our options.
    pub fn theirs<'a>(&self, native: &'a str) -> &'a str {
        let mut renamed = self.renamed.iter().filter(|_| !self.are_older);
        renamed.find(|(_, ours)| *ours == native).map_or(native, |(theirs, _)| theirs)
    }

    /// All names of one of our options: theirs, then ours, then older ones.
    pub fn names<'a>(&self, native: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let theirs = self.renamed.iter().filter(move |(_, ours)| *ours == native);
        let (first, last) =
            if self.are_older { (Some(native), None) } else { (None, Some(native)) };
        first.into_iter().chain(theirs.map(|(theirs, _)| *theirs)).chain(last)
    }

    /// The default of an option, by our name, where it differs.
    pub fn default_of(&self, native: &str) -> Option<&'static str> {
        self.defaults.iter().find(|(name, _)| *name == native).map(|(_, default)| *default)
    }

    /// Why an option, by their name, has no effect; none if it has one.
    pub fn why_ignored(&self, theirs: &str) -> Option<&'static str> {
        self.ignored.iter().find(|(name, _)| *name == theirs).map(|(_, why)| *why)
    }

    /// Whether an option, by their name, is also taken from `global_conf`.
    pub fn is_global(&self, theirs: &str) -> bool {
        self.globals.contains(&theirs)
    }

    /// The group of settings files that what is not given elsewhere comes from.
    pub fn settings_group(&self) -> Option<Group> {
        self.group
    }

    /// Whether the other names of options are older ones, beside ours.
    pub fn has_older_names(&self) -> bool {
        self.are_older
    }

    /// The options of another name: theirs, ours.
    pub fn renames(&self) -> &'static [(&'static str, &'static str)] {
        self.renamed
    }

    /// The options that have no effect, each with the reason.
    pub fn ignores(&self) -> &'static [(&'static str, &'static str)] {
        self.ignored
    }

    /// What becomes of an option that no factory knows.
    pub fn unknown(&self) -> Unknown {
        self.unknown
    }
}
