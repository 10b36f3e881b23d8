//! The steps by which a value came to its factory.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::ini::Setting;
use crate::source::{Sources, Span};

/// Where the value of an option comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// The option.
    pub key: Arc<str>,
    /// Its value, references filled in.
    pub text: Arc<str>,
    /// First where the value stands, then what led to it.
    pub steps: Vec<Step>,
}

/// Something that a value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What it has to do with the value.
    pub how: How,
    /// The header of the section, `DEFAULT` included; none for what no file says.
    pub section: Option<Arc<str>>,
    /// The key as it stands there, such as `set debug`.
    pub key: Arc<str>,
    /// What stands there, before references are filled in.
    pub text: Arc<str>,
    /// The place of the value; none for what no file says.
    pub span: Option<Span>,
}

/// What a step has to do with a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum How {
    /// The factory has it as a default.
    Default,
    /// A section gets it from a global option.
    Get,
    /// A section, or `[DEFAULT]`, gives it.
    Given,
    /// The factory needs it, and nothing gives it.
    Missing,
    /// It goes over this one: in a file below, in a section that is used, or in `[DEFAULT]`.
    Over,
    /// A reference brings it in, so many references away from the value.
    Reference(usize),
    /// A section sets it for all that it is made of.
    Set,
    /// A file of settings, or the environment, gives it for the factory.
    Settings,
    /// Nobody knows any more: it has been replaced since, or there is too much of it.
    Unknown,
    /// No file gives it: the caller does, or it tells where the file lies.
    Unwritten,
    /// A section uses the one that gives it.
    Use,
}

impl How {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Get => "get",
            Self::Given => "given",
            Self::Missing => "missing",
            Self::Over => "over",
            Self::Reference(_) => "reference",
            Self::Set => "set",
            Self::Settings => "settings",
            Self::Unknown => "unknown",
            Self::Unwritten => "unwritten",
            Self::Use => "use",
        }
    }
}

impl Origin {
    /// A default of a factory.
    pub(super) fn default(name: &str, text: &str) -> Self {
        Self::implied(How::Default, name, text)
    }

    /// An option that a factory needs and is not given.
    pub(super) fn missing(name: &str) -> Self {
        Self::implied(How::Missing, name, "")
    }

    fn implied(how: How, name: &str, text: &str) -> Self {
        let (key, text): (Arc<str>, Arc<str>) = (Arc::from(name), Arc::from(text));
        let step = Step { how, ..Step::unwritten(&key, &text) };
        Self { key, text, steps: vec![step] }
    }

    /// The steps as JSON, secrets included.
    pub(super) fn json(&self, sources: &Sources) -> Json {
        self.steps.iter().map(|step| step.json(sources)).collect()
    }
}

impl Step {
    pub(super) fn of(how: How, header: &Arc<str>, setting: &Setting) -> Self {
        Self {
            how,
            section: Some(Arc::clone(header)),
            key: Arc::clone(&setting.key),
            text: Arc::clone(&setting.raw),
            span: Some(setting.value_span),
        }
    }

    /// What no file says.
    pub(super) fn unwritten(key: &Arc<str>, text: &Arc<str>) -> Self {
        let (key, text) = (Arc::clone(key), Arc::clone(text));
        Self { how: How::Unwritten, section: None, key, text, span: None }
    }

    /// What nobody knows any more.
    pub(super) fn unknown() -> Self {
        let nothing: Arc<str> = Arc::from("");
        Self { how: How::Unknown, ..Self::unwritten(&nothing, &nothing) }
    }

    /// The step as JSON, secrets included.
    pub(in crate::graph) fn json(&self, sources: &Sources) -> Json {
        let Self { how, section, key, text, span } = self;
        let mut shown = json!({ "how": how.name(), "key": &**key, "value": &**text });
        if let How::Reference(depth) = how {
            shown["depth"] = json!(depth);
        }
        if let Some(section) = section {
            shown["section"] = json!(&**section);
        }
        if let Some(span) = span {
            let location = sources.location(*span);
            shown["file"] = json!(sources.get(span.source).path());
            shown["line"] = json!(location.line);
            shown["column"] = json!(location.column);
        }
        shown
    }
}
