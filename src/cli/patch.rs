//! Differences between texts, for people.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use similar::TextDiff;
use similar::udiff::UnifiedHunkHeader;

use crate::settings::Mask;
use crate::source::{cover, shown};

/// What turns one text of a file into another, as a unified diff; nothing if they are the same.
/// Secrets are hidden, also those that it is about.
#[derive(Debug)]
pub(super) struct Patch<'a> {
    pub(super) path: &'a Path,
    pub(super) before: &'a str,
    pub(super) after: &'a str,
    pub(super) mask: &'a Mask,
}

impl fmt::Display for Patch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Past this time a larger difference than need be is as good.
        const PATIENCE: Duration = Duration::from_secs(1);
        let Self { path, before, after, mask } = self;
        let difference = TextDiff::configure().timeout(PATIENCE).diff_lines(*before, *after);
        let groups = difference.grouped_ops(3);
        if !groups.is_empty() {
            write!(f, "--- {0}\n+++ {0}\n", shown(path))?;
        }
        let (before, after) = (mask.text(before), mask.text(after));
        let after = without(&secrets(self.before, &before), after);
        // What differs is what stands there, and shown is what may be seen of it.
        let before = lines(difference.iter_old_slices(), &before);
        let after = lines(difference.iter_new_slices(), &after);
        for group in groups {
            writeln!(f, "{}", UnifiedHunkHeader::new(&group))?;
            for change in group.iter().flat_map(|part| part.iter_changes(&before, &after)) {
                write!(f, "{}{}", change.tag(), change.value())?;
                if change.missing_newline() {
                    f.write_str("\n\\ No newline at end of file\n")?;
                }
            }
        }
        Ok(())
    }
}

/// The words of what is covered in a text.
fn secrets<'a>(text: &'a str, covered: &str) -> HashSet<&'a str> {
    let lines = text.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
        Some((line, &covered[*at - line.len()..*at]))
    });
    let lines = lines.filter(|(line, covered)| line != covered);
    let words = lines.flat_map(|(line, covered)| {
        words(line).filter(|(at, word)| covered[*at..*at + word.len()] != **word)
    });
    // One letter gives nothing away.
    words.map(|(_, word)| word).filter(|word| word.len() > 1).collect()
}

/// A text in which these words are covered, too: what a change takes out of a secret is one.
fn without<'a>(secrets: &HashSet<&str>, text: Cow<'a, str>) -> Cow<'a, str> {
    if secrets.is_empty() {
        return text;
    }
    let found = words(&text).filter(|(_, word)| secrets.contains(word));
    let found: Vec<_> = found.map(|(at, word)| at..at + word.len()).collect();
    if found.is_empty() { text } else { Cow::Owned(cover(&text, &found)) }
}

/// The words of a text, each with its offset.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let words = text.split_whitespace();
    words.map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// A text in lines as long as those of another.
fn lines<'a, 'text>(like: impl Iterator<Item = &'a str>, mut text: &'text str) -> Vec<&'text str> {
    let line = |like: &str| {
        let (line, rest) = text.split_at(like.len());
        text = rest;
        line
    };
    like.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(before: &str, after: &str) -> String {
        let mask = &Mask::new(["recipe"]);
        Patch { path: Path::new("a.ini"), before, after, mask }.to_string()
    }

    #[test]
    fn shows_what_differs_and_no_secret() {
        let before = "[s]\nrecipe=tea\nx = 1\n  y\n\n\n[t]";
        let after = "[s]\nrecipe = tea\nx = 1\n    y\n\n\n[t]";
        let expected = "\
--- a.ini
+++ a.ini
@@ -1,7 +1,7 @@
 [s]
-recipe=***
+recipe = ***
 x = 1
-  y
+    y
 \n \n [t]
\\ No newline at end of file
";
        assert_eq!(patch(before, after), expected);
        assert_eq!(patch(before, before), "");
    }

    #[test]
    fn what_was_a_part_of_a_secret_is_one() {
        let before = "[s]\nrecipe = tea # with lime\n";
        let after = "[s]\n# with lime\nrecipe = tea\n";
        let expected = "\
--- a.ini
+++ a.ini
@@ -1,2 +1,3 @@
 [s]
-recipe = ***************
+# **** ****
+recipe = ***
";
        assert_eq!(patch(before, after), expected);
    }

    #[test]
    fn a_secret_that_changes_is_a_difference() {
        let expected = "--- a.ini\n+++ a.ini\n@@ -1 +1 @@\n-recipe = ***\n+recipe = ***\n";
        assert_eq!(patch("recipe = tea\n", "recipe = ice\n"), expected);
    }
}
