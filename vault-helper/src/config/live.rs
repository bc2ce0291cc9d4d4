//! The policy and the inventory in force: reread when their files change, and the
//! last good ones kept when a file cannot be taken.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sallyport_policy::{ConfigError, Inventory, Policy};

/// A configuration file larger than this is refused, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

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
}

/// What tells one state of a file from another; `None` stands for a missing file.
type Stamp = Option<(u64, u64, i64, i64)>;

impl Live {
    /// Watches `policy.toml` and `hosts.toml` in a folder. A file that cannot be
    /// taken at the start leaves the defaults in force and says so.
    pub fn new(folder: &Path) -> Self {
        Self {
            policy: Mutex::new(Watched::new(
                folder.join("policy.toml"),
                Policy::from_toml,
                Policy::builtin(),
            )),
            inventory: Mutex::new(Watched::new(
                folder.join("hosts.toml"),
                Inventory::from_toml,
                Inventory::default(),
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
    fn new(file: PathBuf, parse: fn(&str) -> Result<T, ConfigError>, default: T) -> Self {
        let mut watched = Self { file, seen: None, good: Arc::new(default), problem: None, parse };
        watched.refresh();
        watched
    }

    fn refresh(&mut self) {
        let stamp = match std::fs::metadata(&self.file) {
            Ok(meta) => Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())),
            Err(_) => None,
        };
        if self.seen == Some(stamp) {
            return;
        }
        let first = self.seen.is_none();
        self.seen = Some(stamp);
        match self.read() {
            Ok(value) => {
                self.good = Arc::new(value);
                self.problem = None;
            }
            Err(message) => {
                let kept =
                    if first { "the defaults are in force" } else { "the last good version stays in force" };
                let problem = format!("{}: {message}; {kept}", self.file.display());
                tracing::warn!("{problem}");
                self.problem = Some(problem);
            }
        }
    }

    fn read(&self) -> Result<T, String> {
        let text = match std::fs::metadata(&self.file) {
            Ok(meta) if meta.len() > MAX_FILE => return Err(format!("larger than {MAX_FILE} bytes")),
            Ok(_) => std::fs::read_to_string(&self.file).map_err(|error| error.to_string())?,
            // A file that went away means defaults, as a file that never was.
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.to_string()),
        };
        (self.parse)(&text).map_err(|error| error.to_string())
    }
}
