//! JSON as Python writes it: a blank behind `,` and `:`, and nothing but ASCII.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;
use serde_json::ser::{Formatter, Serializer};

/// The text of a value, byte for byte what Python's `json.dumps` makes of it.
pub(super) fn dumps(value: &Json) -> String {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = Serializer::with_formatter(&mut bytes, Python);
    value.serialize(&mut serializer).expect("a value is written to memory");
    String::from_utf8(bytes).expect("it is ASCII")
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for character in fragment.chars() {
            // Python escapes DEL no more than other ASCII that JSON allows.
            if character.is_ascii() {
                writer.write_all(&[character as u8])?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn is_spaced_and_escaped_as_in_python() {
        let value = json!({"a": [1, "z\u{e9}\u{1f600}\n\"\\"], "b": {}, "c": [], "d": null});
        let expected = r#"{"a": [1, "z\u00e9\ud83d\ude00\n\"\\"], "b": {}, "c": [], "d": null}"#;
        assert_eq!(dumps(&value), expected);
    }
}
