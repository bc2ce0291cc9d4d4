//! Writing our own known_hosts file: adding and removing keys, whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use russh::keys::PublicKey;

use super::line::{Line, Mark};
use super::name::HostName;

/// Largest file that is rewritten, in bytes; the same bound as for reading.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The known_hosts file in the state directory, the only one that is ever written.
#[derive(Clone, Debug)]
pub struct PinFile {
    path: PathBuf,
}

/// Why the file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The host name has signs that mean something else in a known_hosts line.
    #[error("the host name cannot stand in a known_hosts file")]
    Name,
    /// The file system refused.
    #[error("writing {} failed: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PinFile {
    /// The file at a path; it need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a key for a host. Returns false when exactly that line is there already.
    ///
    /// # Errors
    /// The file is then as it was.
    pub fn pin(&self, host: &str, port: u16, key: &PublicKey) -> Result<bool, PinError> {
        let name = HostName::new(host, port);
        if !name.is_plain() {
            return Err(PinError::Name);
        }
        self.change(|text| {
            let there = lines(text)
                .any(|(line, _)| line.is_some_and(|line| is_pin(&line, &name) && same(&line, key)));
            if there {
                return None;
            }
            let mut text = text.to_owned();
            end_line(&mut text);
            text.push_str(&render(&name, key)?);
            Some((text, 1))
        })
        .map(|changed| changed > 0)
    }

    /// Puts these keys in the place of all that were pinned for a host, for a server that proved it holds them
    /// (`hostkeys-00@openssh.com`). Lines that also speak of other hosts, revocations and authorities stay.
    /// Returns false, and changes nothing, when they are the pinned ones already or there are none given.
    ///
    /// # Errors
    /// The file is then as it was.
    pub fn replace(&self, host: &str, port: u16, keys: &[PublicKey]) -> Result<bool, PinError> {
        let name = HostName::new(host, port);
        if !name.is_plain() {
            return Err(PinError::Name);
        }
        self.change(|text| {
            let pinned: Vec<Line> =
                lines(text).filter_map(|(line, _)| line.filter(|line| is_pin(line, &name))).collect();
            let unchanged = pinned.len() == keys.len()
                && keys.iter().all(|key| pinned.iter().any(|line| same(line, key)));
            if unchanged || keys.is_empty() {
                return None;
            }
            let (mut kept, _) = without(text, &name);
            end_line(&mut kept);
            for key in keys {
                kept.push_str(&render(&name, key)?);
            }
            Some((kept, 1))
        })
        .map(|changed| changed > 0)
    }

    /// The hosts that keys are pinned for, as far as their names can be read; a file that cannot be read has none.
    pub fn hosts(&self) -> Vec<(String, u16)> {
        let text = read_text(&self.path).unwrap_or_default();
        let names = text.lines().filter_map(|line| line.split_whitespace().next());
        names.filter_map(HostName::parse).collect()
    }

    /// Removes all of a host's own keys, and returns how many there were. Revocations, authorities and lines
    /// that also speak of other hosts stay.
    ///
    /// # Errors
    /// The file is then as it was.
    pub fn remove(&self, host: &str, port: u16) -> Result<usize, PinError> {
        let name = HostName::new(host, port);
        self.change(|text| {
            let (kept, removed) = without(text, &name);
            (removed > 0).then_some((kept, removed))
        })
    }

    /// Rewrites the file under a lock: a copy beside it, synced, then renamed over it.
    fn change(&self, edit: impl FnOnce(&str) -> Option<(String, usize)>) -> Result<usize, PinError> {
        let failed = |source| PinError::Io { path: self.path.clone(), source };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        // A file of its own: the known_hosts file is replaced, and a lock on it would be replaced with it.
        let lock = open_private(&self.path.with_extension("lock"), true).map_err(failed)?;
        let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno.into()))?;
        let text = read_text(&self.path).map_err(failed)?;
        let Some((text, changes)) = edit(&text) else { return Ok(0) };
        let beside = self.path.with_extension("new");
        let written = (|| {
            let mut file = open_private(&beside, false)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)?;
            File::open(folder)?.sync_all()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written.map(|()| changes).map_err(failed)
    }
}

/// Opens a file of mode 0600 for writing; a left-over of a crash is emptied, unless it is to be kept.
fn open_private(path: &Path, keep: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(!keep).mode(0o600).open(path)
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => {
            let read = file.take(MAX_FILE + 1).read_to_string(&mut text)?;
            if read as u64 > MAX_FILE { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(text),
        Err(error) => Err(error),
    }
}

/// Every line, parsed when it is understood, with its text as it stands.
fn lines(text: &str) -> impl Iterator<Item = (Option<Line>, &str)> {
    text.split_inclusive('\n')
        .enumerate()
        .map(|(index, raw)| (Line::parse(index + 1, raw).ok().flatten(), raw))
}

/// The text without a host's own lines, and how many those were.
fn without(text: &str, name: &HostName) -> (String, usize) {
    let mut kept = String::with_capacity(text.len());
    let mut removed = 0;
    for (line, raw) in lines(text) {
        if line.is_some_and(|line| is_pin(&line, name)) {
            removed += 1;
        } else {
            kept.push_str(raw);
        }
    }
    (kept, removed)
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

fn is_pin(line: &Line, name: &HostName) -> bool {
    line.mark == Mark::Host && line.hosts.is_exactly(name)
}

fn same(line: &Line, key: &PublicKey) -> bool {
    line.key.key_data() == key.key_data()
}

/// The line of a key, without its comment; none for keys that have no OpenSSH text.
fn render(name: &HostName, key: &PublicKey) -> Option<String> {
    let plain = PublicKey::new(key.key_data().clone(), "");
    let text = plain.to_openssh().ok()?;
    Some(format!("{} {}\n", name.as_str(), text.trim_end()))
}
