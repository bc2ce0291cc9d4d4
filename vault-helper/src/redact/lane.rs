//! Lanes: the four readings of a stream, each with what it must remember between chunks.

use std::ops::Range;

use zeroize::Zeroize;

use super::block::{Block, Piece};
use super::index::{Hit, Index, REACH, Stop};
use super::islands::Islands;
use super::normal::{Normal, Unit, VIEWS, View};

/// Normal bytes remembered from one block to the next.
pub(super) const TAIL: usize = REACH + 6;

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

/// What reading takes besides memory of what was read: used again and again, and shared.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) block: Block,
    pub(super) normal: Normal,
}

/// Normal text that knows where in the stream its bytes stand.
pub(super) trait Text {
    fn bytes(&self) -> &[u8];

    /// The normal bytes of `range` with their origins, in order.
    fn units(&self, range: Range<usize>, with: impl FnMut(Unit));

    /// Where the raw bytes of `range`, which is not empty, are in the stream: one stretch or several.
    fn origins(&self, range: Range<usize>, with: impl FnMut(Range<u64>));
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

    /// Searches a text that began with [`tail`](Self::tail) and remembers its end.
    pub(super) fn search(&mut self, index: &Index, text: &impl Text, spans: &mut Vec<Span>) {
        let mut open: Option<Hit> = None;
        let mut close = |hit: Hit| {
            text.origins(hit.start..hit.end, |origin| {
                spans.push(Span { start: origin.start, end: origin.end, secret: hit.secret });
            })
        };
        index.search(text.bytes(), |hit| match &mut open {
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
        let len = text.bytes().len();
        self.tail.clear();
        text.units(len.saturating_sub(TAIL)..len, |unit| self.tail.push(unit));
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
    /// Reads what is left of `piece`, which was looked over.
    fn step(&mut self, index: &Index, piece: Piece<'_>, scratch: &mut Scratch, spans: &mut Vec<Span>) {
        let from = (self.parsed - piece.at) as usize;
        let normal = &mut scratch.normal;
        normal.begin(self.track.tail());
        let to = normal.read(self.view, &scratch.block, piece, from, self.before);
        if to > from {
            self.track.search(index, normal, spans);
            self.before = piece.ahead[to - 1];
            self.parsed = piece.at + to as u64;
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
    islands: Islands,
}

impl Lanes {
    pub(super) fn new() -> Self {
        let lane = |view| Lane { view, track: Track::default(), parsed: 0, before: 0 };
        Self { lanes: VIEWS.map(lane), islands: Islands::default() }
    }

    /// Reads everything up to the end of `raw` that can be understood yet.
    pub(super) fn advance(
        &mut self,
        index: &Index,
        raw: Raw<'_>,
        scratch: &mut Scratch,
        spans: &mut Vec<Span>,
    ) {
        if index.is_empty() {
            return self.skip(raw.end());
        }
        self.islands.survey(index, raw, self.parsed(), self.lanes.each_ref().map(|lane| lane.parsed));
        loop {
            let before = self.lanes.each_ref().map(|lane| lane.parsed);
            self.lanes.iter_mut().for_each(|lane| lane.skip(raw, self.islands.next(lane.parsed)));
            let piece = self.piece(raw);
            scratch.block.look(piece);
            let twins = self.twins(piece.at, &scratch.block);
            for (at, twin) in twins.into_iter().enumerate() {
                let (earlier, rest) = self.lanes.split_at_mut(at);
                let lane = &mut rest[0];
                if let Some(twin) = twin.map(|twin| &earlier[twin]) {
                    lane.track.adopt(&twin.track);
                    (lane.parsed, lane.before) = (twin.parsed, twin.before);
                } else if lane.parsed < piece.end() {
                    lane.step(index, piece, scratch, spans);
                }
            }
            if before == self.lanes.each_ref().map(|lane| lane.parsed) {
                break;
            }
        }
        self.lanes.iter_mut().for_each(|lane| lane.track.settle(index));
    }

    /// The bytes to read next: from where the slowest lane is, up to the end of its island at the latest.
    fn piece<'a>(&self, raw: Raw<'a>) -> Piece<'a> {
        let at = self.parsed();
        let shore = self.islands.shore(at);
        let rest = &raw.from(at)[..(shore - at) as usize];
        Piece::of(rest, at, raw.last || shore < raw.end())
    }

    /// For each lane, an earlier one that will read `block`, which begins at offset `at`, in the same way.
    fn twins(&self, at: u64, block: &Block) -> [Option<usize>; 4] {
        let same = |a: usize, b: usize| {
            let (a, b) = (&self.lanes[a], &self.lanes[b]);
            a.parsed == at && b.parsed == at && a.track == b.track
        };
        let terminal = block.sequences().iter().any(|sequence| sequence.terminal);
        let character = block.sequences().iter().any(|sequence| !sequence.terminal);
        [
            None,
            (!terminal && same(1, 0)).then_some(0),
            (!character && same(2, 0)).then_some(0),
            if !character && same(3, 1) { Some(1) } else { (!terminal && same(3, 2)).then_some(2) },
        ]
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
