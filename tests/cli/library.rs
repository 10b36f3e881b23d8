//! The library without the command line: a pipeline built and served by the program itself.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use pasteline::app::{App, Filter, Phase, Request, Response};
use pasteline::graph::{Input, Loader, Object, check};
use pasteline::program::{Background, InForce, Periodic, Program};
use pasteline::registry::{Definition, Error, FilterFactory, Registry, Site};
use pasteline::server::{Inherited, Server, Settings, Sockets};
use pasteline::stack;

use crate::support::{Client, Test};

pasteline::settings! {
    /// Panics where the path says so.
    struct Fragile {}
}

impl FilterFactory for Fragile {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::phase(self))
    }
}

impl Phase for Fragile {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        assert!(request.uri().path() != "/panic", "as asked");
        ControlFlow::Continue(())
    }
}

#[test]
fn a_panic_in_a_filter_is_one_failed_request() {
    for pipeline in ["fragile app", "catch_errors fragile app"] {
        let address = serve(build(pipeline));
        let get = |path| {
            Client::connect(&address)
                .send(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
                .answer()
        };
        let answer = get("/panic").expect(500);
        assert!(!answer.body.contains("as asked"), "{answer:#?}");
        assert_eq!(get("/").expect(200).body, "hello");
    }
}

#[test]
fn a_program_whose_services_clash_does_not_start() {
    let idle = || Periodic::every(Duration::from_secs(1), async || Ok(()));
    let of = |name| Background::configured(name, move |_, _: InForce<Fragile>| idle());
    // Nothing is looked at before, not even the command line, which is that of a test here.
    for program in [
        Program::new(Registry::builtin()).service(of("cors")),
        Program::new(Registry::builtin()).service(of("tea")).service(of("Tea")),
    ] {
        assert_eq!(format!("{:?}", program.run()), format!("{:?}", ExitCode::FAILURE));
    }
}

fn build(pipeline: &str) -> App {
    let ini = format!(
        "[pipeline:main]\npipeline = {pipeline}\n\
         [filter:catch_errors]\nuse = egg:pasteline#catch_errors\n\
         [filter:fragile]\nuse = egg:pasteline#fragile\n\
         [app:app]\nuse = egg:pasteline#respond\nbody = hello\n"
    );
    let test = Test::new().ini(&ini);
    let registry = Registry::builtin().with(Definition::filter::<Fragile>("fragile"));
    let input = Input::new(test.directory().join("api-paste.ini"));
    let mut loader = Loader::open(&input, &registry);
    let loaded = loader.load(Object::App, Some("main"));
    assert_eq!(check(&loaded.graph, &registry, loader.sources()), []);
    stack::build(&loaded.graph, loaded.root.unwrap(), &registry, loader.sources()).unwrap()
}

/// Serves an app from a thread of its own, as long as the test runs; the address.
fn serve(app: App) -> String {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut settings = Settings::default();
            settings.bind_to(vec!["127.0.0.1:0".parse().unwrap()]);
            let sockets = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap();
            let server = Server::new(sockets.share(0).unwrap(), settings).unwrap();
            let address = server.endpoints().next().unwrap().to_string();
            let _running = server.start(app);
            sender.send(address).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}
