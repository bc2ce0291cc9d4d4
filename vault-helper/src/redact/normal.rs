//! Normalising: what is left of output once everything that cannot hide a secret is taken away.
//!
//! White space, controls, quotes and backslashes go; `-` and `_` become `+` and `/`, so that base64 has one
//! alphabet. A [`View`] says whether terminal sequences are dropped too, and whether character escapes are
//! decoded. Secrets go through the same machine, so quotings of one meet in one normal form. Every
//! normal byte remembers the raw bytes it came from.

use std::ops::Range;

use zeroize::Zeroizing;

use super::escapes::{self, Decoded, Token};

/// Raw bytes taken in one step.
pub(super) const BLOCK: usize = escapes::LONGEST;
/// Raw bytes behind one entry of the map back.
const STRETCH: usize = 64;
/// Bytes copied at once out of a stretch.
const RUN: usize = 16;
/// Bytes mapped at once: the copies read what was written long enough before to be in the cache.
const GROUP: usize = 16 * STRETCH;
/// Fewer bytes than these are gone through one by one.
const FEW: usize = 32;
/// Bytes of a block that are looked at for whether they begin a sequence; if there are more, one will.
const LOOKS: usize = 64;
/// Raw bytes between two cells of one column, at most: `od -c` sets its cells three apart.
const CELL: u64 = 3;

/// One way to read the output. A remote program chooses what it prints, so all four are always watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// Terminal sequences are dropped and backspaces take a character back; otherwise they are text.
    pub(super) strip: bool,
    /// Backslash, percent and XML escapes are decoded; otherwise they are text.
    pub(super) decode: bool,
}

/// All views; a block without special bytes is read once for all of them.
pub(super) const VIEWS: [View; 4] = [
    View { strip: false, decode: false },
    View { strip: true, decode: false },
    View { strip: false, decode: true },
    View { strip: true, decode: true },
];

/// What a byte becomes: zero means it is dropped.
pub(super) const MAP: [u8; 256] = {
    let mut map = [0; 256];
    let mut byte = 0x21;
    while byte < 256 {
        map[byte] = match byte as u8 {
            b'"' | b'\'' | b'\\' | 0x7f => 0,
            b'-' => b'+',
            b'_' => b'/',
            plain => plain,
        };
        byte += 1;
    }
    map
};

const TERMINAL: u8 = 1;
const CHARACTER: u8 = 2;

/// Which bytes make the views differ.
const SPECIAL: [u8; 256] = {
    let mut special = [0; 256];
    special[0x1b] = TERMINAL;
    special[0x08] = TERMINAL;
    special[b'\\' as usize] = CHARACTER;
    special[b'%' as usize] = CHARACTER;
    special[b'&' as usize] = CHARACTER;
    special
};

/// Which kinds of sequences a block holds: whether views that differ in them read it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Specials {
    pub(super) terminal: bool,
    pub(super) character: bool,
}

impl Specials {
    pub(super) const NONE: Self = Self { terminal: false, character: false };
}

/// Looks a block over. The first look is written so that the compiler makes vector code of it; only bytes that may
/// begin a sequence are then looked at one by one.
pub(super) fn specials(raw: &[u8]) -> Specials {
    let mut found = Specials::NONE;
    for piece in raw.chunks(64) {
        let (mut terminal, mut character) = (0_u8, 0_u8);
        for &byte in piece {
            terminal |= u8::from(byte == 0x1b) | u8::from(byte == 0x08);
            character |= u8::from(byte == b'\\') | u8::from(byte == b'%') | u8::from(byte == b'&');
        }
        found.terminal |= terminal != 0;
        found.character |= character != 0;
    }
    let real = |(n, at): (usize, usize)| n >= LOOKS || !matches!(step(&raw[at..], false), Step::Text(_));
    Specials {
        terminal: found.terminal && memchr::memchr2_iter(0x1b, 0x08, raw).enumerate().any(real),
        character: found.character && memchr::memchr3_iter(b'\\', b'%', b'&', raw).enumerate().any(real),
    }
}

/// Where a normal byte came from: raw offsets in the stream, the end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) byte: u8,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// A stretch of raw bytes behind the normal bytes from `at` on.
struct Stretch {
    at: usize,
    start: u64,
    end: u64,
    /// A bit for each of its raw bytes that stayed; `None` if all its normal bytes stand for all of them.
    stay: Option<u64>,
}

/// Normal bytes with their map back; a scratch buffer that is used again and again.
#[derive(Default)]
pub(super) struct Normal {
    bytes: Zeroizing<Vec<u8>>,
    len: usize,
    earlier: Vec<Unit>,
    map: Vec<Stretch>,
    mapped: Mapped,
    /// The bytes are columns of lines: what stands between two lines is not part of them.
    columns: bool,
}

impl Normal {
    /// A buffer for the columns of lines.
    pub(super) fn of_columns() -> Self {
        Self { columns: true, ..Self::default() }
    }

    /// Starts over, with what earlier blocks left.
    pub(super) fn begin(&mut self, earlier: &[Unit]) {
        self.map.clear();
        self.earlier.clear();
        self.earlier.extend_from_slice(earlier);
        self.len = 0;
        self.room(earlier.len());
        for unit in earlier {
            self.bytes[self.len] = unit.byte;
            self.len += 1;
        }
    }

    /// The normal bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Makes room for `more` bytes and the stretch after them.
    pub(super) fn room(&mut self, more: usize) {
        let needed = self.len + more + STRETCH + RUN;
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
    }

    /// Takes `raw`, which stands at offset `at` of the stream, and returns how much of it was understood:
    /// all, or up to a sequence that goes on after it. At the `last` bytes of a stream it is always all.
    /// `before` is the raw byte before them.
    pub(super) fn feed(&mut self, view: View, raw: &[u8], at: u64, last: bool, before: u8) -> usize {
        let mask = if view.strip { TERMINAL } else { 0 } | if view.decode { CHARACTER } else { 0 };
        self.room(raw.len());
        // Bytes from `from` on are not taken yet; those before `look` are known to be ordinary text.
        let (mut from, mut look) = (0, 0);
        loop {
            let special = |byte: &u8| SPECIAL[usize::from(*byte)] & mask != 0;
            let next = if mask == 0 { None } else { raw[look..].iter().position(special) };
            let Some(to) = next.map(|n| look + n) else {
                self.plain(&raw[from..], at + from as u64);
                return raw.len();
            };
            let step = step(&raw[to..], last);
            if let Step::Text(length) = step {
                look = to + length;
                continue;
            }
            self.plain(&raw[from..to], at + from as u64);
            let length = match step {
                Step::Wait => return to,
                Step::Whole(length, decoded) => {
                    if !decoded.bytes().is_empty() {
                        self.whole(decoded.bytes(), at + to as u64, length);
                    }
                    length
                }
                Step::Back | Step::Text(_) => {
                    self.take_back(if to == 0 { before } else { raw[to - 1] });
                    1
                }
            };
            from = to + length;
            look = from;
        }
    }

    /// Bytes without a special one among them; there is room for them.
    pub(super) fn plain(&mut self, raw: &[u8], at: u64) {
        if raw.len() < FEW {
            return self.stretch(at, raw.len(), |_, out| few(raw, out));
        }
        let mut start = at;
        for group in raw.chunks(GROUP) {
            self.mapped.take(group);
            for (n, piece) in group.chunks(STRETCH).enumerate() {
                self.stretch(start, piece.len(), |mapped, out| mapped.squeeze(n, out));
                start += piece.len() as u64;
            }
        }
    }

    /// The normal bytes of a stretch of `length` raw bytes at `at`, as `write` writes and counts them.
    fn stretch(
        &mut self,
        at: u64,
        length: usize,
        write: impl FnOnce(&Mapped, &mut [u8; STRETCH + RUN]) -> (usize, u64),
    ) {
        // A fixed length lets the compiler see that no index runs over it.
        let out = self.bytes[self.len..].first_chunk_mut().unwrap_or_else(|| unreachable!("room was made"));
        let (kept, stay) = write(&self.mapped, out);
        self.map.push(Stretch { at: self.len, start: at, end: at + length as u64, stay: Some(stay) });
        self.len += kept;
    }

    /// Normal bytes that stand together for `length` raw bytes at `at`; there is room for them.
    fn whole(&mut self, bytes: &[u8], at: u64, length: usize) {
        self.map.push(Stretch { at: self.len, start: at, end: at + length as u64, stay: None });
        for byte in bytes {
            let normal = MAP[usize::from(*byte)];
            self.bytes[self.len] = normal;
            self.len += usize::from(normal != 0);
        }
    }

    /// A backspace: takes the character before it back, unless that was dropped anyway.
    fn take_back(&mut self, before: u8) {
        if MAP[usize::from(before)] == 0 || self.len == 0 {
            return;
        }
        self.len -= 1;
        while self.map.last().is_some_and(|stretch| stretch.at > self.len) {
            self.map.pop();
        }
        self.earlier.truncate(self.len);
    }

    /// The normal bytes of `range` with their origins, in order.
    pub(super) fn units(&self, range: Range<usize>, mut with: impl FnMut(Unit)) {
        let mut index = range.start;
        while let Some(unit) = self.earlier.get(index).filter(|_| index < range.end) {
            with(*unit);
            index += 1;
        }
        let first = self.map.partition_point(|stretch| stretch.at <= index).saturating_sub(1);
        for (n, stretch) in self.map.iter().enumerate().skip(first) {
            if index >= range.end {
                break;
            }
            let end = self.map.get(n + 1).map_or(self.len, |next| next.at).min(range.end);
            let mut stay = stretch.stay.map(|stay| without_lowest(stay, index - stretch.at));
            for byte in &self.bytes[index..end.max(index)] {
                let origin = match &mut stay {
                    None => stretch.start..stretch.end,
                    Some(stay) => {
                        let start = stretch.start + u64::from(stay.trailing_zeros());
                        *stay &= stay.wrapping_sub(1);
                        start..start + 1
                    }
                };
                with(Unit { byte: *byte, start: origin.start, end: origin.end });
            }
            index = end.max(index);
        }
    }

    /// Where the raw bytes of one normal byte are.
    fn origin(&self, index: usize) -> Range<u64> {
        if let Some(unit) = self.earlier.get(index) {
            return unit.start..unit.end;
        }
        let stretch = &self.map[self.map.partition_point(|stretch| stretch.at <= index) - 1];
        let Some(stay) = stretch.stay else { return stretch.start..stretch.end };
        let place = stretch.start + u64::from(without_lowest(stay, index - stretch.at).trailing_zeros());
        place..place + 1
    }

    /// Where the raw bytes of `range`, which is not empty, are in the stream: one stretch, or one for each
    /// line if the normal bytes are columns.
    pub(super) fn origins(&self, range: Range<usize>, mut with: impl FnMut(Range<u64>)) {
        if !self.columns {
            let (first, last) = (self.origin(range.start), self.origin(range.end - 1));
            return with(first.start.min(last.start)..first.end.max(last.end));
        }
        let mut open: Option<Range<u64>> = None;
        self.units(range, |unit| match &mut open {
            Some(cell) if unit.start <= cell.end + CELL => cell.end = unit.end,
            _ => open.replace(unit.start..unit.end).into_iter().for_each(&mut with),
        });
        open.into_iter().for_each(with);
    }
}

/// `bits` without the lowest `count` that are set.
const fn without_lowest(mut bits: u64, mut count: usize) -> u64 {
    while count > 0 {
        bits &= bits.wrapping_sub(1);
        count -= 1;
    }
    bits
}

/// What to do at a special byte.
enum Step {
    /// So many bytes of ordinary text.
    Text(usize),
    /// A sequence of so many bytes that stands for others, or for none.
    Whole(usize, Decoded),
    /// A backspace.
    Back,
    /// The sequence goes on after the bytes at hand.
    Wait,
}

/// What to do at the special byte that `here` begins with; nothing comes after `here` if it is the `last` of a stream.
fn step(here: &[u8], last: bool) -> Step {
    match here[0] {
        0x08 => Step::Back,
        0x1b => match escapes::terminal(here) {
            Token::Whole(length) => Step::Whole(length, Decoded::NOTHING),
            Token::Partial if !last => Step::Wait,
            Token::Partial | Token::Text => Step::Text(1),
        },
        _ if !escapes::may_begin(here) => Step::Text(1),
        _ => match escapes::character(here) {
            (Token::Partial, _) if !last => Step::Wait,
            (Token::Partial, decoded) if !decoded.bytes().is_empty() => Step::Whole(here.len(), decoded),
            (Token::Partial | Token::Text, _) => Step::Text(1),
            // Backslashes before an ordinary character.
            (Token::Whole(length), decoded) if decoded.bytes().is_empty() && here[length - 1] == b'\\' => {
                Step::Text(length)
            }
            (Token::Whole(length), decoded) => Step::Whole(length, decoded),
        },
    }
}

/// As [`MAP`], in a form of which the compiler makes vector code.
const fn mapped(byte: u8) -> u8 {
    let kept = (byte > 0x20) & (byte != b'"') & (byte != b'\'') & (byte != b'\\') & (byte != 0x7f);
    let other = if byte == b'-' { b'-' ^ b'+' } else { 0 } | if byte == b'_' { b'_' ^ b'/' } else { 0 };
    (byte ^ other) & if kept { 0xff } else { 0 }
}

/// Writes the normal bytes of a few raw ones; returns how many there are, and a bit for each raw one that stayed.
fn few(raw: &[u8], out: &mut [u8; STRETCH + RUN]) -> (usize, u64) {
    let (mut kept, mut stay) = (0_usize, 0);
    for (n, &byte) in raw.iter().enumerate() {
        let normal = MAP[usize::from(byte)];
        out[kept % STRETCH] = normal;
        kept += usize::from(normal != 0);
        stay |= u64::from(normal != 0) << (n % STRETCH);
    }
    (kept, stay)
}

/// A group of raw bytes, mapped, those that are dropped still among them as zeros.
struct Mapped(Zeroizing<[u8; GROUP + RUN]>);

impl Default for Mapped {
    fn default() -> Self {
        Self(Zeroizing::new([0; GROUP + RUN]))
    }
}

impl Mapped {
    fn take(&mut self, group: &[u8]) {
        let whole = group.len().next_multiple_of(STRETCH);
        let (taken, rest) = self.0[..whole].split_at_mut(group.len());
        for (normal, byte) in taken.iter_mut().zip(group) {
            *normal = mapped(*byte);
        }
        rest.fill(0);
    }

    /// As [`few`], for the stretch of this number: a bit is noted for each byte that stays, then runs of those are
    /// copied, [`RUN`] bytes at a time.
    fn squeeze(&self, number: usize, out: &mut [u8; STRETCH + RUN]) -> (usize, u64) {
        const HIGH: u64 = 0x8080_8080_8080_8080;
        let normal = &self.0[number * STRETCH..][..STRETCH + RUN];
        let mut stay = 0_u64;
        for (n, eight) in normal[..STRETCH].as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*eight);
            let nonzero = (((word & !HIGH) + !HIGH) | word) & HIGH;
            // Gathers the eight marks into one byte.
            stay |= ((nonzero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * n);
        }
        let (mut rest, mut from, mut to) = (stay, 0, 0);
        while rest != 0 {
            let skip = rest.trailing_zeros();
            rest >>= skip;
            from += skip as usize;
            let run = rest.trailing_ones();
            rest = rest.checked_shr(run).unwrap_or(0);
            let mut done = 0;
            while done < run as usize {
                if let (Some(source), Some(target)) =
                    (normal[from + done..].first_chunk::<RUN>(), out[to + done..].first_chunk_mut::<RUN>())
                {
                    *target = *source;
                }
                done += RUN;
            }
            from += run as usize;
            to += run as usize;
        }
        (to, stay)
    }
}

/// The normal form of one whole byte string.
pub(super) fn of(view: View, raw: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut normal = Normal::default();
    normal.begin(&[]);
    normal.feed(view, raw, 0, true, 0);
    Zeroizing::new(normal.bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ways_to_squeeze_agree_on_every_byte_and_length() {
        assert!((0..=255).all(|byte| mapped(byte) == MAP[usize::from(byte)]));
        let text: Vec<u8> = (0..1000_u32).map(|n| ((n * n * 31) >> 3) as u8).collect();
        let mut group = Mapped::default();
        for from in 0..900 {
            let raw = &text[from..][..from % STRETCH + 1];
            let (mut one, mut other) = ([0; STRETCH + RUN], [0; STRETCH + RUN]);
            group.take(raw);
            let ((few, stay), many) = (few(raw, &mut one), group.squeeze(0, &mut other));
            assert_eq!((few, stay), many);
            assert_eq!(one[..few], other[..few]);
        }
    }
}
