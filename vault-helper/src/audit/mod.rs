//! The audit log: one JSON line before an operation and one after it, each
//! chained to the line before.
//!
//! This part may append to its own files and send copies to the journal. What it writes went through the
//! redactor. When it cannot write, nothing runs.
//!
//! | module | what it holds |
//! |---|---|
//! | [`log`] | the log as the rest of the helper sees it |
//! | [`chain`] | the file: one whole line at a time, or none; rotation |
//! | [`past`] | reading back, at the start, where it stopped |
//! | [`journal`] | the second sink |
//! | [`record`] | what stands in a line |

mod chain;
mod journal;
mod log;
mod past;
mod record;

pub use log::{Audit, AuditError, Sinks};
pub use past::InDoubt;
pub use record::{Ending, Intent};
