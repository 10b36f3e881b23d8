//! What there is to know about each kind of diagnostic: how bad it is, and its page of the
//! documentation.

use super::Severity;

/// The page of the documentation about a kind of diagnostic, in Markdown: what it means, a file
/// with it, and the cure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// The kind of diagnostic.
    pub slug: &'static str,
    /// How bad it may be, the worst first.
    pub severities: &'static [Severity],
    /// The whole page, which ends with a newline.
    pub text: &'static str,
}

impl Page {
    /// The page about a kind of diagnostic; none for a kind that this crate does not have.
    pub fn find(slug: &str) -> Option<Self> {
        let found = PAGES.binary_search_by_key(&slug, |page| page.slug).ok()?;
        PAGES.get(found).copied()
    }

    /// What it means, in Markdown: the first paragraph.
    pub fn summary(&self) -> String {
        let paragraph = self.text.split("\n\n").nth(1).unwrap_or_default();
        paragraph.replace('\n', " ")
    }

    /// Whether it is told as no error at least at times, so that a comment can silence it. What is
    /// wrong with such a comment is not among them.
    pub fn can_be_silenced(&self) -> bool {
        let is_mild = self.severities.iter().any(|severity| *severity != Severity::Error);
        is_mild && self.slug != "unknown-allowance"
    }
}

/// The pages with these slugs and severities. Each is included, so that the program has it
/// wherever it runs.
macro_rules! pages {
    ($($slug:literal: $($severity:ident)+,)+) => {
        &[$(Page {
            slug: $slug,
            severities: &[$(Severity::$severity),+],
            text: include_str!(concat!("../../docs/diagnostics/", $slug, ".md")),
        }),+]
    };
}

/// All pages, in alphabetical order: one for each kind of diagnostic.
pub const PAGES: &[Page] = pages![
    "ambiguous-section": Error,
    "application-code": Error,
    "bad-cascade-key": Error,
    "bad-certificate": Error,
    "bad-factory": Error,
    "bad-mount": Error,
    "bad-value": Error,
    "byte-order-mark": Error,
    "circular-reference": Error,
    "cycle": Error,
    "deep-reference": Error,
    "deprecated-option": Warning,
    "dropped-options": Note,
    "duplicate-option": Error,
    "duplicate-section": Error,
    "duplicate-value": Warning,
    "empty-cascade": Warning,
    "empty-key": Error,
    "empty-pipeline": Error,
    "expired-certificate": Warning,
    "exposed-key": Warning,
    "filter-order": Warning,
    "hidden-option": Error Warning,
    "idle-backend": Warning,
    "idle-filter": Note,
    "ignored-option": Note,
    "impossible-host": Warning,
    "inline-comment": Warning,
    "joined-options": Warning,
    "large-value": Error,
    "literal-wildcard": Warning,
    "missing-factory": Error,
    "missing-option": Error,
    "missing-section-header": Error,
    "near-kind": Warning,
    "not-an-option": Error,
    "not-utf8": Error,
    "plain-secret": Warning,
    "refused-factory": Error,
    "relative-path": Error,
    "repeated-filter": Warning,
    "retired-factory": Error Warning,
    "several-factories": Error,
    "shadowed-path": Warning,
    "shared-address": Error Warning,
    "stray-continuation": Error,
    "stray-percent": Error,
    "too-deep": Error,
    "too-large": Error,
    "too-many-faults": Error,
    "unchecked-certificate": Warning,
    "unclosed-header": Error Warning,
    "unfinished-reference": Error,
    "unknown-allowance": Warning,
    "unknown-app": Error,
    "unknown-composite": Error,
    "unknown-entry-point": Error,
    "unknown-filter": Error,
    "unknown-global": Error,
    "unknown-option": Error Warning,
    "unknown-reference": Error,
    "unknown-scheme": Error,
    "unknown-section": Error,
    "unknown-server": Error,
    "unknown-strategy": Error,
    "unreadable-file": Error,
    "unused-section": Note,
    "weak-service-tokens": Warning,
    "wildcard-credentials": Warning Note,
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
