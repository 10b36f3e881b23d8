//! A picture as a Graphviz graph.

use std::fmt;

use super::tone::{Palette, Tone, UNKNOWN};
use super::{Item, Picture, Row};

/// What holds for all nodes and edges.
const HEAD: &str = "  \
  graph [rankdir=LR, nodesep=0.25, ranksep=0.4, fontname=Helvetica, fontsize=11, labeljust=l];
  node [shape=box, fontname=Helvetica, fontsize=11];
  edge [fontname=Helvetica, fontsize=10, color=\"#57606a\", arrowsize=0.7];
";

impl Picture {
    /// The picture as a graph for Graphviz' `dot`: pipelines as clusters, and what is known of
    /// each box as its tooltip.
    pub fn dot(&self) -> impl fmt::Display {
        Dot(self)
    }
}

struct Dot<'a>(&'a Picture);

impl fmt::Display for Dot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(picture) = self;
        writeln!(f, "digraph {} {{\n{HEAD}", Quoted(&picture.title))?;
        let (order, numbers) = (picture.order(), picture.numbers());
        for id in &order {
            write_row(f, &picture.rows[*id], numbers[*id])?;
        }
        writeln!(f)?;
        for id in order {
            let row = &picture.rows[id];
            let last = numbers[id] + row.items.len() - 1;
            for branch in &row.branches {
                write!(f, "  n{last} -> n{}", numbers[branch.row])?;
                let style = if branch.is_hidden { ", style=dashed" } else { "" };
                match &*branch.label {
                    "" => writeln!(f, ";")?,
                    label => writeln!(f, " [label={}{style}];", Quoted(label))?,
                }
            }
        }
        writeln!(f, "}}")
    }
}

/// Writes the boxes of a row, and the arrows between them.
fn write_row(f: &mut fmt::Formatter<'_>, row: &Row, first: usize) -> fmt::Result {
    let indent = if row.lane.is_some() { "    " } else { "  " };
    if let Some(lane) = &row.lane {
        writeln!(f, "  subgraph cluster_{first} {{")?;
        writeln!(f, "{indent}style=\"rounded,filled\"; {};", attributes(lane, "; "))?;
    }
    let numbers = first..first + row.items.len();
    for (number, item) in numbers.clone().zip(&row.items) {
        let style = if item.is_unknown() { "rounded,filled,dashed" } else { "rounded,filled" };
        writeln!(f, "{indent}n{number} [style=\"{style}\", {}];", attributes(item, ", "))?;
    }
    if numbers.len() > 1 {
        let way: Vec<_> = numbers.map(|number| format!("n{number}")).collect();
        writeln!(f, "{indent}{};", way.join(" -> "))?;
    }
    if row.lane.is_some() { writeln!(f, "  }}") } else { Ok(()) }
}

/// What boxes and clusters have in common.
fn attributes(item: &Item, separator: &str) -> String {
    let Palette { fill, border } = Tone::of(item).light();
    let border = if item.is_unknown() { UNKNOWN } else { border };
    let (label, tooltip) =
        (format!("{}\n{}", item.name, item.summary()), item.details().join("\n"));
    let attributes = [
        format!("label={}", Quoted(&label)),
        format!("tooltip={}", Quoted(&tooltip)),
        format!("fillcolor=\"{fill}\""),
        format!("color=\"{border}\""),
    ];
    attributes.join(separator)
}

/// A text as a string of DOT, in which Graphviz reads escapes and HTML's entities.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '&' => f.write_str("&amp;")?,
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
        let expected = include_str!("golden/everything.dot");
        assert_eq!(everything().dot().to_string(), expected);
    }
}
