//! What becomes of requests while Keystone does not answer, or not as it should.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use super::fake::{Fake, in_seconds, token};
use super::{all_seen, answer, guarded, section, seen};
use crate::app::{App, response};
use crate::builtin::fixture::{closed_address, filter, text, values};

const GOOD: &[(&str, &str)] = &[("x-auth-token", "good")];

#[tokio::test]
async fn a_keystone_that_was_started_anew_is_logged_in_to_again() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    let app = guarded(&fake, "");
    assert!(seen(&app, GOOD).await.is_ok());
    fake.facts().forgets = true;
    fake.knows("other", token());
    assert!(seen(&app, &[("x-auth-token", "other")]).await.is_ok());
    assert_eq!((fake.questions(), fake.facts().logins.len()), (3, 2));
}

#[tokio::test]
async fn it_is_asked_once_more_and_not_for_ever() {
    let fake = Fake::start().await;
    fake.facts().status = Some(StatusCode::UNAUTHORIZED);
    assert_eq!(seen(&guarded(&fake, ""), GOOD).await, Err(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!((fake.questions(), fake.facts().logins.len()), (2, 2));
}

#[tokio::test]
async fn what_says_nothing_of_the_token_is_no_reason_to_refuse_it() {
    for status in [StatusCode::FORBIDDEN, StatusCode::INTERNAL_SERVER_ERROR] {
        let fake = Fake::start().await;
        fake.facts().status = Some(status);
        let response = answer(&guarded(&fake, ""), GOOD).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(values(response.headers(), "retry-after"), "5");
        let detail = "The Keystone service is temporarily unavailable.";
        assert_eq!(text(response).await, format!("503 Service Unavailable\n\n{detail}\n"));
    }
}

#[tokio::test]
async fn a_login_that_is_refused_is_not_repeated_for_each_request() {
    let fake = Fake::start().await;
    fake.facts().login_status = Some(StatusCode::UNAUTHORIZED);
    let app = guarded(&fake, "");
    let began = Instant::now();
    let tokens = (0..20).map(|number| format!("token-{number}")).collect();
    for found in all_seen(&app, tokens).await {
        assert_eq!(found, Err(StatusCode::SERVICE_UNAVAILABLE));
    }
    // There is one a second, however long they all take.
    let most = began.elapsed().as_secs() + 1;
    assert!((1..=most).contains(&(fake.facts().logins.len() as u64)), "in {most} s");
}

#[tokio::test]
async fn all_that_it_takes_to_find_out_about_a_token_has_one_time() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    // Each of four answers comes in time.
    fake.facts().delay = Duration::from_millis(400);
    let app = guarded(&fake, "http_request_timeout = 1");
    assert_eq!(seen(&app, GOOD).await, Err(StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test]
async fn a_login_that_still_holds_is_used_where_there_is_no_new_one() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    fake.knows("other", token());
    fake.facts().own_end = Some(in_seconds(25));
    let app = guarded(&fake, "");
    assert!(seen(&app, GOOD).await.is_ok());
    fake.facts().login_status = Some(StatusCode::INTERNAL_SERVER_ERROR);
    assert!(seen(&app, &[("x-auth-token", "other")]).await.is_ok());
    assert_eq!(fake.facts().logins.len(), 2);
}

#[tokio::test]
async fn a_question_whose_connection_breaks_is_asked_again() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    fake.facts().breaks = 1;
    assert_eq!(seen(&guarded(&fake, ""), GOOD).await, Err(StatusCode::SERVICE_UNAVAILABLE));
    fake.facts().breaks = 3;
    let section = section(&fake.url, "").replace("max_retries = 0", "max_retries = 3");
    let app = App::ready(|_| response::text(StatusCode::OK, "")).behind(&[filter(&section)]);
    assert!(seen(&app, GOOD).await.is_ok());
    assert_eq!(fake.facts().breaks, 0);
}

#[tokio::test]
async fn a_remembered_token_counts_while_keystone_is_silent() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    let app = guarded(
        &fake,
        "token_cache_time = 0\ntoken_cache_stale_time = 1000\nhttp_request_timeout = 1",
    );
    while seen(&app, GOOD).await.is_err() {}
    fake.hold();
    for _ in 0..2 {
        assert!(seen(&app, GOOD).await.is_ok());
    }
    let other = [("x-auth-token", "other")];
    assert_eq!(seen(&app, &other).await, Err(StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test]
async fn a_keystone_that_is_not_there_is_waited_for_no_longer_than_allowed() {
    let (_socket, closed) = closed_address();
    let url = format!("http://{closed}");
    let app = App::ready(|_| response::text(StatusCode::OK, ""));
    let refusing = app.clone().behind(&[filter(&section(&url, ""))]);
    assert_eq!(seen(&refusing, GOOD).await, Err(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(seen(&refusing, &[]).await, Err(StatusCode::UNAUTHORIZED));

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let silent = app.behind(&[filter(&section(&url, "http_request_timeout = 0.1"))]);
    let began = Instant::now();
    assert_eq!(seen(&silent, GOOD).await, Err(StatusCode::SERVICE_UNAVAILABLE));
    assert!(began.elapsed().as_millis() >= 100);
}

#[tokio::test]
async fn a_known_token_counts_while_keystone_is_away() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    let app = guarded(&fake, "");
    assert!(seen(&app, GOOD).await.is_ok());
    fake.facts().status = Some(StatusCode::INTERNAL_SERVER_ERROR);
    assert!(seen(&app, GOOD).await.is_ok());
    let other = [("x-auth-token", "other")];
    assert_eq!(seen(&app, &other).await, Err(StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test]
async fn the_app_decides_then_too_if_it_is_to() {
    let fake = Fake::start().await;
    fake.facts().status = Some(StatusCode::INTERNAL_SERVER_ERROR);
    let app = guarded(&fake, "delay_auth_decision = true");
    let lines = seen(&app, GOOD).await.unwrap();
    assert_eq!(lines, ["x-auth-token: good", "x-identity-status: Invalid"]);
}

#[tokio::test]
async fn a_client_that_leaves_takes_nobody_along() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    let app = guarded(&fake, "");
    fake.hold();
    let leaving = tokio::spawn({
        let app = app.clone();
        async move { seen(&app, GOOD).await }
    });
    let logs_in = async {
        while fake.facts().logins.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(600), logs_in).await.unwrap();
    let staying = tokio::spawn(async move { seen(&app, GOOD).await });
    tokio::task::yield_now().await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    fake.release();
    assert!(staying.await.unwrap().is_ok());
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_says_nothing_of_the_token() {
    let fake = Fake::start().await;
    fake.knows("good", json!({"user": {}}));
    let app = guarded(&fake, "");
    assert_eq!(seen(&app, GOOD).await, Err(StatusCode::SERVICE_UNAVAILABLE));
    fake.knows("good", token());
    assert!(seen(&app, GOOD).await.is_ok());
}
