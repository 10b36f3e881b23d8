//! Reads `api-paste.ini`, checks it, builds it into a tower stack and serves it with hyper.

pub mod access_log;
pub mod admin;
pub mod app;
mod builtin;
mod cli;
pub mod config;
pub mod diagnostic;
pub mod draw;
pub mod fix;
pub mod format;
pub mod forwarded;
pub mod graph;
pub mod ini;
pub mod lint;
pub mod log;
pub mod metrics;
pub mod program;
pub mod registry;
pub mod route;
pub mod server;
pub mod service;
pub mod settings;
pub mod source;
pub mod stack;
pub mod syntax;

pub use self::cli::main;

/// The README, whose example is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
