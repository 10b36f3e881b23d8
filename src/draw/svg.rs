//! A picture as an SVG image that needs nothing else.

mod area;
mod block;
mod layout;
mod style;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;

use self::area::{Area, Point};
use self::block::{CAPTION_GAP, CAPTION_MOST, LABEL_MOST, LANE_PADDING, TEXT_MOST};
use self::layout::{Arrow, BEND, Layout, MARGIN};
use self::style::Style;
use self::text::{Escaped, Font};
use super::tone::Tone;
use super::{Branch, Item, Picture};

impl Picture {
    /// The picture as an SVG image: pipelines from left to right in the order in which a request
    /// passes them, the ways on from a composite below one another. Its colours follow the
    /// reader's preference for light or dark, and each box says in its tooltip what is known of
    /// it.
    pub fn svg(&self) -> impl fmt::Display {
        Svg { layout: Layout::of(self), title: &self.title }
    }
}

struct Svg<'a> {
    layout: Layout<'a>,
    title: &'a str,
}

impl fmt::Display for Svg<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { width, height, .. } = self.layout;
        let width = width.max(self.least_width());
        let title = Escaped(self.title);
        write!(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pasteline\" role=\"img\"")?;
        write!(f, " width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"")?;
        writeln!(f, " style=\"max-width:100%;height:auto\">")?;
        writeln!(f, "<title>{title}</title>\n<style>\n{Style}</style>\n{MARKERS}")?;
        writeln!(f, "<rect class=\"page\" width=\"{width}\" height=\"{height}\" rx=\"12\"/>")?;
        let y = MARGIN + 14;
        let shown = Font::TITLE.fit(self.title, width - 2 * MARGIN);
        writeln!(f, "<text class=\"title\" x=\"{MARGIN}\" y=\"{y}\">{}</text>", Escaped(&shown))?;
        self.layout.lanes.iter().try_for_each(|(lane, area)| write_lane(f, lane, *area))?;
        self.layout.arrows.iter().try_for_each(|arrow| write_arrow(f, arrow))?;
        self.layout.entries.iter().try_for_each(|entry| write_entry(f, *entry))?;
        self.layout.labels.iter().try_for_each(|(branch, at)| write_label(f, branch, *at))?;
        self.layout.boxes.iter().try_for_each(|(item, area)| write_box(f, item, *area))?;
        self.write_legend(f)?;
        writeln!(f, "</svg>")
    }
}

impl Svg<'_> {
    /// What there is to explain: a class and a word for it.
    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        let boxes = || self.layout.boxes.iter().map(|(item, _)| item);
        let tones: Vec<_> = boxes().map(|item| Tone::of(item)).collect();
        let tones = Tone::ALL.iter().filter(|tone| tones.contains(tone));
        let unknown = boxes().any(|item| item.is_unknown());
        let unknown = unknown.then_some(("unknown", "unknown factory"));
        tones.map(|tone| (tone.name(), tone.name())).chain(unknown).collect()
    }

    fn write_legend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Point { mut x, y } = self.layout.legend;
        for (class, word) in self.legend() {
            let chip = Area { x, y: y - 10, width: 16, height: 12 };
            write!(f, "<g class=\"{class}\">{}", Rectangle(chip, 3))?;
            writeln!(f, "<text class=\"small\" x=\"{}\" y=\"{y}\">{word}</text></g>", x + 22)?;
            x += 40 + Font::SMALL.width(word);
        }
        Ok(())
    }

    /// The width that the title and the legend need.
    fn least_width(&self) -> usize {
        let legend: usize =
            self.legend().iter().map(|(_, word)| 40 + Font::SMALL.width(word)).sum();
        let title = Font::TITLE.width(self.title).min(2 * TEXT_MOST);
        2 * MARGIN + legend.max(title)
    }
}

fn write_lane(f: &mut fmt::Formatter<'_>, lane: &Item, area: Area) -> fmt::Result {
    let (x, y) = (area.x + LANE_PADDING, area.y + 24);
    let name = Font::NAME.fit(&lane.name, CAPTION_MOST);
    let next = x + Font::NAME.width(&name) + CAPTION_GAP;
    let summary = lane.summary();
    let what = Font::SMALL.fit(&summary, CAPTION_MOST);
    writeln!(f, "<g class=\"lane pipeline\"><title>{}</title>", Tooltip(lane))?;
    writeln!(f, "{}", Rectangle(area, 14))?;
    writeln!(f, "<text class=\"name\" x=\"{x}\" y=\"{y}\">{}</text>", Escaped(&name))?;
    writeln!(f, "<text class=\"small\" x=\"{next}\" y=\"{y}\">{}</text></g>", Escaped(&what))
}

fn write_box(f: &mut fmt::Formatter<'_>, item: &Item, area: Area) -> fmt::Result {
    let (x, y) = (area.x + area.width / 2, area.y);
    let name = Font::NAME.fit(&item.name, TEXT_MOST);
    let summary = item.summary();
    let what = Font::SMALL.fit(&summary, TEXT_MOST);
    let (tone, mark) = (Tone::of(item).name(), if item.is_unknown() { " unknown" } else { "" });
    writeln!(f, "<g class=\"box {tone}{mark}\"><title>{}</title>", Tooltip(item))?;
    writeln!(f, "{}", Rectangle(area, 8))?;
    writeln!(f, "<text class=\"name\" x=\"{x}\" y=\"{}\">{}</text>", y + 20, Escaped(&name))?;
    writeln!(f, "<text class=\"small\" x=\"{x}\" y=\"{}\">{}</text></g>", y + 36, Escaped(&what))
}

fn write_entry(f: &mut fmt::Formatter<'_>, at: Point) -> fmt::Result {
    let Point { x, y } = at;
    writeln!(f, "<circle class=\"entry\" cx=\"{x}\" cy=\"{y}\" r=\"4\"/>")?;
    writeln!(f, "<text class=\"small\" x=\"{x}\" y=\"{}\">request</text>", y - 10)
}

fn write_label(f: &mut fmt::Formatter<'_>, branch: &Branch, at: Point) -> fmt::Result {
    let Point { x, y } = at;
    let (label, shown) = (Escaped(&branch.label), Font::LABEL.fit(&branch.label, LABEL_MOST));
    let class = if branch.is_hidden { "label hidden" } else { "label" };
    write!(f, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">")?;
    writeln!(f, "<title>{label}</title>{}</text>", Escaped(&shown))
}

/// A line with round corners. Each is at least as far from the next as it takes for both to be
/// round.
fn write_arrow(f: &mut fmt::Formatter<'_>, arrow: &Arrow) -> fmt::Result {
    let class = if arrow.is_hidden { "arrow hidden" } else { "arrow" };
    write!(f, "<path class=\"{class}\" d=\"M")?;
    let points = &arrow.points;
    for (number, Point { x, y }) in points.iter().copied().enumerate() {
        let around =
            number.checked_sub(1).and_then(|last| points.get(last)).zip(points.get(number + 1));
        let Some((&before, &after)) = around else {
            let line = if number == 0 { "" } else { "L" };
            write!(f, "{line}{x} {y}")?;
            continue;
        };
        let (from, to) = (toward((x, y), before), toward((x, y), after));
        write!(f, "L{} {}Q{x} {y} {} {}", from.x, from.y, to.x, to.y)?;
    }
    writeln!(f, "\"/>")
}

/// The point on the way from a corner where it is round no more: at most half of the way, so that
/// the next corner has room.
fn toward((x, y): (usize, usize), other: Point) -> Point {
    let go = |from: usize, to: usize| {
        let by = BEND.min(from.abs_diff(to) / 2);
        if to > from { from + by } else { from - by }
    };
    Point { x: go(x, other.x), y: go(y, other.y) }
}

struct Rectangle(Area, usize);

impl fmt::Display for Rectangle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Area { x, y, width, height }, radius) = self;
        write!(
            f,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>"
        )
    }
}

/// What is known of something, a line each.
struct Tooltip<'a>(&'a Item);

impl fmt::Display for Tooltip<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&self.0.details().join("\n")))
    }
}

const MARKERS: &str = "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" \
     markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
     <path class=\"head\" d=\"M1 1L7 4L1 7Z\"/></marker></defs>";
