//! What keeps the services of a program from being told apart, or from having their settings.

use super::Background;
use crate::config::is_group_of_server;
use crate::registry::Registry;

/// What is wrong with the names of services, each in a line that stands alone.
pub(super) fn faults(services: &[Background], registry: &Registry) -> Vec<String> {
    let mut faults = Vec::new();
    for (place, service) in services.iter().enumerate() {
        let name = service.name();
        let is_same = |other: &&Background| other.name().eq_ignore_ascii_case(name);
        if let Some(other) = services[..place].iter().find(is_same).map(Background::name) {
            let which = if other == name { "" } else { ", which differs in capitals only" };
            faults.push(format!("two services are called `{name}`{which}"));
        } else if service.section().is_some() {
            faults.extend(fault_of_group(name, registry));
        }
    }
    faults
}

/// What is wrong with a group of settings files for a service.
fn fault_of_group(name: &str, registry: &Registry) -> Option<String> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let reason = if name.is_empty() || !name.chars().all(is_letter) {
        "no group is called so: letters, digits, `_` and `-` are expected".to_owned()
    } else if is_group_of_server(name) {
        format!("the server itself reads the group `[{name}]`")
    } else {
        let reader = registry.reader_of(name)?;
        format!("`{}` reads the group `[{name}]`", reader.name)
    };
    Some(format!("the service `{name}` cannot have settings under this name: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::program::{InForce, Instance, Periodic};

    crate::settings! {
        /// Pours tea.
        struct Tea {}
    }

    fn idle() -> Periodic {
        Periodic::every(Duration::from_secs(1), async || Ok(()))
    }

    fn configured(name: &'static str) -> Background {
        Background::configured(name, |_, _: InForce<Tea>| idle())
    }

    fn plain(name: &str) -> Background {
        Background::new(name, |_: &Instance| idle())
    }

    fn told(services: &[Background]) -> Vec<String> {
        faults(services, &Registry::builtin())
    }

    #[test]
    fn a_group_belongs_to_one_reader() {
        for (name, reason) in [
            ("DEFAULT", "the server itself reads the group `[DEFAULT]`"),
            ("default", "the server itself reads the group `[default]`"),
            ("ssl", "the server itself reads the group `[ssl]`"),
            ("Pasteline", "the server itself reads the group `[Pasteline]`"),
            ("wsgi", "the server itself reads the group `[wsgi]`"),
            ("cors", "`cors` reads the group `[cors]`"),
            ("Keystone_AuthToken", "`auth_token` reads the group `[Keystone_AuthToken]`"),
            ("", "no group is called so: letters, digits, `_` and `-` are expected"),
            ("a.b", "no group is called so: letters, digits, `_` and `-` are expected"),
        ] {
            let expected =
                format!("the service `{name}` cannot have settings under this name: {reason}");
            assert_eq!(told(&[configured(name)]), [expected]);
            // One that reads no group is in nobody's way.
            assert_eq!(told(&[plain(name)]), [""; 0]);
        }
        assert_eq!(told(&[configured("tea"), configured("Coffee"), plain("x")]), [""; 0]);
    }

    #[test]
    fn no_two_services_have_one_name() {
        let services = [configured("tea"), plain("cups"), plain("tea"), configured("Cups")];
        let expected = [
            "two services are called `tea`",
            "two services are called `Cups`, which differs in capitals only",
        ];
        assert_eq!(told(&services), expected);
    }
}
