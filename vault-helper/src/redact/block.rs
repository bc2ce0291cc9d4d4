//! Blocks: raw bytes of a stream, looked over once for all views of them.
//!
//! Whatever has to be asked of every single byte is asked here, in loops of which the compiler makes vector code. The
//! answers are kept as one mark a byte, so that the views need not touch the bytes between the sequences they read.

use zeroize::Zeroizing;

use super::escapes::{self, Decoded, Token};
use super::marks::{self, WORD};

/// Raw bytes of a block: the longest sequence fits into it.
pub(super) const BLOCK: usize = escapes::LONGEST;
/// Words of marks for a block.
pub(super) const WORDS: usize = BLOCK / WORD;
/// Bytes copied at once out of a block.
pub(super) const RUN: usize = 16;

/// What a byte becomes: zero means it is dropped.
pub(super) const MAP: [u8; 256] = {
    let mut map = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        map[byte] = mapped(byte as u8);
        byte += 1;
    }
    map
};

/// As [`MAP`], in a form of which the compiler makes vector code.
const fn mapped(byte: u8) -> u8 {
    let kept = (byte > 0x20) & (byte != b'"') & (byte != b'\'') & (byte != b'\\') & (byte != 0x7f);
    let other = if byte == b'-' { b'-' ^ b'+' } else { 0 } | if byte == b'_' { b'_' ^ b'/' } else { 0 };
    (byte ^ other) & if kept { 0xff } else { 0 }
}

/// Bytes with which a sequence may begin.
const fn special(byte: u8) -> bool {
    (byte == 0x1b) | (byte == 0x08) | (byte == b'\\') | (byte == b'%') | (byte == b'&')
}

/// Raw bytes to look over.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    /// At most [`BLOCK`] bytes.
    pub(super) raw: &'a [u8],
    /// Those and what follows them: a sequence may reach into it.
    pub(super) ahead: &'a [u8],
    /// Where they stand in the stream.
    pub(super) at: u64,
    /// Nothing that belongs to them follows what is ahead.
    pub(super) last: bool,
}

impl<'a> Piece<'a> {
    /// The first bytes of `rest`, which stands at offset `at` of the stream.
    pub(super) fn of(rest: &'a [u8], at: u64, last: bool) -> Self {
        Self { raw: &rest[..rest.len().min(BLOCK)], ahead: rest, at, last }
    }

    /// The offset after the last of them.
    pub(super) const fn end(&self) -> u64 {
        self.at + self.raw.len() as u64
    }
}

/// Something in a block that is not ordinary text. What begins at a byte depends on nothing before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    pub(super) at: usize,
    /// Something that a terminal obeys; otherwise a character escape.
    pub(super) terminal: bool,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// So many bytes that stand for others, or for none.
    Whole(u16, Decoded),
    /// A backspace.
    Back,
    /// It goes on after the bytes at hand.
    Open,
}

/// A block: a scratch buffer that is used again and again.
pub(super) struct Block {
    /// The bytes as [`MAP`] has them, and room for one more run.
    normal: Zeroizing<Vec<u8>>,
    words: usize,
    /// Bytes that are not dropped.
    kept: [u64; WORDS],
    /// Where a sequence may begin.
    special: [u64; WORDS],
    sequences: Vec<Sequence>,
}

impl Default for Block {
    fn default() -> Self {
        let none = [0; WORDS];
        Self { normal: Zeroizing::default(), words: 0, kept: none, special: none, sequences: Vec::new() }
    }
}

impl Block {
    /// Looks the bytes of `piece` over.
    pub(super) fn look(&mut self, piece: Piece<'_>) {
        // All at once: growing would leave what stands here behind.
        self.normal.resize(BLOCK + RUN, 0);
        self.words = piece.raw.len().div_ceil(WORD);
        let (cells, rest) = piece.raw.as_chunks();
        for (n, cell) in cells.iter().enumerate() {
            self.look_at(n, cell);
        }
        if !rest.is_empty() {
            let mut cell = Zeroizing::new([0; WORD]);
            cell[..rest.len()].copy_from_slice(rest);
            self.look_at(cells.len(), &cell);
        }
        self.find_sequences(piece);
    }

    fn look_at(&mut self, n: usize, cell: &[u8; WORD]) {
        let (normal, _) = self.normal.as_chunks_mut::<WORD>();
        let mut some = false;
        for (normal, &byte) in normal[n].iter_mut().zip(cell) {
            *normal = mapped(byte);
            some |= special(byte);
        }
        self.kept[n] = marks::of(&normal[n], |byte| byte != 0);
        self.special[n] = if some { marks::of(cell, special) } else { 0 };
    }

    fn find_sequences(&mut self, piece: Piece<'_>) {
        self.sequences.clear();
        let mut from = 0;
        for (word, special) in self.special[..self.words].iter().enumerate() {
            let mut rest = *special;
            while rest != 0 {
                let at = word * WORD + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                if at >= from {
                    from = at + 1;
                    match step(&piece.ahead[at..], piece.last) {
                        Ok(what) => {
                            let terminal = matches!(piece.raw[at], 0x1b | 0x08);
                            self.sequences.push(Sequence { at, terminal, what });
                        }
                        Err(Text(length)) => from = at + length,
                    }
                }
            }
        }
    }

    /// The normal bytes, those that are dropped still among them as zeros, and room for one more run.
    pub(super) fn normal(&self) -> &[u8] {
        &self.normal
    }

    /// Which bytes are kept.
    pub(super) fn kept(&self) -> &[u64] {
        &self.kept[..self.words]
    }

    /// All sequences, in order; one may begin inside another.
    pub(super) fn sequences(&self) -> &[Sequence] {
        &self.sequences
    }
}

/// So many bytes of ordinary text, in which nothing begins.
struct Text(usize);

/// What begins at the special byte that is the first of `here`; nothing comes after `here` if it is the `last`.
#[inline]
fn step(here: &[u8], last: bool) -> Result<What, Text> {
    let here = &here[..here.len().min(escapes::LONGEST)];
    let (token, decoded) = match here[0] {
        0x08 => return Ok(What::Back),
        // Of several, only the last begins something.
        0x1b if here.get(1) == Some(&0x1b) => return Err(Text(run(here) - 1)),
        0x1b => (escapes::terminal(here), Decoded::NOTHING),
        b'\\' => match run(here) {
            long if long > escapes::BACKSLASHES => return Err(Text(long - escapes::BACKSLASHES)),
            run => match escapes::backslash(here, run) {
                (Token::Text, _) => return Err(Text(run)),
                escape => escape,
            },
        },
        _ if !escapes::may_begin(here) => return Err(Text(1)),
        _ => escapes::character(here),
    };
    match token {
        Token::Whole(length) => Ok(What::Whole(length as u16, decoded)),
        Token::Partial if !last => Ok(What::Open),
        Token::Partial if !decoded.bytes().is_empty() => Ok(What::Whole(here.len() as u16, decoded)),
        Token::Partial | Token::Text => Err(Text(1)),
    }
}

/// How often the first byte of `here` stands there in a row.
fn run(here: &[u8]) -> usize {
    here.iter().position(|byte| *byte != here[0]).unwrap_or(here.len())
}
