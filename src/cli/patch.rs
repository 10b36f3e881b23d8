//! Differences between texts, as people and `patch` read them.

use std::path::Path;
use std::time::Duration;

use similar::TextDiff;

/// What turns one text of a file into another, as a unified diff; empty if they are the same.
pub(super) fn patch(path: &Path, before: &str, after: &str) -> String {
    /// Past this time a larger difference than need be is as good.
    const PATIENCE: Duration = Duration::from_secs(1);
    let name = path.display().to_string();
    let difference = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    difference.unified_diff().header(&name, &name).to_string()
}
