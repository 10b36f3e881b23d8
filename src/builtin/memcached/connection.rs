//! One connection to a server of memcached.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};

use super::server::Server;

/// What bytes come and go by.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection, for one exchange at a time. One that is dropped within an exchange is closed.
pub(super) struct Connection(BufReader<Box<dyn Stream>>);

/// The longest line, and the longest value, that is read.
const LONGEST_LINE: u64 = 1024;
const LONGEST_VALUE: usize = 8 * 1024 * 1024;

/// Something to be done with an entry.
#[derive(Clone, Copy)]
pub(in crate::builtin) struct Command<'a> {
    pub(in crate::builtin) name: &'a str,
    pub(in crate::builtin) act: Act<'a>,
}

#[derive(Clone, Copy)]
pub(in crate::builtin) enum Act<'a> {
    Fetch,
    /// A number is lowered, as far as 0, with which it begins.
    Lower(u64),
    /// A number is raised; it begins with what it is raised by.
    Raise(u64),
    /// It is kept for some seconds.
    Store {
        value: &'a [u8],
        seconds: u64,
    },
}

impl Connection {
    pub(super) async fn open(server: &Server) -> io::Result<Self> {
        let stream: Box<dyn Stream> = match server {
            Server::Network(host, port) => {
                let stream = TcpStream::connect((&**host, *port)).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Server::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        Ok(Self(BufReader::new(stream)))
    }

    /// Does something with an entry; its value if that was asked for and it is there.
    pub(super) async fn run(&mut self, command: &Command<'_>) -> io::Result<Option<Vec<u8>>> {
        let Command { name, act } = command;
        match act {
            Act::Fetch => self.fetch(name).await,
            Act::Lower(by) => {
                self.count(&format!("decr {name} {by}\r\n"), (name, 0)).await.map(Some)
            }
            Act::Raise(by) => {
                self.count(&format!("incr {name} {by}\r\n"), (name, *by)).await.map(Some)
            }
            Act::Store { value, seconds } => self.store(name, value, *seconds).await.map(|()| None),
        }
    }

    async fn fetch(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.send(format!("get {name}\r\n").as_bytes()).await?;
        let line = self.line().await?;
        if line == "END" {
            return Ok(None);
        }
        let mut words = line.split(' ');
        let is_value = words.next() == Some("VALUE") && words.next() == Some(name);
        let flags: Option<u32> = words.next().and_then(|word| word.parse().ok());
        let length = words.next().and_then(|word| word.parse().ok());
        let (true, Some(flags), Some(length)) = (is_value, flags, length) else {
            return Err(unexpected(&line));
        };
        if length > LONGEST_VALUE {
            return Err(unexpected(&line));
        }
        let mut value = vec![0; length + 2];
        self.0.read_exact(&mut value).await?;
        value.truncate(length);
        let end = self.line().await?;
        if end != "END" {
            return Err(unexpected(&end));
        }
        // Bytes or a text; anything else is none of ours.
        Ok(matches!(flags, 0 | 16).then_some(value))
    }

    async fn store(&mut self, name: &str, value: &[u8], seconds: u64) -> io::Result<()> {
        let head = format!("set {name} 0 {seconds} {}\r\n", value.len());
        self.send(&[head.as_bytes(), value, b"\r\n"].concat()).await?;
        let line = self.line().await?;
        // Whether the server has room is its own affair.
        let is_done = line == "STORED" || line.starts_with("SERVER_ERROR");
        if is_done { Ok(()) } else { Err(unexpected(&line)) }
    }

    /// Changes a number, or adds the one that it begins with, and tells what it is then.
    async fn count(&mut self, change: &str, (name, begin): (&str, u64)) -> io::Result<Vec<u8>> {
        self.send(change.as_bytes()).await?;
        let mut line = self.line().await?;
        if line == "NOT_FOUND" {
            let begin = begin.to_string();
            self.send(format!("add {name} 0 0 {}\r\n{begin}\r\n", begin.len()).as_bytes()).await?;
            line = self.line().await?;
            if line == "STORED" {
                return Ok(begin.into_bytes());
            }
            // Somebody else has added it meanwhile.
            self.send(change.as_bytes()).await?;
            line = self.line().await?;
        }
        match line.trim_end().parse::<u64>() {
            Ok(number) => Ok(number.to_string().into_bytes()),
            Err(_) => Err(unexpected(&line)),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.0).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        let Some(content) = line.strip_suffix(b"\r\n") else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        Ok(String::from_utf8_lossy(content).into_owned())
    }
}

fn unexpected(line: &str) -> io::Error {
    let words: String = line.chars().take(60).collect();
    io::Error::new(io::ErrorKind::InvalidData, format!("it answers `{}`", words.escape_debug()))
}
