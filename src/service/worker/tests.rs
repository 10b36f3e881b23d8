//! A worker whose services take their time to start, and what it is told meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::json;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::*;
use crate::app::BoxError;
use crate::graph::Input;
use crate::program::{Background, Service};
use crate::registry::Registry;
use crate::server::{Inherited, Settings, Sockets};
use crate::service::wire::{Command, receive};
use crate::source::{Snapshot, absolute};

/// A service that starts when the gate is open, and runs until it is told to end.
struct Slow {
    gate: watch::Sender<bool>,
    end: End,
}

/// Whether a service has been told to end, and by when.
type End = watch::Sender<Option<Option<Instant>>>;

impl Service for Slow {
    async fn start(&self) -> Result<(), BoxError> {
        self.gate.subscribe().wait_for(|is_open| *is_open).await?;
        Ok(())
    }

    async fn wait(&self) -> Result<(), BoxError> {
        self.end.subscribe().wait_for(Option::is_some).await?;
        Ok(())
    }

    async fn stop(&self, deadline: Option<Instant>) {
        self.end.send_replace(Some(deadline));
    }
}

/// A worker that starts, and who looks at it from outside.
struct Fixture {
    worker: Worker,
    supervisor: UnixStream,
    gate: watch::Sender<bool>,
    end: End,
    address: String,
}

fn snapshot(body: &str) -> Snapshot {
    let path = absolute(Path::new("worker-test.ini"));
    let text = format!("[app:main]\nuse = egg:pasteline#respond\nbody = {body}\n");
    serde_json::from_value(json!({ "texts": { path.to_str().unwrap(): text }, "listings": {} }))
        .unwrap()
}

impl Fixture {
    /// One that has loaded what answers with `one`, and waits for its services.
    async fn new() -> Self {
        let mut settings = Settings::default();
        settings.bind_to(vec!["127.0.0.1:0".parse().unwrap()]);
        let sockets = Sockets::bind(&settings, 1, &mut Inherited::none()).await.unwrap();
        let address = sockets.endpoints().next().unwrap().to_string();
        let (ours, theirs) = StdStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let (gate, end) = (watch::Sender::new(false), End::new(None));
        let (opened, ended) = (gate.clone(), end.clone());
        let make = move |_: &_| Slow { gate: opened.clone(), end: ended.clone() };
        let program =
            Program::new(Registry::builtin()).service(Background::new("slow", make).processes(0));
        let order = Order::new(Input::new("worker-test.ini"));
        let part = Part::Worker { number: 1, generation: 1 };
        let share = sockets.share(0).unwrap();
        let mut worker =
            Worker::new((order, program, part), Link::open(theirs).unwrap(), vec![share]);
        worker.load(None, snapshot("one"));
        let supervisor = UnixStream::from_std(ours).unwrap();
        let mut fixture = Self { worker, supervisor, gate, end, address };
        fixture.load().await;
        assert!(fixture.worker.waiting.is_some(), "{:?}", fixture.said().await);
        fixture
    }

    /// Has it take up what is loaded next.
    async fn load(&mut self) {
        let loaded = loaded(&mut self.worker.loading).await;
        self.worker.has_loaded(loaded);
    }

    async fn prepare(&mut self, change: u64, body: &str) {
        self.worker.obey(Command::Prepare(change, snapshot(body)));
        self.load().await;
        let said = self.said().await;
        assert!(matches!(said, Report::Prepared(number) if number == change), "{said:?}");
    }

    async fn said(&mut self) -> Report {
        receive(&mut self.supervisor).await.unwrap().unwrap()
    }

    /// Has its services start, and tells what it answers with.
    async fn answer(&mut self) -> String {
        self.gate.send_replace(true);
        assert_eq!(next(&mut self.worker.company).await, News::Started);
        self.worker.begin();
        let address = self.address.clone();
        let ask = move || {
            let mut client = TcpStream::connect(address).unwrap();
            let request = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
            client.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            answer.rsplit("\r\n").next().unwrap().to_owned()
        };
        spawn_blocking(ask).await.unwrap()
    }
}

#[tokio::test]
async fn what_comes_into_force_while_services_start_is_served_then() {
    let mut fixture = Fixture::new().await;
    fixture.prepare(1, "two").await;
    fixture.worker.obey(Command::Commit(1));
    let said = fixture.said().await;
    assert!(matches!(said, Report::Committed(1)), "{said:?}");
    assert_eq!(fixture.answer().await, "two");
}

#[tokio::test]
async fn what_is_given_up_while_services_start_never_comes_into_force() {
    let mut fixture = Fixture::new().await;
    fixture.worker.obey(Command::Prepare(1, snapshot("two")));
    fixture.worker.obey(Command::Abort(1));
    fixture.prepare(2, "three").await;
    fixture.worker.obey(Command::Abort(2));
    fixture.worker.obey(Command::Commit(2));
    assert_eq!(fixture.answer().await, "one");
}

#[tokio::test]
async fn one_that_leaves_early_says_so_once() {
    let mut fixture = Fixture::new().await;
    fixture.worker.leave_early();
    let said = fixture.said().await;
    assert!(matches!(said, Report::Leaving), "{said:?}");
    fixture.worker.leave_early();
    fixture.worker.beat();
    let said = fixture.said().await;
    assert!(matches!(said, Report::Alive { .. }), "{said:?}");
}

#[tokio::test]
async fn one_that_the_supervisor_has_told_to_leave_claims_no_successor() {
    let mut fixture = Fixture::new().await;
    fixture.worker.obey(Command::Leave { patience: None, is_relieved: true });
    fixture.worker.leave_early();
    fixture.worker.beat();
    let said = fixture.said().await;
    assert!(matches!(said, Report::Alive { .. }), "{said:?}");
}

#[tokio::test]
async fn services_of_one_that_leaves_early_are_told_by_when() {
    let mut fixture = Fixture::new().await;
    assert_eq!(fixture.answer().await, "one");
    let before = Instant::now();
    fixture.worker.leave_early();
    let mut end = fixture.end.subscribe();
    let deadline = end.wait_for(Option::is_some).await.unwrap().flatten().unwrap();
    let patience = Settings::default().graceful_shutdown_timeout.0;
    assert!(deadline >= before + patience && deadline <= Instant::now() + patience);
}
