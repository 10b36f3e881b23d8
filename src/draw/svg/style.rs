//! The style of an image.

use std::fmt;

use crate::draw::tone::{Palette, Tone, UNKNOWN};

/// Its rules: those for all, the light colours, and the dark ones for readers who prefer them. They
/// reach nothing else on a page that the image stands in.
#[derive(Debug)]
pub(super) struct Style;

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{COMMON}{LIGHT}")?;
        write_tones(f, Tone::light)?;
        writeln!(f, "@media (prefers-color-scheme: dark) {{\n{DARK}")?;
        write_tones(f, Tone::dark)?;
        writeln!(f, "}}")
    }
}

fn write_tones(f: &mut fmt::Formatter<'_>, palette: fn(Tone) -> Palette) -> fmt::Result {
    for tone in Tone::ALL {
        let (name, Palette { fill, border }) = (tone.name(), palette(tone));
        writeln!(f, ".pasteline .{name} rect {{ fill: {fill}; stroke: {border} }}")?;
    }
    writeln!(f, ".pasteline .unknown rect {{ stroke: {UNKNOWN} }}")
}

const COMMON: &str = "\
.pasteline text {
  font: 11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif
}
.pasteline .name, .pasteline .label, .pasteline .title {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace
}
.pasteline .name { font-size: 13px; font-weight: 600 }
.pasteline .label { font-size: 12px }
.pasteline .title { font-size: 16px; font-weight: 600 }
.pasteline .box text { text-anchor: middle }
.pasteline .arrow { fill: none; stroke-width: 1.5; marker-end: url(#head) }
.pasteline .arrow.hidden { stroke-dasharray: 4 3 }
.pasteline .label.hidden { text-decoration: line-through }
.pasteline rect { stroke-width: 1.25; fill: none }
.pasteline .unknown rect { stroke-dasharray: 5 3; stroke-width: 1.5 }
.pasteline .page { stroke: none }
";

const LIGHT: &str = "\
.pasteline .page { fill: #ffffff }
.pasteline .name, .pasteline .title { fill: #1f2328 }
.pasteline .small { fill: #59636e }
.pasteline .label { fill: #24292f }
.pasteline .arrow { stroke: #6e7781 }
.pasteline .entry, .pasteline .head { fill: #6e7781 }";

const DARK: &str = "\
.pasteline .page { fill: #0d1117 }
.pasteline .name, .pasteline .title { fill: #f0f6fc }
.pasteline .small { fill: #9198a1 }
.pasteline .label { fill: #d1d7e0 }
.pasteline .arrow { stroke: #7d8590 }
.pasteline .entry, .pasteline .head { fill: #7d8590 }";
