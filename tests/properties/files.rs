//! Texts that stand for several files.

/// What parts the files of a text: a line `--- NAME`.
const BORDER: &str = "--- ";

/// The name of the first file.
pub(crate) const MAIN: &str = "main.ini";

/// The name of the file that lies over the first, if there is one.
pub(crate) const OVERLAY: &str = "over.ini";

/// The files of a text by their names; of several with one name the last counts.
pub(crate) fn files(text: &str) -> Vec<(&str, &str)> {
    let mut files = Vec::new();
    let (mut name, mut start, mut end) = (MAIN, 0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(next) = line.strip_prefix(BORDER) {
            files.push((name, &text[start..end]));
            (name, start) = (next.trim_end(), end + line.len());
        }
        end += line.len();
    }
    files.push((name, &text[start..end]));
    files
}

/// Where a file stands.
pub(crate) fn path(name: &str) -> String {
    format!("/dir/{name}")
}
