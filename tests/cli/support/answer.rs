//! A response as it came over the wire.

use std::io::{self, BufRead};

/// A response as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The header fields in their order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    /// Reads a response, interim ones passed over.
    pub(crate) fn read(stream: &mut impl BufRead) -> io::Result<Self> {
        loop {
            let mut answer = Self::read_head(stream)?;
            if answer.status >= 200 {
                answer.body = answer.read_body(stream)?;
                return Ok(answer);
            }
        }
    }

    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// Checks the status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    fn read_head(stream: &mut impl BufRead) -> io::Result<Self> {
        let first = line(stream)?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| malformed(&first))?;
        let mut headers = Vec::new();
        loop {
            let field = line(stream)?;
            if field.is_empty() {
                return Ok(Self { status, headers, body: String::new() });
            }
            let (name, value) = field.split_once(':').ok_or_else(|| malformed(&field))?;
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
    }

    fn read_body(&self, stream: &mut impl BufRead) -> io::Result<String> {
        let mut body = Vec::new();
        if let Some(length) = self.header("content-length") {
            let length = length.parse().map_err(|_| malformed(length))?;
            body.resize(length, 0);
            stream.read_exact(&mut body)?;
        } else if self.header("transfer-encoding").is_some() {
            read_chunks(stream, &mut body)?;
        } else if self.status != 204 && self.status != 304 {
            stream.read_to_end(&mut body)?;
        }
        String::from_utf8(body).map_err(|error| malformed(&error.to_string()))
    }
}

/// Reads a chunked body to its end.
pub(super) fn read_chunks(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    while read_chunk(stream, body)? > 0 {}
    Ok(())
}

/// Reads a chunk and gives its length.
fn read_chunk(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<usize> {
    let size = line(stream)?;
    let size = usize::from_str_radix(&size, 16).map_err(|_| malformed(&size))?;
    let start = body.len();
    body.resize(start + size, 0);
    stream.read_exact(&mut body[start..])?;
    line(stream)?;
    Ok(size)
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn malformed(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed: {text}"))
}
