//! How much room a row takes, alone and with all that it leads to.

use super::area::{Area, Point};
use super::text::Font;
use crate::draw::{Item, Picture, Row};

pub(super) const BOX_HEIGHT: usize = 46;
/// The narrowest box.
const BOX_LEAST: usize = 76;
/// From the sides of a box to its text.
const BOX_PADDING: usize = 14;
/// The widest text in a box.
pub(super) const TEXT_MOST: usize = 300;
/// The widest text in a caption.
pub(super) const CAPTION_MOST: usize = 600;
/// From a box to the next.
const BOX_GAP: usize = 28;
/// From a line of boxes to the next.
pub(super) const LINE_GAP: usize = 30;
/// How far boxes may go on in one line before another one is begun.
const LINE_MOST: usize = 820;
/// From the sides of a lane to its boxes.
pub(super) const LANE_PADDING: usize = 26;
/// From the top of a lane to its boxes.
const CAPTION_HEIGHT: usize = 38;
/// From the name in a caption to what it is.
pub(super) const CAPTION_GAP: usize = 10;
/// From what a branch leads to to that of the next branch.
const BRANCH_GAP: usize = 22;
/// From a row to the line at which its branches part.
pub(super) const TRUNK: usize = 22;
/// From that line to the label.
pub(super) const LABEL_START: usize = 12;
/// From the label to where the branch leads.
const LABEL_END: usize = 20;
/// The widest label.
pub(super) const LABEL_MOST: usize = 320;

/// A row and all that it leads to. Places in it count from its upper left corner.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The row itself: its lane, or its only box.
    pub(super) row: Area,
    /// Its boxes.
    pub(super) boxes: Vec<Area>,
    /// Where the blocks that it leads to begin; they lie below one another.
    pub(super) branches: Point,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Block {
    /// The blocks of all rows of a picture.
    pub(super) fn all(picture: &Picture) -> Vec<Self> {
        let mut blocks = Vec::with_capacity(picture.rows.len());
        for row in &picture.rows {
            let block = Self::of_row(row).leading_to(row, &blocks);
            blocks.push(block);
        }
        blocks
    }

    /// Where a request comes in.
    pub(super) fn entry(&self) -> Point {
        self.boxes[0].left()
    }

    /// Where it goes on.
    pub(super) fn exit(&self) -> Point {
        self.boxes[self.boxes.len() - 1].right()
    }

    /// How far below the corner of this block that of the next branch lies.
    pub(super) fn pitch(&self) -> usize {
        self.height + BRANCH_GAP
    }

    /// A row alone.
    fn of_row(row: &Row) -> Self {
        let widths: Vec<_> = row.items.iter().map(box_width).collect();
        let start = match row.lane {
            Some(_) => Point { x: LANE_PADDING, y: CAPTION_HEIGHT },
            None => Point::default(),
        };
        let boxes = boxes(&widths, start);
        let right = boxes.iter().map(|area| area.right().x).max().unwrap_or_default();
        let caption = row.lane.as_ref().map_or(0, |lane| start.x + caption_width(lane));
        // The sides and the bottom of a lane are as far from its boxes.
        let width = right.max(caption) + start.x;
        let height = boxes.last().map_or(0, |last| last.y + last.height) + start.x;
        Self {
            row: Area { x: 0, y: 0, width, height },
            boxes,
            branches: Point::default(),
            width,
            height,
        }
    }

    /// The same row with its branches to the right. The first of them goes straight on.
    fn leading_to(mut self, row: &Row, blocks: &[Self]) -> Self {
        let targets: Vec<_> = row.branches.iter().map(|branch| &blocks[branch.row]).collect();
        let Some(first) = targets.first() else { return self };
        let labels = row.branches.iter().map(|branch| label_width(&branch.label));
        let (exit, entry) = (self.exit().y, first.entry().y);
        self.lower(entry.saturating_sub(exit));
        self.branches = Point {
            x: self.row.width + TRUNK + labels.max().unwrap_or_default() + LABEL_END,
            y: exit.saturating_sub(entry),
        };
        let height: usize = targets.iter().map(|block| block.pitch()).sum();
        let width = targets.iter().map(|block| block.width).max().unwrap_or_default();
        self.width = self.branches.x + width;
        self.height = (self.row.y + self.row.height).max(self.branches.y + height - BRANCH_GAP);
        self
    }

    /// Moves the row down in its block.
    fn lower(&mut self, by: usize) {
        self.row.y += by;
        for area in &mut self.boxes {
            area.y += by;
        }
    }
}

/// Boxes of these widths in as few lines as possible, which are about as long as each other.
fn boxes(widths: &[usize], start: Point) -> Vec<Area> {
    let count = lines(widths, LINE_MOST);
    let least = widths.iter().copied().max().unwrap_or_default();
    let mut most = (least..LINE_MOST).step_by(10);
    let most = most.find(|most| lines(widths, *most) == count).unwrap_or(LINE_MOST);
    let mut boxes = Vec::with_capacity(widths.len());
    let mut corner = start;
    for (number, &width) in widths.iter().enumerate() {
        if number > 0 && corner.x - start.x + width > most {
            corner = Point { x: start.x, y: corner.y + BOX_HEIGHT + LINE_GAP };
        }
        boxes.push(Area { x: corner.x, y: corner.y, width, height: BOX_HEIGHT });
        corner.x += width + BOX_GAP;
    }
    boxes
}

/// How many lines boxes take if a line is at most so long.
fn lines(widths: &[usize], most: usize) -> usize {
    let (mut lines, mut at) = (1, 0);
    for &width in widths {
        if at > 0 && at + width > most {
            (lines, at) = (lines + 1, 0);
        }
        at += width + BOX_GAP;
    }
    lines
}

fn box_width(item: &Item) -> usize {
    let texts = [Font::NAME.width(&item.name), Font::SMALL.width(&item.summary())];
    let text = texts.into_iter().max().unwrap_or_default();
    (text.min(TEXT_MOST) + 2 * BOX_PADDING).max(BOX_LEAST)
}

fn caption_width(lane: &Item) -> usize {
    let texts = [Font::NAME.width(&lane.name), Font::SMALL.width(&lane.summary())];
    texts.map(|text| text.min(CAPTION_MOST)).iter().sum::<usize>() + CAPTION_GAP
}

/// The room that a label takes, with what is before it.
fn label_width(label: &str) -> usize {
    match Font::LABEL.width(label) {
        0 => 0,
        width => LABEL_START + width.min(LABEL_MOST),
    }
}
