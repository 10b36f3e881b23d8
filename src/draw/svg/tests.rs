//! What every image keeps to, whatever it shows.

use roxmltree::{Document, Node};
use unicode_width::UnicodeWidthStr;

use super::area::{Area, Point};
use super::layout::Layout;
use crate::draw::fixture::{everything, picture};
use crate::draw::{Colours, Picture};

/// Pictures with what is hard to lay out.
fn pictures() -> Vec<Picture> {
    vec![
        everything(),
        picture("[app:main]\nuse = egg:My#app\n"),
        picture(&wide()),
        picture(&deep()),
    ]
}

/// A pipeline of many filters, with names short, long and of wide characters.
fn wide() -> String {
    let filters = (0..30).map(|number| format!("f{}", "iW".repeat(number)));
    let filters: Vec<_> = filters.chain(["フィルター".to_owned()]).collect();
    let section = |filter: &String| format!("[filter:{filter}]\nuse = egg:pasteline#pass\n");
    let sections: String = filters.iter().map(section).collect();
    let filters = filters.join(" ");
    format!("[pipeline:main]\npipeline = {filters} last\n{sections}{LAST}")
}

const LAST: &str = "[composite:last]\nuse = egg:Paste#urlmap\n/ = egg:My#app\n";

/// Composites in pipelines in composites, with keys short and long.
fn deep() -> String {
    let section = |level: usize| {
        let (below, key) = (level + 1, "/key".repeat(1 + 40 * (level % 2)));
        let name = if level == 0 { "main".to_owned() } else { format!("main{level}") };
        format!(
            "[composite:{name}]\nuse = egg:Paste#urlmap\n/ = pipe{below}\n{key} = main{below}\n\
             [pipeline:pipe{below}]\npipeline = f f f f f f f f f main{below}\n"
        )
    };
    let sections: String = (0..5).map(section).collect();
    format!("{sections}[filter:f]\nuse = egg:My#filter\n[app:main5]\nuse = egg:My#app\n")
}

/// What an image shows, as a reader of XML sees it.
struct Seen {
    page: Area,
    lanes: Vec<Area>,
    boxes: Vec<Area>,
    labels: Vec<Area>,
    /// The texts of lanes and boxes, each with that which it must not leave.
    texts: Vec<(Area, Area)>,
}

impl Seen {
    fn of(picture: &Picture) -> Self {
        let text = picture.svg().to_string();
        let document = Document::parse(&text).unwrap();
        let root = document.root_element();
        let all = |class: &str| {
            let has = |node: &Node<'_, '_>| classes(*node).any(|word| word == class);
            root.children().filter(has).collect::<Vec<_>>()
        };
        let (lanes, boxes) = (all("lane"), all("box"));
        let texts = lanes.iter().chain(&boxes).flat_map(|group| {
            let is_text = |node: &Node<'_, '_>| node.has_tag_name("text");
            let texts = group.children().filter(is_text);
            texts.map(|text| {
                (letters(text, classes(*group).any(|word| word == "box")), frame(*group))
            })
        });
        Self {
            page: Area { x: 0, y: 0, ..area(root) },
            texts: texts.collect(),
            lanes: lanes.iter().map(|lane| frame(*lane)).collect(),
            boxes: boxes.iter().map(|item| frame(*item)).collect(),
            labels: all("label").iter().map(|label| letters(*label, false)).collect(),
        }
    }
}

fn classes<'a>(node: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    node.attribute("class").unwrap_or_default().split(' ')
}

/// The rectangle of a group.
fn frame(group: Node<'_, '_>) -> Area {
    area(group.children().find(|node| node.has_tag_name("rect")).unwrap())
}

fn area(node: Node<'_, '_>) -> Area {
    let number = |name| node.attribute(name).map_or(0, |number| number.parse().unwrap());
    Area { x: number("x"), y: number("y"), width: number("width"), height: number("height") }
}

/// Where the letters of a text lie: in fonts of one width 60 hundredths of the size a letter, in
/// others rarely more.
fn letters(text: Node<'_, '_>, is_centred: bool) -> Area {
    let height = if classes(text).any(|word| word == "name") { 13 } else { 11 };
    let shown = text.children().filter(Node::is_text).filter_map(|node| node.text());
    let width = shown.map(|text| text.width() * height * 6 / 10).sum();
    let Area { x, y, .. } = area(text);
    let left = if is_centred { x - width / 2 } else { x };
    Area { x: left, y: y - height, width, height }
}

fn overlap(one: Area, other: Area) -> bool {
    let apart = |start: usize, length: usize, other: usize, more: usize| {
        start + length <= other || other + more <= start
    };
    !apart(one.x, one.width, other.x, other.width)
        && !apart(one.y, one.height, other.y, other.height)
}

fn holds(outer: Area, inner: Area) -> bool {
    outer.x <= inner.x
        && outer.y <= inner.y
        && inner.x + inner.width <= outer.x + outer.width
        && inner.y + inner.height <= outer.y + outer.height
}

/// Each of these with all that follow it.
fn pairs(areas: &[Area]) -> impl Iterator<Item = (Area, Area)> {
    let rest = move |at: usize| areas[at + 1..].iter().map(move |other| (areas[at], *other));
    (0..areas.len()).flat_map(rest)
}

#[test]
fn boxes_and_lanes_do_not_overlap() {
    for picture in pictures() {
        let Seen { lanes, boxes, page, .. } = Seen::of(&picture);
        assert!(pairs(&boxes).chain(pairs(&lanes)).all(|(one, other)| !overlap(one, other)));
        for item in &boxes {
            assert!(lanes.iter().all(|lane| holds(*lane, *item) || !overlap(*lane, *item)));
        }
        assert!(lanes.iter().chain(&boxes).all(|area| holds(page, *area)));
    }
}

#[test]
fn texts_stay_in_their_boxes() {
    for picture in pictures() {
        let Seen { texts, .. } = Seen::of(&picture);
        for (text, frame) in texts {
            assert!(holds(frame, text), "{text:?} leaves {frame:?}");
        }
    }
}

#[test]
fn labels_touch_nothing() {
    for picture in pictures() {
        let Seen { lanes, boxes, labels, .. } = Seen::of(&picture);
        for label in &labels {
            assert!(lanes.iter().chain(&boxes).all(|area| !overlap(*area, *label)), "{label:?}");
        }
        assert!(pairs(&labels).all(|(one, other)| !overlap(one, other)));
    }
}

#[test]
fn arrows_go_around_boxes() {
    for picture in pictures() {
        let layout = Layout::of(&picture);
        for arrow in &layout.arrows {
            for ends in arrow.points.windows(2) {
                let line = between(ends[0], ends[1]);
                let crossed = layout.boxes.iter().find(|(_, area)| overlap(*area, line));
                assert!(crossed.is_none(), "{line:?} crosses {crossed:?}");
            }
        }
    }
}

/// The area of a line, which has no width or no height.
fn between(one: Point, other: Point) -> Area {
    let (x, y) = (one.x.min(other.x), one.y.min(other.y));
    Area { x, y, width: one.x.abs_diff(other.x), height: one.y.abs_diff(other.y) }
}

#[test]
fn every_box_tells_what_is_known_of_it() {
    let text = everything().svg().to_string();
    let document = Document::parse(&text).unwrap();
    let titles = document.descendants().filter(|node| node.has_tag_name("title"));
    let titles: Vec<_> = titles.filter_map(|title| title.text()).collect();
    for title in [
        "[filter:cors]\negg:pasteline#pass\ntest.ini:31",
        "[filter:secret]\nunknown factory egg:My#secret\ntest.ini:34",
        "[pipeline:shop]\ntest.ini:9",
        "/a\"<&\\#[b]`",
    ] {
        assert!(titles.contains(&title), "{title} is not in {titles:#?}");
    }
}

#[test]
fn values_are_not_shown() {
    let picture = everything();
    let drawn = [
        picture.svg().to_string(),
        picture.dot().to_string(),
        picture.mermaid().to_string(),
        picture.tree(Colours::None).to_string(),
    ];
    assert!(drawn.iter().all(|drawn| !drawn.contains("lemon")));
}

#[test]
fn is_xml_whatever_the_names() {
    let picture = picture("[app:main]\nuse = egg:My#\u{1}\u{ffff}\u{feff}]]>--&x;\n");
    Document::parse(&picture.svg().to_string()).unwrap();
}
