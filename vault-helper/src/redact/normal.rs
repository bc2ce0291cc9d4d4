//! Normalising: what is left of output once everything that cannot hide a secret is taken away.
//!
//! White space, controls, quotes and backslashes go; `-` and `_` become `+` and `/`, so that base64 has one
//! alphabet. A [`View`] says whether terminal sequences are dropped too, and whether character escapes are
//! decoded. Secrets go through the same machine, so quotings of one meet in one normal form. Every
//! normal byte remembers the raw bytes it came from.

use std::ops::Range;

use zeroize::Zeroizing;

use super::block::{BLOCK, Block, MAP, Piece, RUN, WORDS, What};
use super::escapes::Decoded;
use super::lane::Text;
use super::marks::{self, WORD, bits};

/// One way to read the output. A remote program chooses what it prints, so all four are always watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// Terminal sequences are dropped and backspaces take a character back; otherwise they are text.
    pub(super) strip: bool,
    /// Backslash, percent and XML escapes are decoded; otherwise they are text.
    pub(super) decode: bool,
}

/// All views; a block without sequences is read once for all of them.
pub(super) const VIEWS: [View; 4] = [
    View { strip: false, decode: false },
    View { strip: true, decode: false },
    View { strip: false, decode: true },
    View { strip: true, decode: true },
];

/// Where a normal byte came from: raw offsets in the stream, the end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) byte: u8,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// The normal bytes of a block, after what earlier blocks left, with their map back; a scratch buffer that is used
/// again and again.
pub(super) struct Normal {
    bytes: Zeroizing<Vec<u8>>,
    len: usize,
    earlier: Vec<Unit>,
    /// Offset of the block in the stream.
    at: u64,
    /// Which bytes of the block stayed.
    stay: [u64; WORDS],
    /// Words of those, and how many normal bytes there are before each.
    words: Range<usize>,
    before: [usize; WORDS],
    /// The block's bytes with the decoded ones in the places of their escapes.
    decoded: Zeroizing<Vec<u8>>,
    /// The escapes in the block that were decoded, in order: all of one stands for each of its bytes.
    escapes: Vec<Range<usize>>,
}

impl Default for Normal {
    fn default() -> Self {
        Self {
            bytes: Zeroizing::default(),
            len: 0,
            earlier: Vec::new(),
            at: 0,
            stay: [0; WORDS],
            words: 0..0,
            before: [0; WORDS],
            decoded: Zeroizing::default(),
            escapes: Vec::new(),
        }
    }
}

impl Normal {
    /// Starts over, with what earlier blocks left.
    pub(super) fn begin(&mut self, earlier: &[Unit]) {
        let room = earlier.len() + BLOCK + WORD + RUN;
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        self.earlier.clear();
        self.earlier.extend_from_slice(earlier);
        self.words = 0..0;
    }

    /// Reads `piece`, which `block` was looked over, from byte `from` on and returns up to where it was understood:
    /// all and the rest of a sequence that reaches out of it, or up to a sequence that is for the next block.
    /// `before` is the raw byte before the block.
    pub(super) fn read(
        &mut self,
        view: View,
        block: &Block,
        piece: Piece<'_>,
        from: usize,
        before: u8,
    ) -> usize {
        self.at = piece.at;
        self.stay[..block.kept().len()].copy_from_slice(block.kept());
        self.escapes.clear();
        let to = self.take_away(view, block, piece, from, before);
        self.squeeze(block, from..to.min(piece.raw.len()));
        to
    }

    /// Takes the sequences away that `view` sees; returns up to where they were understood.
    fn take_away(&mut self, view: View, block: &Block, piece: Piece<'_>, from: usize, before: u8) -> usize {
        let mut at = from;
        for sequence in block.sequences() {
            let (here, seen) = (sequence.at, if sequence.terminal { view.strip } else { view.decode });
            if here < at || !seen {
                continue;
            }
            match sequence.what {
                What::Open => return here,
                What::Whole(length, decoded) => {
                    let end = here + usize::from(length);
                    if end > piece.raw.len() && !decoded.bytes().is_empty() {
                        // There is no room for what it stands for: it begins the next block.
                        return here;
                    }
                    at = end;
                    marks::clear(&mut self.stay, here..end.min(piece.raw.len()));
                    self.put(decoded, block, here..end);
                }
                What::Back => {
                    at = here + 1;
                    if MAP[usize::from(here.checked_sub(1).map_or(before, |left| piece.raw[left]))] != 0 {
                        self.take_back(from..here);
                    }
                }
            }
        }
        piece.raw.len().max(at)
    }

    /// Puts what an escape stands for in its place.
    fn put(&mut self, decoded: Decoded, block: &Block, place: Range<usize>) {
        if decoded.bytes().is_empty() {
            return;
        }
        if self.escapes.is_empty() {
            self.decoded.resize(block.normal().len(), 0);
            self.decoded.copy_from_slice(block.normal());
        }
        for (n, byte) in decoded.bytes().iter().enumerate() {
            let (at, normal) = (place.start + n, MAP[usize::from(*byte)]);
            self.decoded[at] = normal;
            self.stay[at / WORD] |= u64::from(normal != 0) << (at % WORD);
        }
        self.escapes.push(place);
    }

    /// A backspace: takes the last character of `range`, or of what was there earlier, back.
    fn take_back(&mut self, range: Range<usize>) {
        match marks::last_before(&self.stay, range.end).filter(|last| range.contains(last)) {
            Some(last) => self.stay[last / WORD] &= !bits(last % WORD, 1),
            None => drop(self.earlier.pop()),
        }
    }

    /// Writes what was there earlier and what stayed of `range`, without gaps.
    fn squeeze(&mut self, block: &Block, range: Range<usize>) {
        for (to, unit) in self.bytes.iter_mut().zip(&self.earlier) {
            *to = unit.byte;
        }
        self.len = self.earlier.len();
        let normal = if self.escapes.is_empty() { block.normal() } else { &self.decoded };
        self.words = range.start / WORD..range.end.div_ceil(WORD);
        if let Some(first) = self.stay.get_mut(self.words.start) {
            *first &= !bits(0, range.start % WORD);
        }
        if !range.end.is_multiple_of(WORD) {
            self.stay[self.words.end - 1] &= bits(0, range.end % WORD);
        }
        for word in self.words.clone() {
            self.before[word] = self.len;
            // Fixed lengths let the compiler see that no index runs over them.
            let from = normal[word * WORD..]
                .first_chunk()
                .unwrap_or_else(|| unreachable!("a run more than the block"));
            let to =
                self.bytes[self.len..].first_chunk_mut().unwrap_or_else(|| unreachable!("room was made"));
            self.len += squeeze(from, self.stay[word], to);
        }
    }

    /// The word that has the mark of a normal byte of this block.
    fn word(&self, index: usize) -> usize {
        self.words.start + self.before[self.words.clone()].partition_point(|before| *before <= index) - 1
    }

    /// The raw bytes that stand for the normal one in the place `at` of the block.
    fn whole(&self, at: usize) -> Range<u64> {
        let escape = self.escapes[..self.escapes.partition_point(|escape| escape.start <= at)].last();
        let whole = escape.filter(|escape| at < escape.end).cloned().unwrap_or(at..at + 1);
        self.at + whole.start as u64..self.at + whole.end as u64
    }

    /// Where the raw bytes of one normal byte are.
    fn origin(&self, index: usize) -> Range<u64> {
        if let Some(unit) = self.earlier.get(index) {
            return unit.start..unit.end;
        }
        let word = self.word(index);
        let stay = without_lowest(self.stay[word], index - self.before[word]);
        self.whole(word * WORD + stay.trailing_zeros() as usize)
    }
}

impl Text for Normal {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn units(&self, range: Range<usize>, mut with: impl FnMut(Unit)) {
        let mut index = range.start;
        while let Some(unit) = self.earlier.get(index).filter(|_| index < range.end) {
            with(*unit);
            index += 1;
        }
        if index >= range.end {
            return;
        }
        let mut word = self.word(index);
        let mut stay = without_lowest(self.stay[word], index - self.before[word]);
        for byte in &self.bytes[index..range.end] {
            while stay == 0 {
                word += 1;
                stay = self.stay[word];
            }
            let origin = self.whole(word * WORD + stay.trailing_zeros() as usize);
            stay &= stay.wrapping_sub(1);
            with(Unit { byte: *byte, start: origin.start, end: origin.end });
        }
    }

    /// One stretch: what was dropped between two bytes of a match goes with them.
    fn origins(&self, range: Range<usize>, mut with: impl FnMut(Range<u64>)) {
        let (first, last) = (self.origin(range.start), self.origin(range.end - 1));
        with(first.start.min(last.start)..first.end.max(last.end));
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

/// Copies those bytes of a word that `stay` has, [`RUN`] at a time; returns how many there are.
#[inline]
fn squeeze(from: &[u8; WORD + RUN], stay: u64, to: &mut [u8; WORD + RUN]) -> usize {
    let (mut rest, mut target) = (stay, 0);
    while rest != 0 {
        // All bits up to the end of the first run.
        let through = rest | (rest - 1);
        let (start, end) = (rest.trailing_zeros() as usize, through.trailing_ones() as usize);
        rest &= through.wrapping_add(1);
        let mut source = start;
        let mut next = target;
        while source < end {
            if let (Some(source), Some(target)) =
                (from[source..].first_chunk::<RUN>(), to[next..].first_chunk_mut::<RUN>())
            {
                *target = *source;
            }
            source += RUN;
            next += RUN;
        }
        target += end - start;
    }
    target
}

/// The normal form of one whole byte string.
pub(super) fn of(view: View, raw: &[u8]) -> Zeroizing<Vec<u8>> {
    let (mut block, mut normal) = (Block::default(), Normal::default());
    let mut out = Zeroizing::new(Vec::with_capacity(raw.len()));
    let mut at = 0;
    while at < raw.len() {
        let piece = Piece::of(&raw[at..], 0, true);
        block.look(piece);
        normal.begin(&[]);
        at += normal.read(view, &block, piece, 0, 0);
        out.extend_from_slice(normal.bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::block::Sequence;
    use super::*;

    /// Every normal byte with its origin, from byte `from` of `raw` on.
    fn read(view: View, raw: &[u8], from: usize) -> Vec<(u8, Range<u64>)> {
        let (mut block, mut normal) = (Block::default(), Normal::default());
        let piece = Piece::of(raw, 0, true);
        block.look(piece);
        normal.begin(&[]);
        normal.read(view, &block, piece, from, 0);
        let mut units = Vec::new();
        normal.units(0..normal.bytes().len(), |unit| units.push((unit.byte, unit.start..unit.end)));
        let origins: Vec<_> = (0..units.len()).map(|index| normal.origin(index)).collect();
        assert!(units.iter().map(|(_, origin)| origin).eq(&origins));
        units
    }

    #[test]
    fn what_stays_is_what_the_map_keeps_wherever_a_text_begins_and_ends() {
        let text: Vec<u8> = (0..1000_u32).map(|n| ((n * n * 31) >> 3) as u8).collect();
        for end in 0..text.len() {
            let from = end * end % (end + 1);
            let kept = (from..end).map(|at| (MAP[usize::from(text[at])], at as u64..at as u64 + 1));
            assert!(kept.filter(|(byte, _)| *byte != 0).eq(read(VIEWS[0], &text[..end], from)));
        }
    }

    /// The same as [`Normal::read`], a byte at a time.
    fn slowly(view: View, raw: &[u8], from: usize) -> Vec<(u8, Range<u64>)> {
        let mut block = Block::default();
        block.look(Piece::of(raw, 0, true));
        let seen = |sequence: &&Sequence| if sequence.terminal { view.strip } else { view.decode };
        let (mut at, mut units) = (from, Vec::new());
        while at < raw.len() {
            let sequence = block.sequences().iter().filter(seen).find(|sequence| sequence.at == at);
            let plain = [raw[at]];
            let (length, bytes) = match sequence.map(|sequence| &sequence.what) {
                Some(What::Whole(length, decoded)) => (usize::from(*length), decoded.bytes()),
                Some(_) => {
                    if at > 0 && MAP[usize::from(raw[at - 1])] != 0 {
                        units.pop();
                    }
                    (1, &[][..])
                }
                None => (1, &plain[..]),
            };
            let origin = at as u64..(at + length) as u64;
            let kept = bytes.iter().map(|byte| MAP[usize::from(*byte)]).filter(|byte| *byte != 0);
            units.extend(kept.map(|byte| (byte, origin.clone())));
            at += length;
        }
        units
    }

    #[test]
    fn reading_in_runs_is_reading_byte_by_byte() {
        const PIECES: [&[u8]; 14] = [
            b"word",
            b" ",
            b"\r\n",
            b"a",
            b"longer-words_and",
            b"\x1b[31m",
            b"\x08",
            b"%41",
            b"%e4%",
            b"\\n",
            b"\\u00e9",
            b"&lt;",
            b"\xc3\xa4",
            b"\0\0\0\0\0\0\0\0\0\0",
        ];
        let mut next = crate::redact::dice();
        for n in 0..600 {
            // Few kinds make long runs, with and without gaps.
            let kinds = 1 + next(PIECES.len());
            let mut text = Vec::new();
            for _ in 0..next(120) {
                text.extend_from_slice(PIECES[(n + next(kinds)) % PIECES.len()]);
            }
            let from = next(text.len() + 1) * next(2);
            for view in VIEWS {
                assert_eq!(read(view, &text, from), slowly(view, &text, from), "{from} of {text:?}");
            }
        }
    }

    #[test]
    fn all_of_an_escape_stands_for_each_byte_of_what_it_means() {
        let text = "a\\u00e9%41\x1b[mb\x08c".as_bytes();
        let bytes = |view: View| read(view, text, 0).into_iter().map(|(byte, _)| byte).collect::<Vec<u8>>();
        assert_eq!(bytes(VIEWS[2]), "aéA[mbc".as_bytes());
        let origins = read(VIEWS[3], text, 0);
        assert_eq!(origins, [(b'a', 0..1), (0xc3, 1..7), (0xa9, 1..7), (b'A', 7..10), (b'c', 15..16)]);
    }
}
