//! An SSH server on loopback for the demo: what `sshd` is to the tests, without a system package or a root shell.
//!
//! It takes one user with one key, runs what exec channels ask for with `sh -c` as whoever started it, and speaks to
//! nobody but 127.0.0.1. No terminals, no subsystems, no forwarding. It is part of no shipped program: a server that
//! runs commands has no place there.

mod command;
mod hostile;
mod server;

pub use hostile::{Hostile, Malice};
pub use server::{Embedded, Place, fresh_key};
