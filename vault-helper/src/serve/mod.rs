//! The sockets and what comes over them.
//!
//! This part may accept connections of the users it is told, decode frames and
//! start operations. It must never send a byte that is not a
//! [`outbound::CleanFrame`], and holds no secret.

pub mod admin;
pub mod broker;
pub mod connection;
pub mod detach;
pub mod listen;
pub mod outbound;
mod oversight;
pub mod run;
