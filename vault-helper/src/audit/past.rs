//! Where the log stopped, read back at the start.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::hex::hex;

/// How much of a file's end is read to learn where it stopped.
const LOOK_BACK: u64 = 8 * 1024 * 1024;

/// An operation of an earlier run whose ending is not in the log: what it did on the host is unknown.
#[derive(Debug, Clone)]
pub struct InDoubt {
    /// Its id.
    pub id: String,
    /// When it was begun, RFC 3339.
    pub time: String,
    /// `user@alias`.
    pub target: String,
    /// What, redacted.
    pub command: String,
}

/// What earlier runs wrote.
#[derive(Default)]
pub struct Past {
    /// Number of the last line.
    pub sequence: u64,
    /// Hash of the last line.
    pub previous: String,
    /// Whether the file last read ends in the middle of a line.
    pub torn: bool,
    open: BTreeMap<String, InDoubt>,
}

impl Past {
    /// Takes in the end of a file. Files are read in the order they were written.
    pub fn read(&mut self, file: &mut File) -> io::Result<()> {
        let length = file.seek(SeekFrom::End(0))?;
        let from = length.saturating_sub(LOOK_BACK);
        file.seek(SeekFrom::Start(from))?;
        let mut reader = BufReader::new(file.take(LOOK_BACK));
        let mut line = Vec::new();
        if from > 0 {
            reader.read_until(b'\n', &mut line)?;
        }
        self.torn = false;
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            self.torn = line.pop_if(|last| *last == b'\n').is_none();
            self.take(&line);
        }
    }

    fn take(&mut self, line: &[u8]) {
        let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(line) else { return };
        self.sequence = fields.get("seq").and_then(Value::as_u64).unwrap_or(self.sequence);
        self.previous = hex(&Sha256::digest(line));
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match fields.get("kind").and_then(Value::as_str) {
            Some("intent") => {
                let target = format!("{}@{}", text("user"), text("host"));
                let (id, time, command) = (text("id"), text("time"), text("command"));
                self.open.insert(id.clone(), InDoubt { id, time, target, command });
            }
            Some("outcome") => {
                self.open.remove(&text("id"));
            }
            // A start reports what the run before it left open: that is told once.
            Some("event") if text("event") == "started" => self.open.clear(),
            _ => {}
        }
    }

    /// What the last run left without an outcome.
    pub fn in_doubt(self) -> Vec<InDoubt> {
        self.open.into_values().collect()
    }
}

/// The full files of a log's folder, oldest first: `audit-FIRST.jsonl`, FIRST being the number of its first line.
pub fn rotated(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix("audit-")?.strip_suffix(".jsonl")?.parse::<u64>().ok());
        if let Some(number) = number {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The number of a file's first line; `None` when it is empty or says none.
pub fn first_number(file: &mut File) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(0))?;
    let mut line = Vec::new();
    BufReader::new(file.take(LOOK_BACK)).read_until(b'\n', &mut line)?;
    let first = serde_json::from_slice::<Value>(&line).ok();
    Ok(first.and_then(|fields| fields.get("seq")?.as_u64()))
}
