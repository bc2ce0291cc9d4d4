//! The recordings there are: `transcripts/ID.cast` below the state directory, readable by the helper's user alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sallyport_protocol::terminal::Size;

use super::cast::{About, KEYS, Recorder};

/// The longest header line that is read back, in bytes.
const HEADER: u64 = 16 * 1024;
const SECONDS_A_DAY: u64 = 24 * 3600;

/// How much may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one recording.
    pub each: u64,
    /// Bytes of all of them; the oldest go first.
    pub all: u64,
    /// Days until one is removed; 0 keeps them.
    pub days: u64,
}

/// See the module.
pub struct Store {
    folder: PathBuf,
    limits: Limits,
}

/// One recording on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// What its header says.
    pub about: About,
    /// When it was begun.
    pub begun: SystemTime,
    /// When it last grew.
    pub changed: SystemTime,
    /// Its file's size.
    pub bytes: u64,
}

impl Store {
    /// The recordings below a state directory.
    pub fn new(state: &Path, limits: Limits) -> Self {
        Self { folder: state.join("transcripts"), limits }
    }

    /// Begins a recording.
    ///
    /// # Errors
    /// When its file cannot be made or written.
    pub fn begin(&self, about: &About, size: Size) -> io::Result<Recorder> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        self.prune();
        let stamp: String = humantime::format_rfc3339_seconds(SystemTime::now())
            .to_string()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        for number in 1.. {
            let id = match number {
                1 => format!("{stamp}-{}", about.session),
                _ => format!("{stamp}-{}-{number}", about.session),
            };
            let open = OpenOptions::new().append(true).create_new(true).mode(0o600).open(self.path(&id));
            match open {
                Ok(file) => return Recorder::begin(id, file, self.limits.each, about, size),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 100 => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Opens a recording for reading. The id holds no path: its type allows none.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(&self, id: &str) -> io::Result<File> {
        if id.starts_with('.') || id.contains('/') {
            return Err(io::ErrorKind::NotFound.into());
        }
        OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW).open(self.path(id))
    }

    /// All recordings, the newest last.
    pub fn list(&self) -> Vec<Entry> {
        let Ok(files) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut entries: Vec<Entry> =
            files.filter_map(|file| self.entry(file.ok()?.file_name().to_str()?)).collect();
        entries.sort_by(|a, b| (a.begun, &a.id).cmp(&(b.begun, &b.id)));
        entries
    }

    /// The last recording of a principal's session, by the session's id or name.
    pub fn last_of(&self, principal: &str, session: &str) -> Option<Entry> {
        let its = |entry: &Entry| {
            entry.about.principal == principal
                && (entry.about.session == session || entry.about.name == session)
        };
        self.list().into_iter().rfind(its)
    }

    /// Removes what is too old, and the oldest of what is too much.
    pub fn prune(&self) {
        let mut entries = self.list();
        if let Some(age) = self.limits.days.checked_mul(SECONDS_A_DAY).filter(|age| *age > 0) {
            let age = Duration::from_secs(age);
            let old = |entry: &Entry| entry.changed.elapsed().is_ok_and(|since| since > age);
            entries.iter().filter(|entry| old(entry)).for_each(|entry| self.remove(&entry.id));
            entries.retain(|entry| !old(entry));
        }
        let mut all: u64 = entries.iter().map(|entry| entry.bytes).sum();
        for entry in entries {
            if all <= self.limits.all {
                break;
            }
            all -= entry.bytes;
            self.remove(&entry.id);
        }
    }

    fn remove(&self, id: &str) {
        if let Err(error) = fs::remove_file(self.path(id)) {
            tracing::warn!(%error, id, "an old transcript cannot be removed");
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.cast"))
    }

    fn entry(&self, name: &str) -> Option<Entry> {
        let id = name.strip_suffix(".cast")?;
        let file = self.open(id).ok()?;
        let meta = file.metadata().ok()?;
        let mut line = String::new();
        BufReader::new(io::Read::take(file, HEADER)).read_line(&mut line).ok()?;
        let header: serde_json::Value = serde_json::from_str(&line).ok()?;
        let [session, name, target, principal] =
            KEYS.map(|key| header["env"][key].as_str().unwrap_or_default().to_owned());
        let begun = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(header["timestamp"].as_u64()?))?;
        Some(Entry {
            id: id.to_owned(),
            about: About { session, name, target, principal },
            begun,
            changed: meta.modified().ok()?,
            bytes: meta.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn about(session: &str) -> About {
        About { session: session.into(), name: "n".into(), target: "u@h".into(), principal: "local".into() }
    }

    const SIZE: Size = Size { cols: 80, rows: 24 };

    fn store(folder: &Path, all: u64, days: u64) -> Store {
        Store::new(folder, Limits { each: 10_000, all, days })
    }

    #[test]
    fn a_recording_is_private_and_found_by_session_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), 10_000, 0);
        let first = store.begin(&about("s-1"), SIZE).unwrap().id;
        let second = store.begin(&about("s-1"), SIZE).unwrap().id;
        assert_ne!(first, second);
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(store.path(&first)), mode(folder.path().join("transcripts"))), (0o600, 0o700));
        assert_eq!(store.last_of("local", "s-1").unwrap().id, second);
        assert_eq!(store.last_of("local", "n").unwrap().about, about("s-1"));
        assert_eq!(store.last_of("ci", "s-1"), None, "another principal's");
    }

    #[test]
    fn ids_never_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), 10_000, 0);
        fs::create_dir(folder.path().join("transcripts")).unwrap();
        fs::write(folder.path().join("x.cast"), "{}").unwrap();
        assert!(store.open("../x").is_err());
        std::os::unix::fs::symlink(folder.path().join("x.cast"), store.path("link")).unwrap();
        assert!(store.open("link").is_err());
        assert_eq!(store.list(), []);
    }

    #[test]
    fn the_old_and_the_too_many_are_removed_the_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), 600, 30);
        let write = |id: &str, timestamp: u64, age_days: u64| {
            let path = store.path(id);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("{{\"version\":2,\"timestamp\":{timestamp}}}\n{}", "x".repeat(200)))
                .unwrap();
            let changed = SystemTime::now() - Duration::from_secs(age_days * SECONDS_A_DAY);
            File::options().append(true).open(&path).unwrap().set_modified(changed).unwrap();
        };
        write("ancient", 1, 31);
        write("older", 2, 3);
        write("old", 3, 2);
        write("new", 4, 1);
        fs::write(folder.path().join("transcripts/note.txt"), "not ours").unwrap();
        store.prune();
        let left: Vec<String> = store.list().into_iter().map(|entry| entry.id).collect();
        assert_eq!(left, ["old", "new"]);
        assert!(folder.path().join("transcripts/note.txt").exists());
    }
}
