//! Doc comments as people read them.

/// A doc comment without the blanks that stand between its slashes and its words.
///
/// ```
/// use pasteline::settings::prose;
///
/// assert_eq!(prose(" Pours tea.\n\n ```ini\n cups = 2\n ```\n"), "Pours tea.\n\n```ini\ncups = 2\n```");
/// ```
pub fn prose(doc: &str) -> String {
    let lines = doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The first sentence of a doc comment, in one line.
///
/// ```
/// use pasteline::settings::summary;
///
/// assert_eq!(summary(" Pours tea, 2.0,\n for two. Hot.\n\n More.\n"), "Pours tea, 2.0, for two.");
/// assert_eq!(summary(" Pours tea:\n\n - hot\n"), "Pours tea.");
/// ```
pub fn summary(doc: &str) -> String {
    let prose = prose(doc);
    let paragraph = prose.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    match paragraph.find(". ") {
        Some(end) => paragraph[..=end].to_owned(),
        // What a list or an example follows is a sentence all the same.
        None => paragraph.strip_suffix(':').map_or(paragraph.clone(), |text| format!("{text}.")),
    }
}
