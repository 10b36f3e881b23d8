//! Users and groups of the system, by name or number.

use std::fmt;
use std::io;

use nix::unistd::{Gid, Group, Uid, User};
use serde::{Deserialize, Serialize};

use crate::settings::{Rejected, Setting};

/// The name or number of a user or a group.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Account(String);

impl Account {
    /// The user of this name or number.
    ///
    /// # Errors
    ///
    /// There is none, or the system cannot tell.
    pub(crate) fn user(&self) -> io::Result<User> {
        if let Some(user) = User::from_name(&self.0)? {
            return Ok(user);
        }
        let by_number = self.0.parse().map(|id| User::from_uid(Uid::from_raw(id)));
        let user = by_number.unwrap_or(Ok(None))?;
        user.ok_or_else(|| io::Error::other(format!("there is no user `{self}`")))
    }

    /// The group of this name or number. A number needs no entry in the system's tables.
    ///
    /// # Errors
    ///
    /// There is none, or the system cannot tell.
    pub(crate) fn group(&self) -> io::Result<Gid> {
        if let Some(group) = Group::from_name(&self.0)? {
            return Ok(group.gid);
        }
        let missing = |_| io::Error::other(format!("there is no group `{self}`"));
        self.0.parse().map(Gid::from_raw).map_err(missing)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for Account {
    const EXPECTED: &'static str = "a name or a number";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let is_name = |character: char| !character.is_whitespace() && !":/,".contains(character);
        if text.is_empty() || !text.chars().all(is_name) {
            return Err(Rejected::default());
        }
        Ok(Self(text.to_owned()))
    }
}

/// A user, a group, or both, that a file is to belong to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    user: Option<Account>,
    group: Option<Account>,
}

impl Owner {
    /// The numbers of the user and the group, if they are named.
    ///
    /// # Errors
    ///
    /// There is no such user or group, or the system cannot tell.
    pub(super) fn ids(&self) -> io::Result<(Option<u32>, Option<u32>)> {
        let user = self.user.as_ref().map(Account::user).transpose()?;
        let group = self.group.as_ref().map(Account::group).transpose()?;
        Ok((user.map(|user| user.uid.as_raw()), group.map(Gid::as_raw)))
    }
}

impl Setting for Owner {
    const EXPECTED: &'static str = "`USER`, `USER:GROUP` or `:GROUP`, by name or number";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(Account::parse(group)?)),
            None => (text, None),
        };
        let user = if user.is_empty() { None } else { Some(Account::parse(user)?) };
        if user.is_none() && group.is_none() {
            return Err(Rejected::default());
        }
        Ok(Self { user, group })
    }
}

/// The permissions of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mode(pub u32);

impl Setting for Mode {
    const EXPECTED: &'static str = "permissions as an octal number, such as `0660`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o777);
        mode.map(Self).ok_or_else(Rejected::default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name_and_number() {
        let account = |text| Account::parse(text).unwrap();
        assert_eq!(account("root").user().unwrap().uid.as_raw(), 0);
        assert_eq!(account("0").user().unwrap().name, "root");
        assert_eq!(account("root").group().unwrap().as_raw(), 0);
        assert_eq!(account("4711").group().unwrap().as_raw(), 4711);
        let missing = account("no-such-user").user().unwrap_err().to_string();
        assert_eq!(missing, "there is no user `no-such-user`");
        let missing = account("no-such-group").group().unwrap_err().to_string();
        assert_eq!(missing, "there is no group `no-such-group`");
    }

    #[test]
    fn an_owner_is_a_user_a_group_or_both() {
        let ids = |text| Owner::parse(text).unwrap().ids().unwrap();
        assert_eq!(ids("root"), (Some(0), None));
        assert_eq!(ids("root:7"), (Some(0), Some(7)));
        assert_eq!(ids(":7"), (None, Some(7)));
        for wrong in ["", ":", "root:", "a b", "a:b:c"] {
            assert_eq!(Owner::parse(wrong), Err(Rejected::default()), "{wrong}");
        }
    }

    #[test]
    fn permissions_are_octal() {
        for text in ["660", "0660", "0o660"] {
            assert_eq!(Mode::parse(text), Ok(Mode(0o660)), "{text}");
        }
        for wrong in ["", "rw", "888", "1777", "-1"] {
            assert_eq!(Mode::parse(wrong), Err(Rejected::default()), "{wrong}");
        }
    }
}
