//! Values of several parts.

use std::path::Path;

use http::{HeaderName, HeaderValue};

use super::{Form, Rejected, Setting, Shape, Surroundings};

/// A list, its items separated by commas or line ends; blank items are dropped, as oslo.config
/// drops them. A list that is left out is empty.
impl<T: Setting> Setting for Vec<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const FORM: Form = T::FORM;
    const SHAPE: Shape = Shape::List;
    const OPTIONAL: bool = true;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, Rejected> {
        Self::parse_in(text, Path::new(""))
    }

    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        items(text, &[',', '\n'], |item| T::parse_in(item, directory))
    }

    fn parse_amid(text: &str, surroundings: &Surroundings<'_>) -> Result<Self, Rejected> {
        items(text, &[',', '\n'], |item| T::parse_amid(item, surroundings))
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

/// A list of items that hold no blanks, separated by blanks, commas or line ends. One that is
/// left out is empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Words<T>(pub Vec<T>);

impl<T: Setting> Setting for Words<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const FORM: Form = T::FORM;
    const SHAPE: Shape = Shape::List;
    const OPTIONAL: bool = true;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, Rejected> {
        Self::parse_in(text, Path::new(""))
    }

    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        items(text, &[',', ' ', '\t', '\n'], |item| T::parse_in(item, directory)).map(Self)
    }

    fn parse_amid(text: &str, surroundings: &Surroundings<'_>) -> Result<Self, Rejected> {
        items(text, &[',', ' ', '\t', '\n'], |item| T::parse_amid(item, surroundings)).map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }
}

/// A list of one item a line, for items that may hold commas. One that is left out is empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lines<T>(pub Vec<T>);

impl<T: Setting> Setting for Lines<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const FORM: Form = T::FORM;
    const SHAPE: Shape = Shape::Lines;
    const OPTIONAL: bool = true;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, Rejected> {
        Self::parse_in(text, Path::new(""))
    }

    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        items(text, &['\n'], |item| T::parse_in(item, directory)).map(Self)
    }

    fn parse_amid(text: &str, surroundings: &Surroundings<'_>) -> Result<Self, Rejected> {
        items(text, &['\n'], |item| T::parse_amid(item, surroundings)).map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }
}

/// Header fields, one `Name: value` a line. Left out, there are none.
pub type HeaderLines = Lines<(HeaderName, HeaderValue)>;

impl Setting for (HeaderName, HeaderValue) {
    const EXPECTED: &'static str = "a header field, as `Name: value`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let Some((name, value)) = text.split_once(':') else {
            return Err(Rejected::because(format!("`{text}` has no colon")));
        };
        let parsed_name = name.trim_end().parse().map_err(|_| {
            let reason = format!("`{}` is not the name of a header", name.trim_end());
            Rejected::because(reason).at(0, name.len())
        })?;
        let value = value.trim().parse().map_err(|_| {
            Rejected::because("a header's value is visible ASCII in one line")
                .at(name.len() + 1, text.len())
        })?;
        Ok((parsed_name, value))
    }
}

/// Parses each part of a text between separators, white space and empty parts dropped. What is
/// wrong with the parts is placed in the whole text: of each, up to a number that nobody reads.
fn items<T>(
    text: &str,
    separators: &[char],
    parse: impl Fn(&str) -> Result<T, Rejected>,
) -> Result<Vec<T>, Rejected> {
    const MOST: usize = 20;
    let base = text.as_ptr() as usize;
    let (mut parsed, mut rejected) = (Vec::new(), Vec::new());
    for item in text.split(separators).map(str::trim).filter(|item| !item.is_empty()) {
        let offset = item.as_ptr() as usize - base;
        match parse(item) {
            Ok(item) => parsed.push(item),
            Err(fault) => {
                let (start, end) = fault.part.unwrap_or((0, item.len()));
                rejected.push(fault.at(offset + start, offset + end));
            }
        }
        if rejected.len() == MOST {
            break;
        }
    }
    let mut rejected = rejected.into_iter();
    match rejected.next() {
        None => Ok(parsed),
        Some(first) => Err(Rejected { others: rejected.collect(), ..first }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_separated_by_commas_or_lines() {
        assert_eq!(Vec::<u8>::parse("1, 2\n3,,"), Ok(vec![1, 2, 3]));
        assert_eq!(Vec::<u8>::absent(), Some(vec![]));
    }

    #[test]
    fn words_are_separated_by_blanks_too() {
        assert_eq!(Words::<u8>::parse("1 2,\t3 ,4\n5"), Ok(Words(vec![1, 2, 3, 4, 5])));
        assert_eq!(Words::<u8>::parse("1 two").unwrap_err().part, Some((2, 5)));
    }

    #[test]
    fn the_bad_item_of_a_list_is_placed() {
        let rejected = Vec::<u8>::parse("1, two, 3").unwrap_err();
        assert_eq!(rejected.part, Some((3, 6)));
        let rejected = Vec::<u8>::parse(
            "one, 2
three, four",
        )
        .unwrap_err();
        let parts = rejected.others.iter().map(|other| other.part);
        assert_eq!(rejected.part, Some((0, 3)));
        assert_eq!(parts.collect::<Vec<_>>(), [Some((7, 12)), Some((14, 18))]);
        let rejected = Vec::<u8>::parse(&"x,".repeat(100)).unwrap_err();
        assert_eq!(rejected.others.len(), 19);
    }

    #[test]
    fn header_fields_stand_one_a_line() {
        let Lines(fields) = HeaderLines::parse("X-A: 1, 2\nX-B:b").unwrap();
        let expected = [("x-a", "1, 2"), ("x-b", "b")];
        let seen: Vec<_> =
            fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_bad_header_name_is_placed() {
        let rejected = HeaderLines::parse("X-A: 1\nX B: 2").unwrap_err();
        assert_eq!(rejected.part, Some((7, 10)));
        assert_eq!(rejected.reason.as_deref(), Some("`X B` is not the name of a header"));
    }
}
