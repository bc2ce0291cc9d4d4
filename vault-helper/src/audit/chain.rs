//! The log's file: a line is in it whole or not at all.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::fcntl::{AT_FDCWD, Flock, FlockArg, RenameFlags, renameat2};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::journal::Journal;
use super::past::{InDoubt, Past, first_number, rotated};
use crate::hex::hex;

/// The file that is written.
pub const NAME: &str = "audit.jsonl";
/// Outcomes that wait for the log to be writable again. Beyond these they are lost, and their operations in doubt.
const OWED: usize = 4096;

/// What is written of every line; `fields` are its kind's own.
#[derive(Serialize)]
struct Line<'a, F> {
    seq: u64,
    time: String,
    kind: &'static str,
    #[serde(flatten)]
    fields: &'a F,
    /// SHA-256 of the line before, without its newline.
    prev: &'a str,
}

/// The chain and its end.
pub struct Chain {
    folder: PathBuf,
    file: File,
    /// The file's length after its last whole line.
    length: u64,
    /// Number of the file's first line; none while it is empty.
    first: Option<u64>,
    /// The file is put aside before it grows beyond this; 0 never.
    max_bytes: u64,
    journal: Option<Journal>,
    /// Number of the last line.
    pub sequence: u64,
    /// Hash of the last line.
    pub previous: String,
    dirty: bool,
    scheduled: bool,
    /// A failure after which the file's state is unknown; nothing is written any more.
    broken: Option<io::ErrorKind>,
    owed: VecDeque<Value>,
    _lock: Flock<File>,
}

impl Chain {
    /// Opens the log of a folder, making both when there are none; tells what the last run left open.
    pub fn open(folder: &Path, max_bytes: u64, journal: Option<Journal>) -> io::Result<(Self, Vec<InDoubt>)> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // The folder is locked and not the file, which changes when it is full.
        let lock =
            Flock::lock(File::open(folder)?, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)?;
        let mut past = Past::default();
        if let Some(newest) = rotated(folder)?.last() {
            past.read(&mut File::open(newest)?)?;
        }
        let mut file = append_to(&folder.join(NAME))?;
        past.read(&mut file)?;
        if past.torn {
            // A line cut by a crash is closed, so that the next one begins a line of its own; `audit verify` reports it.
            file.write_all(b"\n")?;
        }
        let chain = Self {
            folder: folder.to_owned(),
            length: file.metadata()?.len(),
            first: first_number(&mut file)?,
            file,
            max_bytes,
            journal,
            sequence: past.sequence,
            previous: std::mem::take(&mut past.previous),
            dirty: false,
            scheduled: false,
            broken: None,
            owed: VecDeque::new(),
            _lock: lock,
        };
        Ok((chain, past.in_doubt()))
    }

    /// Appends a line, and before it the outcomes that are owed.
    ///
    /// # Errors
    /// When it is not in the log. An outcome is then owed, and written before the next line.
    pub fn write(&mut self, kind: &'static str, fields: &impl Serialize, flush: bool) -> io::Result<()> {
        let written = self.settle(flush).and_then(|()| self.append(kind, fields, flush));
        if written.is_err() && kind == "outcome" && self.owed.len() < OWED {
            self.owed.push_back(serde_json::to_value(fields)?);
        }
        written
    }

    fn settle(&mut self, flush: bool) -> io::Result<()> {
        while let Some(owed) = self.owed.front().cloned() {
            self.append("outcome", &owed, flush)?;
            self.owed.pop_front();
        }
        Ok(())
    }

    /// Whether the caller has to see to a flush soon: true once until there was one.
    pub fn due(&mut self) -> bool {
        let due = self.dirty && !self.scheduled;
        self.scheduled |= due;
        due
    }

    fn append(&mut self, kind: &'static str, fields: &impl Serialize, flush: bool) -> io::Result<()> {
        if let Some(kind) = self.broken {
            return Err(kind.into());
        }
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let line = Line { seq: self.sequence + 1, time, kind, fields, prev: &self.previous };
        let mut text = serde_json::to_vec(&line)?;
        let hash = hex(&Sha256::digest(&text));
        text.push(b'\n');
        self.make_room(text.len() as u64)?;
        if let Err(error) = self.file.write_all(&text) {
            self.undo();
            return Err(error);
        }
        if let Some(journal) = &self.journal
            && let Err(error) = journal.send(&text[..text.len() - 1], self.sequence + 1, &hash)
        {
            if journal.required {
                self.undo();
                return Err(error);
            }
            tracing::error!(%error, "the journal did not take a line of the audit log");
        }
        self.length += text.len() as u64;
        self.sequence += 1;
        self.previous = hash;
        self.first.get_or_insert(self.sequence);
        self.dirty = true;
        if flush { self.flush() } else { Ok(()) }
    }

    /// Takes a line back that is not whole, or that the journal would not have. Nobody was told that it is there.
    fn undo(&mut self) {
        if let Err(error) = self.file.set_len(self.length) {
            self.broken = Some(error.kind());
        }
    }

    /// The file, for a flush of all that was written until now. Whoever takes it tells of a failure.
    pub fn take_to_flush(&mut self) -> io::Result<File> {
        (self.dirty, self.scheduled) = (false, false);
        self.file.try_clone().inspect_err(|error| self.give_up(error))
    }

    /// A flush failed: nobody knows what the disk has (fsync(2)), and only a new start reads it back.
    pub fn give_up(&mut self, error: &io::Error) {
        self.broken = Some(error.kind());
    }

    fn flush(&mut self) -> io::Result<()> {
        (self.dirty, self.scheduled) = (false, false);
        self.file.sync_data().inspect_err(|error| self.broken = Some(error.kind()))
    }

    /// Puts the file aside when the next line would make it larger than is wanted; the chain goes on in a new one.
    fn make_room(&mut self, wanted: u64) -> io::Result<()> {
        let Some(first) = self.first else { return Ok(()) };
        if self.max_bytes == 0 || self.length + wanted <= self.max_bytes {
            return Ok(());
        }
        self.flush()?;
        let (current, next) = (self.folder.join(NAME), self.folder.join("audit.next"));
        let fresh = append_to(&next)?;
        fresh.set_len(0)?;
        let aside = self.folder.join(format!("audit-{first:012}.jsonl"));
        renameat2(AT_FDCWD, &current, AT_FDCWD, &aside, RenameFlags::RENAME_NOREPLACE)?;
        std::fs::rename(&next, &current)?;
        File::open(&self.folder)?.sync_all()?;
        (self.file, self.length, self.first) = (fresh, 0, None);
        Ok(())
    }

    #[cfg(test)]
    pub fn replace_file(&mut self, file: File) {
        self.file = file;
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)
}
