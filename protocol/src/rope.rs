//! Bytes in pieces: read and written in their order without being copied together.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// Bytes in a piece that is not worth an allocation of its own.
const SMALL: usize = 4 * 1024;

/// Pieces of bytes, one behind the other. Reading goes across their borders.
#[derive(Debug, Clone, Default)]
pub struct Rope {
    /// None of them is empty.
    pieces: VecDeque<Bytes>,
    length: usize,
}

impl Rope {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece at the end. Small ones are copied together: whoever sends byte by byte must not have each byte kept in
    /// an allocation of its own.
    pub fn push(&mut self, piece: impl Into<Bytes>) {
        let piece = piece.into();
        self.length += piece.len();
        match self.pieces.back_mut() {
            _ if piece.is_empty() => {}
            Some(last) if last.len() < SMALL && piece.len() < SMALL => {
                let whole = std::mem::take(last).try_into_mut();
                let mut whole = whole.unwrap_or_else(|shared| BytesMut::from(&shared[..]));
                whole.extend_from_slice(&piece);
                *last = whole.freeze();
            }
            _ => self.pieces.push_back(piece),
        }
    }

    /// Adds all of another at the end.
    pub fn append(&mut self, other: Self) {
        other.pieces.into_iter().for_each(|piece| self.push(piece));
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether all of them are zero.
    pub fn is_zero(&self) -> bool {
        self.pieces.iter().flatten().all(|byte| *byte == 0)
    }

    /// Takes the first piece off, or as much of it as the first `most` bytes; nothing when there are none.
    pub fn take_piece(&mut self, most: usize) -> Option<Bytes> {
        let first = self.pieces.front_mut()?;
        let piece = match first.len() <= most {
            true => self.pieces.pop_front()?,
            false => first.split_to(most),
        };
        self.length -= piece.len();
        Some(piece)
    }

    /// Takes the first `count` bytes off, or all when there are not so many.
    #[must_use]
    pub fn split_to(&mut self, count: usize) -> Self {
        let mut taken = Self::new();
        while taken.len() < count
            && let Some(piece) = self.take_piece(count - taken.len())
        {
            taken.push(piece);
        }
        taken
    }

    /// All of it in one piece: copied only when it is in several.
    pub fn into_bytes(mut self) -> Bytes {
        self.copy_to_bytes(self.length)
    }
}

impl From<Vec<u8>> for Rope {
    fn from(bytes: Vec<u8>) -> Self {
        let mut rope = Self::new();
        rope.push(bytes);
        rope
    }
}

impl IntoIterator for Rope {
    type Item = Bytes;
    type IntoIter = std::collections::vec_deque::IntoIter<Bytes>;

    fn into_iter(self) -> Self::IntoIter {
        self.pieces.into_iter()
    }
}

/// By what they hold, wherever their pieces end.
impl PartialEq for Rope {
    fn eq(&self, other: &Self) -> bool {
        self.pieces.iter().flatten().eq(other.pieces.iter().flatten())
    }
}

impl Eq for Rope {}

impl Buf for Rope {
    fn remaining(&self) -> usize {
        self.length
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map(AsRef::as_ref).unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let pieces = self.pieces.iter().zip(&mut *into);
        pieces.map(|(piece, slot)| *slot = IoSlice::new(piece)).count()
    }

    /// # Panics
    /// When there are not so many, as with every [`Buf`].
    fn advance(&mut self, count: usize) {
        assert!(count <= self.length, "a rope of {} bytes goes on by {count}", self.length);
        let _ = self.split_to(count);
    }

    /// # Panics
    /// When there are not so many, as with every [`Buf`].
    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        assert!(count <= self.length, "a rope of {} bytes gives {count}", self.length);
        let mut taken = self.split_to(count);
        match taken.pieces.len() {
            0 | 1 => taken.pieces.pop_front().unwrap_or_default(),
            _ => Bytes::from(taken.pieces.make_contiguous().concat()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_read_is_what_was_put_in_wherever_the_pieces_end(
            pieces: Vec<Vec<u8>>,
            steps: Vec<(u8, u8)>,
        ) {
            let whole = pieces.concat();
            let mut rope = Rope::new();
            pieces.into_iter().for_each(|piece| rope.push(piece));
            prop_assert_eq!(rope.len(), whole.len());
            let mut slots = [IoSlice::new(&[]); 256];
            let used = rope.chunks_vectored(&mut slots);
            let first: Vec<u8> = slots[..used].iter().flat_map(|slot| slot.to_vec()).collect();
            prop_assert!(whole.starts_with(&first) && (used == slots.len() || first == whole));
            let mut read = Vec::new();
            for (way, count) in steps {
                let count = usize::from(count).min(rope.remaining());
                match way % 4 {
                    0 => read.extend(rope.copy_to_bytes(count)),
                    1 => read.extend(rope.split_to(count).into_bytes()),
                    2 => read.extend(rope.take_piece(count).unwrap_or_default()),
                    _ => {
                        let chunk = rope.chunk();
                        let count = count.min(chunk.len());
                        read.extend_from_slice(&chunk[..count]);
                        rope.advance(count);
                    }
                }
                prop_assert_eq!(rope.len() + read.len(), whole.len());
            }
            read.extend(rope.into_bytes());
            prop_assert_eq!(read, whole);
        }
    }

    #[test]
    fn bytes_that_come_one_by_one_are_put_together() {
        let mut rope = Rope::new();
        (0..100_000).for_each(|_| rope.push(vec![7]));
        assert_eq!(rope.len(), 100_000);
        assert!(rope.pieces.len() <= 100_000 / SMALL + 1, "{} pieces", rope.pieces.len());
    }

    #[test]
    fn a_rope_of_one_piece_is_not_copied() {
        let piece = Bytes::from(vec![7; 100]);
        let mut rope = Rope::new();
        rope.push(piece.clone());
        assert_eq!(rope.copy_to_bytes(60).as_ptr(), piece.as_ptr());
    }
}
