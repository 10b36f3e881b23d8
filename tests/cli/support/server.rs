//! A program that serves, and clients of it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read as _, Write};
use std::net::TcpStream;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use super::{Answer, Finished, PATIENCE, Test};

/// A program that serves. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    address: String,
    lines: Receiver<String>,
    told: Vec<String>,
    test: Test,
}

impl Server {
    pub(super) fn start(test: Test) -> Self {
        let mut server = Self::spawn(test);
        server.listens();
        server
    }

    /// Starts a program, of which nothing is known yet.
    pub(super) fn spawn(test: Test) -> Self {
        let mut process = test.command(&test.arguments).spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { process, address: String::new(), lines, told: Vec::new(), test }
    }

    /// Waits until it listens, and notes where.
    #[track_caller]
    pub(crate) fn listens(&mut self) {
        let line = self.line("listening on ");
        let (_, address) = line.split_once("listening on ").unwrap();
        let address = address.trim_start_matches("http://").trim_start_matches("https://");
        let is_address = |character: char| character.is_ascii_digit() || ".:".contains(character);
        self.address = address.chars().take_while(|character| is_address(*character)).collect();
    }

    /// Where it listens, if that is an IP address.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The id of the process.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Waits for a line on standard error that holds a text.
    #[track_caller]
    pub(crate) fn line(&mut self, text: &str) -> String {
        // Of all lines together, as some never end.
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no line with `{text}` in\n{}", self.told.join("\n"));
            };
            self.told.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until another process has taken over, and gives its number.
    #[track_caller]
    pub(crate) fn successor(&mut self) -> u32 {
        let line = self.line(" has taken over");
        let words: Vec<_> = line.split_whitespace().collect();
        let number = words.iter().position(|word| *word == "process").unwrap() + 1;
        words[number].parse().unwrap()
    }

    /// Opens a connection.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.address)
    }

    /// Whether new connections are refused.
    pub(crate) fn refuses(&self) -> bool {
        TcpStream::connect(&self.address).is_err()
    }

    /// Asks for a path, over a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, "")
    }

    /// Asks for a path with further header lines, each with its line end.
    pub(crate) fn get_with(&self, path: &str, headers: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"))
    }

    /// Sends a request as it is, over a connection of its own.
    pub(crate) fn send(&self, request: &str) -> Answer {
        self.connect().send(request).answer()
    }

    /// Writes one of its files, as an editor does: it is never there by half.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.test.directory().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// Reads one of its files.
    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.test.directory().join(name)).unwrap()).unwrap()
    }

    /// Puts an empty file where somebody may take it away at any moment.
    pub(crate) fn put(&self, name: &str) {
        File::create(self.test.directory().join(name)).unwrap();
    }

    /// Whether there is a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.test.directory().join(name).exists()
    }

    /// Removes a directory with all that lies in it.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_dir_all(self.test.directory().join(name)).unwrap();
    }

    /// Runs the program with other arguments where this one runs.
    pub(crate) fn run(&self, arguments: &str) -> Finished {
        let arguments: Vec<_> = arguments.split_whitespace().map(str::to_owned).collect();
        self.test.run_with(&arguments)
    }

    /// Begins to ask this one for a reload.
    pub(crate) fn ask_for_reload(&self) -> Self {
        self.ask_for_reload_by(&format!("--pid {}", self.process()))
    }

    /// Begins to ask for a reload, of whoever the arguments name.
    pub(crate) fn ask_for_reload_by(&self, arguments: &str) -> Self {
        // Where it runs, and where it has put the socket at which it is asked.
        let directory = self.test.directory().to_str().unwrap();
        let test = Test::new().variable("RUNTIME_DIRECTORY", directory);
        test.arguments(&format!("reload {arguments}")).spawn()
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        super::signal(self.process.id(), signal);
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Finished {
        // Standard error ends with the process.
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.told.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("does not end: {:#?}", self.told),
            }
        }
        let status = self.process.wait().unwrap().code();
        Finished { status, stdout: String::new(), stderr: self.told.join("\n") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    /// Opens a connection.
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends bytes as they are.
    pub(crate) fn send(mut self, text: &str) -> Self {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        self
    }

    /// Asks for a path, and keeps the connection.
    #[track_caller]
    pub(crate) fn ask(&mut self, path: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        self.next_answer()
    }

    /// Waits until the server closes the connection, without a word more.
    #[track_caller]
    pub(crate) fn ends(mut self) {
        assert_eq!(self.rest(), 0);
    }

    /// Reads a line, without its end.
    #[track_caller]
    pub(crate) fn first_line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Reads until the connection ends, however it does, and tells how many bytes there were.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> usize {
        let mut rest = Vec::new();
        let ended = self.0.read_to_end(&mut rest);
        let is_late = ended.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        assert!(!is_late, "it does not end");
        rest.len()
    }

    /// Reads a response and closes the connection.
    #[track_caller]
    pub(crate) fn answer(mut self) -> Answer {
        self.next_answer()
    }

    /// Reads a response and keeps the connection.
    #[track_caller]
    pub(crate) fn next_answer(&mut self) -> Answer {
        Answer::read(&mut self.0).unwrap()
    }
}
