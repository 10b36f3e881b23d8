//! What is wrong with files, with the texts that some of them are to have.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::edits::Edits;
use crate::diagnostic::{Applicability, Diagnostic, Fix};
use crate::graph::{Input, Loadable, Loader};
use crate::lint;
use crate::registry::Registry;
use crate::source::{SourceId, Sources, Span};

/// What is wrong with files, with the texts that some of them are to have.
#[derive(Debug)]
pub(super) struct Look<'r> {
    loader: Loader<'r>,
    diagnostics: Vec<Diagnostic>,
}

/// A fix that may be applied.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) fix: Fix,
    pub(super) slug: &'static str,
    /// The place of what is wrong, in a file that may be changed.
    pub(super) place: Span,
}

impl<'r> Look<'r> {
    /// Looks at files, with the texts that sources have in their places.
    pub(super) fn of(input: &Input, registry: &'r Registry, sources: Sources) -> Self {
        let mut loader = Loader::open_with(input, registry, sources);
        let diagnostics = lint::validate(&mut loader, registry);
        Self { loader, diagnostics }
    }

    pub(super) fn sources(&self) -> &Sources {
        self.loader.sources()
    }

    /// What these fixes make of the texts, in the place of the files. Nothing is read again, so
    /// that a file that is being written meanwhile does not count.
    pub(super) fn changed(&self, fixes: &[Candidate]) -> Sources {
        let mut changed = self.sources().afresh();
        for (_, source) in self.sources().iter().filter(|(_, source)| source.is_exact()) {
            changed.substitute(source.identity(), Arc::clone(source.text()));
        }
        for (id, edits) in edits(fixes) {
            let source = self.sources().get(id);
            changed.substitute(source.identity(), edits.apply(source.text()));
        }
        changed
    }

    pub(super) fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|found| found.is_error()).count()
    }

    pub(super) fn finish(self) -> (Vec<Diagnostic>, Sources) {
        let sources = self.loader.sources().clone();
        (self.diagnostics, sources)
    }

    /// The fixes of these files that may be applied together: of those that get in each
    /// other's way, the first.
    pub(super) fn candidates(&self, own: &[PathBuf], most: Applicability) -> Vec<Candidate> {
        let own = self.own(own);
        let mut taken = Taken::default();
        let fixes = self.fixes(most).filter(|(_, fix)| {
            fix.edits.iter().all(|(span, _)| own.contains(&span.source))
                && is_sound(fix, self.sources())
                && taken.take(fix)
        });
        let candidates = fixes.filter_map(|(found, fix)| {
            let first = fix.edits.iter().map(|(span, _)| *span).min()?;
            let place = found.span.filter(|place| own.contains(&place.source)).unwrap_or(first);
            Some(Candidate { fix: fix.clone(), slug: found.slug, place })
        });
        candidates.collect()
    }

    /// The names of the files that other fixes would change.
    pub(super) fn elsewhere(&self, own: &[PathBuf], most: Applicability) -> Vec<PathBuf> {
        let edits = self.fixes(most).flat_map(|(_, fix)| &fix.edits);
        let sources = edits.map(|(span, _)| self.sources().get(span.source));
        let others = sources
            .filter(|source| source.is_exact() && own.iter().all(|own| own != source.identity()));
        let mut names: Vec<_> = others.map(|source| source.name().to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether all that can be loaded here is the same there, to the letter.
    pub(super) fn is_kept_by(&mut self, other: &mut Self) -> bool {
        // With an error in its lines, nothing of a file can be loaded.
        if self.loader.faults().iter().any(Diagnostic::is_error) {
            return true;
        }
        self.loader.loadable().into_iter().all(|Loadable { object, name, .. }| {
            let before = self.loader.load(object, name.as_deref());
            let Some(root) = before.root else { return true };
            let after = other.loader.load(object, name.as_deref());
            after.root.is_some_and(|other| before.graph.show(root) == after.graph.show(other))
        })
    }

    fn fixes(&self, most: Applicability) -> impl Iterator<Item = (&Diagnostic, &Fix)> {
        let fixes = self.diagnostics.iter().filter_map(|found| Some((found, found.fix.as_ref()?)));
        fixes.filter(move |(_, fix)| fix.applicability <= most)
    }

    /// The sources that may be changed, each file once.
    fn own(&self, own: &[PathBuf]) -> Vec<SourceId> {
        let find = |path: &PathBuf| {
            let mut all = self.sources().iter();
            all.find(|(_, source)| source.identity() == path)
        };
        let found = own.iter().filter_map(find).filter(|(_, source)| source.is_exact());
        found.map(|(id, _)| id).collect()
    }
}

/// The changes that fixes make.
pub(super) fn edits(fixes: &[Candidate]) -> BTreeMap<SourceId, Edits> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (span, text) in fixes.iter().flat_map(|candidate| &candidate.fix.edits) {
        all.entry(span.source).or_default().push((span.range(), text.clone()));
    }
    all.into_iter().map(|(source, edits)| (source, Edits::new(edits))).collect()
}

/// Whether the changes of a fix lie in their texts and do not overlap. Factories that are not ours
/// make fixes too.
fn is_sound(fix: &Fix, sources: &Sources) -> bool {
    let mut spans: Vec<_> = fix.edits.iter().map(|(span, _)| *span).collect();
    spans.sort();
    let is_in_text = |span: &Span| sources.get(span.source).text().get(span.range()).is_some();
    let is_apart = |pair: &[Span]| pair[0].source != pair[1].source || pair[0].end <= pair[1].start;
    !spans.is_empty() && spans.iter().all(is_in_text) && spans.windows(2).all(is_apart)
}

/// The ranges that fixes change, from their starts to their ends.
#[derive(Debug, Default)]
struct Taken(BTreeMap<(SourceId, u32), u32>);

impl Taken {
    /// Takes the ranges of a fix, if none of them gets in the way of one that is taken.
    fn take(&mut self, fix: &Fix) -> bool {
        let is_free = fix.edits.iter().all(|(span, _)| self.is_free(*span));
        if is_free {
            for (span, _) in &fix.edits {
                let end = self.0.entry((span.source, span.start)).or_insert(span.end);
                *end = span.end.max(*end);
            }
        }
        is_free
    }

    /// Whether a range overlaps none that is taken, and nothing is put at its ends.
    fn is_free(&self, Span { source, start, end }: Span) -> bool {
        let before = self.0.range(..=(source, end)).rev();
        let mut near = before.take_while(|((other, _), to)| *other == source && **to >= start);
        near.all(|(&(_, from), &to)| from < to && start < end && (to == start || from == end))
    }
}
