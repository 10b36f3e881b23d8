//! Reads the header `Forwarded` (RFC 7239).

use std::borrow::Cow;

use http::HeaderValue;

/// What one proxy tells; in the order of the header, the proxy that is next comes last.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Element<'a> {
    /// Who asked it (`for`).
    pub(super) node: Option<Cow<'a, str>>,
    /// By which scheme (`proto`).
    pub(super) scheme: Option<Cow<'a, str>>,
    /// For which host (`host`).
    pub(super) host: Option<Cow<'a, str>>,
}

/// The elements of all headers of that name; none if one cannot be read.
pub(super) fn parse<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> Option<Vec<Element<'a>>> {
    let mut elements = Vec::new();
    for value in values {
        for text in split(value.to_str().ok()?, ',').filter(|text| !text.is_empty()) {
            elements.push(element(text)?);
        }
    }
    Some(elements)
}

fn element(text: &str) -> Option<Element<'_>> {
    let mut element = Element::default();
    for pair in split(text, ';').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let place = match &*name.trim_end().to_ascii_lowercase() {
            "for" => &mut element.node,
            "host" => &mut element.host,
            "proto" => &mut element.scheme,
            _ => continue,
        };
        let twice = place.replace(unquote(value.trim_start())?).is_some();
        if twice {
            return None;
        }
    }
    Some(element)
}

/// Splits at a character that does not stand in quotes, and trims the parts.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(move |character| {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => return character == separator && !quoted,
        }
        false
    });
    parts.map(str::trim)
}

/// The text of a token or of a quoted string; none if the quotes do not match.
fn unquote(value: &str) -> Option<Cow<'_, str>> {
    let Some(rest) = value.strip_prefix('"') else {
        return if value.contains('"') { None } else { Some(value.into()) };
    };
    let text = rest.strip_suffix('"')?;
    if !text.contains(['"', '\\']) {
        return Some(text.into());
    }
    let mut unescaped = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => unescaped.push(characters.next()?),
            other => unescaped.push(other),
        }
    }
    Some(unescaped.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements as `for proto host`, a dash for what is missing, separated by commas.
    fn parsed(values: &[&str]) -> String {
        let parse_value = |value: &&str| HeaderValue::from_bytes(value.as_bytes()).unwrap();
        let values: Vec<_> = values.iter().map(parse_value).collect();
        let show = |element: &Element<'_>| {
            let parts = [&element.node, &element.scheme, &element.host];
            parts.map(|part| part.as_deref().unwrap_or("-").to_owned()).join(" ")
        };
        let Some(elements) = parse(values.iter()) else { return "malformed".to_owned() };
        elements.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn reads_the_examples_of_the_rfc() {
        let value = "for=192.0.2.60;proto=http;by=203.0.113.43";
        assert_eq!(parsed(&[value]), "192.0.2.60 http -");
        let value = "For=\"[2001:db8:cafe::17]:4711\"";
        assert_eq!(parsed(&[value]), "[2001:db8:cafe::17]:4711 - -");
        let value = "for=192.0.2.43, for=198.51.100.17";
        assert_eq!(parsed(&[value]), "192.0.2.43 - -, 198.51.100.17 - -");
    }

    #[test]
    fn several_headers_are_one_list() {
        let expected = "a - -, b - -, - https c:80";
        assert_eq!(parsed(&["for=a , for=b", " , proto = https ; host=\"c:80\";"]), expected);
    }

    #[test]
    fn separators_in_quotes_do_not_separate() {
        assert_eq!(parsed(&[r#"for="a,b;c\"d\\";host=e"#]), r#"a,b;c"d\ - e"#);
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let malformed = [
            "for=\"a, for=192.0.2.1",
            "for=a\"b",
            "for=\"a\"b\"",
            "for=\"a\\",
            "for",
            "for=a;for=b",
            "for=a, \u{e9}=b",
        ];
        for value in malformed {
            assert_eq!(parsed(&[value]), "malformed", "{value}");
        }
    }
}
