//! The program as a whole: started with real files, asked over real sockets, ended by signals.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod access_log;
mod admin;
mod control;
mod demo;
mod differences;
mod explain;
mod faults;
mod fix;
mod fmt;
mod gateway;
mod graph;
mod hostile;
mod in_force;
mod install;
mod library;
mod log;
mod neutron;
mod own_filter;
mod own_service;
mod refusals;
mod route;
mod schema;
mod secrets;
mod serve;
mod servers;
mod settings;
mod show;
mod sockets;
mod start;
mod support;
mod tls;
mod upgrade;
mod upstream_bugs;
mod validate;
mod websocket;
mod workers;
