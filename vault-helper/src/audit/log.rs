//! The log as the rest of the helper sees it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::chain::{Chain, NAME};
use super::journal::{Journal, SOCKET};
use super::past::InDoubt;
use super::record::{Ending, Intent};
use crate::config::{AuditJournal, AuditSync, Settings};

/// How long a written line may wait for the disk under [`AuditSync::Written`].
const FLUSH: Duration = Duration::from_secs(1);

/// The log cannot be written: nothing may run.
#[derive(Debug, thiserror::Error)]
#[error("the audit log {file} cannot be written: {source}")]
pub struct AuditError {
    file: String,
    source: io::Error,
}

/// Where lines go, and when they count as written.
#[derive(Debug, Clone, Copy)]
pub struct Sinks {
    /// When a line counts as durable.
    pub sync: AuditSync,
    /// The file is put aside before it grows beyond this, in bytes; 0 never.
    pub max_bytes: u64,
    /// Whether the journal gets a copy.
    pub journal: AuditJournal,
}

impl From<&Settings> for Sinks {
    fn from(settings: &Settings) -> Self {
        Self {
            sync: settings.audit_sync,
            max_bytes: settings.audit_max_bytes,
            journal: settings.audit_journal,
        }
    }
}

/// See the module.
pub struct Audit {
    path: PathBuf,
    sync: AuditSync,
    chain: Arc<Mutex<Chain>>,
    /// Operations of earlier runs that never ended in the log.
    pub in_doubt: Vec<InDoubt>,
}

impl Audit {
    /// Opens the log in a state directory, creating it when there is none.
    ///
    /// # Errors
    /// When it cannot be opened, read or locked.
    pub fn open(state: &Path, sinks: Sinks) -> Result<Self, AuditError> {
        let folder = state.join("audit");
        let path = folder.join(NAME);
        let open = || {
            let journal = match sinks.journal {
                AuditJournal::Off => None,
                wish => Some(Journal::new(Path::new(SOCKET), wish == AuditJournal::Required)?),
            };
            Chain::open(&folder, sinks.max_bytes, journal)
        };
        let (chain, in_doubt) =
            open().map_err(|source| AuditError { file: path.display().to_string(), source })?;
        Ok(Self { path, sync: sinks.sync, chain: Arc::new(Mutex::new(chain)), in_doubt })
    }

    /// The log's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number and hash of the last line: a log that ends before it was cut.
    pub fn head(&self) -> (u64, String) {
        let chain = self.lock();
        (chain.sequence, chain.previous.clone())
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

    /// Writes an event without waiting for the disk: for what is only told, because nothing runs after it.
    ///
    /// # Errors
    /// When the line is not written.
    pub fn note(&self, event: &str, details: &Value) -> Result<(), AuditError> {
        let fields = serde_json::json!({ "event": event, "details": details });
        self.lock().write("event", &fields, false).map_err(|error| self.error(error))
    }

    async fn append(&self, kind: &'static str, fields: &impl Serialize) -> Result<(), AuditError> {
        match self.sync {
            AuditSync::Written => {
                let chain = self.chain.clone();
                let (written, due) = {
                    let mut chain = self.lock();
                    (chain.write(kind, fields, false), chain.due())
                };
                if due {
                    // One flush for all lines of the next second.
                    tokio::spawn(async move {
                        tokio::time::sleep(FLUSH).await;
                        // Not under the lock: others write on while the disk takes its time.
                        let flush = move || {
                            let lock = || chain.lock().unwrap_or_else(PoisonError::into_inner);
                            let file = lock().take_to_flush()?;
                            file.sync_data().inspect_err(|error| lock().give_up(error))
                        };
                        if let Ok(Err(error)) = tokio::task::spawn_blocking(flush).await {
                            tracing::error!(%error, "the audit log could not be flushed");
                        }
                    });
                }
                written.map_err(|error| self.error(error))
            }
            AuditSync::Disk => {
                let chain = self.chain.clone();
                let fields =
                    serde_json::to_value(fields).map_err(|error| self.error(io::Error::other(error)))?;
                let write =
                    move || chain.lock().unwrap_or_else(PoisonError::into_inner).write(kind, &fields, true);
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

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::hex::hex;

    const DISK: Sinks = Sinks { sync: AuditSync::Disk, max_bytes: 0, journal: AuditJournal::Off };
    const WRITTEN: Sinks = Sinks { sync: AuditSync::Written, ..DISK };

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
            secrets: Vec::new(),
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
            let audit = Audit::open(folder.path(), DISK).unwrap();
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
        let audit = Audit::open(folder.path(), WRITTEN).unwrap();
        runtime().block_on(async {
            audit.intent(&intent("ended")).await.unwrap();
            audit.ending(&Ending { id: "ended".into(), ..Ending::default() }).await.unwrap();
            audit.intent(&intent("cut")).await.unwrap();
        });
        drop(audit);
        let audit = Audit::open(folder.path(), WRITTEN).unwrap();
        assert_eq!(audit.in_doubt.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["cut"]);
    }

    #[test]
    fn a_line_cut_by_a_crash_does_not_swallow_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        drop(Audit::open(folder.path(), DISK).unwrap());
        let file = folder.path().join("audit/audit.jsonl");
        std::fs::write(&file, b"{\"seq\":1,\"kin").unwrap();
        let audit = Audit::open(folder.path(), DISK).unwrap();
        runtime().block_on(audit.intent(&intent("next"))).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(serde_json::from_str::<Value>(text.lines().last().unwrap()).is_ok(), "{text}");
    }

    #[test]
    fn two_helpers_never_write_one_log() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Audit::open(folder.path(), DISK).unwrap();
        assert!(Audit::open(folder.path(), DISK).is_err());
    }

    #[test]
    fn a_log_that_cannot_be_written_is_an_error_and_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::open(folder.path(), DISK).unwrap();
        // /dev/full answers every write with ENOSPC (full(4)), and cannot be cut back.
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        audit.lock().replace_file(full);
        runtime().block_on(async {
            assert!(audit.intent(&intent("a")).await.is_err());
            assert!(audit.intent(&intent("b")).await.is_err());
        });
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_chain_goes_on_across_files_and_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let small = Sinks { max_bytes: 1200, ..DISK };
        for run in 0..3 {
            let audit = Audit::open(folder.path(), small).unwrap();
            runtime().block_on(async {
                for number in 0..4 {
                    audit.intent(&intent(&format!("j{run}-{number}"))).await.unwrap();
                }
            });
            assert_eq!(audit.head().0, (run + 1) * 4);
        }
        let mut files = super::super::past::rotated(&folder.path().join("audit")).unwrap();
        assert!(files.len() >= 2, "{files:?}");
        files.push(folder.path().join("audit/audit.jsonl"));
        let (mut previous, mut sequence) = (String::new(), 0);
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.len() <= 1200, "{}", file.display());
            for line in text.lines() {
                let fields: Value = serde_json::from_str(line).unwrap();
                sequence += 1;
                assert_eq!((&fields["seq"], &fields["prev"]), (&sequence.into(), &previous.clone().into()));
                previous = hex(&Sha256::digest(line));
            }
        }
        assert_eq!(sequence, 12);
    }

    #[test]
    fn an_operation_that_began_in_a_file_now_put_aside_is_in_doubt_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let small = Sinks { max_bytes: 900, ..DISK };
        let audit = Audit::open(folder.path(), small).unwrap();
        runtime().block_on(async {
            audit.intent(&intent("cut")).await.unwrap();
            for number in 0..3 {
                audit.event("something", number.into()).await.unwrap();
            }
        });
        drop(audit);
        let audit = Audit::open(folder.path(), small).unwrap();
        assert_eq!(audit.in_doubt.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["cut"]);
    }

    #[test]
    fn with_a_required_journal_that_does_not_answer_nothing_is_written_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(&folder.path().join("nobody"), true).unwrap();
        let (mut chain, _) = Chain::open(&folder.path().join("audit"), 0, Some(journal)).unwrap();
        assert!(chain.write("event", &Value::Null, true).is_err());
        assert_eq!(std::fs::read(folder.path().join("audit/audit.jsonl")).unwrap(), b"");
        assert_eq!(chain.sequence, 0);
    }

    #[test]
    fn an_outcome_the_log_could_not_take_is_written_as_soon_as_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("journal");
        let journal = Journal::new(&socket, true).unwrap();
        let (mut chain, _) = Chain::open(&folder.path().join("audit"), 0, Some(journal)).unwrap();
        assert!(chain.write("outcome", &serde_json::json!({ "id": "owed" }), false).is_err());
        assert!(chain.write("intent", &serde_json::json!({ "id": "refused" }), false).is_err());
        let _journald = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
        chain.write("intent", &serde_json::json!({ "id": "next" }), false).unwrap();
        let text = std::fs::read_to_string(folder.path().join("audit/audit.jsonl")).unwrap();
        let ids: Vec<Value> =
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect();
        assert_eq!(ids, ["owed", "next"]);
    }
}
