//! Where a command's raw output goes: through the redactor, into the job's spool,
//! and to the client that waits for it, as long as one does.

use std::sync::Arc;
use std::time::Instant;

use sallyport_protocol::envelope::{OpId, Stream};
use tokio::sync::watch;

use super::job::{Exit, Job};
use super::transcript::tap::Tap;
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
}

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

    /// Takes raw output. Waits while a listening client is slow, so that the
    /// remote side waits too.
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

    async fn pass(&mut self, stream: Stream, clean: Clean) {
        let redactions = self.redactors.iter().map(StreamRedactor::redactions).sum();
        self.job.add_redactions(redactions - self.counted);
        self.counted = redactions;
        if clean.is_empty() {
            return;
        }
        self.job.keep(&clean);
        self.show(stream, &clean);
        let Some(listener) = &mut self.listener else { return };
        let gone = tokio::select! {
            biased;
            _ = listener.left.wait_for(|left| *left) => true,
            () = listener.out.data(listener.op, stream, clean) => false,
        };
        if gone {
            self.listener = None;
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
