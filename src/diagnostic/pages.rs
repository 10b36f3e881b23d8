//! What there is to know about each kind of diagnostic: its page of the documentation.

/// The page of the documentation about a kind of diagnostic, in Markdown: what it means, a file
/// with it, and the cure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// The kind of diagnostic.
    pub slug: &'static str,
    /// The whole page, which ends with a newline.
    pub text: &'static str,
}

impl Page {
    /// The page about a kind of diagnostic; none for a kind that this crate does not have.
    pub fn find(slug: &str) -> Option<Self> {
        let found = PAGES.binary_search_by_key(&slug, |page| page.slug).ok()?;
        PAGES.get(found).copied()
    }
}

/// The pages with these slugs. Each is included, so that the program has it wherever it runs.
macro_rules! pages {
    ($($slug:literal,)+) => {
        &[$(Page {
            slug: $slug,
            text: include_str!(concat!("../../docs/diagnostics/", $slug, ".md")),
        }),+]
    };
}

/// All pages, in alphabetical order: one for each kind of diagnostic.
pub const PAGES: &[Page] = pages![
    "ambiguous-section",
    "bad-cascade-key",
    "bad-factory",
    "bad-mount",
    "bad-value",
    "byte-order-mark",
    "circular-reference",
    "cycle",
    "deep-reference",
    "dropped-options",
    "duplicate-option",
    "duplicate-section",
    "duplicate-value",
    "empty-cascade",
    "empty-key",
    "empty-pipeline",
    "filter-order",
    "hidden-option",
    "idle-backend",
    "ignored-option",
    "inline-comment",
    "joined-options",
    "large-value",
    "literal-wildcard",
    "missing-factory",
    "missing-option",
    "missing-section-header",
    "near-kind",
    "not-an-option",
    "not-utf8",
    "relative-path",
    "repeated-filter",
    "several-factories",
    "shadowed-path",
    "stray-percent",
    "too-deep",
    "too-large",
    "too-many-faults",
    "unclosed-header",
    "unfinished-reference",
    "unknown-allowance",
    "unknown-app",
    "unknown-composite",
    "unknown-entry-point",
    "unknown-filter",
    "unknown-global",
    "unknown-option",
    "unknown-reference",
    "unknown-scheme",
    "unknown-section",
    "unknown-server",
    "unknown-strategy",
    "unreadable-file",
    "unused-section",
    "wildcard-credentials",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_page() {
        for page in PAGES {
            assert_eq!(Page::find(page.slug), Some(*page));
        }
        assert_eq!(Page::find("no-such-slug"), None);
    }
}
