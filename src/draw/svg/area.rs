//! Places in an image, in pixels from its upper left corner.

/// A point.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Point {
    pub(super) x: usize,
    pub(super) y: usize,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Area {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Area {
    /// The middle of the left side.
    pub(super) fn left(self) -> Point {
        Point { x: self.x, y: self.y + self.height / 2 }
    }

    /// The middle of the right side.
    pub(super) fn right(self) -> Point {
        Point { x: self.x + self.width, ..self.left() }
    }

    /// The rectangle as one sees it whose corner is measured from a point.
    pub(super) fn seen_from(self, origin: Point) -> Self {
        Self { x: self.x + origin.x, y: self.y + origin.y, ..self }
    }
}
