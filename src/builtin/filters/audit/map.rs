//! What the paths of an API mean.

use std::collections::HashMap;
use std::path::Path;

use http::Method;

use crate::app::Request;
use crate::ini;
use crate::registry::Error;
use crate::source::Sources;

/// What the paths of an API mean, as a file of pyCADF's form says.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// The words of paths behind which stands a name, and what is named: `ports = port`.
    keywords: HashMap<String, String>,
    actions: HashMap<String, String>,
    /// What a service of a type is called in events.
    pub(super) services: HashMap<String, String>,
    /// The type of the service if none of the catalog is at the host that was asked.
    pub(super) default_service: Option<String>,
}

impl Map {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let mut sources = Sources::default();
        let source = sources.read(path).map_err(|error| Error::new(error.to_string()))?;
        let (document, faults) = ini::parse(source, &sources);
        if let Some(fault) = faults.first() {
            return Err(Error::new(format!("`{}`: {}", path.display(), fault.message)));
        }
        let section = |name: &str| {
            let found = document.sections.iter().find(|section| &*section.name == name);
            let options = found.map_or(&[][..], |section| &section.options);
            let pair = |option: &ini::Setting| (option.key.to_lowercase(), option.raw.to_string());
            options.iter().map(pair).collect()
        };
        let default =
            document.defaults.iter().find(|option| &*option.key == "target_endpoint_type");
        Ok(Self {
            keywords: section("path_keywords"),
            actions: section("custom_actions"),
            services: section("service_endpoints"),
            default_service: default.map(|option| option.raw.to_string()),
        })
    }

    /// Whether the body of a request names what is done.
    pub(super) fn names_action(&self, request: &Request) -> bool {
        let last = last(request.uri().path());
        request.method() == Method::POST && last == "action" && !self.actions.contains_key(last)
    }

    /// What is done, given what the body names.
    pub(super) fn action(&self, request: &Request, named: Option<&str>) -> String {
        let last = last(request.uri().path());
        let method = request.method().as_str();
        let special = format!("{last}/{}", method.to_lowercase());
        if let Some(action) = self.actions.get(&special).or_else(|| self.actions.get(last)) {
            return action.clone();
        }
        let is_known = self.keywords.contains_key(last);
        let action = match method {
            "POST" if last == "action" => match named {
                Some(named) => return format!("update/{named}"),
                None => "create",
            },
            "POST" if is_known => "create",
            "POST" | "PUT" | "PATCH" => "update",
            "GET" if is_known => "read/list",
            "GET" | "HEAD" => "read",
            "DELETE" => "delete",
            _ => "unknown",
        };
        action.to_owned()
    }

    /// The kind of what a path stands for, behind that of the service.
    pub(super) fn kind(&self, path: &str) -> String {
        let mut kind = String::new();
        let mut before = "";
        for word in path.split('/').map(clean) {
            if self.keywords.contains_key(word) {
                kind = format!("{kind}/{word}");
            } else if let Some(named) = self.keywords.get(before) {
                kind = format!("{kind}/{named}");
            }
            before = word;
        }
        kind
    }
}

/// The last word of a path.
fn last(path: &str) -> &str {
    let path = path.strip_suffix('/').unwrap_or(path);
    clean(path.rsplit('/').next().unwrap_or_default())
}

fn clean(word: &str) -> &str {
    word.strip_suffix(".json").unwrap_or(word)
}
