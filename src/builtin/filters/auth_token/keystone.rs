//! Asks Keystone.

mod absence;
mod discovery;
mod fault;
mod login;
mod session;
mod wire;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::{Instant, timeout_at};

pub(in crate::builtin::filters) use self::fault::Fault;
pub(super) use self::login::{Credentials, Domain, Login, Scope, User};
pub(super) use self::session::{Place, Session};
pub(in crate::builtin::filters) use self::wire::{Limits, Wire, request};

use self::absence::Absence;
use self::session::Grant;
use self::wire::Answer;
use super::asked::Asked;

/// What is asked of Keystone about tokens.
pub(super) struct Keystone {
    session: Session,
    /// Whether the catalog is wanted too.
    pub(super) wants_catalog: bool,
    absence: Absence,
}

const SUBJECT: HeaderName = HeaderName::from_static("x-subject-token");
pub(super) const OWN: HeaderName = HeaderName::from_static("x-auth-token");
/// Says that access rules are enforced here. To others, Keystone does not tell tokens that have them.
const ACCESS_RULES: HeaderName = HeaderName::from_static("openstack-identity-access-rules");

impl Keystone {
    pub(super) fn new(session: Session, wants_catalog: bool) -> Self {
        Self { session, wants_catalog, absence: Absence::default() }
    }

    /// What Keystone says of a token; none if it knows no such token. All that it takes to find
    /// out together, logging in included, has one time.
    ///
    /// Without `waits`, a Keystone that did not answer a moment ago is not asked again at once,
    /// but by one request at a time, which finds out whether it is back.
    pub(super) async fn validate(
        &self,
        asked: &Asked,
        allows_expired: bool,
        waits: bool,
    ) -> Result<Option<Bytes>, Fault> {
        let visit = match self.absence.visit() {
            Ok(visit) => visit,
            Err(_) if waits => self.absence.look_in(),
            Err(fault) => return Err(fault),
        };
        let end = Instant::now() + self.session.wire().timeout();
        let found = timeout_at(end, self.find_out(asked, allows_expired, end)).await;
        let found = found.unwrap_or(Err(Fault::Timeout));
        visit.end(found.as_ref().err());
        found
    }

    /// Where Keystone does not take the filter's own token any more, as it was started anew with
    /// other keys, say, the filter logs in again and asks once more.
    async fn find_out(
        &self,
        asked: &Asked,
        allows_expired: bool,
        end: Instant,
    ) -> Result<Option<Bytes>, Fault> {
        let grant = self.session.grant(end).await?;
        let mut answer = self.ask(&grant, asked, allows_expired).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            let grant = self.session.renew(&grant, end).await?;
            answer = self.ask(&grant, asked, allows_expired).await?;
        }
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(Fault::Refused(status)),
        }
    }

    async fn ask(
        &self,
        grant: &Grant,
        asked: &Asked,
        allows_expired: bool,
    ) -> Result<Answer, Fault> {
        let path = match (self.wants_catalog, allows_expired) {
            (true, false) => "/auth/tokens",
            (true, true) => "/auth/tokens?allow_expired=1",
            (false, false) => "/auth/tokens?nocatalog",
            (false, true) => "/auth/tokens?nocatalog&allow_expired=1",
        };
        let mut request = request(Method::GET, grant.keystone.join(path)?);
        let headers = request.headers_mut();
        headers.insert(OWN, grant.token.clone());
        let mut subject = asked.token.clone();
        subject.set_sensitive(true);
        headers.insert(SUBJECT, subject);
        headers.insert(ACCESS_RULES, HeaderValue::from_static("1"));
        self.session.wire().send(&request).await
    }
}
