//! Differences between texts, for people.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use similar::TextDiff;
use similar::udiff::UnifiedHunkHeader;

use crate::settings::Mask;

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
            write!(f, "--- {0}\n+++ {0}\n", path.display())?;
        }
        let (before, after) = (mask.text(before), mask.text(after));
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
    fn a_secret_that_changes_is_a_difference() {
        let expected = "--- a.ini\n+++ a.ini\n@@ -1 +1 @@\n-recipe = ***\n+recipe = ***\n";
        assert_eq!(patch("recipe = tea\n", "recipe = ice\n"), expected);
    }
}
