//! Short secrets: four to seven characters, masked as they are, between word boundaries, in no other form.

use zeroize::{Zeroize, Zeroizing};

use super::index::Stop;
use super::lane::{Raw, Span};
use super::strength::SHORTEST;

/// The short secrets, and which two bytes each begins with. A table that can be wiped, unlike an automaton.
#[derive(Default)]
pub(super) struct Shorts {
    secrets: Vec<(Zeroizing<Vec<u8>>, u32)>,
    /// A bit for each pair of bytes; empty if there are no secrets.
    pairs: Vec<u64>,
    longest: usize,
}

impl Shorts {
    pub(super) const fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    pub(super) fn add(&mut self, secret: &[u8], number: u32) {
        self.secrets.push((Zeroizing::new(secret.to_vec()), number));
        self.rebuild();
    }

    pub(super) fn remove(&mut self, secret: u32) {
        self.secrets.retain(|(_, number)| *number != secret);
        self.rebuild();
    }

    fn rebuild(&mut self) {
        self.longest = self.secrets.iter().map(|(text, _)| text.len()).max().unwrap_or(0);
        self.pairs.zeroize();
        self.pairs.resize(if self.is_empty() { 0 } else { 1 << 10 }, 0);
        for (text, _) in &self.secrets {
            let pair = pair(text[0], text[1]);
            self.pairs[pair / 64] |= 1 << (pair % 64);
        }
    }

    /// Every place of a secret in `text`: its start, its end, whose it is.
    fn places(&self, text: &[u8]) -> impl Iterator<Item = (usize, usize, u32)> {
        let likely = |at: &usize| {
            let pair = pair(text[*at], text[at + 1]);
            self.pairs[pair / 64] >> (pair % 64) & 1 != 0
        };
        (0..text.len().saturating_sub(1)).filter(likely).flat_map(move |at| {
            let here = self.secrets.iter().filter(move |(secret, _)| text[at..].starts_with(secret));
            here.map(move |(secret, number)| (at, at + secret.len(), *number))
        })
    }

    /// How many bytes at the end of `text` wait for what follows: the start of a secret, or a whole one
    /// whose next character is not known yet.
    fn waiting(&self, text: &[u8]) -> usize {
        let starts = |length: &usize| {
            let end = &text[text.len() - length..];
            boundary(text[..text.len() - length].last())
                && self.secrets.iter().any(|(s, _)| s.starts_with(end))
        };
        (1..=text.len().min(self.longest)).rev().find(starts).unwrap_or(0)
    }
}

/// The short-secret reading of one stream.
#[derive(Default)]
pub(super) struct ShortLane {
    tail: Vec<u8>,
    parsed: u64,
    waiting: usize,
}

impl ShortLane {
    /// Reads up to the end of `raw`.
    pub(super) fn advance(&mut self, shorts: &Shorts, raw: Raw<'_>, spans: &mut Vec<Span>) {
        if shorts.is_empty() {
            return self.skip(raw.end());
        }
        let at = self.parsed - self.tail.len() as u64;
        let judged = self.tail.len();
        let mut text = Zeroizing::new(Vec::with_capacity(judged + raw.from(self.parsed).len()));
        text.extend_from_slice(&self.tail);
        text.extend_from_slice(raw.from(self.parsed));
        // A hit that ends before what is new was judged then, when more of its left side was at hand.
        for (start, end, secret) in shorts.places(&text).filter(|(_, end, _)| *end >= judged) {
            let before = start.checked_sub(1).map(|before| &text[before]);
            let after = text.get(end);
            let known = after.is_some() || raw.last;
            if known && boundary(before) && boundary(after) {
                spans.push(Span { start: at + start as u64, end: at + end as u64, secret });
            }
        }
        self.waiting = shorts.waiting(&text);
        self.tail.zeroize();
        self.tail.extend_from_slice(&text[text.len().saturating_sub(shorts.longest + 1)..]);
        self.parsed = raw.end();
    }

    /// Goes past bytes that nobody looks at.
    pub(super) fn skip(&mut self, to: u64) {
        self.tail.zeroize();
        self.waiting = 0;
        self.parsed = to;
    }

    /// The offset from which raw bytes must be held, if any.
    pub(super) fn hold(&self) -> Option<u64> {
        (self.waiting > 0).then(|| self.parsed - self.waiting as u64)
    }

    /// The bytes to mask if the stream stops now: a whole secret, or the start of one that may go on.
    pub(super) fn grave(&self, shorts: &Shorts, stop: Stop) -> Option<Span> {
        let end = &self.tail[self.tail.len() - self.waiting..];
        let least = if stop == Stop::Stalled { SHORTEST } else { usize::MAX };
        let given = |text: &[u8]| text == end || (end.len() >= least && text.starts_with(end));
        let (_, secret) = shorts.secrets.iter().find(|(text, _)| given(text))?;
        Some(Span { start: self.hold()?, end: self.parsed, secret: *secret })
    }

    /// How many bytes wait.
    pub(super) const fn pending(&self) -> usize {
        self.waiting
    }
}

impl Drop for Shorts {
    fn drop(&mut self) {
        self.pairs.zeroize();
    }
}

impl Drop for ShortLane {
    fn drop(&mut self) {
        self.tail.zeroize();
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

fn boundary(neighbour: Option<&u8>) -> bool {
    neighbour.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
}
