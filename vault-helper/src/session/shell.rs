//! A shell session: one POSIX shell on one channel, fed one judged command at a
//! time. Directory, variables and functions live in the shell; standard output
//! and errors stay apart; the end of each command is told by marks on both.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant as StdInstant};

use sallyport_policy::ShellState;
use sallyport_protocol::envelope::Caller;
use tokio_util::sync::CancellationToken;

use super::dialect::Dialect;
use super::driver::Driver;
use super::feed::Feed;
use super::slot::Slot;
use super::transcript::tap::Tap;
use crate::guard::target::Target;
use crate::redact::{CleanText, Enrollment};
use crate::ssh::channel::Channel;
use crate::ssh::transport::Lease;

/// A session without an own idle timeout ends after this time.
pub const IDLE: Duration = Duration::from_secs(3600);

/// An open shell session.
pub struct Shell {
    /// Its id.
    pub id: String,
    /// The name its owner gave it.
    pub name: Option<String>,
    /// Who opened it.
    pub owner: Caller,
    /// Where it runs.
    pub target: Target,
    /// When it was opened.
    pub since: StdInstant,
    /// What its commands have changed, as far as the policy knows; held while it is being opened, and while one command
    /// is judged and sent.
    pub state: tokio::sync::Mutex<ShellState>,
    /// SHA-256 fingerprint of the host's key.
    pub fingerprint: String,
    /// How its shell is spoken to, once it told.
    dialect: OnceLock<Dialect>,
    /// Recorder and watchers.
    pub tap: Arc<Tap>,
    /// Its directory after the last command, as the host wrote it: for our own use, never for an answer.
    cwd: Mutex<Option<String>>,
    /// Keeps what the shell was given masked while it lives.
    held: Mutex<Vec<Enrollment>>,
    /// The `env://` records attached to it: name, and the variables it set.
    attached: Mutex<Vec<(String, Vec<String>)>>,
    /// Its next command.
    pub(super) next: Slot<Box<Feed>>,
    busy: Mutex<Option<String>>,
    used: Mutex<StdInstant>,
    /// Why it ended, and when.
    ended: OnceLock<(CleanText, StdInstant)>,
    /// Whether it has ended and its host was told.
    over: CancellationToken,
    close: CancellationToken,
}

impl Shell {
    /// Starts the shell on a channel.
    pub fn start(
        id: String,
        name: Option<String>,
        owner: Caller,
        target: Target,
        idle: Duration,
        channel: Channel,
        lease: Lease,
    ) -> Arc<Self> {
        let shell = Arc::new(Self {
            id,
            name,
            owner,
            target,
            since: StdInstant::now(),
            state: tokio::sync::Mutex::default(),
            fingerprint: lease.transport().fingerprint.clone(),
            dialect: OnceLock::new(),
            tap: Arc::default(),
            cwd: Mutex::default(),
            held: Mutex::default(),
            attached: Mutex::default(),
            next: Slot::default(),
            busy: Mutex::default(),
            used: Mutex::new(StdInstant::now()),
            ended: OnceLock::new(),
            over: CancellationToken::new(),
            close: CancellationToken::new(),
        });
        tokio::spawn(Driver::run(shell.clone(), channel, lease, idle));
        shell
    }

    /// Hands the shell a command. The caller has made sure with [`Shell::occupy`] that it is free.
    ///
    /// # Errors
    /// Gives the command back when the session has ended.
    pub fn feed(&self, feed: Feed) -> Result<(), Box<Feed>> {
        self.touch();
        // Boxed: each session has room for one, and it is nearly always empty.
        self.next.put(Box::new(feed))
    }

    /// Takes the shell for one command; the job that has it otherwise.
    pub fn occupy(&self, job: &str) -> Result<(), String> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        match &*busy {
            Some(other) => Err(other.clone()),
            None => {
                *busy = Some(job.to_owned());
                Ok(())
            }
        }
    }

    /// Gives the shell back.
    pub fn release(&self) {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.touch();
    }

    /// How its shell is spoken to from now on.
    pub fn speak(&self, dialect: Dialect) {
        // It tells once.
        let _ = self.dialect.set(dialect);
    }

    /// How its shell is spoken to.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect.get().copied().unwrap_or(Dialect::Unknown)
    }

    /// It ended, and why.
    pub(super) fn end(&self, why: CleanText) {
        self.tap.end(&why);
        // It ends once.
        let _ = self.ended.set((why, StdInstant::now()));
    }

    /// Its host has been told.
    pub(super) fn leave(&self) {
        self.over.cancel();
    }

    /// The directory its last command left it in.
    pub(super) fn stands_in(&self, cwd: Option<String>) {
        *self.cwd.lock().unwrap_or_else(PoisonError::into_inner) = cwd;
    }

    /// Whether it runs this job.
    pub fn runs(&self, job: &str) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(job)
    }

    /// Whether it runs anything.
    pub fn is_busy(&self) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether it can still take commands.
    pub fn is_open(&self) -> bool {
        self.ended.get().is_none() && !self.close.is_cancelled()
    }

    /// Why it ended, when it has.
    pub fn ended(&self) -> Option<CleanText> {
        self.ended.get().map(|(why, _)| why.clone())
    }

    /// How long ago it ended.
    pub fn ended_for(&self) -> Option<Duration> {
        self.ended.get().map(|(_, when)| when.elapsed())
    }

    /// Closes it: the remote shell is told to hang up.
    pub fn close(&self) {
        self.close.cancel();
    }

    /// Waits until it is to be closed.
    pub(super) async fn closing(&self) {
        self.close.cancelled().await;
    }

    /// Waits until it has ended and its host was told.
    pub async fn closed(&self) {
        self.over.cancelled().await;
    }

    /// The directory its last command left it in; not redacted.
    pub fn cwd(&self) -> Option<String> {
        self.cwd.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The `env://` records attached to it.
    pub fn attached(&self) -> MutexGuard<'_, Vec<(String, Vec<String>)>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The variables that go with the call whose records brought them: all but those of records that are attached. One
    /// that an attached record had under the same name goes as well, and is no longer said to be there.
    pub(super) fn passing(&self, records: &[(String, Vec<String>)]) -> Vec<String> {
        let mut attached = self.attached();
        let stays = |record: &str| attached.iter().any(|(known, _)| known == record);
        let passing = records.iter().filter(|(record, _)| !stays(record));
        let passing: Vec<String> = passing.flat_map(|(_, variables)| variables.clone()).collect();
        attached.iter_mut().for_each(|(_, variables)| variables.retain(|name| !passing.contains(name)));
        passing
    }

    /// Keeps secrets masked as long as the session lives.
    pub fn hold(&self, enrolled: Vec<Enrollment>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).extend(enrolled);
    }

    /// Seconds since it was last used.
    pub fn idle_s(&self) -> u64 {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed().as_secs()
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = StdInstant::now();
    }
}
