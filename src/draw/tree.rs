//! A picture as an indented tree, for terminals.

use std::fmt;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::tone::Tone;
use super::{Branch, Item, Kind, Picture, RowId};

/// Whether a tree is coloured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colours {
    /// Plain text.
    None,
    /// With the escape sequences of a terminal.
    Terminal,
}

/// The widest cell that moves the next column, in columns of a terminal.
const WIDEST: usize = 60;

const DIM: Style = Style::new().dimmed();
const LABEL: Style = Style::new().bold();

impl Picture {
    /// The picture as an indented tree: each pipeline with its filters in order, each composite
    /// with its ways on.
    pub fn tree(&self, colours: Colours) -> impl fmt::Display {
        Tree { picture: self, colours }
    }

    /// The lines of an app.
    fn lines(&self, root: RowId) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        let mut left = vec![(String::new(), Position::Root, self.entry("", root))];
        while let Some((indent, position, entry)) = left.pop() {
            let below = indent.clone() + position.below();
            let mut children: Vec<_> = self.children(&entry);
            let last = children.pop().map(|child| (below.clone(), Position::Last, child));
            let others = children.into_iter().rev();
            left.extend(last);
            left.extend(others.map(|child| (below.clone(), Position::Middle, child)));
            let Entry { label, item, .. } = entry;
            lines.push(Line { indent: indent + position.here(), label, item });
        }
        lines
    }

    fn entry<'a>(&'a self, label: &'a str, row: RowId) -> Entry<'a> {
        let row = &self.rows[row];
        match &row.lane {
            Some(lane) => Entry { label, item: lane, items: &row.items, branches: &row.branches },
            None => Entry { label, item: &row.items[0], items: &[], branches: &row.branches },
        }
    }

    /// What stands below an entry: the boxes of a lane, or the ways on.
    fn children<'a>(&'a self, entry: &Entry<'a>) -> Vec<Entry<'a>> {
        let Entry { items, branches, .. } = *entry;
        let leaf = |item| Entry { label: "", item, items: &[], branches: &[] };
        let mut children: Vec<_> = items.iter().map(leaf).collect();
        match children.last_mut() {
            // The ways on are those of the composite at the end.
            Some(last) if matches!(last.item.kind, Kind::Composite | Kind::Pipeline) => {
                last.branches = branches;
            }
            _ => {
                let further = branches.iter().map(|branch| self.entry(&branch.label, branch.row));
                children.extend(further);
            }
        }
        children
    }
}

struct Tree<'a> {
    picture: &'a Picture,
    colours: Colours,
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, root) in self.picture.roots.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            self.write(f, &self.picture.lines(*root))?;
        }
        Ok(())
    }
}

impl Tree<'_> {
    /// Writes lines in three columns: the tree, the place of each, and what it is.
    fn write(&self, f: &mut fmt::Formatter<'_>, lines: &[Line<'_>]) -> fmt::Result {
        let widths: Vec<_> = lines.iter().map(Line::width).collect();
        let first = widest(widths.iter().copied());
        let second = widest(lines.iter().map(|line| line.place().width()));
        for (line, width) in lines.iter().zip(widths) {
            for (text, style) in line.head() {
                self.paint(f, text, style)?;
            }
            write!(f, "{:1$}", "", first.saturating_sub(width) + 2)?;
            self.paint(f, line.place(), DIM)?;
            write!(f, "{:1$}", "", second.saturating_sub(line.place().width()) + 2)?;
            let style = if line.item.is_unknown() { style(line.item) } else { Style::new() };
            self.paint(f, &line.what(), style)?;
            writeln!(f)?;
        }
        Ok(())
    }

    fn paint(&self, f: &mut fmt::Formatter<'_>, text: &str, style: Style) -> fmt::Result {
        match self.colours {
            Colours::Terminal if !text.is_empty() => write!(f, "{style}{text}{style:#}"),
            Colours::None | Colours::Terminal => f.write_str(text),
        }
    }
}

/// What has a line of its own, and what stands below it.
struct Entry<'a> {
    label: &'a str,
    item: &'a Item,
    items: &'a [Item],
    branches: &'a [Branch],
}

#[derive(Clone, Copy)]
enum Position {
    Root,
    Middle,
    Last,
}

impl Position {
    fn here(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Middle => "├─ ",
            Self::Last => "└─ ",
        }
    }

    fn below(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Middle => "│  ",
            Self::Last => "   ",
        }
    }
}

struct Line<'a> {
    indent: String,
    label: &'a str,
    item: &'a Item,
}

impl Line<'_> {
    /// The texts of the first column, each with its style.
    fn head(&self) -> [(&str, Style); 4] {
        let arrow = if self.label.is_empty() { "" } else { " → " };
        let name = (&*self.item.name, style(self.item));
        [(&self.indent, DIM), (self.label, LABEL), (arrow, DIM), name]
    }

    fn width(&self) -> usize {
        self.head().iter().map(|(text, _)| text.width()).sum()
    }

    /// The text of the second column.
    fn place(&self) -> &str {
        self.item.place.as_deref().unwrap_or_default()
    }

    /// The text of the third column.
    fn what(&self) -> String {
        let factory = self.item.factory.as_deref().unwrap_or_default();
        let unknown = || format!("unknown factory {factory}");
        self.item.what.clone().unwrap_or_else(unknown)
    }
}

/// The width of a column, as long as it is not too wide for the others.
fn widest(widths: impl Iterator<Item = usize>) -> usize {
    widths.filter(|width| *width <= WIDEST).max().unwrap_or_default()
}

/// The colour of a name, by what it is.
fn style(item: &Item) -> Style {
    let colour = match Tone::of(item) {
        _ if item.is_unknown() => AnsiColor::Yellow,
        Tone::App => AnsiColor::Green,
        Tone::Composite => AnsiColor::Magenta,
        Tone::Filter => AnsiColor::Blue,
        Tone::Group => return Style::new().bold(),
    };
    Style::new().fg_color(Some(colour.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::fixture::{everything, picture};

    #[test]
    fn draws_everything() {
        let expected = include_str!("golden/everything.tree");
        assert_eq!(everything().tree(Colours::None).to_string(), expected);
    }

    #[test]
    fn a_terminal_gets_colours() {
        let picture = picture("[app:main]\nuse = egg:My#app\n");
        let expected = "\u{1b}[33mmain\u{1b}[0m  \u{1b}[2mtest.ini:1\u{1b}[0m  \
                        \u{1b}[33munknown factory egg:My#app\u{1b}[0m\n";
        assert_eq!(picture.tree(Colours::Terminal).to_string(), expected);
    }
}
