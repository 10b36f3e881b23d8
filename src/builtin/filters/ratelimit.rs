//! Slows down those who change a Swift account too often.

mod count;
mod tracks;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::{Instant, sleep};

use self::count::{Count, Turn};
use self::tracks::Tracks;
use super::memcache::Shared;
use crate::app::{App, Filter, Handler, RefusedBy, Request, RequestExt, Response, response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Reader, Rejected, Seconds, Setting};

pub(super) const DEFINITION: Definition =
    Definition::filter::<RateLimit>("ratelimit").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:swift#ratelimit").dialect(SWIFT).note(NOTE),
    Alias::of("swift.common.middleware.ratelimit:filter_factory").dialect(SWIFT).note(NOTE),
];

const SWIFT: Dialect = Dialect::lenient()
    .globals(&["account_blacklist", "account_ratelimit", "account_whitelist"])
    .ignored(&[
        ("clock_accuracy", "time is measured in nanoseconds"),
        ("log_sleep_time_seconds", "the access log tells how long a request took"),
        ("log_address", super::LOG),
        ("log_facility", super::LOG),
        ("log_headers", super::LOG),
        ("log_level", super::LOG),
        ("log_name", super::LOG),
    ]);

const NOTE: &str = "The original does nothing without memcached, and knows how many objects a \
    container has; here each worker counts its own requests if no filter `memcache` stands before \
    this one or no server answers, and of the limits by size only those from 0 on \
    (`container_ratelimit_0`, `container_listing_ratelimit_0`) apply.";

settings! {
    /// Slows down those who change a Swift account or container too often, and refuses with 498
    /// who would have to wait too long.
    ///
    /// A rate is a number of requests a second; 0 is no limit. Behind the filter `memcache` all
    /// workers and machines count together. Without it each worker counts for itself, so that the
    /// rate of the whole server is that of a worker times their number. It keeps count of 65,536
    /// accounts and containers then, and of more by forgetting those that have waited least.
    ///
    /// ```ini
    /// [filter:ratelimit]
    /// use = egg:pasteline#ratelimit
    /// account_ratelimit = 5
    /// container_ratelimit_0 = 100
    /// ```
    struct RateLimit {
        /// How many containers of an account may be made or removed a second.
        account_ratelimit: Rate = "0",
        /// How many objects of a container may be changed a second.
        container_ratelimit_0: Rate = "0",
        /// How many listings of a container may be asked for a second.
        container_listing_ratelimit_0: Rate = "0",
        /// The longest time that a request waits, in seconds; it is refused if it would wait
        /// longer.
        max_sleep_time_seconds: Seconds = "60",
        /// For how many seconds an account that was idle may catch up.
        rate_buffer_seconds: Seconds = "5",
        /// Accounts without any limit.
        account_whitelist: Vec<String>,
        /// Accounts that are refused with 497.
        account_blacklist: Vec<String>,
    }
}

/// The time that a request takes of its rate; none without a limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Rate(Option<Duration>);

impl Setting for Rate {
    const EXPECTED: &'static str = "a number of requests a second, or 0 for no limit";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text.parse::<f64>() {
            Ok(0.0) => Ok(Self(None)),
            Ok(rate) if rate > 0.0 => {
                let share = Duration::try_from_secs_f64(rate.recip());
                let share = share.ok().filter(|share| *share <= Seconds::MOST);
                let share = share.ok_or_else(|| Rejected::because("it is less than one a century"));
                share.map(|share| Self(Some(share)))
            }
            _ => Err(Rejected::default()),
        }
    }
}

impl FilterFactory for RateLimit {
    fn check(&self, reader: &mut Reader<'_>) {
        let both = self.account_blacklist.iter().find(|one| self.account_whitelist.contains(one));
        if let Some(account) = both {
            let reason = format!("`{account}` stands in `account_whitelist` too");
            reader.reject("account_blacklist", reason);
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::handler(Limiter { settings: self, tracks: Mutex::default() }))
    }
}

struct Limiter {
    settings: RateLimit,
    /// Up to when each key has used up its rate.
    tracks: Mutex<Tracks>,
}

impl Handler for Limiter {
    async fn handle(&self, request: Request, next: App) -> Response {
        let Some(target) = Target::of(&request) else { return next.answer(request).await };
        if self.settings.account_whitelist.iter().any(|account| account == target.account) {
            return next.answer(request).await;
        }
        if self.settings.account_blacklist.iter().any(|account| account == target.account) {
            sleep(BLACKLISTED_FOR).await;
            return told(BLACKLISTED, "Your account has been blacklisted");
        }
        let mut wait = Duration::ZERO;
        if let Some((key, share)) = self.limit(&target, request.method()) {
            let shared = request.extensions().get::<Shared>().cloned();
            match self.turn(shared, key, share).await {
                Some(time) => wait = time,
                None => {
                    return RefusedBy(DEFINITION.name).mark(told(RATE_LIMITED, "Slow down"));
                }
            }
        }
        if !wait.is_zero() {
            sleep(wait).await;
        }
        next.answer(request).await
    }
}

/// How long an account waits that is not wanted, so that it does not ask at once again.
const BLACKLISTED_FOR: Duration = Duration::from_secs(1);

/// The statuses that clients of Swift know.
const BLACKLISTED: u16 = 497;
const RATE_LIMITED: u16 = 498;

fn told(status: u16, text: &'static str) -> Response {
    let status = StatusCode::from_u16(status).expect("it has three digits");
    response::text(status, text)
}

/// What a request counts for: an account, or a container and whether its objects are meant.
type Key<'a> = (&'a str, Option<(&'a str, bool)>);

impl Limiter {
    /// The key that a request counts for, and the time that it takes of its rate.
    fn limit<'a>(&self, target: &Target<'a>, method: &Method) -> Option<(Key<'a>, Duration)> {
        let Target { account, container, is_object } = *target;
        let container = container?;
        let changes = *method == Method::PUT || *method == Method::DELETE;
        let share = if is_object {
            let changes = changes || *method == Method::POST || method.as_str() == "COPY";
            self.settings.container_ratelimit_0.0.filter(|_| changes)
        } else if changes {
            let share = self.settings.account_ratelimit.0?;
            return Some(((account, None), share));
        } else {
            let lists = *method == Method::GET;
            self.settings.container_listing_ratelimit_0.0.filter(|_| lists)
        }?;
        Some(((account, Some((container, is_object))), share))
    }

    /// How long a request of a key has to wait, as all count together that share memcached, or as
    /// this worker does; none if that is too long.
    async fn turn(
        &self,
        shared: Option<Shared>,
        key: Key<'_>,
        share: Duration,
    ) -> Option<Duration> {
        let RateLimit { rate_buffer_seconds, max_sleep_time_seconds, .. } = &self.settings;
        if let Some(Shared(ring)) = shared {
            let (buffer, longest) = (rate_buffer_seconds.0, max_sleep_time_seconds.0);
            let count = Count { ring: &ring, buffer, longest };
            match count.enter(key, share).await {
                Turn::Unknown => {}
                Turn::Refused => return None,
                Turn::In(wait) => return Some(wait),
            }
        }
        self.enter(key, share)
    }

    /// How long a request of a key has to wait; none if that is too long.
    fn enter(&self, key: Key<'_>, share: Duration) -> Option<Duration> {
        let now = Instant::now();
        let (buffer, longest) =
            (self.settings.rate_buffer_seconds.0, self.settings.max_sleep_time_seconds.0);
        let mut tracks = self.tracks.lock().unwrap_or_else(PoisonError::into_inner);
        let used_up = tracks.of(key, now);
        // Who was idle for long does not save up for more than the buffer.
        if now.saturating_duration_since(*used_up) > buffer {
            *used_up = now;
        }
        let wait = used_up.saturating_duration_since(now);
        if wait > longest {
            return None;
        }
        *used_up += share;
        Some(wait)
    }
}

/// What a request is about: `/v1/ACCOUNT[/CONTAINER[/OBJECT]]`.
struct Target<'a> {
    account: &'a str,
    container: Option<&'a str>,
    is_object: bool,
}

impl<'a> Target<'a> {
    fn of(request: &'a Request) -> Option<Self> {
        let mut parts = request.path_info().strip_prefix('/')?.splitn(4, '/');
        let version = parts.next()?;
        if !matches!(version, "v1" | "v1.0") {
            return None;
        }
        let account = parts.next().filter(|account| !account.is_empty())?;
        let container = parts.next().filter(|container| !container.is_empty());
        let is_object = parts.next().is_some_and(|object| !object.is_empty());
        Some(Self { account, container, is_object })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Body;
    use crate::builtin::fixture::{faults, filter, refused_by};

    fn limited(options: &str) -> App {
        let app = App::ready(|_| response::text(StatusCode::OK, ""));
        app.behind(&[filter(&format!("[filter:f]\nuse = egg:swift#ratelimit\n{options}"))])
    }

    async fn answer(app: &App, method: &str, path: &str) -> Response {
        let request = http::Request::builder().method(method).uri(path);
        app.answer(request.body(Body::empty()).unwrap()).await
    }

    /// The status of the answer, and the milliseconds that it took.
    async fn asked(app: &App, method: &str, path: &str) -> (u16, u128) {
        let start = Instant::now();
        let response = answer(app, method, path).await;
        (response.status().as_u16(), start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_too_fast_waits() {
        let app = limited("account_ratelimit = 10");
        let mut waited = Vec::new();
        for _ in 0..3 {
            waited.push(asked(&app, "PUT", "/v1/a/c").await.1);
        }
        assert_eq!(waited, [0, 100, 100]);
        assert_eq!(asked(&app, "PUT", "/v1/b/c").await, (200, 0), "another account");
    }

    #[tokio::test(start_paused = true)]
    async fn each_limit_is_for_its_own_requests() {
        let app = limited(
            "account_ratelimit = 1\ncontainer_ratelimit_0 = 1\ncontainer_listing_ratelimit_0 = 1",
        );
        for (method, path) in [("PUT", "/v1/a/c"), ("POST", "/v1/a/c/o"), ("GET", "/v1/a/c")] {
            assert_eq!(asked(&app, method, path).await.1, 0, "{method} {path}");
            assert_eq!(asked(&app, method, path).await.1, 1000, "{method} {path}");
        }
        for (method, path) in [
            ("GET", "/v1/a/c/o"),
            ("HEAD", "/v1/a/c"),
            ("PUT", "/v1/a"),
            ("PUT", "/info"),
            ("PUT", "/v3/a/c"),
        ] {
            assert_eq!(asked(&app, method, path).await.1, 0, "{method} {path}");
            assert_eq!(asked(&app, method, path).await.1, 0, "{method} {path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_refused_and_does_not_count() {
        let app = limited("account_ratelimit = 1\nmax_sleep_time_seconds = 1");
        let together = [(); 3].map(|()| asked(&app, "PUT", "/v1/a/c"));
        let [first, second, third] = together;
        let (first, second, third) = tokio::join!(first, second, third);
        assert_eq!([first, second, third], [(200, 0), (200, 1000), (498, 0)]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(asked(&app, "PUT", "/v1/a/c").await, (200, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_refused_is_told_to_the_server() {
        let app =
            limited("account_ratelimit = 1\nmax_sleep_time_seconds = 1\naccount_blacklist = b");
        let together = [(); 3].map(|()| answer(&app, "PUT", "/v1/a/c"));
        let [first, second, third] = together;
        let (first, second, third) = tokio::join!(first, second, third);
        let refused = [first, second, third].each_ref().map(refused_by);
        assert_eq!(refused, [None, None, Some("ratelimit")]);
        // Who is not wanted has met no limit.
        assert_eq!(refused_by(&answer(&app, "PUT", "/v1/b/c").await), None);
    }

    #[tokio::test(start_paused = true)]
    async fn some_accounts_are_free_and_others_refused() {
        let app = limited("account_ratelimit = 1\naccount_whitelist = a\naccount_blacklist = b, c");
        for _ in 0..2 {
            assert_eq!(asked(&app, "PUT", "/v1/a/x").await, (200, 0));
            assert_eq!(asked(&app, "PUT", "/v1/b/x").await, (497, 1000));
        }
    }

    #[test]
    fn tells_what_is_no_rate() {
        let section = "[filter:f]\nuse = egg:pasteline#ratelimit\naccount_ratelimit = ";
        for (rate, wrong) in
            [("0", 0), ("0.5", 0), ("1e3", 0), ("1e-18", 1), ("-1", 1), ("x", 1), ("nan", 1)]
        {
            assert_eq!(faults(&format!("{section}{rate}\n")).len(), wrong, "{rate}");
        }
        let both = "account_whitelist = a\naccount_blacklist = a\n";
        assert_eq!(faults(&format!("{section}1\n{both}")).len(), 1);
    }
}
