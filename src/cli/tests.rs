//! What the commands print of a registry of one.

use super::explain::Explain;
use super::list::Table;
use super::reference::Reference;
use crate::app::{App, Filter, response};
use crate::registry::{Alias, AppFactory, Definition, Error, FilterFactory, Registry, Site};
use crate::settings::Dialect;

crate::settings! {
    /// Pours tea. For coffee it
    /// answers 418.
    ///
    /// ```ini
    /// [filter:teapot]
    /// use = egg:pasteline#teapot
    /// cups = 2
    /// ```
    struct Teapot {
        /// How many cups.
        cups: u8,
        /// Which tea.
        tea: String = "green",
        /// Who may have some.
        guests: Vec<String>,
    }
}

impl FilterFactory for Teapot {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::pass())
    }
}

impl AppFactory for Teapot {
    fn build(self, _: &Site<'_>) -> Result<App, Error> {
        let Self { cups, tea, guests } = self;
        let tray = format!("{cups} of {tea} for {guests:?}");
        Ok(App::ready(move |_| response::text(http::StatusCode::OK, tray.clone())))
    }
}

const ALIASES: &[Alias] = &[
    Alias::of("egg:Tea#pot"),
    Alias::of("tea.pot:factory").note("The pot is never washed.").dialect(
        Dialect::lenient()
            .renamed(&[("number_of_cups", "cups")])
            .defaults(&[("tea", "black")])
            .ignored(&[("milk", "nobody takes it")])
            .globals(&["tea"]),
    ),
];

fn registry() -> Registry {
    let teapot = Definition::filter::<Teapot>("teapot").and_app::<Teapot>().aliases(ALIASES);
    Registry::default().with(teapot)
}

#[test]
fn explains_a_factory() {
    let expected = "\
teapot: app, filter

Pours tea. For coffee it
answers 418.

```ini
[filter:teapot]
use = egg:pasteline#teapot
cups = 2
```

Options:

  cups (required)
      How many cups.
      Expects a whole number from 0 to 255.

  tea = green
      Which tea.
      Expects a text.

  guests
      Who may have some.
      Expects a text; several are separated by commas.

Stands for (explain one of them to see what differs):

  egg:Tea#pot
  tea.pot:factory
";
    assert_eq!(Explain::new("teapot").text(&registry()), Ok(expected.to_owned()));
}

#[test]
fn explains_what_differs_under_a_python_name() {
    let expected = "
As `tea.pot:factory`:

  - The pot is never washed.
  - `number_of_cups` is its name for `cups`.
  - `tea` is `black` if not given.
  - `tea` may stand in `[DEFAULT]` too.
  - `milk` has no effect: nobody takes it.
  - Options that it does not know are ignored, with a warning.
";
    for spelling in ["tea.pot:factory", "call:tea.pot:factory", "tea.pot : factory"] {
        let text = Explain::new(spelling).text(&registry()).unwrap();
        assert!(text.starts_with("teapot: app, filter\n"), "{text}");
        assert!(text.ends_with(expected), "{text}");
    }
    let text = Explain::new("egg:tea#pot").text(&registry()).unwrap();
    assert!(text.ends_with("\nAs `egg:Tea#pot`: no difference.\n"), "{text}");
}

#[test]
fn suggests_the_nearest_names() {
    let unknown = |name| Explain::new(name).text(&registry()).unwrap_err();
    let expected =
        "error: no factory or diagnostic is called `taepot`\nhelp: did you mean `teapot`?";
    assert_eq!(unknown("taepot"), expected);
    let expected = "error: no factory or diagnostic is called `egg:Tea#pod`\nhelp: did you mean `egg:Tea#pot`?";
    assert_eq!(unknown("egg:Tea#pod"), expected);
    let expected =
        "error: no factory or diagnostic is called `x`\nhelp: `pasteline list` shows all there are";
    assert_eq!(unknown("x"), expected);
}

#[test]
fn lists_a_factory_in_a_line() {
    assert_eq!(Table(&registry()).to_string(), "teapot  app, filter  Pours tea.\n");
}

#[test]
fn writes_the_reference_as_markdown() {
    let reference = Reference(&registry()).to_string();
    let expected = [
        "| [`teapot`](#teapot) | app, filter | Pours tea. |",
        "## teapot\n\nPours tea. For coffee it\nanswers 418.\n\n```ini\n[filter:teapot]\n",
        "| `cups` | required | a whole number from 0 to 255 | How many cups. |",
        "| `tea` | `green` | a text | Which tea. |",
        "| `guests` |  | a text; several are separated by commas | Who may have some. |",
        "- `egg:Tea#pot`\n- `tea.pot:factory`:\n  - The pot is never washed.\n",
    ];
    for part in expected {
        assert!(reference.contains(part), "{part}\nis not in\n{reference}");
    }
}
