//! Authenticated transports to hosts.
//!
//! This part may open TCP connections to hosts it is told and parses what hostile
//! servers send. It holds no key and no stored password: it asks a
//! [`keeper::Keeper`] for a signature, or for the password at the moment it is
//! due, and the keeper answers for one user on one host only. What no record can
//! answer is put to a person ([`course`]).

pub mod aside;
pub mod auth;
pub mod client;
pub mod connect;
pub mod course;
mod identity;
pub mod incoming;
pub mod keeper;
pub mod pool;
pub mod rotation;
pub mod sftp;
mod socket;
pub mod transport;
pub mod trust;
