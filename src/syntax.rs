//! Splits texts as `grammar/paste.pest` says: a file into physical lines, values into the pieces
//! of the little languages in them. Every text is accepted.
//!
//! What the pieces mean, and which of them are faults, is for others to say.

mod factory;
mod grammar;
mod interpolation;
mod line;
mod mount;
mod space;

pub use self::factory::{Factory, Object};
pub use self::interpolation::{Piece, PieceKind, Pieces, interpolation};
pub use self::line::{Line, LineKind, Lines, parse};
pub use self::mount::{MountPart, mount};
pub use self::space::{is_space, strip, strip_end, words};
