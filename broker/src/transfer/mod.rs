//! Local files on their way to and from hosts.
//!
//! | module | what it holds |
//! |---|---|
//! | [`roots`] | which local paths may be touched at all |
//! | [`folder`] | directories by descriptor: nothing here follows a link |
//! | [`walk`] | what there is to upload, and its bytes |
//! | [`upload`] | an upload from beginning to end |
//! | [`stage`] | where a download waits until all of it is good |
//! | [`download`] | a download from beginning to end |
//!
//! May touch: files below the transfer roots, the link to the helper. Must never touch: anything by a path that was
//! not opened name by name from a root, a final name before the helper said that the whole transfer is good.

mod download;
mod folder;
mod roots;
mod stage;
mod upload;
mod walk;

use std::sync::atomic::{AtomicU64, Ordering};

pub use download::download;
pub use folder::Folder;
pub use roots::{Located, Roots, failure};
use sallyport_protocol::reply::NeedsConfirmation;
use sallyport_protocol::transfer::{Change, Done};
use sallyport_protocol::{Failure, List, Text};
pub use upload::{ended, upload};

/// How far a transfer is, for whoever shows it.
#[derive(Debug, Default)]
pub struct Meter {
    bytes: AtomicU64,
    total: AtomicU64,
}

impl Meter {
    /// Bytes that went by so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes there are; 0 while nobody knows.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn expect(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }
}

/// How a transfer ended that did not fail.
#[derive(Debug)]
pub enum Ending {
    /// It is done.
    Done(Report),
    /// Somebody must agree first.
    Needs(NeedsConfirmation),
    /// The policy refused.
    Blocked {
        /// Why.
        failure: Failure,
        /// By which rules.
        rules: List<Text, 32>,
    },
}

/// What was transferred.
#[derive(Debug)]
pub struct Report {
    /// As the helper says.
    pub done: Done,
    /// What was left out, removed, or would be done.
    pub changes: Vec<Change>,
}
