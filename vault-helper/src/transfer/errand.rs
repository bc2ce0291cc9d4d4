//! What every transfer has: a target, the gate's word, a connection that can be made again, audit records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sallyport_policy::Verdict;
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::request::Consent;
use sallyport_protocol::text::{ConfirmationId, TargetName};
use sallyport_protocol::{ErrorCode, Failure};

use crate::afterwards::afterwards;
use crate::audit::{Ending, Intent};
use crate::config::Snapshot;
use crate::guard::files::{Deed, FileGate};
use crate::guard::gate::{self, Granted};
use crate::guard::target::{self, Target};
use crate::helper::Helper;
use crate::session::exec::{Early, millis, no_audit};
use crate::ssh::sftp::Sftp;

/// How often one transfer connects again after its connection was lost.
const AGAIN: u32 = 3;
/// The pause before the first time; it doubles.
const PAUSE: Duration = Duration::from_millis(250);

/// A request for one host.
pub struct Errand {
    pub helper: Arc<Helper>,
    pub now: Snapshot,
    pub caller: Caller,
    pub target: Target,
    pub consent: Consent,
    pub confirmation: Option<ConfirmationId>,
}

impl Errand {
    pub fn new(
        helper: &Arc<Helper>,
        caller: &Caller,
        target: &TargetName,
        consent: Consent,
        confirmation: Option<ConfirmationId>,
    ) -> Result<Self, Failure> {
        let now = helper.live.now();
        let target = target::resolve(helper, &now, caller.principal.as_str(), target)?;
        Ok(Self { helper: helper.clone(), now, caller: caller.clone(), target, consent, confirmation })
    }

    pub fn gate<'a>(&'a self, deeds: &'a [Deed], what: &'a str, binding: &'a [&'a [u8]]) -> FileGate<'a> {
        FileGate {
            helper: &self.helper,
            now: &self.now,
            principal: self.caller.principal.as_str(),
            target: &self.target,
            deeds,
            what,
            binding,
            consent: self.consent,
            confirmation: self.confirmation.as_ref(),
        }
    }

    /// Answers at once what no look at the host can change: a block.
    pub fn unless_blocked(&self, deeds: &[Deed], what: &str) -> Result<(), Early> {
        let gate = self.gate(deeds, what, &[]);
        if gate.is_closed() || gate.judge().0.verdict == Verdict::Block {
            gate.grant().map_err(Early)?;
        }
        Ok(())
    }

    pub async fn connect(&self) -> Result<Line<'_>, Failure> {
        let sftp = Sftp::open(&self.helper, self.caller.principal.as_str(), &self.target).await?;
        Ok(Line { errand: self, sftp, left: AGAIN, pause: PAUSE })
    }

    /// Writes the intent. After this the host may be changed.
    pub async fn book(
        &self,
        action: &'static str,
        text: &str,
        granted: &Granted,
        sftp: &Sftp,
    ) -> Result<Book, Early> {
        let id = self.helper.new_id("t");
        let principal = self.caller.principal.as_str();
        let text = self.helper.redactor.text(text);
        let intent = Intent {
            id: id.clone(),
            action,
            host_key: Some(sftp.lease().transport().fingerprint.clone()),
            ..gate::intent(&self.helper, &self.now, principal, &self.target, &text, granted)?
        };
        self.helper.audit.intent(&intent).await.map_err(|error| no_audit(&error))?;
        let bytes = Arc::default();
        Ok(Book { helper: self.helper.clone(), id, began: Instant::now(), bytes, closed: false })
    }
}

/// A connection that is made again when it is lost, a few times.
pub struct Line<'a> {
    errand: &'a Errand,
    pub sftp: Sftp,
    left: u32,
    pause: Duration,
}

impl Line<'_> {
    /// Connects again.
    pub async fn again(&mut self, why: &str) -> Result<(), Failure> {
        while self.left > 0 {
            self.left -= 1;
            tokio::time::sleep(self.pause).await;
            self.pause *= 2;
            let errand = self.errand;
            match Sftp::open(&errand.helper, errand.caller.principal.as_str(), &errand.target).await {
                Ok(sftp) => {
                    self.sftp = sftp;
                    return Ok(());
                }
                Err(failure) if failure.code == ErrorCode::SshConnectionFailed => {}
                // Nothing that time alone mends: a vault that was locked, a key that has changed.
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::new(
            ErrorCode::SshConnectionFailed,
            format!("the connection to {} was lost: {why}", self.errand.target.alias),
            "nothing was put into place; call again when the host can be reached. A temporary file \
             .sallyport-*.part may be left on the host",
        ))
    }
}

/// The audit record of a transfer under way; written to its end whatever happens.
pub struct Book {
    helper: Arc<Helper>,
    id: String,
    began: Instant,
    bytes: Arc<AtomicU64>,
    closed: bool,
}

impl Book {
    pub fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn unique(&self) -> String {
        self.helper.new_id("u")
    }

    fn ending(&self, result: &'static str, code: Option<&'static str>) -> Ending {
        Ending {
            id: self.id.clone(),
            result,
            code,
            output_bytes: self.bytes(),
            duration_ms: millis(self.began.elapsed()),
            ..Ending::default()
        }
    }

    /// Writes how it ended.
    pub async fn close<T>(mut self, result: Result<T, Failure>) -> Result<T, Failure> {
        self.closed = true;
        let ending = match &result {
            Ok(_) => self.ending("done", None),
            Err(failure) => self.ending("failed", Some(failure.code.as_str())),
        };
        write(&self.helper, &ending).await;
        result
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        let (helper, ending) = (self.helper.clone(), self.ending("cancelled", None));
        afterwards(async move { write(&helper, &ending).await });
    }
}

async fn write(helper: &Helper, ending: &Ending) {
    if let Err(error) = helper.audit.ending(ending).await {
        tracing::error!(%error, "an outcome was not written");
    }
}
