//! Where everything lies in an image.

use super::area::{Area, Point};
use super::block::{BOX_HEIGHT, Block, LABEL_START, LINE_GAP, TRUNK};
use crate::draw::{Branch, Item, Picture, RowId};

/// The margin around everything.
pub(super) const MARGIN: usize = 28;
/// The height of the title, with the room below it.
const TITLE_HEIGHT: usize = 44;
/// The way of a request to the first box.
const ENTRY: usize = 78;
/// From an app to the next one.
const APP_GAP: usize = 34;
/// From the last app to the legend.
const LEGEND_GAP: usize = 30;
/// How far a line that goes on below reaches beyond the boxes.
const TURN: usize = 16;
/// How round the corners of lines are.
pub(super) const BEND: usize = 8;
/// From a label to the line below it.
const LABEL_RISE: usize = 6;

/// Everything with its place.
#[derive(Debug, Default)]
pub(super) struct Layout<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) lanes: Vec<(&'a Item, Area)>,
    pub(super) boxes: Vec<(&'a Item, Area)>,
    pub(super) arrows: Vec<Arrow>,
    /// The labels of branches, by the left ends of their base lines.
    pub(super) labels: Vec<(&'a Branch, Point)>,
    /// Where requests come from.
    pub(super) entries: Vec<Point>,
    /// The base line of the legend.
    pub(super) legend: Point,
}

/// A line of horizontal and vertical parts with an arrow at its end.
#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) points: Vec<Point>,
    pub(super) is_hidden: bool,
}

impl<'a> Layout<'a> {
    /// Gives everything in a picture its place.
    pub(super) fn of(picture: &'a Picture) -> Self {
        let blocks = Block::all(picture);
        let mut layout = Self::default();
        let mut corner = Point { x: MARGIN + ENTRY, y: MARGIN + TITLE_HEIGHT };
        for root in &picture.roots {
            let block = &blocks[*root];
            let entry = Point { x: MARGIN + 4, y: corner.y + block.entry().y };
            let to = corner.x + block.entry().x;
            layout.entries.push(entry);
            layout.arrow(vec![entry, Point { x: to, ..entry }], false);
            layout.place_all(picture, &blocks, (*root, corner));
            layout.width = layout.width.max(corner.x + block.width + MARGIN);
            corner.y += block.height + APP_GAP;
        }
        let bottom = (corner.y + LEGEND_GAP).saturating_sub(APP_GAP);
        layout.legend = Point { x: MARGIN, y: bottom };
        layout.height = bottom + MARGIN;
        layout
    }

    /// Gives a row and all that it leads to their places.
    fn place_all(&mut self, picture: &'a Picture, blocks: &[Block], root: (RowId, Point)) {
        let mut left = vec![root];
        while let Some((id, corner)) = left.pop() {
            let (row, block) = (&picture.rows[id], &blocks[id]);
            self.lanes.extend(row.lane.as_ref().map(|lane| (lane, block.row.seen_from(corner))));
            let areas: Vec<_> = block.boxes.iter().map(|area| area.seen_from(corner)).collect();
            for pair in areas.windows(2) {
                self.step(pair[0], pair[1]);
            }
            self.boxes.extend(row.items.iter().zip(areas));
            let mut next = Point { x: corner.x + block.branches.x, y: corner.y + block.branches.y };
            let mut last = None;
            for branch in &row.branches {
                let target = &blocks[branch.row];
                last = Some(self.branch(branch, (block, corner), (target, next), last));
                left.push((branch.row, next));
                next.y += target.pitch();
            }
        }
    }

    /// The arrow from a box to the next one, which may lie in the next line.
    fn step(&mut self, from: Area, to: Area) {
        let (start, end) = (from.right(), to.left());
        if start.y == end.y {
            return self.arrow(vec![start, end], false);
        }
        let between = from.y + BOX_HEIGHT + LINE_GAP / 2;
        let (right, left) = (start.x + TURN, end.x - TURN);
        let points = vec![
            start,
            Point { x: right, y: start.y },
            Point { x: right, y: between },
            Point { x: left, y: between },
            Point { x: left, y: end.y },
            end,
        ];
        self.arrow(points, false);
    }

    /// The arrow of a branch and its label. The first branch goes straight on from the last box
    /// of a row, each other one parts from the one before it and goes down beside the row first.
    /// It gives the point where the next one parts.
    fn branch(
        &mut self,
        branch: &'a Branch,
        (from, corner): (&Block, Point),
        (to, target): (&Block, Point),
        last: Option<Point>,
    ) -> Point {
        let exit = from.exit();
        let exit = Point { x: corner.x + exit.x, y: corner.y + exit.y };
        let trunk = corner.x + from.row.width + TRUNK;
        let end = Point { x: target.x + to.entry().x, y: target.y + to.entry().y };
        let points = match last {
            None => vec![exit, end],
            Some(last) => vec![last, Point { x: trunk, y: end.y }, end],
        };
        self.arrow(points, branch.is_hidden);
        if !branch.label.is_empty() {
            self.labels.push((branch, Point { x: trunk + LABEL_START, y: end.y - LABEL_RISE }));
        }
        // Behind the first branch there is no bend.
        let bend = if last.is_some() { BEND } else { 0 };
        Point { x: trunk, y: end.y - bend }
    }

    fn arrow(&mut self, points: Vec<Point>, is_hidden: bool) {
        self.arrows.push(Arrow { points, is_hidden });
    }
}
