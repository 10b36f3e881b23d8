//! Answers for an app that takes too long.

use http::StatusCode;

use crate::app::response::Form;
use crate::app::{App, Filter, Handler, Request, Response};
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Reader, Seconds};

pub(super) const DEFINITION: Definition = Definition::filter::<Timeout>("timeout");

settings! {
    /// Answers 504 for an app that takes longer than `timeout` to begin its response.
    ///
    /// The app's work on the request is given up. A response that has begun may take its time.
    ///
    /// ```ini
    /// [filter:timeout]
    /// use = egg:pasteline#timeout
    /// timeout = 30
    /// ```
    pub(super) struct Timeout {
        /// How long the app may take, in seconds; more than 0.
        timeout: Seconds = "60",
    }
}

impl FilterFactory for Timeout {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.timeout.0.is_zero() {
            reader.reject("timeout", "no app answers in no time");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::handler(self))
    }
}

impl Handler for Timeout {
    async fn handle(&self, request: Request, next: App) -> Response {
        let form = Form::asked(request.headers());
        let answer = tokio::time::timeout(self.timeout.0, next.answer(request));
        answer.await.unwrap_or_else(|_elapsed| {
            let detail = "The server did not answer in time.";
            form.refusal(StatusCode::GATEWAY_TIMEOUT, detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;
    use crate::app::response;
    use crate::builtin::fixture::{faults, filter, get, text};

    const SECTION: &str = "[filter:timeout]\nuse = egg:pasteline#timeout\ntimeout = 2.5";

    #[tokio::test(start_paused = true)]
    async fn an_app_may_take_its_time_up_to_the_limit() {
        let app = App::from_fn(async |_| {
            tokio::time::sleep(Duration::from_millis(2499)).await;
            response::text(StatusCode::OK, "done")
        });
        assert_eq!(text(get(&app.behind(&[filter(SECTION)]), "/").await).await, "done");
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_that_takes_longer_is_given_up() {
        let app = App::from_fn(|_| pending()).behind(&[filter(SECTION)]);
        let started = tokio::time::Instant::now();
        let response = get(&app, "/").await;
        assert_eq!(started.elapsed(), Duration::from_millis(2500));
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        let expected = "504 Gateway Timeout\n\nThe server did not answer in time.\n";
        assert_eq!(text(response).await, expected);
    }

    #[test]
    fn there_is_no_time_for_no_time() {
        let refused = "error[bad-value]: `timeout` is refused: no app answers in no time";
        let section = SECTION.replace("2.5", "0");
        assert_eq!(faults(&section), [format!("test.ini:3:11: {refused}")]);
    }
}
