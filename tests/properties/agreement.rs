//! What two readers of a text must agree on. The fuzz target `agree` calls this as well.

use ini::{Ini, ParseOption};
use pasteline::ini::{Setting, parse};
use pasteline::source::Sources;
use pasteline::syntax::{self, Line, LineKind};

/// rust-ini reads the same from what means the same to it: lines that stand for themselves, ended
/// by `\n`, without blanks that only Python knows. Says whether this is such a text.
pub(crate) fn is_read_the_same_by_rust_ini(text: &str) -> bool {
    let is_plain = |character: char| {
        matches!(character, ' ' | '\n' | '!'..='[' | ']'..='~') || character > '\u{3000}'
    };
    if !text.chars().all(is_plain) || !syntax::parse(text).all(|line| is_simple(text, &line)) {
        return false;
    }
    let mut sources = Sources::default();
    let source = sources.add("paste.ini", text);
    let (document, faults) = parse(source, &sources);
    if !faults.is_empty() {
        return false;
    }
    let default = |setting: &Setting| entry("DEFAULT", &setting.key, &setting.raw);
    let mut ours: Vec<_> = document.defaults.iter().map(default).collect();
    for section in &document.sections {
        let option = |setting: &Setting| entry(&section.name, &setting.key, &setting.raw);
        ours.extend(section.options.iter().map(option));
    }
    let options = ParseOption { enabled_quote: false, enabled_escape: false, ..Default::default() };
    let read = Ini::load_from_str_opt(text, options).expect("rust-ini reads it too");
    let mut theirs = Vec::new();
    for (section, properties) in &read {
        let section = section.unwrap_or_default();
        theirs.extend(properties.iter().map(|(key, value)| entry(section, key, value)));
    }
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
    true
}

fn entry(section: &str, key: &str, value: &str) -> [String; 3] {
    [section, key, value].map(str::to_owned)
}

/// Whether a line is one that rust-ini takes for the same.
fn is_simple(text: &str, line: &Line) -> bool {
    let whole = text[line.range.clone()].trim_end_matches('\n');
    let is_bare = line.indentation == 0;
    match &line.kind {
        LineKind::Blank => whole.is_empty(),
        LineKind::Comment => is_bare,
        LineKind::Header { name } => {
            let name = &text[name.clone()];
            is_bare && whole == format!("[{name}]") && !name.contains(']') && name == name.trim()
        }
        LineKind::Junk => false,
        LineKind::Option { key, .. } => is_bare && !key.is_empty() && !whole.starts_with('['),
    }
}
