//! What `use`, `filter-with`, `next` and pipelines name, and Python objects.

use super::grammar::{self, Rule};

/// What a value such as that of `use` names. No part is stripped or decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Factory<'text> {
    /// `call:module:attribute`. A fragment is left out.
    Call {
        /// What stands before the first `:`; it may be empty.
        module: &'text str,
        /// What stands after it; none without a `:`. It may be empty.
        attribute: Option<&'text str>,
        /// A second `:` and all that follows, which is one part too many.
        surplus: Option<&'text str>,
    },
    /// `config:path#name`.
    Config {
        /// The path of another file; it may be empty.
        path: &'text str,
        /// The name of what is wanted there; none without a `#`, which stands for `main`.
        name: Option<&'text str>,
    },
    /// `egg:Distribution#entry`.
    Egg {
        /// The Python distribution; it may be empty.
        distribution: &'text str,
        /// The name of the entry point; none without a `#`, which stands for `main`.
        entry: Option<&'text str>,
    },
    /// Another section, by the part of its header after the kind: `cors` for `[filter:cors]`.
    Section(&'text str),
    /// Letters and a `:`, but none of the schemes that exist.
    Unknown {
        /// The letters.
        scheme: &'text str,
    },
}

impl<'text> Factory<'text> {
    /// Reads a value. Every text is one or the other.
    ///
    /// ```
    /// use pasteline::syntax::Factory;
    ///
    /// let factory = Factory::parse("egg:Paste#urlmap");
    /// assert_eq!(factory, Factory::Egg { distribution: "Paste", entry: Some("urlmap") });
    /// assert_eq!(Factory::parse("v2:app"), Factory::Section("v2:app"));
    /// ```
    pub fn parse(text: &'text str) -> Self {
        // Most names are those of sections, and what has no scheme is nothing else.
        if !text.contains(':') {
            return Self::Section(text);
        }
        let pair = grammar::parse(Rule::factory, text).next().expect("a factory is a pair");
        let parts = pair.clone().into_inner();
        let part =
            |rule| parts.clone().find(|part| part.as_rule() == rule).map(|part| part.as_str());
        let required = |rule| part(rule).unwrap_or_default();
        match pair.as_rule() {
            Rule::call => Self::Call {
                module: required(Rule::module),
                attribute: part(Rule::attribute),
                surplus: part(Rule::surplus),
            },
            Rule::config => {
                Self::Config { path: required(Rule::locator), name: part(Rule::fragment) }
            }
            Rule::egg => {
                Self::Egg { distribution: required(Rule::locator), entry: part(Rule::fragment) }
            }
            Rule::unknown => Self::Unknown { scheme: required(Rule::scheme) },
            _ => Self::Section(text),
        }
    }
}

/// A Python object, as `paste.app_factory` and the like name one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Object<'text> {
    /// The module, with dots.
    pub module: &'text str,
    /// The attribute, which may have dots too; none where the module stands alone.
    pub attribute: Option<&'text str>,
}

impl<'text> Object<'text> {
    /// Reads a value; none if it is not of the form `module:attribute`, which Python's entry
    /// points demand. Blanks around the names and `[extras]` after them are left out.
    ///
    /// ```
    /// use pasteline::syntax::Object;
    ///
    /// let object = Object::parse("paste.urlmap : urlmap_factory");
    /// assert_eq!(object.and_then(|object| object.attribute), Some("urlmap_factory"));
    /// assert_eq!(Object::parse("paste.urlmap:urlmap_factory # comment"), None);
    /// ```
    pub fn parse(text: &'text str) -> Option<Self> {
        let object = grammar::parse_if_valid(Rule::object, text)?.next()?;
        let mut names = object.into_inner().filter(|part| part.as_rule() == Rule::dotted);
        let module = names.next()?.as_str();
        Some(Self { module, attribute: names.next().map(|name| name.as_str()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'text>(
        module: &'text str,
        attribute: impl Into<Option<&'text str>>,
        surplus: impl Into<Option<&'text str>>,
    ) -> Factory<'text> {
        Factory::Call { module, attribute: attribute.into(), surplus: surplus.into() }
    }

    fn egg<'text>(
        distribution: &'text str,
        entry: impl Into<Option<&'text str>>,
    ) -> Factory<'text> {
        Factory::Egg { distribution, entry: entry.into() }
    }

    #[test]
    fn reads_factories() {
        let config = |path, name| Factory::Config { path, name };
        for (text, expected) in [
            ("egg:Paste#urlmap", egg("Paste", "urlmap")),
            ("EGG:a", egg("a", None)),
            ("egg: a b#c#d", egg(" a b", "c#d")),
            ("egg:#", egg("", "")),
            ("egg:Demo#config:x", egg("Demo", "config:x")),
            ("config:other.ini#a", config("other.ini", Some("a"))),
            ("Config:", config("", None)),
            ("call:a.b:c", call("a.b", "c", None)),
            ("call:a", call("a", None, None)),
            ("call::c#d", call("", "c", None)),
            ("call:a:", call("a", "", None)),
            ("call:a:b:c:#d", call("a", "b", ":c:")),
            ("python:a", Factory::Unknown { scheme: "python" }),
            ("http://h", Factory::Unknown { scheme: "http" }),
            ("cors", Factory::Section("cors")),
            ("", Factory::Section("")),
            ("v2:x", Factory::Section("v2:x")),
            (":x", Factory::Section(":x")),
            ("\negg:a", Factory::Section("\negg:a")),
            ("egg#a:b", Factory::Section("egg#a:b")),
        ] {
            assert_eq!(Factory::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn reads_objects() {
        for (text, module, attribute) in [
            ("a.b:C.d", "a.b", Some("C.d")),
            ("a", "a", None),
            ("a \n: b ", "a", Some("b")),
            ("a:b [x] y]\n", "a", Some("b")),
            ("a[]", "a", None),
            ("m\u{f6}d_1:\u{661}", "m\u{f6}d_1", Some("\u{661}")),
        ] {
            assert_eq!(Object::parse(text), Some(Object { module, attribute }), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_object() {
        for text in ["", " a:b", "a:", "a:b:c", "a:b # c", "egg:X#y", "a-b:c", "\na:b", "a:b [x"] {
            assert_eq!(Object::parse(text), None, "{text:?}");
        }
    }
}
