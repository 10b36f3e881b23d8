//! What the values of options look like, as JSON Schema.

use serde_json::{Value as Json, json};

use crate::settings::Form;

/// What one value or item looks like.
pub(super) fn value(form: Form) -> Json {
    let mut schema = match form {
        Form::Boolean => json!({ "type": ["string", "boolean"] }),
        Form::Number => json!({ "type": ["string", "number"], "minimum": 0 }),
        Form::Text => json!({ "type": "string" }),
        Form::Whole { least, most: u64::MAX } => {
            json!({ "type": ["string", "integer"], "minimum": least })
        }
        Form::Whole { least, most } => {
            json!({ "type": ["string", "integer"], "minimum": least, "maximum": most })
        }
        Form::Words(words) => return json!({ "type": "string", "enum": words }),
    };
    if let Some(pattern) = pattern(form) {
        schema["pattern"] = json!(format!("^({pattern})$"));
    }
    schema
}

/// What several of them look like.
pub(super) fn list(form: Form) -> Json {
    let mut schema = json!({ "type": ["string", "array"], "items": value(form) });
    if let Some(item) = pattern(form) {
        schema["pattern"] = json!(format!("^[\\s,]*(({item})([\\s,]+({item}))*[\\s,]*)?$"));
    }
    schema
}

/// What the text of one value or item looks like, as a regular expression.
fn pattern(form: Form) -> Option<String> {
    match form {
        Form::Boolean => {
            let words = ["true", "yes", "on", "y", "t", "1", "false", "no", "off", "n", "f", "0"];
            Some(words.map(in_any_case).join("|"))
        }
        Form::Number => Some(r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?".to_owned()),
        Form::Text => None,
        Form::Whole { most, .. } => {
            let digits = most.to_string().len();
            Some(format!(r"\+?0*[0-9]{{1,{digits}}}"))
        }
        Form::Words(words) => Some(words.join("|")),
    }
}

/// An expression for a word in upper and lower case.
fn in_any_case(word: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_uppercase() {
        upper if upper == letter => letter.to_string(),
        upper => format!("[{upper}{letter}]"),
    };
    word.chars().map(letter).collect()
}
