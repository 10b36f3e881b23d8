//! The `pasteline` program.

fn main() {}
