//! The parser that pest makes of `grammar/paste.pest`.

use pest::Parser;
use pest::iterators::Pairs;

#[derive(pest_derive::Parser)]
#[grammar = "grammar/paste.pest"]
struct Grammar;

/// Parses a text by a rule that every text satisfies, which are all but [`Rule::object`].
pub(super) fn parse(rule: Rule, text: &str) -> Pairs<'_, Rule> {
    Grammar::parse(rule, text).expect("the grammar accepts every text")
}

/// Parses a text by a rule that it may fail.
pub(super) fn parse_if_valid(rule: Rule, text: &str) -> Option<Pairs<'_, Rule>> {
    Grammar::parse(rule, text).ok()
}
