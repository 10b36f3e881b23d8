//! What holds for every text that is mended. The fuzz target `fix` calls this as well.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pasteline::diagnostic::{Applicability, Diagnostic};
use pasteline::fix::{Outcome, fix_with};
use pasteline::graph::{DropIns, Input, Loader};
use pasteline::lint;
use pasteline::registry::Registry;
use pasteline::source::Sources;

use crate::files::{MAIN, OVERLAY, files, path};

/// Files by their paths, the first of which is mended together with what lies over it.
type Files = BTreeMap<String, String>;

/// A text of several files has no more errors when it is mended, what is left is what is wrong with
/// it then, and a second time it does not change. Files that are only included do not change at all.
///
/// The files are written as for the fuzz target `load`.
pub(crate) fn is_mended(text: &str) {
    let before: Files =
        files(text).into_iter().map(|(name, text)| (path(name), text.to_owned())).collect();
    let faults = validate(&before);
    for most in [Applicability::Safe, Applicability::Unsafe] {
        let Outcome { files, left, refused, .. } = mend(&before, most);
        assert!(errors(&left) <= errors(&faults), "{text:?}");
        if files.is_empty() {
            assert_eq!(slugs(&left), slugs(&faults), "{text:?}");
            continue;
        }
        let mut after = before.clone();
        for file in files {
            let name = file.path.to_str().expect("the names are text").to_owned();
            assert!(name == path(MAIN) || name == path(OVERLAY), "{text:?}: {name}");
            assert_eq!(after.insert(name, file.after.to_string()).as_deref(), Some(&*file.before));
        }
        assert_eq!(slugs(&left), slugs(&validate(&after)), "{text:?}");
        let again = mend(&after, most);
        assert!(refused > 0 || again.files.is_empty(), "{text:?}: {again:#?}");
    }
}

fn mend(files: &Files, most: Applicability) -> Outcome {
    fix_with(&input(files), &Registry::builtin(), most, sources(files))
}

fn validate(files: &Files) -> Vec<Diagnostic> {
    let registry = Registry::builtin();
    let mut loader = Loader::open_with(&input(files), &registry, sources(files));
    lint::validate(&mut loader, &registry)
}

fn input(files: &Files) -> Input {
    let overlay = Some(path(OVERLAY)).filter(|path| files.contains_key(path));
    let overlays = overlay.into_iter().map(Into::into).collect();
    let drop_ins = DropIns::Ignored;
    Input { file: path(MAIN).into(), overlays, drop_ins, ..Input::default() }
}

fn sources(files: &Files) -> Sources {
    // There are no files but these, whatever lies on the disk.
    let mut sources = Sources::from_snapshot(Arc::default());
    for (path, text) in files {
        sources.substitute(Path::new(path), &**text);
    }
    sources
}

fn errors(found: &[Diagnostic]) -> usize {
    found.iter().filter(|found| found.is_error()).count()
}

fn slugs(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|found| found.slug).collect()
}
