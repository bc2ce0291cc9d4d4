//! The only `unsafe` code of this project: what neither the standard library nor a crate offers in a safe form.
//!
//! Nothing here decides anything; [`super::memory`] does. Each block says why it is sound.
#![allow(unsafe_code, reason = "memory of a kind of its own, and an allocator over it")]

pub mod allocator;
pub(super) mod map;
