//! Masking a stream as it passes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sallyport_protocol::rope::Rope;

use super::clean::Clean;
use super::dump::Dumps;
use super::hold::Held;
use super::index::Stop;
use super::lane::{Lanes, Raw, Scratch, Span};
use super::registry::{Shared, State};
use super::shapes::ShapeLane;
use super::weak::ShortLane;

/// How long one to three characters that may begin a secret are held: they give little away.
const SHORT_PATIENCE: Duration = Duration::from_millis(30);
/// How long more of them are held, and then masked.
const PATIENCE: Duration = Duration::from_millis(150);
/// Characters from which the long patience applies.
const TELLING: usize = 4;
/// Raw bytes held at most; white space and escapes can stretch a few characters over any length.
const MOST_HELD: usize = 16 * 1024;

/// Masks one output stream, whatever its chunks.
///
/// Nothing is held longer than 150 ms: whoever reads the stream calls [`tick`](Self::tick) at
/// [`deadline`](Self::deadline).
pub struct StreamRedactor {
    shared: Arc<Shared>,
    held: Held,
    lanes: Lanes,
    dumps: Dumps,
    shorts: ShortLane,
    shapes: ShapeLane,
    scratch: Scratch,
    spans: Vec<Span>,
    since: Option<Instant>,
    pending: usize,
}

impl StreamRedactor {
    pub(super) fn new(shared: Arc<Shared>, shapes: bool) -> Self {
        Self {
            shared,
            held: Held::default(),
            lanes: Lanes::new(),
            dumps: Dumps::default(),
            shorts: ShortLane::default(),
            shapes: ShapeLane::new(shapes),
            scratch: Scratch::default(),
            spans: Vec::new(),
            since: None,
            pending: 0,
        }
    }

    /// Takes the next bytes of the stream and returns what may leave.
    #[must_use]
    pub fn push(&mut self, now: Instant, bytes: &[u8]) -> Clean {
        self.take(now, bytes.into())
    }

    /// As [`push`](Self::push), handing the same allocation back when there is nothing to mask or to hold.
    #[must_use]
    pub fn push_owned(&mut self, now: Instant, bytes: Vec<u8>) -> Clean {
        self.take(now, bytes.into())
    }

    /// As [`push`](Self::push), bytes in several pieces.
    #[must_use]
    pub fn push_rope(&mut self, now: Instant, rope: Rope) -> Clean {
        if self.held.bytes().is_empty() {
            return self.push_owned(now, rope.into_bytes().into());
        }
        let shared = Arc::clone(&self.shared);
        let state = shared.read();
        self.held.make_room(rope.len());
        rope.into_iter().for_each(|piece| self.held.take(Cow::Borrowed(&piece)));
        self.taken(now, &state)
    }

    fn take(&mut self, now: Instant, bytes: Cow<'_, [u8]>) -> Clean {
        let shared = Arc::clone(&self.shared);
        let state = shared.read();
        if state.is_idle() && self.held.bytes().is_empty() && self.shapes.passes(&bytes) {
            self.held.pass(bytes.len());
            self.skip();
            return Clean::new(bytes.into_owned());
        }
        self.held.take(bytes);
        self.taken(now, &state)
    }

    /// Reads what was taken, and lets go of what may leave.
    fn taken(&mut self, now: Instant, state: &State) -> Clean {
        let hold = self.read(state, false);
        let mut clean = self.held.release(hold, self.keep());
        if self.held.waiting() > MOST_HELD {
            clean.append(self.resolve(state, Stop::Stalled));
        }
        self.since = (self.held.waiting() > 0).then_some(now);
        clean
    }

    /// When [`tick`](Self::tick) must be called, if bytes are held.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let patience = if self.pending < TELLING { SHORT_PATIENCE } else { PATIENCE };
        self.since.map(|since| since + patience)
    }

    /// Lets held bytes go whose time has come: as they are, or masked if they give a secret away.
    #[must_use]
    pub fn tick(&mut self, now: Instant) -> Clean {
        if self.deadline().is_none_or(|due| now < due) {
            return Clean::default();
        }
        self.since = None;
        let shared = Arc::clone(&self.shared);
        self.resolve(&shared.read(), Stop::Stalled)
    }

    /// The stream has ended: lets everything go. What is pushed afterwards is another stream.
    #[must_use]
    pub fn finish(&mut self) -> Clean {
        let shared = Arc::clone(&self.shared);
        let state = shared.read();
        self.read(&state, true);
        let clean = self.resolve(&state, Stop::Ended);
        let seen = std::mem::take(&mut self.held.seen);
        let masks = self.held.masks;
        *self = Self::new(Arc::clone(&shared), self.shapes.is_on());
        (self.held.seen, self.held.masks) = (seen, masks);
        clean
    }

    /// How many masks this stream has had.
    #[must_use]
    pub const fn redactions(&self) -> u64 {
        self.held.masks
    }

    /// Whether a whole window of an enrolled secret was seen.
    pub(super) const fn found(&self) -> bool {
        !self.held.seen.is_empty()
    }

    /// The records whose secrets were masked here and are still enrolled, for the audit trail.
    #[must_use]
    pub fn slugs(&self) -> Vec<String> {
        let state = self.shared.read();
        let mut slugs: Vec<_> = self.held.seen.iter().flat_map(|number| state.slugs(*number)).collect();
        slugs.sort_unstable();
        slugs.dedup();
        slugs
    }

    /// What of one whole text must be masked, in order; spans do not touch.
    pub(super) fn spans(mut self, text: Vec<u8>) -> Vec<Range<usize>> {
        let shared = Arc::clone(&self.shared);
        let state = shared.read();
        self.held.take(text.into());
        self.read(&state, true);
        self.note_grave(&state, Stop::Ended);
        self.held.marked().map(|span| span.start as usize..span.end as usize).collect()
    }

    /// Reads what is at hand and notes what to mask; returns the offset from which bytes must be held.
    fn read(&mut self, state: &State, last: bool) -> u64 {
        let raw = Raw { bytes: self.held.bytes(), base: self.held.base(), last };
        let end = raw.end();
        self.lanes.advance(&state.index, raw, &mut self.scratch, &mut self.spans);
        self.dumps.advance(&state.index, raw, &mut self.spans);
        self.shorts.advance(&state.shorts, raw, &mut self.spans);
        self.shapes.advance(raw, &mut self.spans);
        self.pending = self.lanes.pending().max(self.shorts.pending());
        self.held.mark(&mut self.spans);
        let (lanes, dumps) = (self.lanes.hold(end), self.dumps.hold(end));
        let holds = [lanes, dumps, self.shorts.hold(), self.shapes.hold(), self.held.torn()];
        holds.into_iter().flatten().min().unwrap_or(end)
    }

    /// Lets everything go, masking what gives a secret away.
    fn resolve(&mut self, state: &State, stop: Stop) -> Clean {
        self.note_grave(state, stop);
        self.held.release(self.held.end(), self.keep())
    }

    /// Notes what at the end gives a secret away.
    fn note_grave(&mut self, state: &State, stop: Stop) {
        if self.pending >= TELLING {
            self.lanes.grave(&state.index, stop, &mut self.spans);
            self.spans.extend(self.shorts.grave(&state.shorts, stop));
            self.held.mark(&mut self.spans);
        }
    }

    /// The offset from which bytes are still needed for reading.
    fn keep(&self) -> u64 {
        self.lanes.parsed().min(self.dumps.parsed())
    }

    fn skip(&mut self) {
        let end = self.held.end();
        self.lanes.skip(end);
        self.dumps.skip(end);
        self.shorts.skip(end);
    }
}

impl fmt::Debug for StreamRedactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamRedactor").field("redactions", &self.redactions()).finish_non_exhaustive()
    }
}
