//! Tells an app of a user and roles by the address of the client.

mod range;

use std::ops::ControlFlow;

use http::{HeaderName, HeaderValue};

use self::range::Range;
use crate::app::{Filter, Phase, Request, RequestExt, Response};
use crate::ini::Value;
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings::{HeaderPattern, OptionSpec, Reader, Setting, Settings};

pub(super) const DEFINITION: Definition = Definition::filter::<GrantIp>("grantip").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:Paste#grantip").note(NOTE),
    Alias::of("paste.auth.grantip:make_grantip").note(NOTE),
];

const NOTE: &str = "The original takes of each value the first letter for the user and the second \
    for the roles, by mistake, and sets `REMOTE_USER` and `REMOTE_USER_TOKENS`, which only Python \
    code sees; it also looks names of hosts up, which are refused here.";

/// The settings: who is granted what.
#[derive(Clone, Debug)]
pub(super) struct GrantIp {
    clobber_username: bool,
    grants: Vec<Grant>,
}

const CLOBBER: OptionSpec = OptionSpec::of::<bool>(
    "clobber_username",
    " Whether a user takes the place of one that was granted before.\n",
    Some("false"),
);

impl Settings for GrantIp {
    const DOC: &'static str = "\
 Tells an app of a user and roles by the address from which a client comes.\n\
 \n\
 Every other option is an address, a network such as `192.168.0.0/24`, the begin of addresses such as\n\
 `192.168.0`, or a range such as `192.168.0.10<->20`, and its value `user`, `user:role,role` or\n\
 `-:role`, where `-` stands for no user. A role with `-` before it is taken away, and the user\n\
 `__remove__` takes the user away. All that fit the client count, in the order of the file; IPv6 has\n\
 no place in the name of an option.\n\
 \n\
 The app finds the user in `X-Remote-User` and the roles in `X-Remote-User-Tokens`, and neither of\n\
 them as a client sends it. The client is whoever connects, or whom a trusted proxy tells, if\n\
 `http_proxy_to_wsgi` stands before this filter.\n\
 \n\
 ```ini\n\
 [filter:grant]\n\
 use = egg:pasteline#grantip\n\
 clobber_username = true\n\
 127.0.0.1 = -:system\n\
 192.168.0.0/24 = -:editor\n\
 192.168.0.7 = joe\n\
 192.168.0.10 = __remove__:-editor\n\
 ```\n";

    const OPTIONS: &'static [OptionSpec] = &[CLOBBER];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let clobber_username = reader.take::<bool>(&Self::OPTIONS[0]);
        let given = reader.others();
        // All are read before any fault counts, so that all faults are found.
        let grants: Vec<_> =
            given.into_iter().map(|(key, value)| grant(reader, key, value)).collect();
        let grants = grants.into_iter().collect::<Option<_>>()?;
        Some(Self { clobber_username: clobber_username?, grants })
    }
}

/// What clients of a range are granted.
#[derive(Clone, Debug)]
struct Grant {
    range: Range,
    user: Option<Change>,
    /// Names of roles; one with `-` before it is taken away.
    roles: Vec<String>,
}

/// What becomes of the user.
#[derive(Clone, Debug)]
enum Change {
    Remove,
    Set(String),
}

fn grant(reader: &mut Reader<'_>, key: &str, value: &Value) -> Option<Grant> {
    let range = Range::parse(key);
    if let Err(rejected) = &range {
        let reason = rejected.reason.clone();
        let reason = reason.unwrap_or_else(|| format!("it is not {}", Range::EXPECTED));
        reader.reject_name(key, value, reason);
    }
    let (user, roles) = value.text.split_once(':').unwrap_or((&value.text, "-"));
    if HeaderValue::from_str(&value.text).is_err() || user.is_empty() {
        reader.reject(key, "expected `user`, `user:role,role` or `-:role`, in one line");
        return None;
    }
    let user = match user.trim() {
        "-" => None,
        "__remove__" => Some(Change::Remove),
        name => Some(Change::Set(name.to_owned())),
    };
    let roles = roles.split(',').map(str::trim).filter(|role| !matches!(*role, "" | "-"));
    Some(Grant { range: range.ok()?, user, roles: roles.map(str::to_owned).collect() })
}

impl FilterFactory for GrantIp {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::phase(self))
    }
}

/// What a request has been granted so far, by filters of this kind.
#[derive(Clone, Debug, Default)]
struct Granted {
    user: Option<String>,
    roles: Vec<String>,
}

const USER: HeaderName = HeaderName::from_static("x-remote-user");
const TOKENS: HeaderName = HeaderName::from_static("x-remote-user-tokens");

impl Phase for GrantIp {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        let mut granted = request.extensions().get::<Granted>().cloned().unwrap_or_default();
        if let Some(client) = request.context().client() {
            let fitting = self.grants.iter().filter(|grant| grant.range.contains(client));
            granted.add(&fitting.collect::<Vec<_>>(), self.clobber_username);
        }
        let own = HeaderPattern::parse("x-remote-user*").expect("it begins as a name does");
        HeaderPattern::remove_all(&[own], request.headers_mut());
        granted.tell(request);
        request.extensions_mut().insert(granted);
        ControlFlow::Continue(())
    }

    fn response(&self, (): (), _: &mut Response) {}
}

impl Granted {
    fn add(&mut self, grants: &[&Grant], clobbers: bool) {
        let mut is_removed = false;
        for grant in grants {
            match &grant.user {
                Some(Change::Remove) => is_removed = true,
                Some(Change::Set(user)) if clobbers || self.user.is_none() => {
                    self.user = Some(user.clone());
                }
                _ => {}
            }
        }
        if is_removed {
            self.user = None;
        }
        let named = grants.iter().flat_map(|grant| &grant.roles);
        let (taken, given): (Vec<_>, Vec<_>) = named.partition(|role| role.starts_with('-'));
        for role in given {
            if !self.roles.contains(role) {
                self.roles.push(role.clone());
            }
        }
        self.roles.retain(|role| !taken.iter().any(|taken| taken[1..] == **role));
    }

    fn tell(&self, request: &mut Request) {
        let headers = request.headers_mut();
        if let Some(user) = self.user.as_deref().and_then(|user| HeaderValue::from_str(user).ok()) {
            headers.insert(USER, user);
        }
        if !self.roles.is_empty()
            && let Ok(roles) = HeaderValue::from_str(&self.roles.join(","))
        {
            headers.insert(TOKENS, roles);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use http::StatusCode;

    use super::*;
    use crate::app::{App, Body, Connection, Context, response};
    use crate::builtin::fixture::{faults, filter, text, values};

    /// The user and the roles of a client at an address, behind filters with these grants.
    async fn granted(sections: &[&str], address: &str) -> String {
        let app = App::ready(|request: Request| {
            let headers = request.headers();
            let seen = [values(headers, "x-remote-user"), values(headers, "x-remote-user-tokens")];
            response::text(StatusCode::OK, seen.join(":"))
        });
        let filters: Vec<_> = sections
            .iter()
            .map(|grants| filter(&format!("[filter:g]\nuse = egg:Paste#grantip\n{grants}")))
            .collect();
        let peer = Some(SocketAddr::new(address.parse().unwrap(), 1));
        let context = Context::new(Arc::new(Connection { peer, ..Connection::default() }));
        let request = http::Request::builder()
            .header("x-remote-user", "root")
            .header("x_remote_user_tokens", "admin");
        let mut request = request.body(Body::empty()).unwrap();
        *request.context_mut() = context;
        text(app.behind(&filters).answer(request).await).await
    }

    const GRANTS: &str = "127.0.0.1 = -:system\n192.168.0.0/24 = -:editor,reader\n\
        192.168.0.7 = joe\n192.168.0.10 = __remove__:-editor\n10.1 = ann:writer\n10.1.2 = bob\n";

    #[tokio::test]
    async fn a_client_is_granted_what_fits_its_address() {
        for (address, expected) in [
            ("127.0.0.1", ":system"),
            ("::ffff:127.0.0.1", ":system"),
            ("192.168.0.7", "joe:editor,reader"),
            ("192.168.0.10", ":reader"),
            ("10.1.2.3", "ann:writer"),
            ("203.0.113.1", ":"),
            ("2001:db8::1", ":"),
        ] {
            assert_eq!(granted(&[GRANTS], address).await, expected, "{address}");
        }
    }

    #[tokio::test]
    async fn a_later_user_takes_the_place_if_it_may() {
        let clobbering = format!("clobber_username = true\n{GRANTS}");
        assert_eq!(granted(&[&clobbering], "10.1.2.3").await, "bob:writer");
        let both = [GRANTS, "10.1.2.3 = eve:-writer,guest"];
        assert_eq!(granted(&both, "10.1.2.3").await, "ann:guest");
    }

    #[test]
    fn what_is_no_address_and_no_user_is_refused() {
        let section = "[filter:g]\nuse = egg:pasteline#grantip\nlocalhost = joe\n10.0.0.1/8 = joe\n10.0.0.2 =\n";
        let expected = [
            "test.ini:3:1: error[bad-value]: `localhost` is refused: it is not an address, a network, \
             the begin of addresses or a range",
            "test.ini:4:1: error[bad-value]: `10.0.0.1/8` is refused: `10.0.0.1` has bits set past \
             the first 8",
            "test.ini:5:11: error[bad-value]: `10.0.0.2` is refused: expected `user`, \
             `user:role,role` or `-:role`, in one line",
        ];
        assert_eq!(faults(section), expected);
    }
}
