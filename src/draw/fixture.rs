//! Pictures of small files, for tests.

use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use super::Picture;
use crate::graph::{DropIns, Input, Loader, Object};
use crate::registry::Registry;

/// The picture of a file with everything that is drawn in a way of its own.
pub(super) fn everything() -> Picture {
    picture(include_str!("golden/everything.ini"))
}

/// The picture of the app `main` of a file, which is called `test.ini` in it.
pub(super) fn picture(text: &str) -> Picture {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = env::temp_dir().join(format!("pasteline-draw-{}-{number}.ini", process::id()));
    fs::write(&path, text).unwrap();
    let registry = Registry::builtin();
    let input = Input { drop_ins: DropIns::Ignored, ..Input::new(&path) };
    let mut loader = Loader::open(&input, &registry);
    let loaded = loader.load(Object::App, None);
    fs::remove_file(&path).unwrap();
    let root = loaded.root.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let mut picture = Picture::new("test.ini");
    picture.add(&loaded.graph, root, &registry, loader.sources());
    let rows = picture.rows.iter_mut();
    for item in rows.flat_map(|row| row.lane.iter_mut().chain(&mut row.items)) {
        let place = item.place.as_mut().expect("everything in the file has a place");
        *place = place.replace(&*path.to_string_lossy(), "test.ini");
    }
    picture
}
