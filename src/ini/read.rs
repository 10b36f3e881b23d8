//! Reads files, with what stands in the way as diagnostics.

use std::io::{ErrorKind, Read};
use std::path::Path;

use super::{Document, parse};
use crate::diagnostic::Diagnostic;
use crate::source::{ReadError, SourceId, Sources, Span, Unreadable};

/// Reads and parses a file.
///
/// Without a document there is one diagnostic, which has no place and no more than the path and
/// the cause to tell; the caller knows who named the file. Of a file that is not UTF-8 there is a
/// document of what can be read.
pub fn read(path: &Path, sources: &mut Sources) -> (Option<Document>, Vec<Diagnostic>) {
    read_as(path, path, sources)
}

/// Reads and parses a file that goes by another name in messages; else like [`read`].
pub fn read_as(
    path: &Path,
    name: &Path,
    sources: &mut Sources,
) -> (Option<Document>, Vec<Diagnostic>) {
    let read = sources.read_as(path, name);
    parse_what_is_read(read, sources)
}

/// Reads and parses what is no file, such as standard input, under a name for messages; else
/// like [`read`].
pub fn read_from(
    reader: impl Read,
    name: &Path,
    sources: &mut Sources,
) -> (Option<Document>, Vec<Diagnostic>) {
    let read = sources.read_from(reader, name);
    parse_what_is_read(read, sources)
}

fn parse_what_is_read(
    read: Result<SourceId, ReadError>,
    sources: &Sources,
) -> (Option<Document>, Vec<Diagnostic>) {
    let error = match read {
        Ok(source) => {
            let (document, diagnostics) = parse(source, sources);
            return (Some(document), diagnostics);
        }
        Err(error) => error,
    };
    let Unreadable::NotUtf8 { byte, offset, length, span } = error.cause else {
        let class = class(&error.cause);
        return (None, vec![Diagnostic::error("unreadable-file", error.to_string()).class(class)]);
    };
    let fault = not_utf8(&error, span, byte);
    let (document, mut diagnostics) = parse(span.source, sources);
    let decoded = decoded(byte, offset, length);
    let at = diagnostics.partition_point(|earlier| is_read_before(decoded, earlier, sources));
    diagnostics.insert(at, fault);
    (Some(document), diagnostics)
}

fn not_utf8(error: &ReadError, span: Span, byte: u8) -> Diagnostic {
    Diagnostic::error("not-utf8", error.to_string())
        .at(span)
        .label(format!("byte 0x{byte:02x}"))
        .help("save the file as UTF-8; it may be Latin-1 or Windows-1252 now")
        .class("UnicodeDecodeError")
}

/// How much Python has decoded by the time it stops at a bad byte: it takes 8192 bytes at a time,
/// and waits for more where these, or the file, end within a character.
fn decoded(byte: u8, offset: usize, length: Option<usize>) -> usize {
    const CHUNK: usize = 8192;
    let start = offset / CHUNK * CHUNK;
    let begins_character = (0xc2..=0xf4).contains(&byte);
    let is_cut_off =
        length.is_none_or(|length| begins_character && offset + length >= start + CHUNK);
    if is_cut_off { offset } else { start }
}

/// Whether Python has the line of a fault when it has decoded so much. A `\r` at the very end may
/// be half of a line's end.
fn is_read_before(decoded: usize, fault: &Diagnostic, sources: &Sources) -> bool {
    let Some(span) = fault.span else { return false };
    let text = sources.get(span.source).text().as_bytes();
    text.get(span.range().end..decoded).is_some_and(|after| {
        let after = after.strip_suffix(b"\r").unwrap_or(after);
        after.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
    })
}

/// Python's name for a failure to open a file.
fn class(cause: &Unreadable) -> &'static str {
    match cause {
        Unreadable::Io(error) => match error.kind() {
            ErrorKind::NotFound => "FileNotFoundError",
            ErrorKind::PermissionDenied => "PermissionError",
            ErrorKind::NotADirectory => "NotADirectoryError",
            _ => "OSError",
        },
        Unreadable::NotAFile("a directory") => "IsADirectoryError",
        Unreadable::NotUtf8 { .. } => "UnicodeDecodeError",
        Unreadable::NotAFile(_) | Unreadable::TooLarge => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::raised;

    /// Reads these bytes as a file.
    fn read_bytes(name: &str, bytes: &[u8]) -> (Option<Document>, Vec<Diagnostic>) {
        let path = std::env::temp_dir().join(format!("pasteline-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let result = read(&path, &mut Sources::default());
        std::fs::remove_file(&path).unwrap();
        result
    }

    fn raised_class(diagnostics: &[Diagnostic]) -> Option<&'static str> {
        raised(diagnostics).first().map(|fault| fault.class)
    }

    #[test]
    fn names_what_python_would_raise() {
        let class = |path: &str| read(Path::new(path), &mut Sources::default()).1[0].class;
        assert_eq!(class("no/such.ini"), "FileNotFoundError");
        assert_eq!(class("/"), "IsADirectoryError");
        assert_eq!(class("/dev/null"), "");
    }

    #[test]
    fn reads_what_it_can_of_a_file_that_is_not_utf_8() {
        let (document, diagnostics) = read_bytes("latin1.ini", b"[s]\na = caf\xe9\nb\n");
        assert_eq!(document.unwrap().sections[0].options.len(), 1);
        let slugs: Vec<_> = diagnostics.iter().map(|fault| fault.slug).collect();
        assert_eq!(slugs, ["not-utf8", "not-an-option"]);
        assert_eq!(raised_class(&diagnostics), Some("UnicodeDecodeError"));
    }

    #[test]
    fn reads_what_is_no_file() {
        let read = |bytes: &[u8]| read_from(bytes, Path::new("<stdin>"), &mut Sources::default());
        let (document, diagnostics) = read(b"[s]\na = 1");
        assert_eq!((document.unwrap().sections.len(), diagnostics), (1, Vec::new()));
        assert_eq!(raised_class(&read(b"[s]\n\xff").1), Some("UnicodeDecodeError"));
    }

    #[test]
    fn puts_a_bad_byte_after_the_faults_of_earlier_chunks() {
        let padded = |blanks: usize| {
            let head = "[s]\n[s]\n";
            [head.as_bytes(), &b"\n".repeat(blanks), b"\xff"].concat()
        };
        let (_, early) = read_bytes("early.ini", &padded(8000));
        assert_eq!(raised_class(&early), Some("UnicodeDecodeError"));
        let (_, late) = read_bytes("late.ini", &padded(8200));
        assert_eq!(raised_class(&late), Some("DuplicateSectionError"));
    }

    #[test]
    fn puts_a_character_that_is_cut_off_after_the_lines_before_it() {
        let blanks = |count| "\n".repeat(count).into_bytes();
        for (bytes, expected) in [
            (b"\n\xe2\x82".to_vec(), "DuplicateSectionError"),
            (b"\nx\xc3".to_vec(), "DuplicateSectionError"),
            (b"\xe2\x82".to_vec(), "UnicodeDecodeError"),
            (b"\r\xe2".to_vec(), "UnicodeDecodeError"),
            (b"\n\xff".to_vec(), "UnicodeDecodeError"),
            ([blanks(8184), b"\xe2\xff".to_vec()].concat(), "DuplicateSectionError"),
            ([blanks(8183), b"\xe2\xff".to_vec()].concat(), "UnicodeDecodeError"),
            ([blanks(8184), b"\xff".to_vec()].concat(), "UnicodeDecodeError"),
        ] {
            let (_, found) = read_bytes("cut.ini", &[&b"[s]\n[s]"[..], &bytes].concat());
            assert_eq!(raised_class(&found), Some(expected), "{} bytes", bytes.len());
        }
    }
}
