//! End to end: a client, `sallyport serve`, the vault helper and a real `sshd`, in a world of their own each.
//!
//! One binary, so that it is linked once. A folder's worth of tests is run by its name: `scripts/test --test e2e login`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod approvals;
mod attack;
mod audit;
mod card;
mod carrier;
mod clients;
mod configuration;
mod doas;
mod doctor;
mod doctor_lines;
mod documents;
mod file_desk;
mod file_look;
mod file_search;
mod file_tools;
mod file_write;
mod fleet;
mod forwards;
mod forwards_unix;
mod frames;
mod harden;
mod host_keys;
mod hostile;
mod hosts;
mod http;
mod identity;
mod input;
mod jobs;
mod kill;
mod load;
mod lock;
mod login;
mod matrix;
mod ops;
mod path;
mod redact;
mod secrets;
mod servers;
mod service;
mod shells;
mod stores;
mod sudo;
mod terminal;
mod transcript;
mod transfers;
mod transfers_hard;
mod transfers_large;
mod variables;
mod world;
