//! Masking a stream as it passes.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::MASK;
use super::clean::Clean;
use super::registry::{Shared, State};

/// How long bytes that might begin a secret are held while nothing follows them.
const PATIENCE: Duration = Duration::from_millis(150);

/// Masks one output stream, whatever its chunks.
pub struct StreamRedactor {
    shared: Arc<Shared>,
    held: Vec<u8>,
    since: Option<Instant>,
    redactions: u64,
}

impl StreamRedactor {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, held: Vec::new(), since: None, redactions: 0 }
    }

    /// Takes the next bytes of the stream and returns what may leave.
    #[must_use]
    pub fn push(&mut self, now: Instant, bytes: &[u8]) -> Clean {
        self.push_owned(now, bytes.to_vec())
    }

    /// As [`push`](Self::push), handing the same allocation back when there is nothing to mask.
    #[must_use]
    pub fn push_owned(&mut self, now: Instant, bytes: Vec<u8>) -> Clean {
        let shared = Arc::clone(&self.shared);
        let state = shared.read();
        if self.held.is_empty() && state.forms.is_empty() {
            return Clean::new(bytes);
        }
        self.held.extend_from_slice(&bytes);
        let hits = merged(&state, &self.held);
        let keep_from = live_prefix(&state, &self.held, hits.last().map_or(0, |hit| hit.1));
        let clean = self.emit(&hits, keep_from);
        self.since = (!self.held.is_empty()).then_some(now);
        clean
    }

    /// When [`tick`](Self::tick) must be called, if bytes are held.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + PATIENCE)
    }

    /// Resolves held bytes whose time has come: the start of a secret is masked, not shown.
    #[must_use]
    pub fn tick(&mut self, now: Instant) -> Clean {
        if self.deadline().is_none_or(|due| now < due) {
            return Clean::default();
        }
        self.finish()
    }

    /// The stream has ended: resolves what is held.
    #[must_use]
    pub fn finish(&mut self) -> Clean {
        self.since = None;
        let whole = (0, self.held.len());
        let hits = if self.held.len() >= 4 { vec![whole] } else { Vec::new() };
        self.emit(&hits, self.held.len())
    }

    /// How many masks this stream has had.
    #[must_use]
    pub const fn redactions(&self) -> u64 {
        self.redactions
    }

    fn emit(&mut self, hits: &[(usize, usize)], to: usize) -> Clean {
        let mut out = Vec::with_capacity(to);
        let mut at = 0;
        for (start, end) in hits.iter().copied() {
            out.extend_from_slice(&self.held[at..start]);
            out.extend_from_slice(MASK.as_bytes());
            self.redactions += 1;
            at = end;
        }
        out.extend_from_slice(&self.held[at..to]);
        self.held.drain(..to);
        Clean::new(out)
    }
}

/// The hits in `hay`, overlapping and touching ones merged.
fn merged(state: &State, hay: &[u8]) -> Vec<(usize, usize)> {
    let Some(automaton) = &state.automaton else { return Vec::new() };
    let mut hits: Vec<_> = automaton.find_overlapping_iter(hay).map(|m| (m.start(), m.end())).collect();
    hits.sort_unstable();
    hits.dedup_by(|next, last| {
        let joins = next.0 <= last.1;
        if joins {
            last.1 = last.1.max(next.1);
        }
        joins
    });
    hits
}

/// Where the longest suffix of `hay` begins that some form could still complete, not before `floor`.
fn live_prefix(state: &State, hay: &[u8], floor: usize) -> usize {
    let longest = state.forms.iter().map(|form| form.len()).max().unwrap_or(0);
    let from = hay.len().saturating_sub(longest.saturating_sub(1)).max(floor);
    (from..hay.len())
        .find(|&at| {
            state.forms.iter().any(|form| form.len() > hay.len() - at && form.starts_with(&hay[at..]))
        })
        .unwrap_or(hay.len())
}

impl fmt::Debug for StreamRedactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamRedactor").field("redactions", &self.redactions).finish_non_exhaustive()
    }
}
