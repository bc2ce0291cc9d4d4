//! Cells: the normal bytes that one column of many lines holds, gathered so that they are searched together.

use std::ops::Range;

use zeroize::Zeroizing;

use super::block::MAP;
use super::index::Index;
use super::lane::{Span, TAIL, Text, Track};
use super::normal::Unit;

/// Raw bytes between two cells of one column, at most: `od -c` sets its cells three apart.
const APART: u64 = 3;
/// Cells gathered before they are searched; several of the longest lines.
const MANY: usize = 1024;

/// Cells that were gathered and not searched yet, after what earlier ones left; a scratch buffer that is used again
/// and again.
#[derive(Default)]
pub(super) struct Cells {
    bytes: Zeroizing<Vec<u8>>,
    /// Where each of them stands in the stream.
    places: Vec<u64>,
    len: usize,
}

impl Cells {
    /// Gathers what is not dropped of `line`, fewer than [`MANY`] bytes that stand at offset `at` of the stream. `track`
    /// is what earlier cells left; what it finds in those at hand, once they are many, goes to `spans`.
    pub(super) fn gather(
        &mut self,
        (line, at): (&[u8], u64),
        track: &mut Track,
        index: &Index,
        spans: &mut Vec<Span>,
    ) {
        if self.len + line.len() > TAIL + MANY {
            self.search(track, index, spans);
        }
        if self.len == 0 {
            // All at once: growing would leave what stands here behind.
            self.bytes.resize(TAIL + MANY, 0);
            self.places.resize(self.bytes.len(), 0);
            for unit in track.tail() {
                self.put(unit.byte, unit.start);
            }
        }
        for (byte, place) in line.iter().zip(at..) {
            self.put(MAP[usize::from(*byte)], place);
        }
    }

    /// Puts a byte at the end unless it is one that is dropped.
    #[inline]
    fn put(&mut self, byte: u8, place: u64) {
        self.bytes[self.len] = byte;
        self.places[self.len] = place;
        self.len += usize::from(byte != 0);
    }

    /// Searches what was gathered.
    pub(super) fn search(&mut self, track: &mut Track, index: &Index, spans: &mut Vec<Span>) {
        if self.len > 0 {
            track.search(index, self, spans);
            self.len = 0;
        }
    }
}

impl Text for Cells {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn units(&self, range: Range<usize>, mut with: impl FnMut(Unit)) {
        for (byte, start) in self.bytes[range.clone()].iter().zip(&self.places[range]) {
            with(Unit { byte: *byte, start: *start, end: start + 1 });
        }
    }

    /// One stretch for each line: what stands between two lines is not part of them.
    fn origins(&self, range: Range<usize>, with: impl FnMut(Range<u64>)) {
        let stretches = self.places[range].chunk_by(|one, next| *next <= one + 1 + APART);
        stretches.map(|places| places[0]..places[places.len() - 1] + 1).for_each(with);
    }
}
