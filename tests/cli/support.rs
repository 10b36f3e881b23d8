//! Runs the real program on files of a test's own, and talks to it as a client would.

mod answer;
pub(crate) mod process;
mod server;
mod upstream;

pub(crate) use self::answer::Answer;
pub(crate) use self::server::{Client, Server};
pub(crate) use self::upstream::{Upstream, closed_address};

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Nothing that a test waits for takes this long; it is there so that a fault ends the test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Files in a directory of their own, and a command line to run there.
#[derive(Debug)]
pub(crate) struct Test {
    program: PathBuf,
    directory: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    input: Option<OwnedFd>,
}

impl Test {
    /// The program, without arguments, in an empty directory.
    pub(crate) fn new() -> Self {
        Self::program(env!("CARGO_BIN_EXE_pasteline"))
    }

    /// Another program that has pasteline's command line.
    pub(crate) fn program(program: impl Into<PathBuf>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", std::process::id());
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&directory).unwrap();
        Self {
            program: program.into(),
            directory,
            arguments: Vec::new(),
            variables: Vec::new(),
            input: None,
        }
    }

    /// One of the crate's other programs, by its name, without arguments.
    pub(crate) fn example(name: &str) -> Self {
        let test = std::env::current_exe().unwrap();
        let program = test.parent().unwrap().with_file_name("examples").join(name);
        assert!(
            program.exists(),
            "`cargo test` builds it; for one test, `cargo build --examples` does"
        );
        Self::program(program)
    }

    /// Writes a file; the directories that it lies in are made.
    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Writes `api-paste.ini`, the file that is read if no other is named.
    pub(crate) fn ini(self, text: &str) -> Self {
        self.file("api-paste.ini", text)
    }

    /// Gives the program a text on its standard input, which is empty otherwise.
    pub(crate) fn input(self, text: &str) -> Self {
        self.file("stdin", text)
    }

    /// Runs the program by a line of shell, in which it is `$0` with its arguments in `$@`, and
    /// which has a descriptor as its standard input.
    pub(crate) fn shell(mut self, line: &str, input: impl Into<OwnedFd>) -> Self {
        let program = self.program.to_str().unwrap().to_owned();
        self.arguments.splice(..0, ["-c".to_owned(), line.to_owned(), program]);
        self.program = "sh".into();
        self.input = Some(input.into());
        self
    }

    /// Adds arguments, separated by blanks.
    pub(crate) fn arguments(mut self, arguments: &str) -> Self {
        self.arguments.extend(arguments.split_whitespace().map(str::to_owned));
        self
    }

    /// Adds one argument, which may have blanks.
    pub(crate) fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The directory that the files lie in.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self) -> Finished {
        self.run_with(&self.arguments)
    }

    /// Runs the program to its end with other arguments.
    pub(crate) fn run_with(&self, arguments: &[String]) -> Finished {
        let process = self.command(arguments).spawn().unwrap();
        let id = process.id();
        let (sender, output) = channel();
        thread::spawn(move || sender.send(process.wait_with_output()));
        let Ok(output) = output.recv_timeout(PATIENCE) else {
            signal(id, "KILL");
            panic!("{arguments:?} does not end");
        };
        Finished::of(&output.unwrap())
    }

    /// Runs `validate` with the arguments to its end.
    pub(crate) fn validate(mut self) -> Finished {
        self.arguments.insert(0, "validate".to_owned());
        self.run()
    }

    /// Starts `serve` with the arguments at a free port, in one process, and waits until it
    /// listens.
    pub(crate) fn serve(mut self) -> Server {
        self.arguments.insert(0, "serve".to_owned());
        self.arguments("--bind 127.0.0.1:0 --workers 0").start()
    }

    /// Starts `serve` with the arguments as the file says, and waits until it listens.
    pub(crate) fn serve_as_is(mut self) -> Server {
        self.arguments.insert(0, "serve".to_owned());
        self.start()
    }

    /// Starts the program and waits until it listens.
    pub(crate) fn start(self) -> Server {
        Server::start(self)
    }

    /// Starts the program and waits for nothing.
    pub(crate) fn spawn(self) -> Server {
        Server::spawn(self)
    }

    /// The program with arguments, for who adds others or runs it several times.
    pub(crate) fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.directory);
        // Each test has control sockets of its own, and nobody who looks after it but itself.
        command.env("RUNTIME_DIRECTORY", &self.directory).env_remove("NOTIFY_SOCKET");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let file = || File::open(self.directory.join("stdin")).ok().map(OwnedFd::from);
        let input = self.input.as_ref().map(|input| input.try_clone().unwrap()).or_else(file);
        command.stdin(input.map_or_else(Stdio::null, Stdio::from));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Waits until there is what is looked for.
pub(crate) fn wait_for<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::yield_now();
    }
}

/// The time of day at which a line was logged (`2026-01-31T12:34:56.123Z ERROR …`), in seconds.
pub(crate) fn seconds(line: &str) -> f64 {
    let (time, _) = line.split_once('T').unwrap().1.split_once('Z').unwrap();
    let parts = time.split(':').map(|part| part.parse::<f64>().unwrap());
    parts.fold(0.0, |seconds, part| seconds * 60.0 + part)
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, signal: &str) {
    let kill = format!("kill -{signal} {process}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

impl Drop for Test {
    fn drop(&mut self) {
        // What is left behind lies in the build directory and does no harm.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit status; none if a signal ended it.
    pub(crate) status: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it told beside.
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Self { status: output.status.code(), stdout, stderr }
    }

    /// Checks the exit status.
    #[track_caller]
    pub(crate) fn status(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self:#?}");
        self
    }

    /// Checks that the results hold a text.
    #[track_caller]
    pub(crate) fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "`{text}` is not in\n{}", self.stdout);
        self
    }

    /// Checks that standard error holds a text.
    #[track_caller]
    pub(crate) fn tells(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in\n{}", self.stderr);
        self
    }
}
