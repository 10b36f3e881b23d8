//! Lets only requests pass that bring an OAuth 2.0 access token of Keystone.

use std::sync::Arc;

use super::auth_token::{AuthToken, Carrier, Guarded};
use crate::app::{App, Filter};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings::{OptionSpec, Reader, Settings};

pub(super) const DEFINITION: Definition = Definition::filter::<OAuth2Token>("oauth2_token")
    .aliases(ALIASES)
    .outside_of(&[super::BEFORE_CACHE]);

const ALIASES: &[Alias] = &[
    Alias::of("egg:keystonemiddleware#oauth2_token")
        .dialect(super::auth_token::KEYSTONE)
        .note(NOTE),
    Alias::of("keystonemiddleware.oauth2_token:filter_factory")
        .dialect(super::auth_token::KEYSTONE)
        .note(NOTE),
];

const NOTE: &str = "The original takes any `X-Service-Token` for a reason not to look at access \
    rules, whether or not it is good; here it is not looked at.";

/// The settings of `auth_token`, for tokens that come another way.
#[derive(Clone, Debug)]
pub(super) struct OAuth2Token(AuthToken);

impl Settings for OAuth2Token {
    const DOC: &'static str = "\
 Lets only requests pass that bring an OAuth 2.0 access token which Keystone knows.\n\
 \n\
 Clients obtain such a token from Keystone by their credentials (`/v3/OS-OAUTH2/token`), and bring\n\
 it as `Authorization: Bearer …`. All else is as with `auth_token`, but that there are no tokens of\n\
 services, and nobody passes without a good token: `delay_auth_decision` has no effect.\n\
 \n\
 ```ini\n\
 [filter:oauth]\n\
 use = egg:pasteline#oauth2_token\n\
 auth_url = http://keystone.internal:5000\n\
 username = tacker\n\
 user_domain_name = Default\n\
 password = s3cret\n\
 project_name = service\n\
 project_domain_name = Default\n\
 ```\n";

    const OPTIONS: &'static [OptionSpec] = AuthToken::OPTIONS;

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        AuthToken::read(reader).map(Self)
    }
}

impl FilterFactory for OAuth2Token {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.0.delay_auth_decision {
            reader.ignore("delay_auth_decision", "nobody passes without a good token");
        }
        for option in ["service_token_roles", "service_token_roles_required"] {
            reader.ignore(option, "there are no tokens of services here");
        }
        self.0.check_keystone(reader);
    }

    fn build(self, site: &Site<'_>) -> Result<Filter, Error> {
        let settings = AuthToken { delay_auth_decision: false, ..self.0 };
        let guard = Arc::new(settings.guard(site, Carrier::Bearer)?);
        Ok(Filter::wrap(move |next| App::new(Guarded { guard: Arc::clone(&guard), next })))
    }
}
