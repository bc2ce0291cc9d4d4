//! The audit log: one JSON line before an operation and one after it, each
//! chained to the line before.
//!
//! This part may append to its own file. What it writes went through the redactor.
//! When it cannot write, nothing runs.

mod log;
mod record;

pub use log::{Audit, AuditError, InDoubt};
pub use record::{Ending, Intent};
