//! A settings file with every option in it, commented out, in the layout of oslo.config's
//! generator.

use std::fmt;

use super::options::{ALIASES, GROUPS, Group};
use crate::settings::{Form, OptionSpec, Shape, prose};

/// How long lines of comments may be.
const WIDTH: usize = 70;

/// A settings file with every option in it: what it is for, its type and bounds, its old names
/// and its default.
#[derive(Clone, Debug)]
pub struct Sample {
    further: Vec<Group>,
}

impl Sample {
    /// One that has further groups at its end.
    pub fn new(further: Vec<Group>) -> Self {
        Self { further }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, group) in GROUPS.iter().chain(&self.further).enumerate() {
            let gap = if number == 0 { "" } else { "\n\n" };
            writeln!(f, "{gap}[{}]", group.name)?;
            write_comment(f, &prose(group.doc))?;
            let theirs = (number >= GROUPS.len()).then_some(group.name);
            writeln!(f, "\n#\n# From {}\n#", theirs.unwrap_or("pasteline"))?;
            group.options.iter().try_for_each(|option| write_option(f, group, option))?;
        }
        Ok(())
    }
}

fn write_option(f: &mut fmt::Formatter<'_>, group: &Group, option: &OptionSpec) -> fmt::Result {
    writeln!(f)?;
    write_comment(f, &format!("{} ({})", prose(option.doc), type_name(option)))?;
    match option.form {
        Form::Whole { least, most } => {
            writeln!(f, "# Minimum value: {least}")?;
            // What no number reaches is no bound to anybody.
            if most < u64::from(u32::MAX) {
                writeln!(f, "# Maximum value: {most}")?;
            }
        }
        Form::Words(words) => {
            writeln!(f, "# Possible values:")?;
            words.iter().try_for_each(|word| writeln!(f, "# {word}"))?;
        }
        Form::Boolean | Form::Number | Form::Text => {}
    }
    for alias in ALIASES.iter().filter(|alias| alias.ours == (group.name, option.name)) {
        let (their_group, theirs) = alias.theirs;
        let what = if alias.is_deprecated { "Deprecated group/name" } else { "Other group/name" };
        writeln!(f, "# {what} - [{their_group}]/{theirs}")?;
    }
    let default = option.default.unwrap_or(match option.shape {
        Shape::One => "<None>",
        Shape::Lines | Shape::List => "",
    });
    let gap = if default.is_empty() { "" } else { " " };
    writeln!(f, "#{} ={gap}{default}", option.name)
}

/// The type in the words of oslo.config.
fn type_name(option: &OptionSpec) -> &'static str {
    match (option.shape, option.form) {
        (Shape::Lines | Shape::List, _) => "list value",
        (Shape::One, Form::Boolean) => "boolean value",
        (Shape::One, Form::Number) => "floating point value",
        (Shape::One, Form::Whole { .. }) => "integer value",
        (Shape::One, Form::Text | Form::Words(_)) => "string value",
    }
}

/// Writes a text as comments, its paragraphs wrapped.
fn write_comment(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for (number, paragraph) in text.split("\n\n").enumerate() {
        if number > 0 {
            writeln!(f, "#")?;
        }
        let mut length = 0;
        for word in paragraph.split_whitespace() {
            let width = word.chars().count() + 1;
            if length == 0 || length + width > WIDTH {
                write!(f, "{}# {word}", if length == 0 { "" } else { "\n" })?;
                length = 1 + width;
            } else {
                write!(f, " {word}")?;
                length += width;
            }
        }
        writeln!(f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::scan::scan;

    #[test]
    fn has_the_layout_of_oslo_config() {
        let sample = Sample::new(Vec::new()).to_string();
        let expected = "\
[DEFAULT]
# What OpenStack's services have for their API servers.

#
# From pasteline
#

# The host or IP address";
        assert!(sample.starts_with(expected), "{sample}");
        let expected = "
# After how many seconds of silence a connection is probed. Unless
# set, what `[server:NAME]` in the paste file says, or 600. (integer
# value)
# Minimum value: 1
# Maximum value: 32767
# Other group/name - [wsgi]/tcp_keepidle
#tcp_keepidle = <None>
";
        assert!(sample.contains(expected), "{sample}");
        for part in [
            "\n# Deprecated group/name - [DEFAULT]/logfile\n#log_file = <None>\n",
            "\n# Possible values:\n# brief\n# off\n# on\n#setproctitle = on\n",
            "\n#default_log_levels =\n",
            "\n\n\n[ssl]\n",
        ] {
            assert!(sample.contains(part), "{part}\nis not in\n{sample}");
        }
        assert!(sample.lines().all(|line| line.len() <= WIDTH), "{sample}");
    }

    #[test]
    fn every_option_can_be_uncommented() {
        let sample = Sample::new(Vec::new()).to_string();
        let is_option =
            |line: &&str| line.starts_with('#') && line.contains(" =") && !line.starts_with("# ");
        let options: Vec<_> = sample.lines().filter(is_option).map(|line| &line[1..]).collect();
        let all: usize = GROUPS.iter().map(|group| group.options.len()).sum();
        assert_eq!(options.len(), all);
        assert_eq!(scan(&format!("[DEFAULT]\n{}\n", options.join("\n"))).faults, []);
        assert_eq!(scan(&sample).faults, []);
    }
}
