//! Marks: one bit for each byte of a text, in words of 64, the first byte's in the lowest place.

use std::ops::Range;

/// Bytes behind one word of marks.
pub(super) const WORD: usize = 64;

/// Lowest mark at `from` or after it.
#[inline]
pub(super) fn next(marks: &[u64], from: usize) -> Option<usize> {
    let mut word = from / WORD;
    let mut here = marks.get(word)? & !bits(0, from % WORD);
    while here == 0 {
        word += 1;
        here = *marks.get(word)?;
    }
    Some(word * WORD + here.trailing_zeros() as usize)
}

/// Highest mark before `to`.
#[inline]
pub(super) fn last_before(marks: &[u64], to: usize) -> Option<usize> {
    let mut word = to / WORD;
    let mut here = marks.get(word).map_or(0, |marks| marks & bits(0, to % WORD));
    while here == 0 {
        word = word.checked_sub(1)?;
        here = marks[word];
    }
    Some(word * WORD + here.ilog2() as usize)
}

/// Takes the marks of `range` away.
#[inline]
pub(super) fn clear(marks: &mut [u64], range: Range<usize>) {
    let mut from = range.start;
    while from < range.end {
        let to = ((from / WORD + 1) * WORD).min(range.end);
        marks[from / WORD] &= !bits(from % WORD, to - from);
        from = to;
    }
}

/// `count` bits, at most 64, from bit `from` on.
#[inline]
pub(super) const fn bits(from: usize, count: usize) -> u64 {
    if count == 0 { 0 } else { (!0 >> (WORD - count)) << from }
}

const HIGH: u64 = 0x8080_8080_8080_8080;

/// A mark for each byte that has its highest bit set.
#[inline]
pub(super) fn high(cell: &[u8; WORD]) -> u64 {
    gather(cell, |word| word)
}

/// A mark for each byte that is not zero.
#[inline]
pub(super) fn nonzero(cell: &[u8; WORD]) -> u64 {
    gather(cell, |word| ((word & !HIGH) + !HIGH) | word)
}

/// The highest bits of what `each` makes of eight bytes at a time.
#[inline]
fn gather(cell: &[u8; WORD], each: impl Fn(u64) -> u64) -> u64 {
    let (eights, _) = cell.as_chunks::<8>();
    eights.iter().enumerate().fold(0, |marks, (n, eight)| {
        let high = (each(u64::from_le_bytes(*eight)) & HIGH) >> 7;
        // Gathers the eight bits into one byte.
        marks | (high.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * n)
    })
}
