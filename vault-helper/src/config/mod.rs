//! Settings and inventory files: where they are, what they say, and what was the
//! last good state of those that may change while the helper runs.
//!
//! This part may read the configuration directory. It never writes there.

mod file;
mod live;
mod paths;
mod settings;

pub use file::{is_trusted_owner, others_may_change};
pub use live::{Live, Snapshot};
pub use paths::Paths;
pub use settings::{AuditJournal, AuditSync, OnLock, Settings};
