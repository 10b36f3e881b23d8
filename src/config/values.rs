//! What the options of a file come to, as rust-ini reads them.
//!
//! rust-ini has no lines that continue others, cuts off blanks within quotes that do not end a
//! value, and takes `\` for an escape. So it is given the same options in a spelling of its own:
//! each value in quotes, with what would mean something to rust-ini behind a `\`.

use ini::{Ini, ParseOption};

use super::scan::{Group, Scan, Written, unquoted};

/// The values of all options of a file, by group, in their order.
pub(super) fn values(text: &str, scan: &Scan) -> Vec<Vec<String>> {
    let options = ParseOption { enabled_quote: true, enabled_escape: true, ..Default::default() };
    let read = Ini::load_from_str_opt(&spelling(text, scan), options)
        .expect("every group has a header, every value is in quotes, and every quote is closed");
    // The part before the first header has no options.
    let groups = read.iter().filter(|(name, _)| name.is_some());
    groups.map(|(_, options)| options.iter().map(|(_, value)| value.to_owned()).collect()).collect()
}

/// The same options as rust-ini would write them. Groups are numbered, since it would make one of
/// two that have the same name.
fn spelling(text: &str, scan: &Scan) -> String {
    let mut spelt = String::with_capacity(text.len() * 2);
    for (number, Group { options, .. }) in scan.groups.iter().enumerate() {
        spelt.extend(["[", &number.to_string(), "]\n"]);
        for Written { key, lines } in options {
            escape(&text[key.clone()], &mut spelt);
            spelt.push_str("=\"");
            let mut lines = lines.iter().map(|line| &text[line.clone()]);
            escape(unquoted(lines.next().unwrap_or_default()), &mut spelt);
            for line in lines {
                spelt.push_str("\\n");
                escape(line, &mut spelt);
            }
            spelt.push_str("\"\n");
        }
    }
    spelt
}

/// Writes what rust-ini reads as this text, whatever it holds.
fn escape(text: &str, spelt: &mut String) {
    for character in text.chars() {
        if "\\\"'=:[]#;".contains(character) {
            spelt.push('\\');
        }
        spelt.push(character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop, proptest};
    use proptest::sample::select;

    use super::*;
    use crate::config::scan::scan;

    /// Pieces of settings files, whole and broken.
    const PIECES: &[&str] = &[
        "[DEFAULT]\n",
        "[ssl]\n",
        "[a]b]",
        "[",
        "]",
        "=",
        ":",
        " = ",
        "#",
        ";",
        "\"",
        "'",
        "\\",
        "\\n",
        "$a",
        "k",
        "k = v",
        "\n",
        "\n",
        "\n ",
        "\n\t",
        "\r\n",
        "\r",
        " ",
        "\t",
        "\0",
        "\u{c}",
        "\u{1c}",
        "\u{85}",
        "\u{3000}",
        "\u{feff}",
        "\u{e9}",
        "\u{1f600}",
    ];

    /// What the places of the scanner say a value is.
    fn by_place(text: &str, written: &Written) -> String {
        let mut lines = written.lines.iter().map(|line| &text[line.clone()]);
        let first = unquoted(lines.next().unwrap());
        [first].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }

    fn agrees(text: &str) {
        let scan = scan(text);
        let ours: Vec<Vec<_>> = scan
            .groups
            .iter()
            .map(|group| group.options.iter().map(|written| by_place(text, written)).collect())
            .collect();
        assert_eq!(values(text, &scan), ours, "{text:?}");
        let spelt = spelling(text, &scan);
        let options =
            ParseOption { enabled_quote: true, enabled_escape: true, ..Default::default() };
        let read = Ini::load_from_str_opt(&spelt, options).unwrap();
        let theirs = read.iter().flat_map(|(_, options)| options.iter().map(|(key, _)| key));
        let ours = scan.groups.iter().flat_map(|group| &group.options);
        let ours = ours.map(|written| &text[written.key.clone()]);
        assert_eq!(theirs.collect::<Vec<_>>(), ours.collect::<Vec<_>>(), "{text:?}");
    }

    fn texts() -> impl Strategy<Value = String> {
        prop::collection::vec(select(PIECES), 0..60)
            .prop_map(|pieces| format!("[DEFAULT]\n{}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn rust_ini_reads_what_the_scanner_places(text in texts()) {
            agrees(&text);
        }
    }

    #[test]
    fn the_same_group_and_key_may_come_again() {
        let text = "[a]\nk=1\nk=2\n[b]\n[a]\nk=3\n";
        assert_eq!(values(text, &scan(text)), [vec!["1", "2"], vec![], vec!["3"]]);
    }
}
