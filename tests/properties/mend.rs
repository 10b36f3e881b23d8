//! What holds for every text that is mended. The fuzz target `fix` calls this as well.

use std::path::Path;
use std::sync::Arc;

use pasteline::diagnostic::{Applicability, Diagnostic};
use pasteline::fix::{Outcome, fix_with};
use pasteline::graph::{DropIns, Input, Loader};
use pasteline::lint;
use pasteline::registry::Registry;
use pasteline::source::Sources;

/// The file that a text stands for.
const FILE: &str = "/dir/paste.ini";

/// A text has no more errors when it is mended, what is left is what is wrong with it then, and a
/// second time it does not change.
pub(crate) fn is_mended(text: &str) {
    let faults = validate(text);
    for most in [Applicability::Safe, Applicability::Unsafe] {
        let Outcome { files, left, refused, .. } = mend(text, most);
        assert!(errors(&left) <= errors(&faults), "{text:?}");
        let Some(file) = files.first() else {
            assert_eq!(slugs(&left), slugs(&faults), "{text:?}");
            continue;
        };
        assert_eq!(&*file.before, text);
        assert_eq!(slugs(&left), slugs(&validate(&file.after)), "{text:?}");
        let again = mend(&file.after, most);
        assert!(refused > 0 || again.files.is_empty(), "{text:?}: {again:#?}");
    }
}

fn mend(text: &str, most: Applicability) -> Outcome {
    fix_with(&input(), &Registry::builtin(), most, sources(text))
}

fn validate(text: &str) -> Vec<Diagnostic> {
    let registry = Registry::builtin();
    let mut loader = Loader::open_with(&input(), &registry, sources(text));
    lint::validate(&mut loader, &registry)
}

fn input() -> Input {
    Input { file: FILE.into(), drop_ins: DropIns::Ignored, ..Input::default() }
}

fn sources(text: &str) -> Sources {
    // There are no files but this one, whatever lies on the disk.
    let mut sources = Sources::from_snapshot(Arc::default());
    sources.substitute(Path::new(FILE), text);
    sources
}

fn errors(found: &[Diagnostic]) -> usize {
    found.iter().filter(|found| found.is_error()).count()
}

fn slugs(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|found| found.slug).collect()
}
