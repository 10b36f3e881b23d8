//! The identity of a factory, whichever way its spec is spelled.

/// How specs of our own factories begin.
const NATIVE: &str = "egg:pasteline#";

/// What a factory's spec names, spelling aside.
///
/// `egg:` specs compare as Python compares names of distributions (PEP 503: upper and lower case
/// and runs of `-`, `_` and `.` do not matter); `call:` and blanks around the colon do not
/// matter either.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct FactoryId(String);

impl FactoryId {
    /// The identity of a spec such as `egg:Paste#urlmap`, `module:attribute` or
    /// `call:module:attribute`.
    pub fn of(spec: &str) -> Self {
        if let Some(rest) = spec.strip_prefix("egg:") {
            let (distribution, name) = rest.split_once('#').unwrap_or((rest, "main"));
            let mut id = String::with_capacity(spec.len() + "#main".len());
            id.push_str("egg:");
            append_normalized(&mut id, distribution);
            id.push('#');
            id.push_str(name);
            return Self(id);
        }
        let spec = spec.strip_prefix("call:").unwrap_or(spec);
        // Extras (`module:attribute [extra]`) name what must be installed, not what is called.
        let spec = spec.split('[').next().unwrap_or_default();
        Self(spec.chars().filter(|character| !character.is_whitespace()).collect())
    }

    /// The identity of a factory registered under a name of its own.
    pub fn native(name: &str) -> Self {
        Self(format!("{NATIVE}{name}"))
    }

    /// The Python package that it is of: the distribution of an entry point as PEP 503 writes it,
    /// or the first name of a module.
    pub fn package(&self) -> &str {
        match self.0.strip_prefix("egg:") {
            Some(entry) => entry.split('#').next().unwrap_or(entry),
            None => self.0.split(['.', ':']).next().unwrap_or(&self.0),
        }
    }

    /// The name under which the factory would be registered, if it is named as one of ours.
    pub fn native_name(&self) -> Option<&str> {
        self.0.strip_prefix(NATIVE)
    }
}

/// The name of a distribution as PEP 503 compares it.
pub(crate) fn normalize(distribution: &str) -> String {
    let mut normalized = String::with_capacity(distribution.len());
    append_normalized(&mut normalized, distribution);
    normalized
}

fn append_normalized(text: &mut String, distribution: &str) {
    for character in distribution.chars() {
        match character {
            '-' | '_' | '.' if text.ends_with('-') => {}
            '-' | '_' | '.' => text.push('-'),
            'a'..='z' | '0'..='9' => text.push(character),
            other => text.extend(other.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_package_of_every_spelling() {
        for (spec, package) in [
            ("call:nova.api.auth:pipeline_factory", "nova"),
            ("egg:Oslo.Middleware", "oslo-middleware"),
            ("egg:oslo_middleware#cors", "oslo-middleware"),
            ("main:app", "main"),
            ("nova.api.ec2:Requestify.factory", "nova"),
        ] {
            assert_eq!(FactoryId::of(spec).package(), package, "{spec}");
        }
    }
}
