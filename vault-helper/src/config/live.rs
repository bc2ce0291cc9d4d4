//! The policy and the inventory in force: reread when their files change, and the
//! last good ones kept when a file cannot be taken.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sallyport_policy::{ConfigError, Inventory, Policy};

/// What is in force at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// The guardrail policy.
    pub policy: Arc<Policy>,
    /// The hosts.
    pub inventory: Arc<Inventory>,
    /// One sentence per file that could not be taken.
    pub problems: Vec<String>,
}

/// Reads the two files again when they change.
pub struct Live {
    policy: Mutex<Watched<Policy>>,
    inventory: Mutex<Watched<Inventory>>,
}

struct Watched<T> {
    file: PathBuf,
    seen: Option<Stamp>,
    good: Arc<T>,
    problem: Option<String>,
    parse: fn(&str) -> Result<T, ConfigError>,
    /// What `good` means as long as no good version was seen.
    unread: Option<&'static str>,
}

/// What tells one state of a file from another, its mode included; `None` stands for a missing file.
type Stamp = Option<(u64, u64, i64, i64)>;

impl Live {
    /// Watches `policy.toml` and `hosts.toml` in a folder. While a file cannot be taken at the start, nothing is
    /// allowed that it might forbid: agents may only read, or know no host.
    pub fn new(folder: &Path) -> Self {
        Self {
            policy: Mutex::new(Watched::new(
                folder.join("policy.toml"),
                Policy::from_toml,
                (Policy::strictest(), "only reading is allowed until it is corrected"),
            )),
            inventory: Mutex::new(Watched::new(
                folder.join("hosts.toml"),
                Inventory::from_toml,
                (Inventory::default(), "no host is known from it until it is corrected"),
            )),
        }
    }

    /// What is in force now. Costs two `stat` calls while nothing changes.
    pub fn now(&self) -> Snapshot {
        let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inventory = self.inventory.lock().unwrap_or_else(PoisonError::into_inner);
        policy.refresh();
        inventory.refresh();
        Snapshot {
            policy: policy.good.clone(),
            inventory: inventory.good.clone(),
            problems: policy.problem.iter().chain(&inventory.problem).cloned().collect(),
        }
    }
}

impl<T> Watched<T> {
    /// `unread` holds until a good version is seen, and says of itself what it means.
    fn new(
        file: PathBuf,
        parse: fn(&str) -> Result<T, ConfigError>,
        (unread, meaning): (T, &'static str),
    ) -> Self {
        let unread = Arc::new(unread);
        let mut watched =
            Self { file, seen: None, good: unread, problem: None, parse, unread: Some(meaning) };
        watched.refresh();
        watched
    }

    fn refresh(&mut self) {
        let stamp = match std::fs::metadata(&self.file) {
            Ok(meta) => Some((meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec())),
            Err(_) => None,
        };
        if self.seen == Some(stamp) {
            return;
        }
        self.seen = Some(stamp);
        match self.read() {
            Ok(value) => {
                self.good = Arc::new(value);
                self.problem = None;
                self.unread = None;
            }
            Err(message) => {
                let kept = self.unread.unwrap_or("the last good version stays in force");
                let problem = format!("{}: {message}; {kept}", self.file.display());
                tracing::warn!("{problem}");
                self.problem = Some(problem);
            }
        }
    }

    fn read(&self) -> Result<T, String> {
        // A file that went away means defaults, as a file that never was.
        let text = super::file::read(&self.file)?.unwrap_or_default();
        (self.parse)(&text).map_err(|error| error.to_string())
    }
}
