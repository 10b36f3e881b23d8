//! The options of factories as JSON Schema, made of their records.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

use super::value::{list, value};
use crate::cli::difference::differences;
use crate::cli::list::kinds;
use crate::ini::{self, Setting};
use crate::registry::{Alias, Definition, Found, Kind, Registry};
use crate::settings::{Dialect, OptionSpec, Shape, Unknown, prose};
use crate::source::Sources;

/// The dialect of JSON Schema.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What a schema is about.
const ABOUT: &str = "\
What sections of a paste file give their factories, in the form in which `pasteline show --format \
json` prints it as `local_conf`: each option of the section by its name, its value as a text, \
references filled in, without `use`, `set`, `get` and `filter-with`, which are not for the \
factory. Where a text is a number, a boolean or a list, JSON's own are understood too. A text is \
checked as far as a pattern can; `pasteline validate` checks all of it.";

/// What the schema of all factories is about beside that.
const ALL: &str = "\
There is a definition for each factory, by its name, and for each Python factory that it stands \
for. The document as a whole describes one app, composite, filter or server of what `show` prints, \
and takes the definition by its `kind` and `factory`.";

/// The letters that cannot stand in the fragment of a URI.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b']')
    .add(b'`');

/// The schema of all factories.
pub(in crate::cli) fn all(registry: &Registry) -> Json {
    let is_current = |definition: &&Definition| {
        registry.named(definition.name).is_some_and(|named| std::ptr::eq(named, *definition))
    };
    let (mut choices, mut definitions) = (Vec::new(), Map::new());
    for definition in registry.definitions().into_iter().filter(is_current) {
        // What is the same under several names is there once.
        let mut known: Vec<(&str, Json)> = Vec::new();
        for (name, specs, alias) in names(definition) {
            choices.push(choice(definition, &specs, name));
            let schema = factory(definition, alias);
            let same = known.iter().find(|(_, known)| *known == schema);
            let same = same.map(|(known, _)| json!({ "$ref": reference(known) }));
            if same.is_none() {
                known.push((name, schema.clone()));
            }
            definitions.insert(name.to_owned(), same.unwrap_or(schema));
        }
    }
    json!({
        "$schema": DIALECT,
        "title": "The factories of pasteline",
        "description": format!("{ABOUT}\n\n{ALL}"),
        "type": "object",
        "allOf": choices,
        "$defs": definitions,
    })
}

/// The schema of what a name stands for, which may be several factories.
pub(in crate::cli) fn of(found: &[Found<'_>]) -> Json {
    let mut schema = json!({ "$schema": DIALECT, "$comment": ABOUT });
    let mut schemas = found.iter().map(|found| factory(found.definition, found.alias));
    let rest = match (schemas.next(), found.len()) {
        (Some(only), 1) => only,
        (first, _) => json!({ "anyOf": first.into_iter().chain(schemas).collect::<Vec<_>>() }),
    };
    if let (Json::Object(schema), Json::Object(rest)) = (&mut schema, rest) {
        schema.extend(rest);
    }
    schema
}

/// The names of a factory, its own first, each with how a section may spell it.
fn names(
    definition: &Definition,
) -> impl Iterator<Item = (&'static str, Vec<String>, Option<&'static Alias>)> {
    let native = (definition.name, vec![format!("egg:pasteline#{}", definition.name)], None);
    let aliases = definition.aliases.iter().map(|alias| {
        let call = (!alias.spec.starts_with("egg:")).then(|| format!("call:{}", alias.spec));
        let specs = [alias.spec.to_owned()].into_iter().chain(call).collect();
        (alias.spec, specs, Some(alias))
    });
    [native].into_iter().chain(aliases)
}

/// Takes a definition for what a factory made.
fn choice(definition: &Definition, specs: &[String], name: &str) -> Json {
    let made: Vec<_> = definition.kinds().map(Kind::name).collect();
    json!({
        "if": {
            "properties": { "kind": { "enum": made }, "factory": { "enum": specs } },
            "required": ["kind", "factory"],
        },
        "then": { "properties": { "local_conf": { "$ref": reference(name) } } },
    })
}

/// Refers to a definition.
fn reference(name: &str) -> String {
    let name = name.replace('~', "~0").replace('/', "~1");
    format!("#/$defs/{}", utf8_percent_encode(&name, ESCAPED))
}

/// The schema of a factory under one of its names.
fn factory(definition: &Definition, alias: Option<&Alias>) -> Json {
    let native = Dialect::new();
    let dialect = alias.map_or(&native, |alias| &alias.dialect);
    let differences = alias.map(|alias| differences(definition, alias)).unwrap_or_default();
    let mut description = prose(definition.doc);
    if !differences.is_empty() {
        description.push_str("\n\nUnder this name:\n");
        description.extend(differences.iter().map(|difference| format!("\n- {difference}")));
    }
    let mut schema = json!({
        "title": format!("{}: {}", definition.name, kinds(definition)),
        "description": description,
        "type": "object",
        "properties": properties(definition, dialect),
    });
    let required = required(definition, dialect);
    if !required.is_empty() {
        schema["allOf"] = required.into();
    }
    schema["additionalProperties"] =
        if takes_others(definition, dialect) { json!({ "type": "string" }) } else { json!(false) };
    let examples = examples(definition);
    if differences.is_empty() && !examples.is_empty() {
        schema["examples"] = examples.into();
    }
    schema
}

/// Whether options may be given that are not among those of the record.
fn takes_others(definition: &Definition, dialect: &Dialect) -> bool {
    definition.is(Kind::Composite)
        || dialect.unknown() == Unknown::Ignored
        || definition.takes_others()
}

fn properties(definition: &Definition, dialect: &Dialect) -> Map<String, Json> {
    let mut properties = Map::new();
    for option in definition.options {
        let schema = property(option, dialect.default_of(option.name).or(option.default));
        let renamed = dialect.renames().iter().filter(|(_, ours)| *ours == option.name);
        for (theirs, _) in renamed {
            properties.insert((*theirs).to_owned(), schema.clone());
        }
        properties.insert(option.name.to_owned(), schema);
    }
    for (theirs, why) in dialect.ignores() {
        let schema = json!({ "description": format!("Has no effect: {why}."), "deprecated": true });
        properties.insert((*theirs).to_owned(), schema);
    }
    properties
}

/// The options that must be given, by their name or ours; not those that may be global ones.
fn required(definition: &Definition, dialect: &Dialect) -> Vec<Json> {
    let options = definition.options.iter().filter(|option| {
        let is_given = dialect.default_of(option.name).is_some()
            || dialect.is_global(dialect.theirs(option.name));
        option.required && !is_given
    });
    let required = options.map(|option| match dialect.theirs(option.name) {
        name if name == option.name => json!({ "required": [name] }),
        theirs => json!({ "anyOf": [{ "required": [theirs] }, { "required": [option.name] }] }),
    });
    required.collect()
}

fn property(option: &OptionSpec, default: Option<&str>) -> Json {
    let mut schema = match option.shape {
        Shape::One => value(option.form),
        Shape::Lines | Shape::List => list(option.form),
    };
    let expectation = option.expectation();
    schema["description"] = json!(format!("{}\n\nExpects {expectation}.", prose(option.doc)));
    match default {
        _ if option.secret => schema["writeOnly"] = json!(true),
        Some(default) => schema["default"] = json!(default),
        None => {}
    }
    schema
}

/// The options of the factory's own sections in the examples of its documentation.
fn examples(definition: &Definition) -> Vec<Json> {
    let doc = prose(definition.doc);
    let blocks = doc.split("```ini\n").skip(1).filter_map(|rest| rest.split("```").next());
    let used = format!("egg:pasteline#{}", definition.name);
    let uses = |option: &Setting| &*option.key == "use" && *option.raw == *used;
    let is_own = |option: &&Setting| {
        let key = &*option.key;
        !matches!(key, "use" | "filter-with")
            && !key.starts_with("set ")
            && !key.starts_with("get ")
    };
    let sections = blocks.flat_map(|block| {
        let mut sources = Sources::default();
        let source = sources.add("example.ini", block);
        ini::parse(source, &sources).0.sections
    });
    let sections = sections.filter(|section| section.options.iter().any(uses));
    let option = |option: &Setting| (option.key.to_string(), json!(&*option.raw));
    sections.map(|section| section.options.iter().filter(is_own).map(option).collect()).collect()
}
