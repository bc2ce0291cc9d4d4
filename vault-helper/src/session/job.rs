//! A job: one command's kept output and its fate, for as long as somebody may ask.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sallyport_protocol::Failure;
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::request::Signal;
use tokio::sync::{mpsc, watch};

use super::spool::{Piece, Spool};
use crate::redact::{Clean, CleanText, Enrollment};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exit {
    /// Its exit code, unless a signal ended it or the host did not say.
    pub code: Option<i32>,
    /// The signal that ended it, without `SIG`.
    pub signal: Option<CleanText>,
    /// The session's directory afterwards.
    pub cwd: Option<CleanText>,
    /// Why the session ended with it.
    pub session_ended: Option<CleanText>,
    /// The transport broke: whether the command still runs is unknown.
    pub lost: Option<CleanText>,
    /// It was never run.
    pub refused: Option<Failure>,
    /// It was stopped and has ended, and something it had started was still there.
    pub outlived: bool,
}

/// Where a command is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It ended.
    Ended(Exit),
}

/// A wish to stop a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// INT, TERM and KILL in turn, with time to go in between.
    Patiently,
    /// One signal.
    With(Signal),
    /// TERM and KILL in short order: nobody waits for it any more.
    Now,
}

/// See the module.
pub struct Job {
    /// Its id.
    pub id: String,
    /// On whose behalf it runs.
    pub owner: Caller,
    /// Where: `user@alias`.
    pub target: String,
    /// What: redacted, for listings.
    pub command: CleanText,
    /// When it was started.
    pub started: Instant,
    spool: Mutex<Spool>,
    /// Where more output than memory holds is kept.
    place: Option<PathBuf>,
    state: watch::Sender<State>,
    grown: watch::Sender<u64>,
    stop: mpsc::Sender<Stop>,
    redactions: std::sync::atomic::AtomicU64,
    /// Keeps what the command was given masked, as long as its output can be read.
    held: Mutex<Vec<Enrollment>>,
    ended_at: Mutex<Option<Instant>>,
}

impl Job {
    /// A running job, and the other end of its stop button.
    pub fn new(
        id: String,
        owner: Caller,
        target: String,
        command: CleanText,
    ) -> (Self, mpsc::Receiver<Stop>) {
        let (stop, stops) = mpsc::channel(4);
        let job = Self {
            id,
            owner,
            target,
            command,
            started: Instant::now(),
            spool: Mutex::default(),
            place: None,
            state: watch::Sender::new(State::Running),
            grown: watch::Sender::new(0),
            stop,
            redactions: Default::default(),
            held: Mutex::default(),
            ended_at: Mutex::default(),
        };
        (job, stops)
    }

    /// The same, with a folder for output that is more than memory holds.
    pub fn kept_in(mut self, place: PathBuf) -> Self {
        self.place = Some(place);
        self
    }

    /// Keeps a piece of output.
    pub fn keep(&self, clean: &Clean) {
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        spool.push(clean.as_bytes(), self.place.as_deref());
        self.grown.send_replace(spool.total());
    }

    /// A page of kept output.
    pub fn read(&self, cursor: u64, max: usize) -> Piece {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner).read(cursor, max)
    }

    /// Bytes of output so far, after redaction.
    pub fn output_bytes(&self) -> u64 {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner).total()
    }

    /// Keeps secrets masked as long as the job is remembered.
    pub fn hold(&self, enrolled: Vec<Enrollment>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).extend(enrolled);
    }

    /// The job ended.
    pub fn end(&self, exit: Exit) {
        *self.ended_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.state.send_replace(State::Ended(exit));
    }

    /// How long ago it ended.
    pub fn ended_for(&self) -> Option<Duration> {
        self.ended_at.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    /// How long it ran, or has run.
    pub fn duration(&self) -> Duration {
        self.started.elapsed().saturating_sub(self.ended_for().unwrap_or_default())
    }

    /// Where it is.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        matches!(*self.state.borrow(), State::Running)
    }

    /// Waits for its end.
    pub async fn ended(&self) -> Exit {
        let mut state = self.state.subscribe();
        loop {
            if let State::Ended(exit) = &*state.borrow_and_update() {
                return exit.clone();
            }
            if state.changed().await.is_err() {
                return Exit::default();
            }
        }
    }

    /// Waits until there is output beyond `cursor` or the job ends.
    pub async fn grown_beyond(&self, cursor: u64) {
        let mut grown = self.grown.subscribe();
        tokio::select! {
            _ = grown.wait_for(|total| *total > cursor) => {}
            _ = self.ended() => {}
        }
    }

    /// Presses the stop button. A full queue means it was pressed already.
    pub fn stop(&self, stop: Stop) {
        let _ = self.stop.try_send(stop);
    }

    /// Counts masked secrets.
    pub fn add_redactions(&self, count: u64) {
        self.redactions.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
    }

    /// Secrets masked so far.
    pub fn redactions(&self) -> u64 {
        self.redactions.load(std::sync::atomic::Ordering::Relaxed)
    }
}
