//! Islands: the stretches of a chunk that could hold a window at all.
//!
//! In binary data most bytes are ones that no form has, and between two of those there is rarely room for a window.
//! What lies between islands is never normalised or searched, which is what makes exact copies of large files fast.
//!
//! Only bytes from 0x80 on can part two islands ("shores"): everything below is dropped by some view, may belong to an
//! escape, or is in some form anyway. Where a view drops a shore, it is none: inside a control string, and
//! before a backspace.

use super::block::MAP;
use super::escapes::{self, Token};
use super::index::Index;
use super::lane::Raw;
use super::marks::{self, WORD as CELL, bits};

/// Shorter chunks are read as they are.
const FEW: usize = 4 * CELL;
/// One part in so many of a chunk has to be skipped for the skipping to be worth its cost.
const WORTH: usize = 4;

/// The islands of one chunk; a scratch map that is used again and again.
#[derive(Default)]
pub(super) struct Islands {
    /// Offset of the first cell.
    base: u64,
    end: u64,
    /// Whether there is anything to skip.
    some: bool,
    /// A bit for each byte: whether it is a shore.
    shores: Vec<u64>,
    /// A bit for each cell: whether an island touches it.
    land: Vec<u64>,
}

impl Islands {
    /// Finds the islands in `raw` from `from` on. The text at each of `open`, where a reading goes on, and at the end
    /// belongs to one, however short it is.
    pub(super) fn survey(&mut self, index: &Index, raw: Raw<'_>, from: u64, open: [u64; 4]) {
        let bytes = raw.from(from);
        (self.base, self.end) = (from, raw.end());
        self.some = bytes.len() >= FEW && !bytes.is_ascii();
        if !self.some {
            return;
        }
        self.note_shores(index, bytes);
        self.forget_dropped(bytes);
        self.note_land(bytes, index.shortest());
        for at in open {
            self.keep_around((at - from) as usize);
        }
        // A backspace that comes next may take shores back.
        self.keep_around(bytes.len() - CELL);
        self.keep_around(bytes.len() - 1);
        let cells: u32 = self.land.iter().map(|cells| cells.count_ones()).sum();
        self.some = cells as usize * CELL < bytes.len() - bytes.len() / WORTH;
    }

    fn note_shores(&mut self, index: &Index, bytes: &[u8]) {
        let used = index.high();
        self.shores.clear();
        let (cells, rest) = bytes.as_chunks::<CELL>();
        self.shores.extend(cells.iter().map(|cell| shores(cell, used)));
        if !rest.is_empty() {
            let mut cell = [0; CELL];
            cell[..rest.len()].copy_from_slice(rest);
            self.shores.push(shores(&cell, used));
        }
    }

    /// Takes back the shores that some view drops.
    fn forget_dropped(&mut self, bytes: &[u8]) {
        for at in memchr::memchr2_iter(0x08, 0x1b, bytes) {
            if bytes[at] == 0x08 {
                if let Some(shore) = marks::last_before(&self.shores, at) {
                    marks::clear(&mut self.shores, shore..shore + 1);
                }
                continue;
            }
            let to = match escapes::terminal(&bytes[at..]) {
                Token::Whole(length) => at + length,
                Token::Partial => bytes.len(),
                Token::Text => continue,
            };
            marks::clear(&mut self.shores, at..to);
        }
    }

    /// Notes the cells of every run between two shores in which a window of so many normal bytes has room. No view
    /// makes more normal bytes of a run than the plainest one.
    fn note_land(&mut self, bytes: &[u8], window: usize) {
        self.land.clear();
        self.land.resize(self.shores.len().div_ceil(64), 0);
        let mut ends = RunEnds::of(window);
        let mut done = 0;
        for cell in 0..self.shores.len() {
            let mut rest = ends.next(!self.shores[cell]);
            while rest != 0 {
                let at = cell * CELL + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                if at < done {
                    continue;
                }
                let from = marks::last_before(&self.shores, at).map_or(0, |shore| shore + 1);
                done = self.shore_after(at).min(bytes.len());
                let kept = bytes[from..done].iter().filter(|byte| MAP[usize::from(**byte)] != 0);
                if kept.take(window).count() == window {
                    self.keep(from, done - 1);
                }
            }
        }
    }

    /// The first shore after `at`, or the end of the map.
    fn shore_after(&self, at: usize) -> usize {
        marks::next(&self.shores, at).unwrap_or(self.shores.len() * CELL)
    }

    /// Makes land of the run that byte `at` is in.
    fn keep_around(&mut self, at: usize) {
        if at / CELL < self.shores.len() {
            let from = marks::last_before(&self.shores, at).unwrap_or(0);
            self.keep(from, self.shore_after(at));
        }
    }

    fn keep(&mut self, first: usize, last: usize) {
        for cell in first / CELL..=(last / CELL).min(self.shores.len() - 1) {
            self.land[cell / 64] |= 1 << (cell % 64);
        }
    }

    /// The first offset from `at` on that has to be read.
    pub(super) fn next(&self, at: u64) -> u64 {
        self.find(at, false)
    }

    /// The end of the island that `at` is on.
    pub(super) fn shore(&self, at: u64) -> u64 {
        if self.some { self.find(at, true) } else { self.end }
    }

    /// The first offset from `at` on whose cell is land, or is `water`.
    fn find(&self, at: u64, water: bool) -> u64 {
        if !self.some {
            return at;
        }
        let flip = if water { !0 } else { 0 };
        let cell = (at - self.base) as usize / CELL;
        let Some(&first) = self.land.get(cell / 64) else { return at };
        let mut here = (first ^ flip) & !bits(0, cell % 64);
        for (n, next) in self.land[cell / 64..].iter().skip(1).chain([&0]).enumerate() {
            if here != 0 {
                let found = (cell / 64 + n) * 64 + here.trailing_zeros() as usize;
                return (self.base + (found * CELL) as u64).clamp(at, self.end);
            }
            here = next ^ flip;
        }
        self.end
    }
}

/// Finds where runs of so many set bits end, 64 bits at a time.
struct RunEnds {
    /// By how much each step moves the bits of the one before, and what that one left of the 64 bits before.
    steps: [(u32, u64); 5],
}

impl RunEnds {
    /// Runs of `length` bits, from 1 to 32.
    fn of(length: usize) -> Self {
        let mut run = 1;
        Self {
            steps: std::array::from_fn(|_| {
                let more = run.min(length - run);
                run += more;
                (more as u32, 0)
            }),
        }
    }

    /// Which of the next 64 bits a run goes up to.
    fn next(&mut self, mut runs: u64) -> u64 {
        for (by, before) in &mut self.steps {
            let moved = runs << *by | before.checked_shr(64 - *by).unwrap_or(0);
            *before = runs;
            runs &= moved;
        }
        runs
    }
}

/// A bit for each byte from 0x80 on that is not `used`.
fn shores(cell: &[u8; CELL], used: Option<&[bool; 128]>) -> u64 {
    let mut marks = marks::high(cell);
    let Some(used) = used else { return marks };
    let mut rest = marks;
    while rest != 0 {
        let n = rest.trailing_zeros();
        rest &= rest - 1;
        marks &= !(u64::from(used[usize::from(cell[n as usize] & 0x7f)]) << n);
    }
    marks
}
