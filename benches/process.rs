//! What the processes cost: the time from start to the first answer, memory and time at rest, and
//! whether a burst of connections finds room.
//!
//! `cargo bench --bench process` serves one small app with two workers ten times over and prints
//! the medians of times and the maxima of memory; the last server is left alone for five seconds,
//! and then gets 15,000 connections at once. It fails where a bar is missed. `-- --test` serves
//! once, opens few connections and holds nothing against the bars. Linux only: the memory is the
//! proportional set size that `/proc` tells.

#![expect(clippy::print_stdout, reason = "a benchmark reports by printing")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const FIRST_ANSWER: Duration = Duration::from_millis(50);
const SUPERVISOR_KIB: u64 = 8 * 1024;
const WORKER_KIB: u64 = 12 * 1024;
const WORKERS: usize = 2;

/// A thousandth of the time at rest: the workers say now and then that they are well.
const BUSY_MS: u64 = 5;

/// How long a server is left alone.
const REST: Duration = Duration::from_secs(5);

/// How many threads connect at the same time.
const CLIENTS: usize = 4;

fn main() -> io::Result<ExitCode> {
    if std::env::args().any(|argument| argument == "--list") {
        // A runner of tests asks which there are.
        return Ok(ExitCode::SUCCESS);
    }
    let smoke = std::env::args().any(|argument| argument == "--test");
    let (rounds, rest, burst) = if smoke { (1, Duration::ZERO, 100) } else { (10, REST, 15_000) };
    allow_descriptors();
    let mut measured = Vec::new();
    for _ in 1..rounds {
        measured.push(Round::start()?.measured()?);
    }
    let last = Round::start()?;
    measured.push(last.measured()?);
    let busy = last.busy(rest)?;
    let (elapsed, overflows) = last.burst(burst)?;

    measured.sort_by_key(|measured| measured.first_answer);
    let first_answer = measured[measured.len() / 2].first_answer;
    let most = |of: fn(&Measured) -> u64| measured.iter().map(of).max().unwrap_or_default();
    let (supervisor, worker) = (most(|round| round.supervisor), most(|round| round.worker));
    let milliseconds = first_answer.as_secs_f64() * 1e3;
    println!("start to first answer      {milliseconds:8.1} ms (bar {FIRST_ANSWER:?})");
    println!("memory of the supervisor   {supervisor:8} KiB (bar {SUPERVISOR_KIB} KiB)");
    println!("memory of a worker at rest {worker:8} KiB (bar {WORKER_KIB} KiB)");
    println!("time of the supervisor     {busy:8} ms in {rest:?} at rest (bar {BUSY_MS} ms)");
    println!("{burst} connections at once {overflows:7} without room, in {elapsed:?} (bar 0)");
    let met = first_answer <= FIRST_ANSWER
        && supervisor <= SUPERVISOR_KIB
        && worker <= WORKER_KIB
        && busy <= BUSY_MS
        && overflows == 0;
    Ok(if met || smoke { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lets this process, and those that it starts, have as many descriptors as the system grants.
fn allow_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Without it a burst fails, and says why.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// What one server has cost, memory in KiB.
struct Measured {
    first_answer: Duration,
    supervisor: u64,
    /// Of the largest worker.
    worker: u64,
}

/// A server, which ends with its round.
struct Round {
    server: Child,
    address: SocketAddr,
    first_answer: Duration,
}

impl Round {
    /// Serves, and waits until all workers do.
    fn start() -> io::Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("process.ini");
        let text = format!(
            "[server:main]\nuse = egg:pasteline#http\nbind = {address}\nworkers = {WORKERS}\n\n\
             [app:main]\nuse = egg:pasteline#respond\nbody = Hello, World!\n"
        );
        fs::write(&file, text)?;
        let start = Instant::now();
        let server = Command::new(env!("CARGO_BIN_EXE_pasteline"))
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut round = Self { server, address, first_answer: Duration::ZERO };
        round.wait_for_answer()?;
        round.first_answer = start.elapsed();
        round.wait_for_workers()?;
        Ok(round)
    }

    /// Asks again and again until there is an answer, or the server has ended.
    fn wait_for_answer(&mut self) -> io::Result<()> {
        loop {
            if let Some(status) = self.server.try_wait()? {
                return Err(io::Error::other(format!("the server has ended: {status}")));
            }
            let Ok(connection) = TcpStream::connect(self.address) else { continue };
            if is_answered(connection)? {
                return Ok(());
            }
        }
    }

    /// Waits until all workers serve.
    fn wait_for_workers(&mut self) -> io::Result<()> {
        let Some(log) = self.server.stderr.as_mut() else { return Ok(()) };
        let mut lines = BufReader::new(log).lines();
        let is_ready = |line: io::Result<String>| line.is_ok_and(|line| line.contains("ready: "));
        let ready = lines.any(is_ready);
        ready.then_some(()).ok_or_else(|| io::Error::other("the workers do not serve"))
    }

    /// What it has cost.
    fn measured(&self) -> io::Result<Measured> {
        let server = self.server.id();
        let workers = text(&format!("/proc/{server}/task/{server}/children"))?;
        let workers = workers.split_whitespace().map(memory).collect::<io::Result<Vec<_>>>()?;
        Ok(Measured {
            first_answer: self.first_answer,
            supervisor: memory(&server.to_string())?,
            worker: workers.into_iter().max().unwrap_or_default(),
        })
    }

    /// The processor time, in milliseconds, that the supervisor takes while nothing happens.
    fn busy(&self, rest: Duration) -> io::Result<u64> {
        let before = spent(self.server.id())?;
        thread::sleep(rest);
        Ok(spent(self.server.id())? - before)
    }

    /// Opens connections as fast as it goes, all of which stay open, and asks over the last ones.
    /// Gives how long it took, and how often the system had no room for one.
    fn burst(&self, connections: usize) -> io::Result<(Duration, u64)> {
        let address = self.address;
        let before = overflows()?;
        let start = Instant::now();
        let connect = move || -> io::Result<Vec<TcpStream>> {
            (0..connections / CLIENTS).map(|_| TcpStream::connect(address)).collect()
        };
        let clients = [(); CLIENTS].map(|()| thread::spawn(connect));
        let mut open = Vec::new();
        for client in clients {
            let failed = |_| io::Error::other("a client has panicked");
            open.extend(client.join().map_err(failed)??.pop());
        }
        for connection in open {
            is_answered(connection)?;
        }
        Ok((start.elapsed(), overflows()? - before))
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to stop.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Asks over a connection, and says whether the answer is a good one.
fn is_answered(mut connection: TcpStream) -> io::Result<bool> {
    connection.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// The memory of a process in KiB.
fn memory(process: &str) -> io::Result<u64> {
    let rollup = text(&format!("/proc/{process}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| io::Error::other("the kernel tells no proportional set size"))
}

/// The processor time that a process has spent, in milliseconds.
fn spent(process: u32) -> io::Result<u64> {
    let schedule = text(&format!("/proc/{process}/schedstat"))?;
    let nanoseconds = schedule.split(' ').next().and_then(|first| first.parse::<u64>().ok());
    let nanoseconds = nanoseconds.ok_or_else(|| io::Error::other("the kernel tells no times"))?;
    Ok(nanoseconds / 1_000_000)
}

/// How often a connection found no room in the queue of a socket, on this machine.
fn overflows() -> io::Result<u64> {
    let table = text("/proc/net/netstat")?;
    let mut rows = table.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
    let column =
        names.split(' ').zip(values.split(' ')).find(|(name, _)| *name == "ListenOverflows");
    let value = column.and_then(|(_, value)| value.parse().ok());
    value.ok_or_else(|| io::Error::other("the kernel counts no overflows"))
}

fn text(path: &str) -> io::Result<String> {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
