//! Finds in the answer of an authorization server what the app is to know.

use serde_json::{Map, Value as Json};

use super::options::Name;

/// Where the answer has what.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) project_id: Option<Name>,
    pub(super) project_name: Option<Name>,
    pub(super) project_domain_id: Option<Name>,
    pub(super) project_domain_name: Option<Name>,
    pub(super) user_id: Name,
    pub(super) user_name: Name,
    pub(super) user_domain_id: Option<Name>,
    pub(super) user_domain_name: Option<Name>,
    pub(super) roles: Option<Name>,
    pub(super) system_scope: Option<Name>,
    pub(super) expires_at: Option<Name>,
}

/// Something that should be there is not, or is something else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Unfit;

impl Mapping {
    /// What the answer says of who asks, by the names that the original gives to it.
    pub(super) fn facts(&self, metadata: &Json) -> Result<Map<String, Json>, Unfit> {
        let mut facts = Map::new();
        let mut add = |name: &str, value: String| drop(facts.insert(name.to_owned(), value.into()));
        let needed = |name: Option<&Name>| text(metadata, name)?.ok_or(Unfit);
        let roles = needed(self.roles.as_ref())?;
        let is_admin = roles.to_lowercase().split(',').any(|role| role == "admin");
        add("roles", roles);
        add("is_admin", is_admin.to_string());
        if self.has_system_scope(metadata)? {
            add("system_scope", "all".to_owned());
        } else if let Some(id) = text(metadata, self.project_id.as_ref())? {
            add("project_id", id);
            add("project_name", needed(self.project_name.as_ref())?);
            add("project_domain_id", needed(self.project_domain_id.as_ref())?);
            add("project_domain_name", needed(self.project_domain_name.as_ref())?);
        } else {
            add("domain_id", needed(self.project_domain_id.as_ref())?);
            add("domain_name", needed(self.project_domain_name.as_ref())?);
        }
        add("user_id", needed(Some(&self.user_id))?);
        add("user_name", needed(Some(&self.user_name))?);
        add("user_domain_id", needed(self.user_domain_id.as_ref())?);
        add("user_domain_name", needed(self.user_domain_name.as_ref())?);
        Ok(facts)
    }

    /// The end of the token, in seconds since 1970; none if it has none.
    pub(super) fn expires_at(&self, metadata: &Json) -> Result<Option<i64>, Unfit> {
        match found(metadata, self.expires_at.as_ref())? {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or(Unfit),
        }
    }

    fn has_system_scope(&self, metadata: &Json) -> Result<bool, Unfit> {
        match found(metadata, self.system_scope.as_ref())? {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or(Unfit),
        }
    }
}

/// A text that stands under a name; none if there is none, or an empty one.
fn text(metadata: &Json, name: Option<&Name>) -> Result<Option<String>, Unfit> {
    match found(metadata, name)? {
        None => Ok(None),
        Some(value) => value.as_str().map(|text| Some(text.to_owned())).ok_or(Unfit),
    }
}

/// What stands under a name; none if there is nothing, or what means so to Python.
fn found<'a>(metadata: &'a Json, name: Option<&Name>) -> Result<Option<&'a Json>, Unfit> {
    let Some(name) = name else { return Ok(None) };
    let mut value = metadata;
    for part in name.parts() {
        let Some(next) = value.as_object().ok_or(Unfit)?.get(part) else { return Ok(None) };
        if is_nothing(next) {
            return Ok(None);
        }
        value = next;
    }
    Ok(Some(value))
}

fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(value) => !value,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Setting;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn mapping() -> Mapping {
        Mapping {
            project_id: Some(name("project.id")),
            project_name: Some(name("project.name")),
            project_domain_id: Some(name("domain.id")),
            project_domain_name: Some(name("domain.name")),
            user_id: name("sub"),
            user_name: name("username"),
            user_domain_id: Some(name("domain.id")),
            user_domain_name: Some(name("domain.name")),
            roles: Some(name("roles")),
            system_scope: Some(name("system")),
            expires_at: Some(name("exp")),
        }
    }

    fn answer() -> Json {
        json!({
            "roles": "member,Admin", "sub": "u1", "username": "alice", "exp": 9,
            "domain": {"id": "d1", "name": "Default"}, "project": {"id": "p1", "name": "demo"},
        })
    }

    /// The facts, as `name=value` with blanks between them, of an answer with a change.
    fn facts(path: &str, value: Json) -> Result<String, Unfit> {
        let mut answer = answer();
        *answer.pointer_mut(path).unwrap() = value;
        let facts = mapping().facts(&answer)?;
        let facts = facts.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
        Ok(facts.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn each_fact_is_found_where_it_is_mapped() {
        let user = "user_id=u1 user_name=alice user_domain_id=d1 user_domain_name=Default";
        let project = "project_id=p1 project_name=demo project_domain_id=d1 \
            project_domain_name=Default";
        let roles = "roles=member,Admin is_admin=true";
        assert_eq!(facts("/sub", json!("u1")), Ok(format!("{roles} {project} {user}")));
        let domain = "domain_id=d1 domain_name=Default";
        for nothing in [json!(null), json!({}), json!({"id": ""})] {
            assert_eq!(facts("/project", nothing), Ok(format!("{roles} {domain} {user}")));
        }
        let others = "roles=member is_admin=false";
        assert_eq!(facts("/roles", json!("member")), Ok(format!("{others} {project} {user}")));
    }

    #[test]
    fn the_whole_system_takes_the_place_of_a_project() {
        let mut answer = answer();
        answer["system"] = json!(true);
        let facts = mapping().facts(&answer).unwrap();
        assert_eq!((&facts["system_scope"], facts.get("project_id")), (&json!("all"), None));
        answer["system"] = json!("true");
        assert_eq!(mapping().facts(&answer), Err(Unfit));
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_unfit() {
        for (path, value) in [
            ("/roles", json!(["member"])),
            ("/roles", json!(null)),
            ("/sub", json!(7)),
            ("/username", json!("")),
            ("/domain", json!("Default")),
            ("/domain/name", json!(null)),
            ("/project/name", json!(null)),
            ("/project/id", json!(7)),
        ] {
            assert_eq!(facts(path, value.clone()), Err(Unfit), "{path}: {value}");
        }
    }

    #[test]
    fn a_part_of_a_name_is_not_looked_for_elsewhere() {
        let mut answer = answer();
        answer["project"] = json!(null);
        answer["id"] = json!("another");
        assert_eq!(mapping().facts(&answer).unwrap().get("project_id"), None);
    }

    #[test]
    fn the_end_is_a_number() {
        let mut answer = answer();
        assert_eq!(mapping().expires_at(&answer), Ok(Some(9)));
        answer["exp"] = json!("9");
        assert_eq!(mapping().expires_at(&answer), Err(Unfit));
        answer["exp"] = json!(null);
        assert_eq!(mapping().expires_at(&answer), Ok(None));
    }
}
