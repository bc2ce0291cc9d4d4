//! Authenticated transports to hosts.
//!
//! This part opens TCP connections to hosts it is told, and hands them to a process of its own for each account on a host
//! ([`crate::carrier`]), which speaks SSH and parses what hostile servers send. What comes back are reports ([`link`]) and
//! channels ([`channel`]). It holds no key and no stored password: it asks a
//! [`keeper::Keeper`] for a signature, or for the password at the moment it is
//! due, and the keeper answers for one user on one host only. What no record can
//! answer is put to a person ([`course`]).

pub mod aside;
pub mod auth;
pub mod channel;
pub mod connect;
pub mod course;
mod identity;
pub mod incoming;
pub mod judge;
pub mod keeper;
pub mod link;
pub mod login;
pub mod pool;
pub mod process;
mod relay;
pub mod rotation;
pub mod sftp;
pub mod signable;
pub mod transport;
pub mod trust;
