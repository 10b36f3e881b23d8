//! Applies the fixes of what is wrong with files, and proves what comes of them.

mod attempt;
mod edits;
mod look;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexSet;

use self::attempt::Attempts;
use self::edits::Edits;
use self::look::{Candidate, Look};
use crate::diagnostic::{Applicability, Diagnostic};
use crate::graph::Input;
use crate::registry::Registry;
use crate::source::{Source, Sources};

/// How often fixes are applied to what came of earlier ones, which may have hidden them.
const ROUNDS: usize = 10;

/// Applies the fixes of all that [`validate`](crate::lint::validate) finds, again and again until
/// nothing more is mended. It writes nothing.
///
/// Changed are the texts of the files that the input names: the main file and the overlays. Files
/// that these include, and drop-ins, are left to their owners.
///
/// Of fixes that get in each other's way the first is applied. What was applied is proved: there
/// are no more errors than before, and with safe fixes alone, everything that could be loaded is
/// the same, to the letter. Fixes for which that fails are left out.
pub fn fix(input: &Input, registry: &Registry, most: Applicability) -> Outcome {
    fix_with(input, registry, most, Sources::default())
}

/// As [`fix`], with the texts that sources have in the place of files; see
/// [`Sources::substitute`].
pub fn fix_with(
    input: &Input,
    registry: &Registry,
    most: Applicability,
    mut sources: Sources,
) -> Outcome {
    let own = std::iter::once(&input.file).chain(&input.overlays);
    // Each once, even if it lies over itself.
    let own: IndexSet<_> = own.map(|path| sources.identify(path)).collect();
    let mut look = Look::of(input, registry, sources);
    let mut work = Work {
        own: own.into_iter().collect(),
        original: look.sources().clone(),
        history: HashMap::new(),
        fixed: Vec::new(),
    };
    let mut attempts = Attempts::new(input, registry, most);
    for _ in 0..ROUNDS {
        let candidates = look.candidates(&work.own, most);
        let Some(better) = attempts.best(&mut look, &candidates) else { break };
        work.keep(&look, &better.fixes);
        look = better.look;
    }
    work.finish(look, most)
}

/// What came of fixing files.
#[derive(Debug)]
pub struct Outcome {
    /// The files that change: the main file, then overlays.
    pub files: Vec<Mended>,
    /// What was mended, in the order in which it was.
    pub fixed: Vec<Fixed>,
    /// What is wrong with the files as they are then.
    pub left: Vec<Diagnostic>,
    /// How many fixes of what is left would have done harm.
    pub refused: usize,
    /// How many fixes of what is left are not safe enough to be applied.
    pub held_back: usize,
    /// The files with fixes that were not to be changed, by the names they go by in messages.
    pub elsewhere: Vec<PathBuf>,
    /// The texts that the places of what is left lie in.
    pub sources: Sources,
}

/// A file that changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mended {
    /// The path as it was given.
    pub path: PathBuf,
    /// The text as it was read.
    pub before: Arc<str>,
    /// The text with the fixes applied: all that they do not change is the same to the byte.
    pub after: Arc<str>,
}

/// A fix that was applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fixed {
    /// The path of the file as it was given.
    pub path: PathBuf,
    /// The line of what was wrong in the file as it was read, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// The kind of what was wrong.
    pub slug: &'static str,
    /// What was done, as an order.
    pub title: String,
}

/// What has been done so far.
#[derive(Debug)]
struct Work {
    /// What the files that may be changed are known by; see [`Sources::identify`].
    own: Vec<PathBuf>,
    /// The texts as they were read first.
    original: Sources,
    /// How the texts became what they are, by what their files are known by.
    history: HashMap<PathBuf, Vec<Edits>>,
    fixed: Vec<Fixed>,
}

impl Work {
    /// Takes down that these fixes of what was seen are applied.
    fn keep(&mut self, look: &Look<'_>, fixes: &[Candidate]) {
        let fixed: Vec<_> = fixes.iter().filter_map(|fix| self.fixed(look, fix)).collect();
        self.fixed.extend(fixed);
        for (id, edits) in look::edits(fixes) {
            let path = look.sources().get(id).identity().to_owned();
            self.history.entry(path).or_default().push(edits);
        }
    }

    /// A fix of what was seen, with its place in the file as it was read.
    fn fixed(&self, look: &Look<'_>, candidate: &Candidate) -> Option<Fixed> {
        let path = look.sources().get(candidate.place.source).identity();
        let history = self.history.get(path).map_or(&[][..], Vec::as_slice);
        let at = candidate.place.start as usize;
        let at = history.iter().rev().fold(at, |at, edits| edits.origin(at));
        let source = find(&self.original, path)?;
        let (line, column) = source.line_and_column(at);
        Some(Fixed {
            path: source.name().to_owned(),
            line,
            column,
            slug: candidate.slug,
            title: candidate.fix.title.clone(),
        })
    }

    fn finish(self, look: Look<'_>, most: Applicability) -> Outcome {
        // Whatever else may be: what no fix changes is not written.
        let changed = self.own.iter().filter(|path| self.history.contains_key(*path));
        let files = changed.filter_map(|path| {
            let source = find(&self.original, path).filter(|source| source.is_exact())?;
            let after = find(look.sources(), path)?;
            let (before, after) = (Arc::clone(source.text()), Arc::clone(after.text()));
            (before != after).then(|| Mended { path: source.name().to_owned(), before, after })
        });
        let files = files.collect();
        let refused = look.candidates(&self.own, most).len();
        let all = look.candidates(&self.own, Applicability::Unsafe);
        let held_back = all.iter().filter(|found| found.fix.applicability > most).count();
        let elsewhere = look.elsewhere(&self.own, most);
        let (left, sources) = look.finish();
        Outcome { files, fixed: self.fixed, left, refused, held_back, elsewhere, sources }
    }
}

/// The source of what a file is known by.
fn find<'a>(sources: &'a Sources, identity: &Path) -> Option<&'a Source> {
    sources.iter().map(|(_, source)| source).find(|source| source.identity() == identity)
}
