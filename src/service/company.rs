//! The services that run in one process.

use std::collections::HashMap;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use crate::app::BoxError;
use crate::program::{Instance, Part, Program, Readings, Running};

/// The services that run in one process. They end with this.
#[derive(Debug)]
pub(super) struct Company {
    services: Vec<Running>,
    words: UnboundedSender<Word>,
    news: UnboundedReceiver<News>,
}

/// What is heard of services.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum News {
    /// One has failed or ended, which nobody had told it to.
    Failed(String),
    /// All have started.
    Started,
}

/// What services are told.
#[derive(Debug)]
enum Word {
    Reset,
    /// Until then, if there is a limit; and who is told that they have.
    Stop(Option<Instant>, oneshot::Sender<()>),
}

impl Company {
    /// Begins to start those services of a program that belong into a process, one after another.
    pub(super) fn start(program: &Program, part: &Part, readings: &Readings) -> Self {
        let (words, told) = unbounded_channel();
        let (heard, news) = unbounded_channel();
        let members = services(program, part, readings);
        let services = members.iter().map(|(_, service)| service.clone()).collect();
        tokio::spawn(live(members, told, heard));
        Self { services, words, news }
    }

    /// Waits for news.
    pub(super) async fn next(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }

    /// Has all look anew at what may have changed, their settings among it.
    pub(super) fn reset(&self, readings: &Readings) {
        // At once, as who is starting yet is told of nothing.
        self.services.iter().for_each(|service| service.renew(readings));
        // Nobody listens only if they have ended.
        let _ = self.words.send(Word::Reset);
    }

    /// Has all end, and returns when they have.
    pub(super) fn stop(&self, deadline: Option<Instant>) -> impl Future<Output = ()> + use<> {
        let words = self.words.clone();
        async move {
            let (done, stopped) = oneshot::channel();
            if words.send(Word::Stop(deadline, done)).is_ok() {
                // It is dropped only if they have ended before.
                let _ = stopped.await;
            }
        }
    }
}

/// The services that belong into a process.
fn services(program: &Program, part: &Part, readings: &Readings) -> Vec<(Instance, Running)> {
    let all = program.services().iter();
    match part {
        Part::Main => all
            .flat_map(|it| (1..=it.count().max(1)).map(|number| it.make(number.into(), readings)))
            .collect(),
        Part::Service { name, number } => {
            all.filter(|it| it.name() == name).map(|it| it.make(*number, readings)).collect()
        }
        Part::Worker { number, .. } => {
            all.filter(|it| it.count() == 0).map(|it| it.make(*number, readings)).collect()
        }
    }
}

/// Starts services, and does with them as it is told.
async fn live(
    services: Vec<(Instance, Running)>,
    mut words: UnboundedReceiver<Word>,
    news: UnboundedSender<News>,
) {
    let mut tasks = Tasks::default();
    // Nobody listens to news only if the process is about to end.
    let mut word = tokio::select! {
        // What they are told else while they start is told for nothing: they start by it.
        word = stop(&mut words) => word,
        started = tasks.start(services) => {
            let _ = news.send(started.map_or_else(News::Failed, |()| News::Started));
            tasks.next(&mut words, &news).await
        }
    };
    while let Some(Word::Reset) = word {
        tasks.reset().await;
        word = tasks.next(&mut words, &news).await;
    }
    if let Some(Word::Stop(deadline, done)) = word {
        tasks.stop(deadline).await;
        let _ = done.send(());
    }
}

/// Waits until services are told to end.
async fn stop(words: &mut UnboundedReceiver<Word>) -> Option<Word> {
    loop {
        match words.recv().await {
            Some(Word::Reset) => {}
            word => return word,
        }
    }
}

/// Services that have started.
#[derive(Debug, Default)]
struct Tasks {
    services: Vec<(Instance, Running)>,
    waiting: JoinSet<Result<(), BoxError>>,
    /// The services that tasks of `waiting` wait for.
    names: HashMap<Id, String>,
}

impl Tasks {
    /// Starts services up to the first that cannot.
    async fn start(&mut self, services: Vec<(Instance, Running)>) -> Result<(), String> {
        for (instance, service) in services {
            // In a task, so that a panic is a failure like others.
            let mut start = JoinSet::new();
            start.spawn(service.start());
            if let Some(Err(reason)) = start.join_next().await.map(flat) {
                return Err(format!("service `{}` cannot start: {reason}", instance.name));
            }
            let id = self.waiting.spawn(service.wait()).id();
            self.names.insert(id, instance.name.clone());
            self.services.push((instance, service));
        }
        Ok(())
    }

    /// Waits for the next word, and tells of each that ends before it.
    async fn next(
        &mut self,
        words: &mut UnboundedReceiver<Word>,
        news: &UnboundedSender<News>,
    ) -> Option<Word> {
        loop {
            tokio::select! {
                word = words.recv() => return word,
                failure = self.ended() => drop(news.send(News::Failed(failure))),
            }
        }
    }

    /// Waits until one ends, which none is to do; the reason.
    async fn ended(&mut self) -> String {
        let Some(ended) = self.waiting.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let name = self.names.remove(&id).unwrap_or_default();
        match flat(ended.map(|(_, result)| result)) {
            Ok(()) => format!("service `{name}` has ended without being told to"),
            Err(reason) => format!("service `{name}` has failed: {reason}"),
        }
    }

    async fn reset(&self) {
        for (instance, service) in &self.services {
            if let Err(error) = service.reset().await {
                tracing::error!("service `{}` cannot use what is new: {error}", instance.name);
            }
        }
    }

    /// Has all end at once, as any may wait for the others.
    async fn stop(&mut self, deadline: Option<Instant>) {
        let mut stops: JoinSet<_> =
            self.services.iter().map(|(_, service)| service.stop(deadline)).collect();
        while stops.join_next().await.is_some() {}
        while let Some(ended) = self.waiting.join_next_with_id().await {
            let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
            if let Err(reason) = flat(ended.map(|(_, result)| result)) {
                let name = self.names.remove(&id).unwrap_or_default();
                tracing::error!("service `{name}` has failed when it was told to stop: {reason}");
            }
        }
    }
}

/// Why a task has failed, if it has.
fn flat(ended: Result<Result<(), BoxError>, JoinError>) -> Result<(), String> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => Err(panic.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::sync::watch;

    use super::*;
    use crate::program::{Background, InForce, Periodic, Service};
    use crate::registry::Registry;

    /// What has been done to services, in order.
    type Deeds = Arc<Mutex<Vec<String>>>;

    /// A service that notes what is done to it, and ends when it is told to or asked to.
    struct Noted {
        instance: Instance,
        deeds: Deeds,
        end: watch::Sender<Option<&'static str>>,
    }

    impl Noted {
        fn note(&self, deed: &str) {
            let Instance { name, number } = &self.instance;
            self.deeds.lock().unwrap().push(format!("{deed} {name} {number}"));
        }
    }

    impl Service for Noted {
        async fn start(&self) -> Result<(), BoxError> {
            self.note("start");
            if self.instance.name == "bad" { Err("as the test has it".into()) } else { Ok(()) }
        }

        async fn wait(&self) -> Result<(), BoxError> {
            let end = self.end.subscribe().wait_for(Option::is_some).await?.unwrap_or_default();
            match end {
                "" => Ok(()),
                "panic" => panic!("as the test has it"),
                reason => Err(reason.into()),
            }
        }

        async fn stop(&self, _: Option<Instant>) {
            self.note("stop");
            self.end.send_replace(Some(""));
        }

        async fn reset(&self) -> Result<(), BoxError> {
            self.note("reset");
            Err("it is only logged".into())
        }
    }

    /// A program with services, each of so many processes.
    fn program(services: &[(&str, u16)]) -> (Program, Deeds, watch::Sender<Option<&'static str>>) {
        let (deeds, end) = (Deeds::default(), watch::Sender::new(None));
        let mut program = Program::new(Registry::default());
        for (name, count) in services {
            let (deeds, end) = (Arc::clone(&deeds), end.clone());
            let make = move |instance: &Instance| Noted {
                instance: instance.clone(),
                deeds: Arc::clone(&deeds),
                end: end.clone(),
            };
            program = program.service(Background::new(*name, make).processes(*count));
        }
        (program, deeds, end)
    }

    #[tokio::test]
    async fn services_are_started_reset_and_stopped() {
        let (program, deeds, _) = program(&[("one", 0), ("two", 0)]);
        let mut company = Company::start(&program, &Part::Main, &Readings::default());
        assert_eq!(company.next().await, News::Started);
        company.reset(&Readings::default());
        company.stop(None).await;
        let deeds = deeds.lock().unwrap();
        let expected = [
            "start one 1",
            "start two 1",
            "reset one 1",
            "reset two 1",
            "stop one 1",
            "stop two 1",
        ];
        assert_eq!(*deeds, expected);
    }

    #[tokio::test]
    async fn each_process_has_the_services_that_belong_there() {
        let (program, deeds, _) = program(&[("inside", 0), ("own", 2)]);
        let worker = Part::Worker { number: 3, generation: 1 };
        let service = Part::Service { name: "own".to_owned(), number: 2 };
        for (part, expected) in [
            (Part::Main, &["start inside 1", "start own 1", "start own 2"][..]),
            (worker, &["start inside 3"]),
            (service, &["start own 2"]),
        ] {
            assert_eq!(
                Company::start(&program, &part, &Readings::default()).next().await,
                News::Started
            );
            assert_eq!(*deeds.lock().unwrap(), expected);
            deeds.lock().unwrap().clear();
        }
    }

    #[tokio::test]
    async fn one_that_ends_unasked_has_failed() {
        for (end, expected) in [
            ("", "service `one` has ended without being told to"),
            ("no more", "service `one` has failed: no more"),
            ("panic", "service `one` has failed: task"),
        ] {
            let (program, _, ends) = program(&[("one", 0)]);
            let mut company = Company::start(&program, &Part::Main, &Readings::default());
            assert_eq!(company.next().await, News::Started);
            ends.send_replace(Some(end));
            let News::Failed(reason) = company.next().await else { panic!("it has not failed") };
            assert!(reason.starts_with(expected), "{reason}");
            company.stop(None).await;
        }
    }

    #[tokio::test]
    async fn where_one_cannot_start_those_before_it_are_stopped() {
        let (program, deeds, _) = program(&[("good", 0), ("bad", 0), ("late", 0)]);
        let mut company = Company::start(&program, &Part::Main, &Readings::default());
        let failure = "service `bad` cannot start: as the test has it".to_owned();
        assert_eq!(company.next().await, News::Failed(failure));
        company.stop(None).await;
        assert_eq!(*deeds.lock().unwrap(), ["start good 1", "start bad 1", "stop good 1"]);
    }

    crate::settings! {
        /// Counts.
        struct Counting {
            /// From where on.
            from: u64 = "1",
        }
    }

    /// What is read for the service `count`.
    fn counting(from: u64) -> Readings {
        let mut readings = Readings::default();
        readings.add("count", Arc::new(Counting { from }));
        readings
    }

    #[tokio::test]
    async fn settings_of_a_service_change_even_before_it_has_started() {
        let kept: Arc<Mutex<Option<InForce<Counting>>>> = Arc::default();
        let theirs = Arc::clone(&kept);
        let make = move |_: &Instance, settings| {
            *theirs.lock().unwrap() = Some(settings);
            Periodic::every(Duration::from_secs(1), async || Ok(()))
        };
        let service = Background::configured("count", make);
        let program = Program::new(Registry::default()).service(service);
        let mut company = Company::start(&program, &Part::Main, &counting(2));
        let from = || kept.lock().unwrap().as_ref().unwrap().now().from;
        assert_eq!(from(), 2);
        company.reset(&counting(3));
        assert_eq!(from(), 3);
        assert_eq!(company.next().await, News::Started);
        company.stop(None).await;
    }

    #[tokio::test]
    async fn a_service_whose_settings_nobody_has_read_does_not_start() {
        let make = |_: &Instance, _: InForce<Counting>| {
            Periodic::every(Duration::from_secs(1), async || Ok(()))
        };
        let service = Background::configured("count", make);
        let program = Program::new(Registry::default()).service(service);
        let mut company = Company::start(&program, &Part::Main, &Readings::default());
        let News::Failed(reason) = company.next().await else { panic!("it has started") };
        assert!(reason.starts_with("service `count` cannot start: its settings"), "{reason}");
    }
}
