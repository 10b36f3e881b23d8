//! Draws resolved apps: one picture, and its renderings as a tree, DOT, Mermaid and SVG.

mod dot;
#[cfg(test)]
mod fixture;
mod make;
mod mermaid;
mod svg;
mod tone;
mod tree;

pub use self::tree::Colours;

use self::tone::Tone;

/// Apps as requests pass through them.
///
/// It holds names, factories and places, no option and no value: there is no secret to show.
///
/// ```
/// use pasteline::draw::{Colours, Picture};
/// use pasteline::graph::{Input, Loader, Object};
/// use pasteline::registry::Registry;
///
/// let registry = Registry::builtin();
/// let mut loader = Loader::open(&Input::new("api-paste.ini"), &registry);
/// let loaded = loader.load(Object::App, None);
/// let mut picture = Picture::new("api-paste.ini");
/// if let Some(root) = loaded.root {
///     picture.add(&loaded.graph, root, &registry, loader.sources());
/// }
/// assert!(picture.tree(Colours::None).to_string().starts_with("main"));
/// ```
#[derive(Debug)]
pub struct Picture {
    title: String,
    /// Those that a row leads to lie before it.
    rows: Vec<Row>,
    roots: Vec<RowId>,
}

/// The number of a row in its picture.
type RowId = usize;

/// Boxes that a request passes one after another, and the ways on from the last of them.
#[derive(Debug, Default)]
struct Row {
    /// What they are together, such as a pipeline; none for one box that stands alone.
    lane: Option<Item>,
    items: Vec<Item>,
    branches: Vec<Branch>,
}

/// A box, or a lane of boxes.
#[derive(Debug)]
struct Item {
    kind: Kind,
    /// The name, without the kind of the section.
    name: String,
    /// What it is: the native name of its factory, or what kind of pipeline or composite; none if
    /// its factory is not known.
    what: Option<String>,
    /// The header of the section; none for a URI that stands alone.
    header: Option<String>,
    /// The factory as the file names it.
    factory: Option<String>,
    /// The file and the line.
    place: Option<String>,
}

/// What something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    App,
    Composite,
    Filter,
    /// A filter before an app, by `[filter-app:]` or `filter-with`.
    Filtered,
    Pipeline,
}

/// A way on to another row.
#[derive(Debug)]
struct Branch {
    /// What takes a request this way; empty if all go.
    label: String,
    /// Whether none ever does.
    is_hidden: bool,
    row: RowId,
}

impl Picture {
    /// A picture of nothing yet. The title is shown where the format has a place for it.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), rows: Vec::new(), roots: Vec::new() }
    }

    /// Whether nothing has been added.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// All rows in the order in which a reader comes to them.
    fn order(&self) -> Vec<RowId> {
        let mut order = Vec::with_capacity(self.rows.len());
        let mut left: Vec<_> = self.roots.iter().rev().copied().collect();
        while let Some(id) = left.pop() {
            order.push(id);
            left.extend(self.rows[id].branches.iter().rev().map(|branch| branch.row));
        }
        order
    }

    /// The number of the first box of each row, counting in the order of a reader.
    fn numbers(&self) -> Vec<usize> {
        let mut numbers = vec![0; self.rows.len()];
        let mut next = 0;
        for id in self.order() {
            numbers[id] = next;
            next += self.rows[id].items.len();
        }
        numbers
    }
}

impl Item {
    /// What there is to say beside the name: the header, the factory, the place, a line each.
    fn details(&self) -> Vec<String> {
        let header = self.header.as_ref().map(|header| format!("[{header}]"));
        let factory = self.factory.as_ref().map(|factory| match self.what {
            Some(_) => factory.clone(),
            None => format!("unknown factory {factory}"),
        });
        [header, factory, self.place.clone()].into_iter().flatten().collect()
    }

    /// What it is, in a few words: `filter · cors`.
    fn summary(&self) -> String {
        let what = self.what.as_deref().unwrap_or("unknown");
        match self.kind {
            Kind::Filtered | Kind::Pipeline => what.to_owned(),
            _ if what == self.name => Tone::of(self).name().to_owned(),
            _ => format!("{} · {what}", Tone::of(self).name()),
        }
    }

    /// Whether a factory is needed that is not known.
    fn is_unknown(&self) -> bool {
        self.what.is_none()
    }
}
