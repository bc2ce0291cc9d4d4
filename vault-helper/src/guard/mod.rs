//! What stands between a request and its execution: which host and account it
//! means, what the policy says of it, and who has agreed to it.
//!
//! This part decides and remembers decisions. It never runs anything itself, and
//! nothing runs without passing [`gate::Gate`].

pub mod approvals;
pub mod files;
pub mod gate;
pub mod questions;
pub mod target;
