//! Output that is kept for later reading: its beginning and its end, in a bounded
//! amount of memory, with cursors that never change their meaning.

use std::collections::VecDeque;

/// Bytes kept from the beginning.
pub const HEAD: usize = 128 * 1024;
/// Bytes kept from the end.
pub const TAIL: usize = 512 * 1024;

/// Kept output. A cursor counts bytes from the very first one.
#[derive(Debug, Default)]
pub struct Spool {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

/// A piece of kept output.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Cursor of its first byte.
    pub from: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Bytes between the cursor asked for and `from` that are no longer kept.
    pub dropped: u64,
}

impl Spool {
    /// Adds bytes at the end; the oldest beyond the head make room.
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let into_head = bytes.len().min(HEAD - self.head.len());
        let (head, mut rest) = bytes.split_at(into_head);
        self.head.extend_from_slice(head);
        if rest.len() > TAIL {
            rest = &rest[rest.len() - TAIL..];
        }
        let excess = (self.tail.len() + rest.len()).saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.tail.extend(rest);
    }

    /// Bytes ever added.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// At most `max` bytes from `cursor` on.
    pub fn read(&self, cursor: u64, max: usize) -> Piece {
        let tail_from = self.total - self.tail.len() as u64;
        let wanted = cursor.min(self.total);
        if let Some(rest) =
            usize::try_from(wanted).ok().and_then(|at| self.head.get(at..)).filter(|r| !r.is_empty())
        {
            return Piece { from: wanted, bytes: rest[..rest.len().min(max)].to_vec(), dropped: 0 };
        }
        let from = wanted.max(tail_from);
        let skip = usize::try_from(from - tail_from).unwrap_or(usize::MAX);
        Piece {
            from,
            bytes: self.tail.iter().skip(skip).take(max).copied().collect(),
            dropped: from - wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_read_back_whole_in_any_pages() {
        let mut spool = Spool::default();
        let all: Vec<u8> = (0..HEAD + 1000).map(|i| (i % 251) as u8).collect();
        for piece in all.chunks(777) {
            spool.push(piece);
        }
        let (mut cursor, mut read) = (0, Vec::new());
        while cursor < spool.total() {
            let page = spool.read(cursor, 5000);
            assert_eq!(page.dropped, 0);
            cursor = page.from + page.bytes.len() as u64;
            read.extend(page.bytes);
        }
        assert_eq!(read, all);
    }

    #[test]
    fn the_middle_of_too_much_is_dropped_and_said() {
        let mut spool = Spool::default();
        let total = HEAD + 3 * TAIL;
        spool.push(&vec![1; HEAD]);
        spool.push(&vec![2; 2 * TAIL]);
        spool.push(&vec![3; TAIL]);
        let page = spool.read(HEAD as u64, 10);
        assert_eq!(page, Piece { from: (total - TAIL) as u64, bytes: vec![3; 10], dropped: 2 * TAIL as u64 });
    }

    #[test]
    fn a_cursor_beyond_the_end_waits_at_the_end() {
        let mut spool = Spool::default();
        spool.push(b"abc");
        assert_eq!(spool.read(99, 10), Piece { from: 3, bytes: Vec::new(), dropped: 0 });
    }
}
