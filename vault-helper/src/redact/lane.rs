//! Lanes: the four readings of a stream, each with what it must remember between chunks.

use zeroize::Zeroize;

use super::index::{Hit, Index, REACH, Stop};
use super::islands::Islands;
use super::normal::{BLOCK, Normal, Specials, Unit, VIEWS, View, specials};

/// Normal bytes remembered from one block to the next.
pub(super) const TAIL: usize = REACH + 6;

/// Blocks without a special byte that are read along with one before them: all fit into the cache together.
const QUIET: usize = 3;

/// In place of a secret's number: masked, but nobody's in particular.
pub(super) const NOBODY: u32 = u32::MAX;

/// Raw bytes of the stream that must be masked, by their offsets, and whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) secret: u32,
}

/// The raw bytes at hand: `bytes` stand at offset `base` of the stream.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) base: u64,
    /// No byte follows these.
    pub(super) last: bool,
}

impl<'a> Raw<'a> {
    /// The offset after the last byte.
    pub(super) const fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// The bytes from offset `at` on.
    pub(super) fn from(&self, at: u64) -> &'a [u8] {
        &self.bytes[(at - self.base) as usize..]
    }
}

/// The end of a normalised text, in which a match may have begun.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Track {
    tail: Vec<Unit>,
    pending: usize,
}

impl Track {
    /// What was remembered, to begin the next block with.
    pub(super) fn tail(&self) -> &[Unit] {
        &self.tail
    }

    /// Searches a block that began with [`tail`](Self::tail) and remembers its end.
    pub(super) fn search(&mut self, index: &Index, block: &Normal, spans: &mut Vec<Span>) {
        let mut open: Option<Hit> = None;
        let mut close = |hit: Hit| {
            block.origins(hit.start..hit.end, |origin| {
                spans.push(Span { start: origin.start, end: origin.end, secret: hit.secret });
            })
        };
        index.search(block.bytes(), |hit| match &mut open {
            Some(last) if hit.start < last.end && hit.secret == last.secret => {
                last.start = last.start.min(hit.start);
                last.end = last.end.max(hit.end);
            }
            _ => {
                if let Some(last) = open.replace(hit) {
                    close(last);
                }
            }
        });
        open.into_iter().for_each(close);
        let len = block.bytes().len();
        self.tail.clear();
        block.units(len.saturating_sub(TAIL)..len, |unit| self.tail.push(unit));
    }

    /// Takes over what another track remembers.
    fn adopt(&mut self, other: &Self) {
        self.tail.clone_from(&other.tail);
        self.pending = other.pending;
    }

    /// Asks anew how much of the end may be the start of a match.
    pub(super) fn settle(&mut self, index: &Index) {
        let mut text = [0; TAIL];
        for (to, unit) in text.iter_mut().zip(&self.tail) {
            *to = unit.byte;
        }
        self.pending = index.pending(&text[..self.tail.len()]).min(self.tail.len());
    }

    /// How many normal bytes at the end may be the start of a match.
    pub(super) const fn pending(&self) -> usize {
        self.pending
    }

    /// The offset from which raw bytes must be held, if any.
    pub(super) fn hold(&self) -> Option<u64> {
        self.tail[self.tail.len() - self.pending..].iter().map(|unit| unit.start).min()
    }

    /// The raw bytes that must be masked if the stream stops now.
    pub(super) fn grave(&self, index: &Index, stop: Stop) -> Option<Span> {
        let text: zeroize::Zeroizing<Vec<u8>> =
            zeroize::Zeroizing::new(self.tail.iter().map(|unit| unit.byte).collect());
        let units = &self.tail[self.tail.len() - index.grave(&text, self.pending, stop)..];
        let start = units.iter().map(|unit| unit.start).min()?;
        let end = units.iter().map(|unit| unit.end).max()?;
        Some(Span { start, end, secret: NOBODY })
    }

    /// Forgets everything: the text was interrupted.
    pub(super) fn clear(&mut self) {
        self.tail.clear();
        self.pending = 0;
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        self.tail.iter_mut().for_each(|unit| unit.byte.zeroize());
    }
}

/// One reading of the stream.
struct Lane {
    view: View,
    track: Track,
    /// Offset up to which raw bytes were understood.
    parsed: u64,
    /// The raw byte before that.
    before: u8,
}

impl Lane {
    /// Reads a block of at most `most` bytes, which ends at `shore` at the latest: no match goes on there.
    fn step(
        &mut self,
        index: &Index,
        raw: Raw<'_>,
        (most, shore): (usize, u64),
        normal: &mut Normal,
        spans: &mut Vec<Span>,
    ) {
        let rest = &raw.from(self.parsed)[..(shore - self.parsed) as usize];
        let block = &rest[..rest.len().min(most)];
        normal.begin(self.track.tail());
        let last = (raw.last || shore < raw.end()) && block.len() == rest.len();
        let used = normal.feed(self.view, block, self.parsed, last, self.before);
        if used > 0 {
            self.track.search(index, normal, spans);
            self.before = block[used - 1];
            self.parsed += used as u64;
        }
    }

    /// Goes past bytes that hold no part of a match.
    fn skip(&mut self, raw: Raw<'_>, to: u64) {
        if to > self.parsed {
            self.track.clear();
            self.before = raw.from(to - 1)[0];
            self.parsed = to;
        }
    }
}

/// All readings of one stream.
pub(super) struct Lanes {
    lanes: [Lane; 4],
    normal: Normal,
    islands: Islands,
}

impl Lanes {
    pub(super) fn new() -> Self {
        let lane = |view| Lane { view, track: Track::default(), parsed: 0, before: 0 };
        Self { lanes: VIEWS.map(lane), normal: Normal::default(), islands: Islands::default() }
    }

    /// Reads everything up to the end of `raw` that can be understood yet.
    pub(super) fn advance(&mut self, index: &Index, raw: Raw<'_>, spans: &mut Vec<Span>) {
        if index.is_empty() {
            return self.skip(raw.end());
        }
        self.islands.survey(index, raw, self.parsed(), self.lanes.each_ref().map(|lane| lane.parsed));
        loop {
            let before = self.lanes.each_ref().map(|lane| lane.parsed);
            self.lanes.iter_mut().for_each(|lane| lane.skip(raw, self.islands.next(lane.parsed)));
            let (twins, most) = self.twins(raw);
            for (at, twin) in twins.into_iter().enumerate() {
                let (earlier, rest) = self.lanes.split_at_mut(at);
                let lane = &mut rest[0];
                if let Some(twin) = twin.map(|twin| &earlier[twin]) {
                    lane.track.adopt(&twin.track);
                    (lane.parsed, lane.before) = (twin.parsed, twin.before);
                } else if lane.parsed < raw.end() {
                    let shore = self.islands.shore(lane.parsed);
                    lane.step(index, raw, (most, shore), &mut self.normal, spans);
                }
            }
            if before == self.lanes.each_ref().map(|lane| lane.parsed) {
                break;
            }
        }
        self.lanes.iter_mut().for_each(|lane| lane.track.settle(index));
    }

    /// For each lane, an earlier one that will read the next bytes in the same way; and how many bytes to read.
    fn twins(&self, raw: Raw<'_>) -> ([Option<usize>; 4], usize) {
        let at = self.lanes[0].parsed;
        let rest = &raw.from(at)[..(self.islands.shore(at) - at) as usize];
        let found = specials(&rest[..rest.len().min(BLOCK)]);
        let same = |a: usize, b: usize| {
            let (a, b) = (&self.lanes[a], &self.lanes[b]);
            a.parsed == b.parsed && a.track == b.track && a.parsed == self.lanes[0].parsed
        };
        let (terminal, character) = (found.terminal, found.character);
        let twins = [
            None,
            (!terminal && same(1, 0)).then_some(0),
            (!character && same(2, 0)).then_some(0),
            if !character && same(3, 1) { Some(1) } else { (!terminal && same(3, 2)).then_some(2) },
        ];
        let mut most = BLOCK;
        if twins[1..] == [Some(0), Some(0), Some(1)] {
            // All read alike: as long as that lasts, in one go.
            let quiet = |block: &&[u8]| specials(block) == Specials::NONE;
            most += rest.chunks(BLOCK).skip(1).take(QUIET).take_while(quiet).map(<[u8]>::len).sum::<usize>();
        }
        (twins, most)
    }

    /// Goes past bytes that nobody looks at.
    pub(super) fn skip(&mut self, to: u64) {
        for lane in &mut self.lanes {
            lane.track.clear();
            lane.parsed = to;
        }
    }

    /// The offset from which raw bytes must be held, if any.
    pub(super) fn hold(&self, end: u64) -> Option<u64> {
        let partial = Some(self.parsed()).filter(|at| *at < end);
        self.lanes.iter().filter_map(|lane| lane.track.hold()).chain(partial).min()
    }

    /// The offset up to which every lane has read.
    pub(super) fn parsed(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.parsed).min().unwrap_or(0)
    }

    /// The longest start of a match that is pending, in normal bytes.
    pub(super) fn pending(&self) -> usize {
        self.lanes.iter().map(|lane| lane.track.pending()).max().unwrap_or(0)
    }

    /// The raw bytes that must be masked if the stream stops now.
    pub(super) fn grave(&self, index: &Index, stop: Stop, spans: &mut Vec<Span>) {
        spans.extend(self.lanes.iter().filter_map(|lane| lane.track.grave(index, stop)));
    }
}
