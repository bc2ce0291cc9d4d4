//! Appending to the log, and reading it back at the start.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use nix::fcntl::{Flock, FlockArg};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::record::{Ending, Intent};
use crate::config::AuditSync;
use crate::hex::hex;

/// How long a written line may wait for the disk under [`AuditSync::Written`].
const FLUSH: Duration = Duration::from_secs(1);
/// How much of the log's end is read at the start to learn where it stopped.
const LOOK_BACK: u64 = 8 * 1024 * 1024;

/// The log cannot be written: nothing may run.
#[derive(Debug, thiserror::Error)]
#[error("the audit log {file} cannot be written: {source}")]
pub struct AuditError {
    file: String,
    source: io::Error,
}

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

/// See the module.
pub struct Audit {
    path: PathBuf,
    sync: AuditSync,
    chain: Arc<Mutex<Chain>>,
    /// Operations of earlier runs that never ended in the log.
    pub in_doubt: Vec<InDoubt>,
}

struct Chain {
    file: Flock<File>,
    sequence: u64,
    previous: String,
    dirty: bool,
    /// The first failure; after it nothing is written, so that the chain has no hidden gap.
    broken: Option<io::ErrorKind>,
}

impl Audit {
    /// Opens the log in a state directory, creating it when there is none.
    ///
    /// # Errors
    /// When it cannot be opened, read or locked.
    pub fn open(state: &Path, sync: AuditSync) -> Result<Self, AuditError> {
        let folder = state.join("audit");
        let path = folder.join("audit.jsonl");
        let fail = |source| AuditError { file: path.display().to_string(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(fail)?;
        let file =
            OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(&path).map_err(fail)?;
        let mut file =
            Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| fail(errno.into()))?;
        let past = read_end(&mut file).map_err(fail)?;
        if past.torn {
            // A line cut by a crash is closed, so that the next one begins a line of its own; `audit verify` reports it.
            file.write_all(b"\n").map_err(fail)?;
        }
        let chain =
            Chain { file, sequence: past.sequence, previous: past.previous, dirty: false, broken: None };
        Ok(Self { path, sync, chain: Arc::new(Mutex::new(chain)), in_doubt: past.in_doubt })
    }

    /// The log's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is about to happen. Only after this returns may it happen.
    ///
    /// # Errors
    /// When the line is not durable.
    pub async fn intent(&self, intent: &Intent) -> Result<(), AuditError> {
        self.append("intent", intent).await
    }

    /// Writes what became of it.
    ///
    /// # Errors
    /// When the line is not durable.
    pub async fn ending(&self, ending: &Ending) -> Result<(), AuditError> {
        self.append("outcome", ending).await
    }

    /// Writes something that happened to the helper itself.
    ///
    /// # Errors
    /// When the line is not durable.
    pub async fn event(&self, event: &str, details: Value) -> Result<(), AuditError> {
        self.append("event", &serde_json::json!({ "event": event, "details": details })).await
    }

    async fn append(&self, kind: &'static str, fields: &impl Serialize) -> Result<(), AuditError> {
        match self.sync {
            AuditSync::Written => {
                let chain = self.chain.clone();
                let first = self.lock().write(kind, fields, false).map_err(|error| self.error(error))?;
                if first {
                    // One flush for all lines of the next second.
                    tokio::spawn(async move {
                        tokio::time::sleep(FLUSH).await;
                        let flush = move || chain.lock().unwrap_or_else(PoisonError::into_inner).flush();
                        if let Ok(Err(error)) = tokio::task::spawn_blocking(flush).await {
                            tracing::error!(%error, "the audit log could not be flushed");
                        }
                    });
                }
                Ok(())
            }
            AuditSync::Disk => {
                let chain = self.chain.clone();
                let fields =
                    serde_json::to_value(fields).map_err(|error| self.error(io::Error::other(error)))?;
                let write = move || {
                    chain.lock().unwrap_or_else(PoisonError::into_inner).write(kind, &fields, true).map(drop)
                };
                let written = tokio::task::spawn_blocking(write).await;
                written
                    .unwrap_or_else(|error| Err(io::Error::other(error)))
                    .map_err(|error| self.error(error))
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, source: io::Error) -> AuditError {
        AuditError { file: self.path.display().to_string(), source }
    }
}

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

impl Chain {
    /// Appends one line; true when it is the first since the last flush.
    fn write(&mut self, kind: &'static str, fields: &impl Serialize, flush: bool) -> io::Result<bool> {
        if let Some(kind) = self.broken {
            return Err(kind.into());
        }
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let line = Line { seq: self.sequence + 1, time, kind, fields, prev: &self.previous };
        let mut text = serde_json::to_vec(&line)?;
        let hash = hex(&Sha256::digest(&text));
        text.push(b'\n');
        // One write call a line: with O_APPEND a line is whole or, on a full disk, cut at its end.
        let written =
            self.file.write_all(&text).and_then(|()| if flush { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            self.broken = Some(error.kind());
            return Err(error);
        }
        self.sequence += 1;
        self.previous = hash;
        let first = !self.dirty && !flush;
        self.dirty = !flush;
        Ok(first)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.dirty = false;
        self.file.sync_data().inspect_err(|error| self.broken = Some(error.kind()))
    }
}

/// Where the log stopped.
#[derive(Default)]
struct Past {
    sequence: u64,
    previous: String,
    torn: bool,
    in_doubt: Vec<InDoubt>,
}

fn read_end(file: &mut File) -> io::Result<Past> {
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(LOOK_BACK);
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file.take(LOOK_BACK));
    let mut past = Past::default();
    let mut open: BTreeMap<String, InDoubt> = BTreeMap::new();
    let mut line = Vec::new();
    if from > 0 {
        reader.read_until(b'\n', &mut line)?;
    }
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        past.torn = line.pop_if(|last| *last == b'\n').is_none();
        let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(&line) else { continue };
        past.sequence = fields.get("seq").and_then(Value::as_u64).unwrap_or(past.sequence);
        past.previous = hex(&Sha256::digest(&line));
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match fields.get("kind").and_then(Value::as_str) {
            Some("intent") => {
                let target = format!("{}@{}", text("user"), text("host"));
                open.insert(
                    text("id"),
                    InDoubt { id: text("id"), time: text("time"), target, command: text("command") },
                );
            }
            Some("outcome") => {
                open.remove(&text("id"));
            }
            // A start reports what the run before it left open: that is told once.
            Some("event") if text("event") == "started" => open.clear(),
            _ => {}
        }
    }
    past.in_doubt = open.into_values().collect();
    Ok(past)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    fn intent(id: &str) -> Intent {
        Intent {
            id: id.into(),
            principal: "local".into(),
            action: "exec",
            session: None,
            host: "web1".into(),
            user: "deploy".into(),
            endpoint: "web1".into(),
            host_key: None,
            slug: "ssh://deploy@web1".into(),
            command: "uptime".into(),
            verdict: "allow".into(),
            rules: Vec::new(),
            policy_digest: String::new(),
            confirmation: None,
            confirmed_by: None,
        }
    }

    #[test]
    fn each_line_carries_the_hash_of_the_line_before_across_restarts() {
        let folder = tempfile::tempdir().unwrap();
        for run in 0..2 {
            let audit = Audit::open(folder.path(), AuditSync::Disk).unwrap();
            runtime().block_on(async {
                audit.intent(&intent(&format!("j{run}"))).await.unwrap();
                audit.ending(&Ending { id: format!("j{run}"), ..Ending::default() }).await.unwrap();
            });
        }
        let text = std::fs::read_to_string(folder.path().join("audit/audit.jsonl")).unwrap();
        let mut previous = String::new();
        for (index, line) in text.lines().enumerate() {
            let fields: Value = serde_json::from_str(line).unwrap();
            assert_eq!(fields["seq"], index as u64 + 1);
            assert_eq!(fields["prev"], previous);
            previous = hex(&Sha256::digest(line));
        }
        assert_eq!(text.lines().count(), 4);
    }

    #[test]
    fn an_operation_without_an_ending_is_in_doubt_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::open(folder.path(), AuditSync::Written).unwrap();
        runtime().block_on(async {
            audit.intent(&intent("ended")).await.unwrap();
            audit.ending(&Ending { id: "ended".into(), ..Ending::default() }).await.unwrap();
            audit.intent(&intent("cut")).await.unwrap();
        });
        drop(audit);
        let audit = Audit::open(folder.path(), AuditSync::Written).unwrap();
        assert_eq!(audit.in_doubt.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["cut"]);
    }

    #[test]
    fn a_line_cut_by_a_crash_does_not_swallow_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        drop(Audit::open(folder.path(), AuditSync::Disk).unwrap());
        let file = folder.path().join("audit/audit.jsonl");
        std::fs::write(&file, b"{\"seq\":1,\"kin").unwrap();
        let audit = Audit::open(folder.path(), AuditSync::Disk).unwrap();
        runtime().block_on(audit.intent(&intent("next"))).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(serde_json::from_str::<Value>(text.lines().last().unwrap()).is_ok(), "{text}");
    }

    #[test]
    fn two_helpers_never_write_one_log() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Audit::open(folder.path(), AuditSync::Disk).unwrap();
        assert!(Audit::open(folder.path(), AuditSync::Disk).is_err());
    }

    #[test]
    fn a_log_that_cannot_be_written_is_an_error_and_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::open(folder.path(), AuditSync::Disk).unwrap();
        // /dev/full answers every write with ENOSPC (full(4)).
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        audit.lock().file = Flock::lock(full, FlockArg::LockSharedNonblock).map_err(|(_, e)| e).unwrap();
        runtime().block_on(async {
            assert!(audit.intent(&intent("a")).await.is_err());
            assert!(audit.intent(&intent("b")).await.is_err());
        });
    }
}
