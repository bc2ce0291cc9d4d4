//! Where a command's raw output goes: through the redactor, into the job's spool,
//! and to the client that waits for it, as long as one does.
//!
//! Whoever reads from the host asks [`Sink::is_busy`] first: while the client takes no
//! more, nothing is read, so that the remote side waits too. It goes on watching for
//! everything else meanwhile.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sallyport_protocol::envelope::{OpId, Stream};
use tokio::sync::{oneshot, watch};

use super::job::{Exit, Job};
use super::oneshot::until;
use super::transcript::tap::Tap;
use crate::afterwards::afterwards;
use crate::redact::{Clean, Redactor, StreamRedactor, trusted_text};
use crate::serve::outbound::Outbound;

/// A client that waits for live output.
pub struct Listener {
    /// Its way out.
    pub out: Arc<Outbound>,
    /// Its operation.
    pub op: OpId,
    /// Turns true when it no longer waits.
    pub left: watch::Receiver<bool>,
    /// Dropped when everything was sent to it.
    pub all: oneshot::Sender<()>,
}

/// What the listener is being sent, and since when.
type Sending = (Instant, Pin<Box<dyn Future<Output = ()> + Send>>);

/// How long a client that takes nothing holds up a command that is being stopped.
const PATIENCE: Duration = Duration::from_secs(1);

/// An unfinished line longer than this is shown as it comes, in bytes.
const LONG_LINE: usize = 4096;

/// After this many bytes the others have their turn: one thread serves all, and what has arrived of a flood (a mebibyte,
/// [`Channel`](russh::Channel)'s queue) would be masked in one go.
const TURN: usize = 128 * 1024;

/// See the module.
pub struct Sink {
    job: Arc<Job>,
    /// One for each stream. Apart, because what waits for a command's end holds a sink, and these are large.
    redactors: Box<[StreamRedactor; 2]>,
    listener: Option<Listener>,
    sending: Option<Sending>,
    /// The command is being stopped.
    hurried: bool,
    tap: Option<Arc<Tap>>,
    /// What the tap has not been shown yet: each stream's unfinished line.
    lines: [Clean; 2],
    counted: u64,
    /// Bytes since the others last had their turn.
    taken: usize,
    ended: bool,
}

impl Sink {
    /// A sink for one command.
    pub fn new(job: Arc<Job>, redactor: &Redactor, listener: Option<Listener>) -> Self {
        Self {
            job,
            redactors: Box::new([redactor.stream(), redactor.stream()]),
            listener,
            sending: None,
            hurried: false,
            tap: None,
            lines: Default::default(),
            counted: 0,
            taken: 0,
            ended: false,
        }
    }

    /// Lets a session's recorder and watchers see the output too.
    pub fn tapped(mut self, tap: Arc<Tap>) -> Self {
        self.tap = Some(tap);
        self
    }

    /// Whether the listening client has to take earlier output first.
    pub fn is_busy(&self) -> bool {
        self.sending.is_some()
    }

    /// Waits until it has. Cancel safe.
    pub async fn sent(&mut self) {
        let Some((since, sending)) = &mut self.sending else { return };
        let patience = self.hurried.then(|| (*since + PATIENCE).into());
        tokio::select! {
            biased;
            () = sending => {}
            // What it misses is kept with the job.
            () = until(patience) => self.listener = None,
        }
        self.sending = None;
    }

    /// The command is being stopped: its end has to be seen, whether its output is taken or not.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// Takes raw output.
    pub async fn write(&mut self, stream: Stream, bytes: Vec<u8>) {
        self.taken += bytes.len();
        let clean = self.redactors[stream as usize].push_owned(Instant::now(), bytes);
        self.pass(stream, clean).await;
        if self.taken >= TURN {
            self.taken = 0;
            tokio::task::yield_now().await;
        }
    }

    /// When [`Sink::tick`] is due: bytes are held that may begin a secret.
    pub fn deadline(&self) -> Option<Instant> {
        self.redactors.iter().filter_map(StreamRedactor::deadline).min()
    }

    /// Lets go of what was held long enough.
    pub async fn tick(&mut self) {
        let now = Instant::now();
        for stream in [Stream::Output, Stream::ErrorOutput] {
            let clean = self.redactors[stream as usize].tick(now);
            self.pass(stream, clean).await;
        }
    }

    /// The command this is the output of.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The output is complete and the command ended.
    pub async fn end(mut self, exit: Exit) {
        for stream in [Stream::Output, Stream::ErrorOutput] {
            let clean = self.redactors[stream as usize].finish();
            self.pass(stream, clean).await;
        }
        if let Some(tap) = &self.tap {
            self.lines.iter().filter(|line| !line.is_empty()).for_each(|line| tap.text(line));
        }
        if let Some(lost) = &exit.lost {
            // For those who read the output later: they see no more of the command than that it has ended.
            self.job.keep(&trusted_text("[its end was not seen: ").and(lost).with("]\n").into());
        }
        self.job.end(exit);
        self.ended = true;
        if let Some((_, sending)) = self.sending.take() {
            let listener = self.listener.take();
            afterwards(async move {
                sending.await;
                drop(listener);
            });
        }
    }

    /// Shows recorder and watchers whole lines: of two streams, each with its own bytes held back for a moment, the
    /// pieces would stand inside each other.
    fn show(&mut self, stream: Stream, clean: &Clean) {
        let Some(tap) = &self.tap else { return };
        let line = &mut self.lines[stream as usize];
        line.append(clean.clone());
        let whole = match memchr::memrchr2(b'\n', b'\r', line.as_bytes()) {
            Some(end) => end + 1,
            None if line.len() > LONG_LINE => line.len(),
            None => return,
        };
        let rest = line.split_off(whole);
        tap.text(&std::mem::replace(line, rest));
    }

    /// Passes on what is clean, to the listener as far as it takes it now.
    async fn pass(&mut self, stream: Stream, clean: Clean) {
        let redactions = self.redactors.iter().map(StreamRedactor::redactions).sum();
        self.job.add_redactions(redactions - self.counted);
        self.counted = redactions;
        if clean.is_empty() {
            return;
        }
        self.job.keep(&clean);
        self.show(stream, &clean);
        self.listener.take_if(|listener| *listener.left.borrow());
        let Some(listener) = &self.listener else { return };
        let (out, op, mut left) = (listener.out.clone(), listener.op, listener.left.clone());
        let earlier = self.sending.take();
        let mut sending: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            if let Some((_, earlier)) = earlier {
                earlier.await;
            }
            tokio::select! {
                biased;
                _ = left.wait_for(|left| *left) => {}
                () = out.data(op, stream, clean) => {}
            }
        });
        let at_once = tokio::select! {
            biased;
            () = &mut sending => true,
            () = std::future::ready(()) => false,
        };
        if !at_once {
            self.sending = Some((Instant::now(), sending));
        }
    }
}

impl Drop for Sink {
    /// Whoever let go of a command without ending it does not know what became of it; its waiters must hear that.
    fn drop(&mut self) {
        if !self.ended {
            let why = trusted_text("the session ended before the command was run to its end");
            self.job.end(Exit { lost: Some(why), ..Exit::default() });
        }
    }
}
