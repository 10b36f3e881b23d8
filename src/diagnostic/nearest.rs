//! Finds the name that a misspelt one most likely stands for.

use std::cmp::Reverse;

/// The candidate nearest to `word`, if one is near: at most a third of its letters differ,
/// upper and lower case and `-` and `_` counting as the same.
///
/// ```
/// use pasteline::diagnostic::nearest;
///
/// assert_eq!(nearest("corss", ["cors", "catch_errors"]), Some("cors"));
/// assert_eq!(nearest("request-id", ["request_id"]), Some("request_id"));
/// assert_eq!(nearest("teapot", ["cors"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_within(usize::MAX, word, candidates)
}

/// As [`nearest`], with at most so many edits.
pub(crate) fn nearest_within<'a>(
    edits: usize,
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = fold(word);
    let limit = (wanted.chars().count() / 3).max(1).min(edits);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(&wanted, &fold(candidate), limit), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, candidate)| (*distance, Reverse(common_prefix(word, candidate))))
        .map(|(_, candidate)| candidate)
}

fn fold(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

/// The edit distance, swaps of neighbours counting once; past the limit anything above it.
fn distance(wanted: &str, candidate: &str, limit: usize) -> usize {
    let difference = wanted.chars().count().abs_diff(candidate.chars().count());
    // Words are not compared letter by letter where their lengths rule them out already.
    if difference > limit { difference } else { strsim::damerau_levenshtein(wanted, candidate) }
}

fn common_prefix(word: &str, candidate: &str) -> usize {
    word.chars().zip(candidate.chars()).take_while(|(a, b)| a == b).count()
}
