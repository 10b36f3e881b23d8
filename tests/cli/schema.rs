//! `schema`: what it says of the options of factories holds for real files.

use regex_lite::Regex;
use serde_json::{Value, json};

use crate::support::Test;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/api-paste.ini");

/// What keywords say to people only.
const ANNOTATIONS: [&str; 10] = [
    "$comment",
    "$defs",
    "$schema",
    "default",
    "deprecated",
    "description",
    "examples",
    "if",
    "title",
    "writeOnly",
];

fn print(arguments: &str) -> Value {
    let finished = Test::new().arguments(arguments).run().status(0);
    serde_json::from_str(&finished.stdout).unwrap()
}

/// The trees of all sections of a file.
fn trees(file: &str) -> Vec<Value> {
    let Value::Array(entries) = print(&format!("show {file} --all --format json")) else {
        panic!("it is a list")
    };
    entries.into_iter().map(|mut entry| entry["result"].take()).collect()
}

/// What is wrong with a value, by the keywords that say so. A keyword that is not known here
/// fails the test.
fn faults(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let Value::Object(keywords) = schema else {
        return if schema == &json!(false) { vec!["false".into()] } else { Vec::new() };
    };
    let check = |schema: &Value, value: &Value| faults(root, schema, value);
    let mut found = Vec::new();
    for (keyword, rule) in keywords {
        let is_right = match &**keyword {
            "type" => is_of(value, rule),
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "pattern" => {
                let pattern = Regex::new(rule.as_str().unwrap()).unwrap();
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "required" => rule.as_array().unwrap().iter().all(|name| has(value, name)),
            "anyOf" => rule.as_array().unwrap().iter().any(|any| check(any, value).is_empty()),
            "allOf" => {
                found.extend(rule.as_array().unwrap().iter().flat_map(|all| check(all, value)));
                true
            }
            "then" => {
                let applies = check(&schema["if"], value).is_empty();
                found.extend(applies.then(|| check(rule, value)).into_iter().flatten());
                true
            }
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                found.extend(check(&root["$defs"][name.replace("%23", "#")], value));
                true
            }
            "items" => {
                let items = value.as_array().into_iter().flatten();
                found.extend(items.flat_map(|item| check(rule, item)));
                true
            }
            "properties" => {
                let known = rule.as_object().unwrap().iter();
                let given = known.filter_map(|(name, rule)| Some((rule, value.get(name)?)));
                found.extend(given.flat_map(|(rule, given)| check(rule, given)));
                true
            }
            "additionalProperties" => {
                let others = value.as_object().into_iter().flatten();
                let others = others.filter(|(name, _)| schema["properties"].get(name).is_none());
                found.extend(others.flat_map(|(_, other)| check(rule, other)));
                true
            }
            known => {
                assert!(ANNOTATIONS.contains(&known), "{known}");
                true
            }
        };
        if !is_right {
            found.push(format!("{keyword}: {value}"));
        }
    }
    found
}

fn is_of(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("{other}"),
    };
    types.as_array().map_or_else(|| is(types), |types| types.iter().any(is))
}

fn has(value: &Value, name: &Value) -> bool {
    value.get(name.as_str().unwrap()).is_some()
}

#[test]
fn every_section_of_the_demo_is_valid() {
    let schema = print("schema");
    let trees = trees(DEMO);
    assert!(trees.len() > 10);
    for tree in &trees {
        assert_eq!(faults(&schema, &schema, tree), [""; 0], "{tree}");
    }
}

#[test]
fn a_section_that_is_wrong_is_not_valid() {
    let schema = print("schema");
    for (section, expected) in [
        ("egg:pasteline#sizelimit\nmax_request_body_size = many", "pattern: \"many\""),
        ("egg:pasteline#sizelimit\nmax_request_body_sise = 1", "false"),
        ("egg:pasteline#compress\nencodings = br, lzw", "pattern: \"br, lzw\""),
        ("egg:pasteline#http_proxy_to_wsgi\nproxy_headers = no", "enum: \"no\""),
        ("egg:pasteline#basic_auth", "required: {}"),
    ] {
        let file = format!("[filter:f]\nuse = {section}\n");
        let arguments = "show --name f --type filter --format json";
        let finished = Test::new().ini(&file).arguments(arguments).run().status(0);
        let tree = serde_json::from_str(&finished.stdout).unwrap();
        assert_eq!(faults(&schema, &schema, &tree), [expected], "{section}");
    }
}

#[test]
fn json_values_are_understood_too() {
    let schema = print("schema");
    let definitions = &schema["$defs"];
    let is_valid =
        |name: &str, options: Value| faults(&schema, &definitions[name], &options).is_empty();
    assert!(is_valid("sizelimit", json!({ "max_request_body_size": 5 })));
    assert!(!is_valid("sizelimit", json!({ "max_request_body_size": -5 })));
    assert!(is_valid("compress", json!({ "encodings": ["br", "gzip"], "level": 4 })));
    assert!(!is_valid("compress", json!({ "encodings": ["lzw"], "level": 4 })));
    assert!(is_valid("pass", json!({ "whatever": "it takes" })));
    assert!(is_valid("urlmap", json!({ "/": "app" })));
    assert!(is_valid("respond", json!({ "status": "404" })) && is_valid("respond", json!({})));
    assert!(!is_valid("respond", json!({ "status": 99 })));
    assert!(is_valid("cors", json!({ "allow_credentials": "Yes", "allowed_origin": "*" })));
    assert!(!is_valid("cors", json!({ "allow_credentials": "maybe", "allowed_origin": "*" })));
}

#[test]
fn defaults_and_examples_are_valid() {
    let schema = print("schema");
    let mut checked = 0;
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for (option, rule) in definition["properties"].as_object().into_iter().flatten() {
            let default = rule.get("default").map(|default| faults(&schema, rule, default));
            assert_eq!(default.unwrap_or_default(), [""; 0], "{name} {option}");
            assert!(rule["description"].is_string(), "{name} {option}");
        }
        for example in definition["examples"].as_array().into_iter().flatten() {
            assert_eq!(faults(&schema, definition, example), [""; 0], "{name}");
            checked += 1;
        }
    }
    assert!(checked > 10);
}

#[test]
fn a_factory_is_described_under_each_of_its_names() {
    let native = print("schema static");
    assert_eq!(native["required"], Value::Null);
    assert!(native["properties"]["root"]["description"].is_string());
    let paste = print("schema egg:Paste#static");
    assert!(paste["properties"]["document_root"]["description"].is_string());
    assert_eq!(print("schema call:oslo_middleware.cors:filter_factory")["title"], "cors: filter");
    let finished = Test::new().arguments("schema sizelimt").run().status(1);
    let expected = "error: no factory is called `sizelimt`\nhelp: did you mean `sizelimit`?\n";
    assert_eq!((&*finished.stdout, &*finished.stderr), ("", expected));
}
