//! The colours by which pictures tell apart what things are.

use super::{Item, Kind};

/// What is drawn in the same colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    App,
    Composite,
    Filter,
    /// What only holds other things together.
    Group,
}

/// Colours as CSS has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub(super) fill: &'static str,
    pub(super) border: &'static str,
}

/// The border of what needs a factory that is not known; it is dashed.
pub(super) const UNKNOWN: &str = "#d9822b";

impl Tone {
    /// All of them, in the order in which a request usually comes to them.
    pub(super) const ALL: [Self; 4] = [Self::Composite, Self::Group, Self::Filter, Self::App];

    pub(super) fn of(item: &Item) -> Self {
        match item.kind {
            Kind::App => Self::App,
            Kind::Composite => Self::Composite,
            Kind::Filter => Self::Filter,
            Kind::Filtered | Kind::Pipeline => Self::Group,
        }
    }

    /// The word for it, which is also a class in styles.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Composite => "composite",
            Self::Filter => "filter",
            Self::Group => "pipeline",
        }
    }

    /// The colours on a white page, for black text.
    pub(super) fn light(self) -> Palette {
        let (fill, border) = match self {
            Self::App => ("#e6f6ea", "#3fa45b"),
            Self::Composite => ("#f4eeff", "#8e63d9"),
            Self::Filter => ("#eaf3ff", "#4a90e2"),
            Self::Group => ("#f6f8fa", "#c3ccd5"),
        };
        Palette { fill, border }
    }

    /// The colours on a black page, for white text.
    pub(super) fn dark(self) -> Palette {
        let (fill, border) = match self {
            Self::App => ("#12291a", "#3fa45b"),
            Self::Composite => ("#251a3d", "#8e63d9"),
            Self::Filter => ("#10243e", "#4a90e2"),
            Self::Group => ("#151b23", "#3d444d"),
        };
        Palette { fill, border }
    }
}
