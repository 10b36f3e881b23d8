//! What the processes cost: the time from start to the first answer, and their memory at rest.
//!
//! `cargo bench --bench process` serves one small app ten times over, with as many workers as
//! there are by default, and prints the median time and the most memory that one process had; it
//! fails where a bar is missed. `-- --test` serves it once and holds nothing against the bars.
//! Linux only: the memory is the proportional set size that `/proc` tells.

#![expect(clippy::print_stdout, reason = "a benchmark reports by printing")]

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const FIRST_ANSWER: Duration = Duration::from_millis(50);
const SUPERVISOR_KIB: u64 = 8 * 1024;
const WORKER_KIB: u64 = 12 * 1024;

fn main() -> io::Result<ExitCode> {
    let smoke = std::env::args().any(|argument| argument == "--test");
    let rounds = if smoke { 1 } else { 10 };
    let mut rounds: Vec<_> = (0..rounds).map(|_| round()).collect::<Result<_, _>>()?;
    rounds.sort_by_key(|round| round.elapsed);
    let elapsed = rounds[rounds.len() / 2].elapsed;
    let supervisor = rounds.iter().map(|round| round.supervisor).max().unwrap_or_default();
    let worker = rounds.iter().map(|round| round.worker).max().unwrap_or_default();
    println!(
        "start to first answer   {:8.1} ms (bar {FIRST_ANSWER:?})",
        elapsed.as_secs_f64() * 1e3
    );
    println!("supervisor at rest      {supervisor:8} KiB (bar {SUPERVISOR_KIB} KiB)");
    println!("a worker at rest        {worker:8} KiB (bar {WORKER_KIB} KiB)");
    let is_small = supervisor <= SUPERVISOR_KIB && worker <= WORKER_KIB;
    let met = smoke || (elapsed <= FIRST_ANSWER && is_small);
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What one round has measured.
struct Round {
    /// From the start to the first answer.
    elapsed: Duration,
    /// The memory of the process that was started, in KiB.
    supervisor: u64,
    /// That of its largest worker.
    worker: u64,
}

/// Serves once.
fn round() -> io::Result<Round> {
    let address = free_address()?;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("process.ini");
    let text = format!(
        "[server:main]\nuse = egg:pasteline#http\nbind = {address}\n\n\
         [app:main]\nuse = egg:pasteline#respond\nbody = Hello, World!\n"
    );
    fs::write(&file, text)?;
    let start = Instant::now();
    let server = Command::new(env!("CARGO_BIN_EXE_pasteline"))
        .arg("serve")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut server = Stopped(server);
    wait_for_answer(address, &mut server.0)?;
    let elapsed = start.elapsed();
    let supervisor = memory(server.0.id())?;
    let workers =
        workers(server.0.id())?.into_iter().map(memory).collect::<io::Result<Vec<_>>>()?;
    Ok(Round { elapsed, supervisor, worker: workers.into_iter().max().unwrap_or_default() })
}

/// A process that ends with its round.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

/// Asks again and again until there is an answer, or the server has ended.
fn wait_for_answer(address: SocketAddr, server: &mut Child) -> io::Result<()> {
    loop {
        if let Some(status) = server.try_wait()? {
            return Err(io::Error::other(format!("the server has ended: {status}")));
        }
        let Ok(mut connection) = TcpStream::connect(address) else { continue };
        connection.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") {
            return Ok(());
        }
    }
}

/// The processes that a process has started.
fn workers(process: u32) -> io::Result<Vec<u32>> {
    let children = fs::read(format!("/proc/{process}/task/{process}/children"))?;
    let children = String::from_utf8_lossy(&children);
    Ok(children.split_whitespace().filter_map(|id| id.parse().ok()).collect())
}

fn memory(process: u32) -> io::Result<u64> {
    let rollup = fs::read(format!("/proc/{process}/smaps_rollup"))?;
    let rollup = String::from_utf8_lossy(&rollup);
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| io::Error::other("the kernel tells no proportional set size"))
}
