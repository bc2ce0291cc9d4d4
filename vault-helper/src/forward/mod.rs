//! Port forwards: which are open, and carrying bytes through them.
//!
//! A forward reaches only what its host's entry lists, and lives as long as the operation that opened it. This part
//! may open TCP channels to listed places and ask a host to listen on listed ports. It must never bind a socket here
//! (the broker does, so that the process with the secrets accepts nothing), and never pass on a byte from a remote
//! that the redactor has not seen: bytes through a tunnel are exact or cut, never altered.

mod carry;
mod open;
mod registry;

pub use open::run;
pub use registry::{Forward, Forwards};
