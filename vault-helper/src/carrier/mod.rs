//! The carrier: the process that speaks SSH with one host, and holds nothing.
//!
//! Every byte a server sends is parsed here, in a process of its own for what shares connections: one principal's to one
//! account on a host, commands and tunnels apart. It has no file, no secret, no way to open a connection and no program to
//! start; it is handed a server's socket and two pipes to the helper for each connection, and has a short table of system
//! calls. Whoever takes it over has those connections, and the questions of [`language`].
//!
//! Keys stay with the helper, which signs by request: once for each key it offers, and for one session a connection. A
//! password passes through at the moment it is sent, because SSH sends passwords (RFC 4252, 8).
//!
//! This part may use the language of the two processes and russh. It must never reach into the vault, the policy, the
//! redactor or the log: what leaves it goes to the helper, which redacts.

pub mod language;
pub mod program;

mod channels;
mod client;
mod connection;

mod login;
mod stream;

pub use connection::KEEPALIVE_MAX;
