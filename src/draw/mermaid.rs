//! A picture as a Mermaid flowchart.

use std::fmt;

use super::tone::{Palette, Tone, UNKNOWN};
use super::{Kind, Picture, Row};

impl Picture {
    /// The picture as a flowchart for Mermaid, which many wikis draw: pipelines as subgraphs.
    pub fn mermaid(&self) -> impl fmt::Display {
        Mermaid(self)
    }
}

struct Mermaid<'a>(&'a Picture);

impl fmt::Display for Mermaid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(picture) = self;
        writeln!(f, "flowchart LR")?;
        let (order, numbers) = (picture.order(), picture.numbers());
        for id in &order {
            write_row(f, &picture.rows[*id], numbers[*id])?;
        }
        for id in order {
            let row = &picture.rows[id];
            let last = numbers[id] + row.items.len() - 1;
            for branch in &row.branches {
                let arrow = if branch.is_hidden { "-.->" } else { "-->" };
                write!(f, "  n{last} {arrow}")?;
                if !branch.label.is_empty() {
                    write!(f, "|{}|", Quoted(&branch.label))?;
                }
                writeln!(f, " n{}", numbers[branch.row])?;
            }
        }
        for tone in Tone::ALL {
            let (name, Palette { fill, border }) = (tone.name(), tone.light());
            writeln!(f, "  classDef {name} fill:{fill},stroke:{border},color:#1f2328")?;
        }
        // The last one wins.
        writeln!(f, "  classDef unknown stroke:{UNKNOWN},stroke-dasharray:5 3")
    }
}

/// Writes the boxes of a row, and the arrows between them.
fn write_row(f: &mut fmt::Formatter<'_>, row: &Row, first: usize) -> fmt::Result {
    let indent = if row.lane.is_some() { "    " } else { "  " };
    if let Some(lane) = &row.lane {
        // Mermaid leaves room for a title of one line.
        let title = format!("{} · {}", lane.name, lane.summary());
        writeln!(f, "  subgraph g{first} [{}]", Quoted(&title))?;
    }
    let numbers = first..first + row.items.len();
    for (number, item) in numbers.clone().zip(&row.items) {
        let (open, close) = match item.kind {
            Kind::Composite => ("{{", "}}"),
            Kind::App => ("([", "])"),
            Kind::Filter | Kind::Filtered | Kind::Pipeline => ("[", "]"),
        };
        let class = Tone::of(item).name();
        let label = format!("{}\n{}", item.name, item.summary());
        writeln!(f, "{indent}n{number}{open}{}{close}:::{class}", Quoted(&label))?;
    }
    if numbers.len() > 1 {
        writeln!(f, "{indent}{}", joined(numbers.clone(), " --> "))?;
    }
    if row.lane.is_some() {
        writeln!(f, "  end\n  class g{first} {}", Tone::Group.name())?;
    }
    let items = numbers.zip(&row.items);
    let unknown =
        joined(items.filter(|(_, item)| item.is_unknown()).map(|(number, _)| number), ",");
    if unknown.is_empty() { Ok(()) } else { writeln!(f, "  class {unknown} unknown") }
}

fn joined(numbers: impl Iterator<Item = usize>, separator: &str) -> String {
    numbers.map(|number| format!("n{number}")).collect::<Vec<_>>().join(separator)
}

/// A text as a string of Mermaid, in which it reads HTML, Markdown and entities of its own.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '\n' => f.write_str("<br>")?,
                '"' | '#' | '&' | '<' | '>' | '`' | '*' | '\\' => {
                    write!(f, "#{};", u32::from(character))?;
                }
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use crate::draw::fixture::everything;

    #[test]
    fn draws_everything() {
        let expected = include_str!("golden/everything.mmd");
        assert_eq!(everything().mermaid().to_string(), expected);
    }
}
