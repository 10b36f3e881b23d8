//! A token that Keystone knows.

use super::access_rules::AccessRules;
use super::document::{Document, Facts};
use super::identity::Identity;
use super::moment::Moment;

/// A token that Keystone knows. It may have expired.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) expires: Moment,
    pub(super) roles: Vec<String>,
    pub(super) identity: Identity,
    /// None if the token may be used for everything.
    pub(super) rules: Option<AccessRules>,
}

impl Token {
    /// Reads what Keystone answers; none if it is not what it answers of tokens.
    pub(super) fn parse(document: &[u8]) -> Option<Self> {
        let Document { token: mut facts } = serde_json::from_slice(document).ok()?;
        Self::of(&mut facts)
    }

    fn of(facts: &mut Facts) -> Option<Self> {
        let expires = Moment::parse(&facts.expires_at)?;
        let identity = Identity::of(facts)?;
        let rules = AccessRules::of(facts);
        let roles = facts.roles.take().unwrap_or_default();
        let roles = roles.into_iter().map(|role| role.name).collect();
        Some(Self { expires, roles, identity, rules })
    }

    pub(super) fn has_expired(&self) -> bool {
        self.expires <= Moment::now()
    }

    /// How many bytes of memory it takes, about.
    pub(super) fn memory(&self) -> usize {
        let roles = self.roles.iter().map(|role| size_of::<String>() + role.len()).sum::<usize>();
        let rules = self.rules.as_ref().map_or(0, AccessRules::memory);
        size_of::<Self>() + roles + rules + self.identity.memory()
    }
}
