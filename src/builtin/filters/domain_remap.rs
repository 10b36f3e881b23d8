//! Takes the account and the container of a Swift request from the name of the host.

use std::ops::ControlFlow;

use http::StatusCode;
use http::uri::{PathAndQuery, Uri};

use crate::app::{Filter, Phase, Request, RequestExt, Response, response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::Dialect;

pub(super) const DEFINITION: Definition =
    Definition::filter::<DomainRemap>("domain_remap").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:swift#domain_remap").dialect(SWIFT).note(NOTE),
    Alias::of("swift.common.middleware.domain_remap:filter_factory").dialect(SWIFT).note(NOTE),
];

const SWIFT: Dialect = Dialect::lenient()
    .globals(&[
        "default_reseller_prefix",
        "mangle_client_paths",
        "path_root",
        "reseller_prefixes",
        "storage_domain",
    ])
    .ignored(super::SWIFT_LOG);

const NOTE: &str = "The original rewrites the host in `Location` of answers back; here they are \
    passed on as they are.";

/// What clients know from Swift.
const BAD_DOMAIN: &str = "Bad domain in host header";

settings! {
    /// Takes the account and the container of a Swift request from the name of the host:
    /// `photos.auth-alice.example.com/a.jpg` is `/v1/AUTH_alice/photos/a.jpg`.
    ///
    /// Names of hosts know no upper case and no `_`: `auth-alice` is `AUTH_alice` if `AUTH` is
    /// among `reseller_prefixes`. A host outside of `storage_domain`, or one whose account has none
    /// of the prefixes, passes as it is; one with more than two names before the domain is
    /// refused with 400.
    ///
    /// ```ini
    /// [filter:domain_remap]
    /// use = egg:pasteline#domain_remap
    /// storage_domain = storage.example.com
    /// ```
    pub(super) struct DomainRemap {
        /// The domains that accounts and containers stand before.
        storage_domain: Vec<String> = "example.com",
        /// What the path begins with, the version of the API.
        path_root: String = "v1",
        /// The prefixes of accounts.
        reseller_prefixes: Vec<String> = "AUTH",
        /// The prefix of accounts that have none of `reseller_prefixes`; if it is not given, such
        /// requests pass as they are.
        default_reseller_prefix: Option<String>,
        /// Whether a path that begins with `path_root` loses it before the account is put in.
        mangle_client_paths: bool = "false",
    }
}

impl FilterFactory for DomainRemap {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let domain = |domain: &String| format!(".{}", domain.trim_start_matches('.'));
        Ok(Filter::phase(Remap {
            domains: self.storage_domain.iter().map(domain).collect(),
            root: self.path_root.trim_matches('/').to_owned(),
            settings: self,
        }))
    }
}

struct Remap {
    /// The domains, each with the point before it.
    domains: Vec<String>,
    root: String,
    settings: DomainRemap,
}

impl Phase for Remap {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        let Some(names) = request.host().and_then(|host| self.names(host)) else {
            return ControlFlow::Continue(());
        };
        let mut parts = names.split('.').rev();
        let (account, container, more) = (parts.next(), parts.next(), parts.next());
        if more.is_some() {
            return ControlFlow::Break(response::text(StatusCode::BAD_REQUEST, BAD_DOMAIN));
        }
        if let Some(account) = account.and_then(|account| self.account(account)) {
            let path = self.path(&account, container, request.path_info());
            place(format!("{}{path}", request.script_name()), request);
        }
        ControlFlow::Continue(())
    }
}

impl Remap {
    /// What stands before the domain of the storage; none for a host elsewhere.
    fn names<'a>(&self, host: &'a str) -> Option<&'a str> {
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let names = self.domains.iter().find_map(|domain| {
            let (names, end) = host.split_at_checked(host.len().checked_sub(domain.len())?)?;
            end.eq_ignore_ascii_case(domain).then_some(names)
        })?;
        Some(names.trim_matches('.')).filter(|names| !names.is_empty())
    }

    /// The account of a name; none if it has no prefix of an account.
    fn account(&self, name: &str) -> Option<String> {
        let dashed = || name.replacen('-', "_", 1);
        let name = if name.contains('_') { name.to_owned() } else { dashed() };
        let prefix = name.split('_').next().unwrap_or_default();
        let mut known = self.settings.reseller_prefixes.iter();
        if let Some(known) = known.find(|known| known.eq_ignore_ascii_case(prefix)) {
            return Some(format!("{known}{}", &name[prefix.len()..]));
        }
        let default = self.settings.default_reseller_prefix.as_ref();
        default.map(|default| format!("{default}_{name}"))
    }

    fn path(&self, account: &str, container: Option<&str>, path: &str) -> String {
        let root = &self.root;
        let rest = path.strip_prefix('/').unwrap_or(path);
        let below =
            rest.strip_prefix(&**root).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let rest = match below {
            Some(below) if self.settings.mangle_client_paths => below.trim_start_matches('/'),
            _ => rest,
        };
        match container {
            Some(container) => format!("/{root}/{account}/{container}/{rest}"),
            None => format!("/{root}/{account}/{rest}"),
        }
    }
}

/// Puts a path in the place of that of a request.
fn place(path: String, request: &mut Request) {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let Ok(target) = PathAndQuery::try_from(path + &query) else { return };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(target);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::HOST;

    use super::*;
    use crate::app::{App, Body};
    use crate::builtin::fixture::{filter, text};

    /// The status and the target that the app sees of a request to a host, or what is said instead.
    async fn remapped(options: &str, host: &'static str, target: &str) -> String {
        let app = App::ready(|request: Request| {
            response::text(StatusCode::OK, request.uri().to_string())
        });
        let section = format!("[filter:f]\nuse = egg:swift#domain_remap\n{options}");
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = target.parse().unwrap();
        request.headers_mut().insert(HOST, HeaderValue::from_static(host));
        text(app.behind(&[filter(&section)]).answer(request).await).await
    }

    #[tokio::test]
    async fn the_host_names_account_and_container() {
        for (host, target, expected) in [
            ("auth-a.example.com", "/c/o", "/v1/AUTH_a/c/o"),
            ("AUTH_a-b.Example.com:8080", "/c/o?x=1", "/v1/AUTH_a-b/c/o?x=1"),
            ("c.auth-a-b.example.com", "/o", "/v1/AUTH_a-b/c/o"),
            ("c.auth-a.example.com", "/v1/o", "/v1/AUTH_a/c/v1/o"),
            ("c.other-a.example.com", "/o", "/o"),
            ("example.com", "/o", "/o"),
            ("notexample.com", "/o", "/o"),
            ("a.b.auth-c.example.com", "/o", BAD_DOMAIN),
        ] {
            assert_eq!(remapped("", host, target).await, expected, "{host}{target}");
        }
    }

    #[tokio::test]
    async fn below_a_mount_the_mount_stays() {
        let app = App::ready(|request: Request| {
            let (script, path) = (request.script_name(), request.path_info());
            response::text(StatusCode::OK, format!("{script} {path}"))
        });
        let app = app.behind(&[filter("[filter:f]\nuse = egg:swift#domain_remap\n")]);
        let request = http::Request::get("/swift/c/o").header(HOST, "auth-a.example.com");
        let mut request = request.body(Body::empty()).unwrap();
        request.mount("/swift".len());
        assert_eq!(text(app.answer(request).await).await, "/swift /v1/AUTH_a/c/o");
    }

    #[tokio::test]
    async fn settings_say_which_domains_prefixes_and_paths() {
        for (options, host, target, expected) in [
            ("storage_domain = a.test, .b.test", "auth-x.b.test", "/o", "/v1/AUTH_x/o"),
            ("path_root = /v2/", "auth-x.example.com", "/o", "/v2/AUTH_x/o"),
            ("reseller_prefixes = AUTH, SERVICE", "service-x.example.com", "/", "/v1/SERVICE_x/"),
            ("default_reseller_prefix = AUTH", "x.example.com", "/o", "/v1/AUTH_x/o"),
            ("mangle_client_paths = yes", "c.auth-x.example.com", "/v1/o", "/v1/AUTH_x/c/o"),
            ("mangle_client_paths = yes", "auth-x.example.com", "/v12/o", "/v1/AUTH_x/v12/o"),
        ] {
            assert_eq!(remapped(options, host, target).await, expected, "{options}");
        }
    }
}
