//! The helper's state, shared by everything that serves a request.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sallyport_protocol::flow::{CONNECTION_CREDIT, OPERATIONS, STREAM_CREDIT};
use sallyport_protocol::handshake::{Limits, Profile, Welcome, build};

use tokio::sync::watch;

use crate::afterwards::afterwards;
use crate::audit::Audit;
use crate::config::{Live, Settings, Snapshot};
use crate::forward::Forwards;
use crate::guard::approvals::Approvals;
use crate::guard::questions::Questions;
use crate::harden::Hardening;
use crate::hex::hex;
use crate::redact::Redactor;
use crate::session::registry::Registry;
use crate::session::transcript::store::Store as Transcripts;
use crate::ssh::keeper::Remembered;
use crate::ssh::pool::Pool;
use crate::ssh::rotation::Announced;
use crate::ssh::trust::Trust;
use crate::vault::{PersonEnv, Vault};

/// How often the house is kept: what is forgotten at the window's end is gone within a second.
const HOUSEKEEPING: Duration = Duration::from_millis(500);

/// How often old transcripts are looked for.
const PRUNING: Duration = Duration::from_secs(3600);

/// How long what runs on hosts has to end before the connections to them are cut.
pub const FAREWELL: Duration = Duration::from_secs(10);

/// See the module.
pub struct Helper {
    /// What was set.
    pub settings: Settings,
    /// Policy and inventory.
    pub live: Live,
    /// The records.
    pub vault: Arc<Vault>,
    /// What masks secrets.
    pub redactor: Redactor,
    /// Host keys.
    pub trust: Trust,
    /// Transports.
    pub pool: Pool,
    /// Sessions and jobs.
    pub registry: Registry,
    /// Recordings of sessions.
    pub transcripts: Transcripts,
    /// Port forwards.
    pub forwards: Forwards,
    /// Confirmations.
    pub approvals: Approvals,
    /// Questions of hosts at logins.
    pub questions: Questions,
    /// Host keys that servers announced and nobody accepted yet.
    pub announced: Announced,
    /// The home directory, for key files named below it.
    pub home: Option<PathBuf>,
    /// Where the person who last unlocked sits: where dialogs are shown.
    pub person: Mutex<PersonEnv>,
    /// Counts changes of what waits for a person.
    pub bulletin: watch::Sender<u64>,
    /// The audit log.
    pub audit: Audit,
    /// How far apart broker and helper are.
    pub profile: Profile,
    /// Hardening reached.
    pub hardening: Hardening,
    /// Keeps what was decrypted masked until the window is over.
    pub remembered: Arc<Remembered>,
    /// Until when the next connection of a user has to wait, after a violation.
    pub penalties: Mutex<HashMap<u32, Instant>>,
    /// Where the output of jobs is kept that memory does not hold.
    pub spool: std::path::PathBuf,
    /// Open connections on both sockets.
    pub connections: AtomicUsize,
}

impl Helper {
    /// The greeting's answer.
    pub fn welcome(&self, version: u16) -> Welcome {
        Welcome {
            version,
            limits: Limits {
                operations: OPERATIONS,
                stream_credit: STREAM_CREDIT,
                connection_credit: CONNECTION_CREDIT,
            },
            policy_digest: self.live.now().policy.digest(),
            profile: self.profile,
            hardening: self.hardening.number(),
            build: build(),
        }
    }

    /// A new id: a letter and 64 random bits.
    pub fn new_id(&self, kind: &str) -> String {
        let bits = getrandom::u64().unwrap_or_else(|error| {
            // Ids are names, not keys: what matters is that they differ.
            tracing::warn!(%error, "no random bytes for an id");
            COUNTER.fetch_add(1, Ordering::Relaxed) as u64
        });
        format!("{kind}-{bits:016x}")
    }

    /// A person is at this terminal or display.
    pub fn sits_at(&self, person: PersonEnv) {
        *self.person.lock().unwrap_or_else(PoisonError::into_inner) = person;
    }

    /// Something that waits for a person came, went or was settled.
    pub fn changed(&self) {
        self.bulletin.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Where ssh-agent listens: as set, else as the environment said at the start.
    pub fn agent_socket(&self) -> Option<PathBuf> {
        let environment =
            || std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from);
        self.settings.ssh_auth_sock.clone().or_else(environment)
    }

    /// SHA-256 of the policy, in hex.
    pub fn policy_digest(&self, now: &Snapshot) -> String {
        hex(&now.policy.digest())
    }

    /// Forgets what was decrypted, logins that nothing uses any more among it; closes sessions when that is how it is set.
    pub fn forget(&self) {
        self.remembered.forget();
        if self.settings.on_lock == crate::config::OnLock::Close {
            let ended = self.registry.close_all();
            self.forwards.close_all("the vault was locked");
            // Out of the pool at once: nothing new goes over them.
            let connections = self.pool.take_all();
            afterwards(async move {
                let _ = tokio::time::timeout(FAREWELL, ended).await;
                connections.iter().for_each(|connection| connection.disconnect());
            });
        }
        // Those in use live on, out of the pool: nothing new goes over them.
        self.pool.sweep(Duration::ZERO);
    }

    /// Whether nobody needs this process.
    pub fn is_idle(&self) -> bool {
        self.connections.load(Ordering::Relaxed) == 0 && self.registry.counts() == (0, 0)
    }

    /// Writes to the audit log when another policy is in force than was told, or other files cannot be taken.
    async fn tell_configuration(&self, told: (String, Vec<String>)) -> (String, Vec<String>) {
        let now = self.live.now();
        let current = (self.policy_digest(&now), now.problems);
        if current != told {
            let problems: Vec<_> = current.1.iter().map(|problem| self.redactor.text(problem)).collect();
            let details = serde_json::json!({
                "policy_digest": current.0,
                "problems": problems.iter().map(|problem| problem.as_str()).collect::<Vec<_>>(),
            });
            if let Err(error) = self.audit.event("configuration", details).await {
                tracing::error!(%error, "a change of the configuration was not written");
                return told;
            }
        }
        current
    }

    /// Housekeeping: ended sessions, idle transports, the end of the window.
    pub async fn keep_house(self: Arc<Self>) {
        let mut was_open = false;
        let mut told = (self.policy_digest(&self.live.now()), Vec::new());
        let mut pruned = Instant::now();
        self.transcripts.prune();
        let watched = sd_notify::watchdog_enabled().is_some();
        loop {
            tokio::time::sleep(HOUSEKEEPING).await;
            if watched && let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]) {
                tracing::warn!(%error, "systemd's watchdog was not told");
            }
            self.registry.sweep();
            self.pool.sweep_idle();
            if pruned.elapsed() > PRUNING {
                pruned = Instant::now();
                self.transcripts.prune();
            }
            told = self.tell_configuration(told).await;
            let open = !self.vault.window().locked;
            if was_open && !open {
                tracing::info!("the unlock window is over");
                self.forget();
            }
            was_open = open;
        }
    }
}

static COUNTER: AtomicUsize = AtomicUsize::new(0);
