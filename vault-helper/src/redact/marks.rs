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

/// A mark for each byte of which `is` holds; the compiler makes vector code of its first half.
#[inline]
pub(super) fn of(cell: &[u8; WORD], is: impl Fn(u8) -> bool) -> u64 {
    let mut flags = [0_u8; WORD];
    for (flag, byte) in flags.iter_mut().zip(cell) {
        *flag = if is(*byte) { 0xff } else { 0 };
    }
    // Leaves another bit of each of eight, and adds them up in the highest byte.
    gather(&flags, |eight| (eight & 0x8040_2010_0804_0201).wrapping_mul(0x0101_0101_0101_0101))
}

/// A mark for each byte that has its highest bit set.
#[inline]
pub(super) fn high(cell: &[u8; WORD]) -> u64 {
    gather(cell, |eight| (eight >> 7 & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080))
}

/// The highest bytes of what `each` makes of eight bytes at a time.
#[inline]
fn gather(cell: &[u8; WORD], each: impl Fn(u64) -> u64) -> u64 {
    let (eights, _) = cell.as_chunks::<8>();
    let bytes =
        eights.iter().enumerate().map(|(n, eight)| (each(u64::from_le_bytes(*eight)) >> 56) << (8 * n));
    bytes.fold(0, |marks, byte| marks | byte)
}
