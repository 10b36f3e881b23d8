//! What the texts of values look like, for tools.

/// What one value or item looks like, as far as tools can know it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// A boolean by any of its words.
    Boolean,
    /// A number of at least 0, with or without a fraction.
    Number,
    /// Any text; what else is true of it only its type can tell.
    Text,
    /// A whole number.
    Whole {
        /// The least that it may be.
        least: u64,
        /// The most that it may be.
        most: u64,
    },
    /// One of a few words, to the letter.
    Words(&'static [&'static str]),
}

impl Form {
    /// What a size with a unit, such as `1 MiB`, comes to in bytes, where a whole number belongs.
    pub(super) fn bytes(self, text: &str) -> Option<u64> {
        let Self::Whole { least, most } = self else { return None };
        let unit = text.trim_start_matches(|character: char| character.is_ascii_digit());
        let number: u64 = text[..text.len() - unit.len()].parse().ok()?;
        let factor = match &*unit.trim().to_ascii_lowercase() {
            "b" | "bytes" => 1,
            "kb" => 1000,
            "mb" => 1000 * 1000,
            "gb" => 1000 * 1000 * 1000,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(factor).filter(|bytes| (least..=most).contains(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_sizes_come_to() {
        let whole = Form::Whole { least: 0, most: u64::from(u32::MAX) };
        for (text, expected) in [
            ("1 MiB", Some(1 << 20)),
            ("64k", Some(64 << 10)),
            ("2GB", Some(2_000_000_000)),
            ("3 bytes", Some(3)),
            ("4 GiB", None),
            ("99999999999999999999 k", None),
            ("k", None),
            ("1.5 MiB", None),
            ("30s", None),
            ("1", None),
        ] {
            assert_eq!(whole.bytes(text), expected, "{text:?}");
        }
        assert_eq!(Form::Text.bytes("1 MiB"), None);
    }
}
