//! Where commands print: results to standard output, all else to standard error.

use std::io::{self, Write};

/// Prints a result, which ends its own last line.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// Tells of something beside the result, in a line or more.
pub(super) fn tell(text: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{text}")
}
