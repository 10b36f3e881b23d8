//! How wide texts are, and how they stand in XML.

use std::borrow::Cow;
use std::fmt;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A font as the style of the image names it. Which one a reader has is not known, so widths are
/// those of the wide ones among them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Font {
    face: Face,
    /// In pixels.
    size: usize,
}

#[derive(Clone, Copy, Debug)]
enum Face {
    Mono,
    Sans,
}

impl Font {
    /// For names.
    pub(super) const NAME: Self = Self { face: Face::Mono, size: 13 };
    /// For the keys that take a request a way.
    pub(super) const LABEL: Self = Self { face: Face::Mono, size: 12 };
    /// For what things are.
    pub(super) const SMALL: Self = Self { face: Face::Sans, size: 11 };
    /// For the title.
    pub(super) const TITLE: Self = Self { face: Face::Mono, size: 16 };

    /// The width of a text, in pixels.
    pub(super) fn width(self, text: &str) -> usize {
        let hundredths: usize = match self.face {
            Face::Mono => text.width() * 62,
            Face::Sans => text.chars().map(sans).sum(),
        };
        (hundredths * self.size).div_ceil(100)
    }

    /// A text that is at most so wide, its end left out if need be.
    pub(super) fn fit(self, text: &str, width: usize) -> Cow<'_, str> {
        if self.width(text) <= width {
            return Cow::Borrowed(text);
        }
        let ends = text.char_indices().map(|(at, _)| at).rev();
        let mut cut = ends.map(|end| format!("{}…", text[..end].trim_end()));
        Cow::Owned(cut.find(|text| self.width(text) <= width).unwrap_or_default())
    }
}

/// The width of a character of `DejaVu Sans`, the widest of the usual ones, in hundredths of the
/// size.
fn sans(character: char) -> usize {
    match character {
        'f' | 'i' | 'j' | 'l' | 't' | '\'' | ' ' | '.' | ',' | ':' | ';' | '·' | '|' => 40,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 100,
        'A'..='Z' => 79,
        ' '..='~' => 65,
        other => 125 * other.width().unwrap_or_default() / 2 + 65,
    }
}

/// A text as it stands in XML. Characters that XML cannot hold are replaced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\n' => f.write_str("\n")?,
                '\u{fffe}' | '\u{ffff}' => f.write_str("\u{fffd}")?,
                other if other.is_control() => f.write_str("\u{fffd}")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}
