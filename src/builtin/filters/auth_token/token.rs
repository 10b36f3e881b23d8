//! A token that Keystone knows.

use super::access_rules::AccessRules;
use super::document::{Document, Facts};
use super::identity::Identity;
use super::moment::Moment;

/// A token that Keystone knows. It may have expired.
#[derive(Debug)]
pub(in crate::builtin::filters) struct Token {
    pub(super) expires: Moment,
    pub(super) roles: Vec<String>,
    pub(super) identity: Identity,
    /// None if the token may be used for everything.
    pub(super) rules: Option<AccessRules>,
}

/// Why a document is no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flaw {
    /// It is not what Keystone answers of tokens.
    Unreadable,
    /// A name in it cannot stand in a header, and so cannot be told to an app.
    Untellable,
}

impl Token {
    /// Reads what Keystone answers. Without `tells_catalog`, an app is not told of the catalog.
    pub(super) fn parse(document: &[u8], tells_catalog: bool) -> Result<Self, Flaw> {
        let document: Document = serde_json::from_slice(document).map_err(|_| Flaw::Unreadable)?;
        Self::of(document.token, tells_catalog)
    }

    fn of(mut facts: Facts, tells_catalog: bool) -> Result<Self, Flaw> {
        let expires = Moment::parse(&facts.expires_at).ok_or(Flaw::Unreadable)?;
        let rules = AccessRules::of(&mut facts);
        // Others may have asked for it, and share what they were told.
        facts.catalog = facts.catalog.take().filter(|_| tells_catalog);
        let identity = Identity::of(&facts).ok_or(Flaw::Untellable)?;
        let roles = facts.roles.take().unwrap_or_default();
        let roles = roles.into_iter().map(|role| role.name).collect();
        Ok(Self { expires, roles, identity, rules })
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

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::super::tests::fake;
    use super::*;

    fn parse(token: &serde_json::Value, tells_catalog: bool) -> Result<Token, Flaw> {
        Token::parse(json!({ "token": token }).to_string().as_bytes(), tells_catalog)
    }

    #[test]
    fn a_catalog_that_others_asked_for_is_not_told_if_it_is_not_wanted() {
        for tells_catalog in [true, false] {
            let mut headers = HeaderMap::new();
            parse(&fake::token(), tells_catalog).unwrap().identity.tell_user(&mut headers);
            assert_eq!(headers.contains_key("x-service-catalog"), tells_catalog);
        }
    }

    #[test]
    fn what_is_no_token_is_told_from_what_no_header_can_say() {
        assert_eq!(parse(&json!({"user": {}}), true).unwrap_err(), Flaw::Unreadable);
        let mut token = fake::token();
        token["user"]["name"] = json!("line\nbreak");
        assert_eq!(parse(&token, true).unwrap_err(), Flaw::Untellable);
    }
}
