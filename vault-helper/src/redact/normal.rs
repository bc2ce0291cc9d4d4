//! Normalising: what is left of output once everything that cannot hide a secret is taken away.
//!
//! White space, controls, quotes and backslashes go; `-` and `_` become `+` and `/`, so that base64 has one
//! alphabet. A [`View`] says whether terminal sequences are dropped too, and whether character escapes are
//! decoded. Secrets go through the same machine, so quotings of one meet in one normal form. Every
//! normal byte remembers the raw bytes it came from.

use std::ops::Range;

use zeroize::Zeroizing;

use super::escapes::{self, Token};

/// Raw bytes taken in one step.
pub(super) const BLOCK: usize = escapes::LONGEST;
/// Raw bytes behind one entry of the map back.
const STRETCH: usize = 64;
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

/// Which kinds of special bytes a block holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Specials {
    pub(super) terminal: bool,
    pub(super) character: bool,
}

/// Looks a block over; written so that the compiler makes vector code of it.
pub(super) fn specials(raw: &[u8]) -> Specials {
    let mut found = Specials { terminal: false, character: false };
    for piece in raw.chunks(64) {
        let (mut terminal, mut character) = (0_u8, 0_u8);
        for &byte in piece {
            terminal |= u8::from(byte == 0x1b) | u8::from(byte == 0x08);
            character |= u8::from(byte == b'\\') | u8::from(byte == b'%') | u8::from(byte == b'&');
        }
        found.terminal |= terminal != 0;
        found.character |= character != 0;
    }
    found
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
    /// All its normal bytes stand for all its raw bytes.
    whole: bool,
}

/// Normal bytes with their map back; a scratch buffer that is used again and again.
#[derive(Default)]
pub(super) struct Normal {
    bytes: Zeroizing<Vec<u8>>,
    len: usize,
    earlier: Vec<Unit>,
    map: Vec<Stretch>,
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
    fn room(&mut self, more: usize) {
        let needed = self.len + more + STRETCH;
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
        let mut from = 0;
        while from < raw.len() {
            let special = |byte: &u8| SPECIAL[usize::from(*byte)] & mask != 0;
            let next = if mask == 0 { None } else { raw[from..].iter().position(special) };
            let to = next.map_or(raw.len(), |n| from + n);
            self.plain(&raw[from..to], at + from as u64);
            if to == raw.len() {
                break;
            }
            let here = &raw[to..];
            let length = match here[0] {
                0x08 => {
                    self.take_back(if to == 0 { before } else { raw[to - 1] });
                    1
                }
                0x1b => match escapes::terminal(here) {
                    Token::Whole(length) => length,
                    Token::Partial if !last => return to,
                    Token::Partial | Token::Text => 1,
                },
                _ => match escapes::character(here) {
                    (Token::Partial, _) if !last => return to,
                    (Token::Text, _) => {
                        self.plain(&here[..1], at + to as u64);
                        1
                    }
                    (token, decoded) => {
                        let length = if let Token::Whole(length) = token { length } else { here.len() };
                        if token == Token::Partial && decoded.bytes().is_empty() {
                            self.plain(here, at + to as u64);
                        } else {
                            self.whole(decoded.bytes(), at + to as u64, length);
                        }
                        length
                    }
                },
            };
            from = to + length;
        }
        raw.len()
    }

    /// Bytes without a special one among them.
    fn plain(&mut self, raw: &[u8], at: u64) {
        for (n, piece) in raw.chunks(STRETCH).enumerate() {
            let start = at + (n * STRETCH) as u64;
            self.map.push(Stretch { at: self.len, start, end: start + piece.len() as u64, whole: false });
            // A whole stretch of room, so that the compiler sees no index run over it.
            let Some(out) = self.bytes[self.len..].first_chunk_mut::<STRETCH>() else { return };
            let mut kept = 0_usize;
            for &byte in piece {
                let normal = MAP[usize::from(byte)];
                out[kept % STRETCH] = normal;
                kept = kept.wrapping_add(usize::from(normal != 0));
            }
            self.len += kept;
        }
    }

    /// Normal bytes that stand together for `length` raw bytes at `at`.
    pub(super) fn whole(&mut self, bytes: &[u8], at: u64, length: usize) {
        self.room(bytes.len());
        self.map.push(Stretch { at: self.len, start: at, end: at + length as u64, whole: true });
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

    /// The normal bytes of `range` with their origins, in order. `raw` is what was fed, standing at `at`.
    pub(super) fn units(&self, range: Range<usize>, raw: &[u8], at: u64, mut with: impl FnMut(Unit)) {
        let mut index = range.start;
        while let Some(unit) = self.earlier.get(index).filter(|_| index < range.end) {
            with(*unit);
            index += 1;
        }
        while index < range.end {
            let next = self.map.partition_point(|stretch| stretch.at <= index);
            let stretch = &self.map[next - 1];
            let end = self.map.get(next).map_or(self.len, |next| next.at).min(range.end);
            if stretch.whole {
                for byte in &self.bytes[index..end] {
                    with(Unit { byte: *byte, start: stretch.start, end: stretch.end });
                }
            } else {
                let raw = &raw[(stretch.start - at) as usize..(stretch.end - at) as usize];
                let kept = (stretch.start..).zip(raw).filter(|(_, byte)| MAP[usize::from(**byte)] != 0);
                for (start, byte) in kept.skip(index - stretch.at).take(end - index) {
                    with(Unit { byte: MAP[usize::from(*byte)], start, end: start + 1 });
                }
            }
            index = end;
        }
    }

    /// Where the raw bytes of one normal byte are.
    fn origin(&self, index: usize, raw: &[u8], at: u64) -> Range<u64> {
        if let Some(unit) = self.earlier.get(index) {
            return unit.start..unit.end;
        }
        let stretch = &self.map[self.map.partition_point(|stretch| stretch.at <= index) - 1];
        if stretch.whole {
            return stretch.start..stretch.end;
        }
        let mut left = index - stretch.at;
        let mut place = stretch.start;
        for byte in &raw[(stretch.start - at) as usize..(stretch.end - at) as usize] {
            if MAP[usize::from(*byte)] != 0 {
                if left == 0 {
                    break;
                }
                left -= 1;
            }
            place += 1;
        }
        place..place + 1
    }

    /// Where the raw bytes of `range`, which is not empty, are in the stream: one stretch, or one for each
    /// line if the normal bytes are columns.
    pub(super) fn origins(&self, range: Range<usize>, raw: &[u8], at: u64, mut with: impl FnMut(Range<u64>)) {
        if !self.columns {
            let (first, last) = (self.origin(range.start, raw, at), self.origin(range.end - 1, raw, at));
            return with(first.start.min(last.start)..first.end.max(last.end));
        }
        let mut open: Option<Range<u64>> = None;
        self.units(range, raw, at, |unit| match &mut open {
            Some(cell) if unit.start <= cell.end + CELL => cell.end = unit.end,
            _ => open.replace(unit.start..unit.end).into_iter().for_each(&mut with),
        });
        open.into_iter().for_each(with);
    }
}

/// The normal form of one whole byte string.
pub(super) fn of(view: View, raw: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut normal = Normal::default();
    normal.begin(&[]);
    normal.feed(view, raw, 0, true, 0);
    Zeroizing::new(normal.bytes().to_vec())
}
