//! Clients that do not take what is encrypted for them.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Write;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};
use tokio_rustls::{TlsAcceptor, TlsConnector, client};

use super::{Client, encrypted, host};
use crate::metrics::{Metrics, Refusal};
use crate::server::activity::Activity;
use crate::server::clock::Clock;
use crate::server::passage;
use crate::server::socket::Socket;
use crate::server::stream::Stream;
use crate::server::tests::{large, refused, start_counted};
use crate::server::tls::fixture::{Directory, made};
use crate::server::{Settings, Tls};
use crate::source::Sources;

/// The server's end of a connection, which is watched, and the client's.
async fn connection() -> (Stream, Arc<Activity>, client::TlsStream<UnixStream>) {
    let (directory, own) = (Directory::new("taking"), made(&["a.example"]));
    let settings = encrypted(&directory, &[&own]);
    let tls = Tls::load(&settings, &Sources::default()).unwrap().unwrap();
    let (theirs, ours) = UnixStream::pair().unwrap();
    let connector = TlsConnector::from(Client::new(&[&own]).config());
    let accept = TlsAcceptor::from(tls.config).accept(Socket::Unix(ours));
    let connect = connector.connect(host("a.example"), theirs);
    let (accepted, client) = tokio::try_join!(accept, connect).unwrap();
    let mut accepted = accepted;
    passage::narrow(&mut accepted);
    let clock = Clock::new(&Settings::default());
    let activity = Arc::new(Activity::new(Arc::new(clock), Arc::default()));
    activity.request_begins();
    (Stream::new(Socket::Tls(Box::new(accepted)), Arc::clone(&activity)), activity, client)
}

/// Writes until something waits for the client, and says how much was taken by then.
async fn fill(stream: &mut Stream, activity: &Activity) -> usize {
    let (bytes, mut taken) = (vec![b'x'; 256 * 1024], 0);
    while !activity.is_held_up() {
        taken +=
            poll_fn(|context| Pin::new(&mut *stream).poll_write(context, &bytes)).await.unwrap();
    }
    taken
}

/// Whether something is done without waiting.
async fn is_ready<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> bool {
    poll_fn(|context| Poll::Ready(poll(context).is_ready())).await
}

#[tokio::test]
async fn no_more_is_encrypted_for_a_client_than_it_takes() {
    let (mut stream, activity, mut client) = connection().await;
    let bytes = [b'x'; 1024];
    let mut taken = fill(&mut stream, &activity).await;
    let is_taken = is_ready(|context| Pin::new(&mut stream).poll_write(context, &bytes)).await;
    assert!(!is_taken, "the client takes nothing");
    let mut read = vec![0; 64 * 1024];
    let mut flush = std::pin::pin!(poll_fn(|context| Pin::new(&mut stream).poll_flush(context)));
    loop {
        tokio::select! {
            flushed = &mut flush => break flushed.unwrap(),
            length = client.read(&mut read) => taken -= length.unwrap(),
        }
    }
    assert!(!activity.is_held_up(), "all has left");
    while taken > 0 {
        taken -= client.read(&mut read).await.unwrap();
    }
}

#[tokio::test]
async fn the_last_of_a_response_is_to_be_taken_in_time_too() {
    let (mut stream, activity, mut client) = connection().await;
    fill(&mut stream, &activity).await;
    let mut buffer = [0; 16];
    for second in 0..60 {
        assert!(!is_ready(|context| Pin::new(&mut stream).poll_flush(context)).await);
        activity.clock().tick();
        activity.check();
        if activity.is_to_close() {
            assert_eq!(second, 30, "the second that had begun does not count");
            return;
        }
        client.get_mut().0.read_exact(&mut buffer).await.unwrap();
    }
    panic!("a client that takes 16 bytes a second is left");
}

#[tokio::test]
async fn a_client_that_takes_no_response_is_left() {
    let (directory, own) = (Directory::new("leaving"), made(&["a.example"]));
    let metrics = Metrics::default();
    let settings = encrypted(&directory, &[&own]);
    let (running, address) = start_counted(settings, large(), metrics.meter("main")).await;
    let mut client = Client::new(&[&own]).connect(address, "a.example").await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
    client.read_exact(&mut [0; 16]).await.unwrap();
    tokio::time::pause();
    let start = Instant::now();
    while running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    assert!((30..=31).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    tokio::time::resume();
    refused(&metrics, Refusal::WriteTimeout, 1).await;
}
