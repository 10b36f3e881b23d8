//! What is wrong with a configuration file: the record that every stage makes, and its renderings.

#[cfg(test)]
pub(crate) mod annotation;
mod excerpt;
mod findings;
mod json;
mod nearest;
mod pages;
mod render;
mod sarif;

pub use self::excerpt::Excerpt;
pub(crate) use self::findings::Findings;
pub use self::nearest::nearest;
pub(crate) use self::nearest::nearest_within;
pub use self::pages::{PAGES, Page};
pub use self::render::{Style, render};
pub use self::sarif::sarif;

use crate::source::{Sources, Span, in_one_line};

/// One thing that is wrong with, or worth saying about, a configuration file.
///
/// The message stands alone, in lower case, without a full stop, names in backticks. Everything
/// else helps: the narrowest place, where the other party stands, what to do.
///
/// ```
/// use pasteline::diagnostic::Diagnostic;
///
/// let diagnostic = Diagnostic::error("unknown-filter", "no filter is called `corss`")
///     .help("did you mean `cors`?");
/// assert!(diagnostic.is_error());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// The kind of fault, in kebab case; the name of its documentation page.
    pub slug: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line that stands alone.
    pub message: String,
    /// The narrowest place that it is about; none for a file that cannot be read.
    pub span: Option<Span>,
    /// A few words to stand at that place.
    pub label: String,
    /// Other places that have a part in it, each with its part ("first given here").
    pub related: Vec<(Span, String)>,
    /// What to know or to do, a sentence each.
    pub help: Vec<String>,
    /// A change of the text that mends it.
    pub fix: Option<Fix>,
    /// The name that Paste Deploy or Python's ConfigParser has for the fault, such as
    /// `LookupError`; empty where they would not complain.
    pub class: &'static str,
}

impl Diagnostic {
    /// A fault that forbids going on.
    pub fn error(slug: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, slug, message.into())
    }

    /// Something that is most likely not meant.
    pub fn warning(slug: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, slug, message.into())
    }

    /// Something that the reader may want to know.
    pub fn note(slug: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, slug, message.into())
    }

    fn new(severity: Severity, slug: &'static str, message: String) -> Self {
        Self {
            slug,
            severity,
            message: in_one_line(message),
            span: None,
            label: String::new(),
            related: Vec::new(),
            help: Vec::new(),
            fix: None,
            class: "",
        }
    }

    /// Sets the place.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }

    /// Sets the words at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = in_one_line(label.into());
        self
    }

    /// Adds another place, if there is one, with its part in the fault.
    #[must_use]
    pub fn related(mut self, span: impl Into<Option<Span>>, part: impl Into<String>) -> Self {
        if let Some(span) = span.into() {
            self.related.push((span, in_one_line(part.into())));
        }
        self
    }

    /// Adds a sentence of help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(in_one_line(help.into()));
        self
    }

    /// Adds help that names the nearest of the candidates, if one is near enough.
    ///
    /// With it comes the change, a fix to be looked at, if `word` stands at the place that has
    /// been set: to the letter, as it may be made of references, and once.
    #[must_use]
    pub fn suggest<'a>(
        self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
        sources: &Sources,
    ) -> Self {
        let Some(near) = nearest(word, candidates) else { return self };
        let fix = self.span.and_then(|span| respell(word, near, span, sources));
        Self { fix: fix.or(self.fix), ..self }.help(format!("did you mean `{}`?", Excerpt(near)))
    }

    /// Sets the change that mends it.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Sets the name that Paste Deploy has for the fault.
    #[must_use]
    pub fn class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// Whether it forbids going on.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Puts a word in the place of another, if that stands at a place once and not inside of a word.
fn respell(word: &str, near: &str, span: Span, sources: &Sources) -> Option<Fix> {
    let text = sources.text(span);
    let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let is_whole = |at: usize| {
        !text[..at].ends_with(is_letter) && !text[at + word.len()..].starts_with(is_letter)
    };
    let mut found = text.match_indices(word).map(|(at, _)| at).filter(|at| is_whole(*at));
    let at = found.next().filter(|_| found.next().is_none() && !word.is_empty())?;
    Some(Fix {
        title: format!("write `{}` instead of `{}`", Excerpt(near), Excerpt(word)),
        edits: vec![(span.part(at, at + word.len()), near.to_owned())],
        applicability: Applicability::Unsafe,
    })
}

/// How bad a fault is, the worst first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Forbids going on.
    Error,
    /// Most likely not meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word for it: `error`, `warning` or `note`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A change of the text that mends a fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fix {
    /// What the change does, as an order: "rename it to `cors`".
    pub title: String,
    /// The texts to put in place of ranges; they do not overlap.
    pub edits: Vec<(Span, String)>,
    /// Whether a program may apply it unasked.
    pub applicability: Applicability,
}

/// Whether a program may apply a fix, the safest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Applicability {
    /// What could be loaded stays the same to the letter, and what could not is what the writer
    /// must have meant.
    Safe,
    /// Likely right, but a person must look.
    Unsafe,
}
