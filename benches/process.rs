//! What the process costs: the time from start to the first answer, and its memory at rest.
//!
//! `cargo bench --bench process` serves one small app ten times over and prints the medians; it
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
const MEMORY_KIB: u64 = 12 * 1024;

fn main() -> io::Result<ExitCode> {
    let smoke = std::env::args().any(|argument| argument == "--test");
    let rounds = if smoke { 1 } else { 10 };
    let mut rounds: Vec<_> = (0..rounds).map(|_| round()).collect::<Result<_, _>>()?;
    rounds.sort();
    let (elapsed, _) = rounds[rounds.len() / 2];
    let memory = rounds.iter().map(|(_, memory)| *memory).max().unwrap_or_default();
    println!("start to first answer {:8.1} ms (bar {FIRST_ANSWER:?})", elapsed.as_secs_f64() * 1e3);
    println!("memory at rest        {memory:8} KiB (bar {MEMORY_KIB} KiB)");
    let met = smoke || (elapsed <= FIRST_ANSWER && memory <= MEMORY_KIB);
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Serves once: the time to the first answer, and the memory after it in KiB.
fn round() -> io::Result<(Duration, u64)> {
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
    Ok((elapsed, memory(server.0.id())?))
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

fn memory(process: u32) -> io::Result<u64> {
    let rollup = fs::read(format!("/proc/{process}/smaps_rollup"))?;
    let rollup = String::from_utf8_lossy(&rollup);
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| io::Error::other("the kernel tells no proportional set size"))
}
