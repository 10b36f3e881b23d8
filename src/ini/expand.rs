//! Fills in `%(name)s` as Python's `BasicInterpolation` does.

use std::sync::Arc;

use super::reference::Fault;
use super::scope::{Found, Scope};
use super::trail::{Step, Trail};
use crate::diagnostic::Diagnostic;
use crate::syntax::{self, PieceKind};

/// How deep values may lead to values.
pub(super) const DEPTH: usize = 10;

/// The value of a key with its references filled in.
pub(super) fn expand(
    scope: &Scope<'_>,
    key: &str,
    found: &Found<'_>,
) -> Result<Arc<str>, Box<Diagnostic>> {
    if !found.raw.contains('%') {
        return Ok(Arc::clone(&found.raw));
    }
    let trail = Trail::new(Step::new(key, found.clone()));
    let mut expansion = Expansion { scope, text: String::new(), brought: 0, trail };
    match expansion.spend(found.raw.len()).and_then(|()| expansion.last_step()) {
        Ok(()) => Ok(Arc::from(expansion.text)),
        Err(Fault::TooDeep) => Err(Box::new(too_deep(scope, expansion.trail))),
        Err(fault) => Err(Box::new(fault.diagnostic(scope, &expansion.trail))),
    }
}

/// What is wrong with a value that leads too deep. All others on the way that lead too deep as
/// well have the same fault.
fn too_deep<'a>(scope: &Scope<'a>, mut trail: Trail<'a>) -> Diagnostic {
    trail.follow(scope);
    let fault = Fault::TooDeep.diagnostic(scope, &trail);
    let deep = if trail.circle().is_some() { trail.len() } else { trail.len() - DEPTH };
    scope.remember(trail.steps().take(deep).map(|step| &*step.key), &fault);
    fault
}

#[derive(Debug)]
struct Expansion<'scope, 'a> {
    scope: &'scope Scope<'a>,
    text: String,
    /// What references have brought in, in bytes.
    brought: usize,
    /// The values that are being read. After a fault it leads there.
    trail: Trail<'a>,
}

impl Expansion<'_, '_> {
    /// What a piece counts for beside its text, so that references to nothing come to an end as
    /// well.
    const PIECE: usize = 64;

    /// Appends the value at the end of the trail, whose text has been counted.
    fn last_step(&mut self) -> Result<(), Fault> {
        if self.trail.len() > DEPTH {
            return Err(Fault::TooDeep);
        }
        let raw = Arc::clone(&self.trail.last().found.raw);
        for piece in syntax::interpolation(&raw) {
            self.spend(Self::PIECE)?;
            self.trail.last_mut().range = piece.range.clone();
            match piece.kind {
                PieceKind::Escape => self.text.push('%'),
                PieceKind::Plain => self.text.push_str(&raw[piece.range]),
                PieceKind::Reference { name } => self.follow(&raw[name])?,
                PieceKind::Stray => return Err(Fault::Stray),
                PieceKind::Unfinished => return Err(Fault::Unfinished),
            }
        }
        Ok(())
    }

    /// Appends the value that a reference stands for.
    fn follow(&mut self, name: &str) -> Result<(), Fault> {
        let from = self.trail.last().found.setting;
        let found = self.scope.find(name, from).ok_or_else(|| Fault::Missing(name.to_owned()))?;
        let length = Self::PIECE + found.raw.len();
        self.brought += length;
        if self.brought > Scope::MOST {
            return Err(Fault::TooLarge);
        }
        self.spend(length)?;
        if !found.raw.contains('%') {
            self.text.push_str(&found.raw);
            return Ok(());
        }
        self.trail.push(Step::new(name, found));
        self.last_step()?;
        self.trail.pop();
        Ok(())
    }

    fn spend(&self, bytes: usize) -> Result<(), Fault> {
        if self.scope.defaults().spend(bytes) { Ok(()) } else { Err(Fault::Exhausted) }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::ini::{Defaults, parse};
    use crate::source::Sources;

    /// What becomes of the value of a key: `[DEFAULT]`'s, or the first section's if there is one.
    fn value(text: &str, key: &str) -> Result<String, Box<(String, Diagnostic)>> {
        let mut sources = Sources::default();
        let source = sources.add("/dir/paste.ini", text);
        let (document, faults) = parse(source, &sources);
        assert_eq!(faults, []);
        let mut defaults = Defaults::new(&document, &sources);
        defaults.add_missing(&Arc::from("caller"), &Arc::from("50%"));
        defaults.add_missing(&Arc::from("here"), &Arc::from("ignored"));
        let scope = defaults.scope(document.sections.first(), &sources);
        let result = scope.value(key).expect("the key is there");
        result.map(|value| value.text.to_string()).map_err(|fault| {
            let place = fault.span.map_or("", |span| sources.text(span));
            Box::new((format!("{} <{place}>", fault.slug), *fault))
        })
    }

    fn fault(text: &str, key: &str) -> String {
        value(text, key).expect_err("the value is bad").0
    }

    #[test]
    fn fills_in_references() {
        for (text, expected) in [
            ("[s]\na = x%(b)sz\nb = y", "xyz"),
            ("[s]\na = %(here)s %(__file__)s", "/dir /dir/paste.ini"),
            ("[DEFAULT]\na = %(b)s\nb = 1\n[s]\nb = 2", "2"),
            ("[DEFAULT]\nb = 1\n[s]\na = %(b)s", "1"),
            ("[DEFAULT]\nhere = x\n[s]\na = %(here)s", "x"),
            ("[s]\na = %(b)s\nb = 50%%%% %(c)s\nc = %%", "50%% %"),
            ("[s]\na = %(set x)s\nset x = 1", "1"),
            ("[s]\na = $b ${b} %%(b)s", "$b ${b} %(b)s"),
            ("[s]\na = %(b)s\nb =\n  x", "\nx"),
        ] {
            assert_eq!(value(text, "a").as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn blames_the_reference_at_fault() {
        for (text, expected) in [
            ("[s]\na = x %(c)s", "unknown-reference <%(c)s>"),
            ("[s]\na = %(b)s\nb = %(c)s", "unknown-reference <%(c)s>"),
            ("[s]\na = %(A)s", "unknown-reference <%(A)s>"),
            ("[s]\na = 50% x", "stray-percent <%>"),
            ("[s]\na = x\n  %", "stray-percent <%>"),
            ("[s]\na = %(b)s\nb = %%%", "stray-percent <%>"),
            ("[s]\na = %(b) s\nb = 1", "unfinished-reference <%(b)>"),
            ("[s]\na = %()s", "unfinished-reference <%()>"),
            ("[s]\na = x %(b\n  c", "unfinished-reference <%(>"),
            ("[s]\na = %(caller)s", "stray-percent <%(caller)s>"),
            ("[s]\na = x%(a)s", "circular-reference <%(a)s>"),
            ("[s]\na = %(b)s\nb = %(c)s\nc = %(b)s", "circular-reference <%(c)s>"),
        ] {
            assert_eq!(fault(text, "a"), expected, "{text:?}");
        }
        assert_eq!(fault("[s]\n", "caller"), "stray-percent <>");
    }

    #[test]
    fn a_circle_is_the_same_fault_for_all_who_are_in_it() {
        let text = "[s]\na = %(b)s\nb = %(c)s\nc = x %(a)s\nd = %(c)s";
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|key| value(text, key).unwrap_err().1);
        assert_eq!(a.message, "`a` refers to itself: `a` → `b` → `c` → `a`");
        assert_eq!((&b, &c), (&a, &a));
        assert_eq!((d.span, d.message), (a.span, a.message));
        assert_eq!(d.related.last().unwrap().1, "`d` needs it");
    }

    #[test]
    fn follows_ten_references_to_a_plain_value() {
        let chain = |length: usize, end: &str| {
            let mut text = "[s]\n".to_owned();
            for number in 0..length {
                writeln!(text, "k{number} = %(k{})s", number + 1).unwrap();
            }
            text + &format!("k{length} = {end}")
        };
        assert_eq!(value(&chain(10, "end"), "k0").as_deref(), Ok("end"));
        assert_eq!(value(&chain(9, "end%%"), "k0").as_deref(), Ok("end%"));
        assert_eq!(fault(&chain(11, "end"), "k0"), "deep-reference <%(k1)s>");
        assert_eq!(fault(&chain(10, "end%%"), "k0"), "deep-reference <%(k1)s>");
    }

    #[test]
    fn a_fault_far_down_is_that_of_all_who_come_to_it() {
        let text = |end: &str| {
            let chain = |number| match number {
                12 => end.to_owned(),
                _ => format!("%(k{})s", number + 1),
            };
            let lines = (0..25).map(|number| format!("k{number} = {}\n", chain(number)));
            format!("[s]\n{}k25 = x\n", lines.collect::<String>())
        };
        for (end, slug) in
            [("% %(k13)s", "stray-percent"), ("%(none)s %(k13)s", "unknown-reference")]
        {
            let text = text(end);
            let mut sources = Sources::default();
            let source = sources.add("paste.ini", &*text);
            let (document, _) = parse(source, &sources);
            let defaults = Defaults::new(&document, &sources);
            let scope = defaults.scope(document.sections.first(), &sources);
            let slug_of = |number| scope.value(&format!("k{number}")).unwrap().unwrap_err().slug;
            let slugs: Vec<_> = (0..13).map(slug_of).collect();
            assert_eq!(slugs, [vec!["deep-reference"; 3], vec![slug; 10]].concat());
        }
    }

    #[test]
    fn says_which_class_python_has_for_a_fault() {
        let class = |text| value(text, "a").map_err(|fault| fault.1.class);
        assert_eq!(class("[s]\na = %(b)s"), Err("InterpolationMissingOptionError"));
        assert_eq!(class("[s]\na = %"), Err("InterpolationSyntaxError"));
        assert_eq!(class("[s]\na = %("), Err("InterpolationSyntaxError"));
        assert_eq!(class("[s]\na = %(a)s"), Err("InterpolationDepthError"));
    }

    #[test]
    fn explains_a_fault() {
        let (_, fault) = *value("[s]\na = %(b)s\nb = %(colour)s\ncolor = 1", "a").unwrap_err();
        assert_eq!(
            fault.message,
            "`%(colour)s` refers to an option that is neither in `[s]` nor in `[DEFAULT]`"
        );
        assert_eq!(fault.help, ["did you mean `color`?"]);
        assert_eq!(fault.related[0].1, "`a` needs it");
        let (_, fault) = *value("[s]\na = %(b)s\nb = %(a)s", "a").unwrap_err();
        assert_eq!(fault.message, "`a` refers to itself: `a` → `b` → `a`");
        let (_, fault) = *value("[s]\na = %(debug)s\nset debug = 1", "a").unwrap_err();
        assert_eq!(fault.help, ["`set debug` is for factories; references see plain options only"]);
    }

    #[test]
    fn doubles_every_stray_percent_sign_at_once() {
        let (_, fault) = *value("[s]\na = 5% %% 6%\n  7% %(b", "a").unwrap_err();
        assert_eq!(fault.fix.map(|fix| fix.edits.len()), Some(3));
    }

    #[test]
    fn bounds_what_references_bring_in() {
        let tenfold = |key: &str| format!("%({key})s").repeat(10);
        let mut text = format!("[s]\na = {}\n", tenfold("k0"));
        for number in 0..8 {
            writeln!(text, "k{number} = {}", tenfold(&format!("k{}", number + 1))).unwrap();
        }
        assert!(fault(&(text.clone() + "k8 = lol"), "a").starts_with("large-value"));
        assert!(fault(&(text + "k8 ="), "a").starts_with("large-value"));
        let plain = format!("[s]\na = {}%%", "x".repeat(2 * Scope::MOST));
        assert!(value(&plain, "a").is_ok());
    }

    #[test]
    fn bounds_all_values_together() {
        let mut sources = Sources::default();
        let text = format!("[s]\na = %(b)s\nb = {}", "x".repeat(Scope::MOST / 2));
        let length = text.len();
        let source = sources.add("paste.ini", text);
        let (document, _) = parse(source, &sources);
        let defaults = Defaults::new(&document, &sources);
        let scope = defaults.scope(document.sections.first(), &sources);
        let count = (0..1000).take_while(|_| scope.value("a").unwrap().is_ok()).count();
        assert_eq!(count, (Defaults::MOST + Defaults::TIMES * length) / (Scope::MOST / 2) - 1);
    }

    #[test]
    fn lists_own_keys_before_inherited_ones() {
        let mut sources = Sources::default();
        let source = sources.add("paste.ini", "[DEFAULT]\nx = 1\ny = 2\n[s]\ny = 3\na = 4");
        let (document, _) = parse(source, &sources);
        let defaults = Defaults::new(&document, &sources);
        let scope = defaults.scope(document.sections.first(), &sources);
        let keys: Vec<_> = scope.keys().map(|key| &**key).collect();
        assert_eq!(keys, ["y", "a", "here", "__file__", "x"]);
    }
}
