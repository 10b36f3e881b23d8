//! What can be wrong with the references in a value.

use super::Setting;
use super::defaults::Defaults;
use super::expand::DEPTH;
use super::scope::Scope;
use super::trail::{Step, Trail};
use crate::diagnostic::{Applicability, Diagnostic, Excerpt, Fix};
use crate::syntax::{self, PieceKind};

const DEPTH_ERROR: &str = "InterpolationDepthError";
const MISSING_OPTION: &str = "InterpolationMissingOptionError";
const SYNTAX: &str = "InterpolationSyntaxError";

/// Why a value cannot be filled in.
#[derive(Debug)]
pub(super) enum Fault {
    /// All values together are too large.
    Exhausted,
    /// A reference names no option.
    Missing(String),
    /// A `%` begins neither an escape nor a reference.
    Stray,
    /// Values lead to values without an end in sight.
    TooDeep,
    /// References bring in too much.
    TooLarge,
    /// A `%(` does not go on as a reference.
    Unfinished,
}

impl Fault {
    /// The fault as a diagnostic.
    ///
    /// It stands where the fault is, which may be in a value that others refer to; so the
    /// diagnostics of all values that need it differ in `related` only.
    pub(super) fn diagnostic(&self, scope: &Scope<'_>, trail: &Trail<'_>) -> Diagnostic {
        let last = trail.last();
        let diagnostic = match self {
            Self::Exhausted => return exhausted(&trail.asked),
            Self::Missing(name) => missing(scope, name, last),
            Self::Stray => stray(last),
            Self::TooDeep => return too_deep(trail),
            Self::TooLarge => return too_large(&trail.asked),
            Self::Unfinished => unfinished(scope, last),
        };
        // A value that no file gives, such as `here`, is blamed where it is referred to.
        let place = diagnostic.span.or_else(|| trail.steps().rev().find_map(Step::place));
        let diagnostic = diagnostic.at(place);
        if trail.further.is_empty() { diagnostic } else { needed_by(diagnostic, &trail.asked) }
    }
}

fn needed_by(diagnostic: Diagnostic, asked: &Step<'_>) -> Diagnostic {
    let place = asked.found.setting.map(|setting| setting.key_span);
    diagnostic.related(place, format!("`{}` needs it", Excerpt(&asked.key)))
}

fn missing(scope: &Scope<'_>, name: &str, step: &Step<'_>) -> Diagnostic {
    /// Names are compared letter by letter, so not with any number of them.
    const CANDIDATES: usize = 1000;
    let shown = Excerpt(name);
    let places = match scope.section_name() {
        None => "not in `[DEFAULT]`".to_owned(),
        Some(section) => format!("neither in `[{}]` nor in `[DEFAULT]`", Excerpt(section)),
    };
    let message = format!("`%({shown})s` refers to an option that is {places}");
    let candidates = if scope.defaults().may_suggest() { CANDIDATES } else { 0 };
    let diagnostic = Diagnostic::error("unknown-reference", message)
        .at(step.place())
        .label("no such option")
        .suggest(name, scope.keys().take(candidates).map(|key| &**key), scope.sources())
        .class(MISSING_OPTION);
    if scope.find(&format!("set {name}"), None).is_some() {
        let help = format!("`set {shown}` is for factories; references see plain options only");
        return diagnostic.help(help);
    }
    if diagnostic.help.is_empty() {
        let help = format!("write `%%({shown})s` if this text is meant, as in a logging format");
        return diagnostic.help(help);
    }
    diagnostic
}

fn stray(step: &Step<'_>) -> Diagnostic {
    let message = format!("a `%` in the value of `{}` begins no reference", Excerpt(&step.key));
    let diagnostic = Diagnostic::error("stray-percent", message).class(SYNTAX);
    let Some(setting) = step.found.setting else { return diagnostic.help(advice(&step.key)) };
    diagnostic.at(step.place()).label("expected `%%` or `%(name)s`").fix(double(
        setting,
        stray_signs(&setting.raw, step.range.start),
        Applicability::Safe,
    ))
}

fn unfinished(scope: &Scope<'_>, step: &Step<'_>) -> Diagnostic {
    let at = step.range.start;
    let text = &step.found.raw[at..];
    let close = text.find(')');
    let shown = &text[..close.map_or("%(".len(), |close| close + 1)];
    let message =
        format!("`{}` in the value of `{}` is no reference", Excerpt(shown), Excerpt(&step.key));
    let diagnostic = Diagnostic::error("unfinished-reference", message).class(SYNTAX);
    let Some(setting) = step.found.setting else { return diagnostic.help(advice(&step.key)) };
    let label = match close {
        None => "expected a name and `)s` after it",
        Some(2) => "expected a name between the parentheses",
        Some(_) => "expected `s` after it",
    };
    let diagnostic = diagnostic
        .at(setting.part(at..at + shown.len()))
        .label(label)
        .help("write `%%(` where the text `%(` is meant, as for a logging format");
    let end = at + shown.len();
    let name = shown.strip_prefix("%(").and_then(|shown| shown.strip_suffix(')'));
    // `%(name)d` is a format of Python, and not for us to fill in.
    let is_over = !step.found.raw[end..].starts_with(char::is_alphanumeric);
    if is_over && name.is_some_and(|name| scope.find(name, Some(setting)).is_some()) {
        let title = format!("finish the reference: `{}s`", Excerpt(shown));
        let edits = vec![(setting.part(end..end), "s".to_owned())];
        return diagnostic.fix(Fix { title, edits, applicability: Applicability::Safe });
    }
    diagnostic.fix(double(setting, vec![at], Applicability::Unsafe))
}

/// What to do about a `%` in a value that no file gives.
fn advice(key: &str) -> String {
    match key {
        "here" | "__file__" => {
            "`%` in the path of the file is read as a reference; move the file".to_owned()
        }
        key => format!("double the `%` in the value that is given for `{}`", Excerpt(key)),
    }
}

/// The offsets of the percent signs in a value that begin nothing, of the first of them, the very
/// first of which is known.
fn stray_signs(raw: &str, first: usize) -> Vec<usize> {
    /// How many are mended at once.
    const MOST: usize = 100;
    let rest = first + 1;
    let strays = syntax::interpolation(&raw[rest..]).filter(|piece| piece.kind == PieceKind::Stray);
    let others = strays.map(|piece| rest + piece.range.start);
    std::iter::once(first).chain(others).take(MOST).collect()
}

fn double(setting: &Setting, signs: Vec<usize>, applicability: Applicability) -> Fix {
    let edit = |at| (setting.part(at..at + 1), "%%".to_owned());
    let title = "write `%%` for a percent sign".to_owned();
    Fix { title, edits: signs.into_iter().map(edit).collect(), applicability }
}

fn too_deep(trail: &Trail<'_>) -> Diagnostic {
    /// How many of the places on a circle are shown.
    const SHOWN: usize = 10;
    let Some(mut circle) = trail.circle() else {
        let message = format!(
            "`{}` leads from value to value more than {DEPTH} times",
            Excerpt(&trail.asked.key)
        );
        return Diagnostic::error("deep-reference", message)
            .at(trail.asked.place())
            .label("the first reference")
            .help(format!("the values are {}", chain(&trail.steps().collect::<Vec<_>>())))
            .class(DEPTH_ERROR);
    };
    // Wherever it was entered it is told from the same place, so that it is told once.
    let first = (0..circle.len()).min_by_key(|number| circle[*number].place());
    circle.rotate_left(first.unwrap_or_default());
    let first = circle[0];
    let around = [&circle[..], &[first]].concat();
    let message = match &circle[..] {
        [_] => format!("`{}` refers to itself", Excerpt(&first.key)),
        _ => format!("`{}` refers to itself: {}", Excerpt(&first.key), chain(&around)),
    };
    let diagnostic = Diagnostic::error("circular-reference", message)
        .at(first.place())
        .label("the circle begins here")
        .help("give one of these options a value of its own")
        .class(DEPTH_ERROR);
    let diagnostic = circle[1..]
        .iter()
        .take(SHOWN)
        .fold(diagnostic, |diagnostic, step| diagnostic.related(step.place(), "and goes on here"));
    let is_in_circle = circle.iter().any(|step| step.key == trail.asked.key);
    if is_in_circle { diagnostic } else { needed_by(diagnostic, &trail.asked) }
}

/// The keys of steps in a row, those in the middle left out if there are many.
fn chain(steps: &[&Step<'_>]) -> String {
    /// How many keys are shown at either end.
    const SHOWN: usize = 6;
    let key = |step: &&Step<'_>| format!("`{}`", Excerpt(&step.key));
    let Some(hidden) = steps.len().checked_sub(2 * SHOWN).filter(|hidden| *hidden > 0) else {
        return steps.iter().map(key).collect::<Vec<_>>().join(" → ");
    };
    let mut shown: Vec<_> = steps[..SHOWN].iter().map(key).collect();
    shown.push(format!("{hidden} more"));
    shown.extend(steps[SHOWN + hidden..].iter().map(key));
    shown.join(" → ")
}

fn too_large(asked: &Step<'_>) -> Diagnostic {
    let most = Scope::MOST >> 20;
    let message =
        format!("references make the value of `{}` larger than {most} MiB", Excerpt(&asked.key));
    Diagnostic::error("large-value", message)
        .at(asked.place())
        .label("the value is too large from here on")
}

fn exhausted(asked: &Step<'_>) -> Diagnostic {
    Diagnostic::error("large-value", "the values of the file are too large to be filled in")
        .at(asked.place())
        .label("from here on")
        .help(format!(
            "all together may make {} times the file and {} MiB",
            Defaults::TIMES,
            Defaults::MOST >> 20
        ))
}
