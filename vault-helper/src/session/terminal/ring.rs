//! The last part of what a terminal printed, in a bounded amount of memory that grows only with what was printed.

use std::collections::VecDeque;

use crate::session::spool::Piece;

/// Bytes kept.
pub const KEPT: usize = 256 * 1024;
/// An allocation above this is given back when little of it is in use any more.
const ROOMY: usize = 4 * 1024;

/// Kept output. A cursor counts bytes from the very first one.
#[derive(Debug, Default)]
pub struct Ring {
    bytes: VecDeque<u8>,
    total: u64,
}

impl Ring {
    /// Adds bytes at the end; the oldest make room.
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let new = &bytes[bytes.len().saturating_sub(KEPT)..];
        let excess = (self.bytes.len() + new.len()).saturating_sub(KEPT);
        self.bytes.drain(..excess);
        if self.bytes.capacity() - self.bytes.len() < new.len() && self.bytes.capacity() < ROOMY {
            // A prompt or two: no doubling beyond what they need.
            self.bytes.reserve_exact(new.len());
        }
        self.bytes.extend(new);
    }

    /// Bytes ever added: the cursor behind the last one.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The cursor of the oldest byte kept.
    pub fn start(&self) -> u64 {
        self.total - self.bytes.len() as u64
    }

    /// At most `max` bytes from `cursor` on. A cursor beyond the end stands for the end.
    pub fn read(&self, cursor: u64, max: usize) -> Piece {
        let wanted = cursor.min(self.total);
        let from = wanted.max(self.start());
        // What is kept fits in memory, so the distance does.
        let skip = usize::try_from(from - self.start()).unwrap_or(usize::MAX).min(self.bytes.len());
        let end = self.bytes.len().min(skip.saturating_add(max));
        let bytes = self.bytes.range(skip..end).copied().collect();
        Piece { from, bytes, dropped: from - wanted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_in_any_pages() {
        let mut ring = Ring::default();
        let all: Vec<u8> = (0..KEPT).map(|i| (i % 251) as u8).collect();
        all.chunks(777).for_each(|piece| ring.push(piece));
        let (mut cursor, mut read) = (0, Vec::new());
        while cursor < ring.total() {
            let page = ring.read(cursor, 5000);
            assert_eq!((page.from, page.dropped), (cursor, 0));
            cursor += page.bytes.len() as u64;
            read.extend(page.bytes);
        }
        assert_eq!(read, all);
    }

    #[test]
    fn the_oldest_is_dropped_and_said() {
        let mut ring = Ring::default();
        ring.push(&vec![1; KEPT]);
        ring.push(&[2; 10]);
        assert_eq!(ring.read(4, 2), Piece { from: 10, bytes: vec![1; 2], dropped: 6 });
        ring.push(&vec![3; 3 * KEPT]);
        assert_eq!(ring.start(), 3 * KEPT as u64 + 10);
        assert_eq!(ring.read(u64::MAX, 10), Piece { from: ring.total(), bytes: Vec::new(), dropped: 0 });
    }

    #[test]
    fn a_prompt_takes_no_more_than_its_own_room() {
        let mut ring = Ring::default();
        ring.push(b"user@host:~$ ");
        assert!(ring.bytes.capacity() < 64, "{}", ring.bytes.capacity());
    }
}
