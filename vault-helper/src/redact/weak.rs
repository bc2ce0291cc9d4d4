//! Short secrets: four to seven characters, masked as they are, between word boundaries, in no other form.

use aho_corasick::AhoCorasick;
use zeroize::Zeroizing;

use super::index::Stop;
use super::lane::{Raw, Span};
use super::strength::SHORTEST;

/// The short secrets and the automaton over them.
#[derive(Default)]
pub(super) struct Shorts {
    secrets: Vec<(Zeroizing<Vec<u8>>, u32)>,
    automaton: Option<AhoCorasick>,
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
        // A few bytes a pattern: the builder has no limit these could reach.
        self.automaton = AhoCorasick::new(self.secrets.iter().map(|(text, _)| text.as_slice())).ok();
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
        let Some(automaton) = shorts.automaton.as_ref().filter(|_| !shorts.is_empty()) else {
            return self.skip(raw.end());
        };
        let at = self.parsed - self.tail.len() as u64;
        let judged = self.tail.len();
        let mut text = Zeroizing::new(std::mem::take(&mut self.tail));
        text.extend_from_slice(raw.from(self.parsed));
        // A hit that ends before what is new was judged then, when more of its left side was at hand.
        let hits = automaton.find_overlapping_iter(text.as_slice()).filter(|hit| hit.end() >= judged);
        for hit in hits {
            let before = hit.start().checked_sub(1).map(|before| &text[before]);
            let after = text.get(hit.end());
            let known = after.is_some() || raw.last;
            if known && boundary(before) && boundary(after) {
                let secret = shorts.secrets[hit.pattern().as_usize()].1;
                spans.push(Span { start: at + hit.start() as u64, end: at + hit.end() as u64, secret });
            }
        }
        self.waiting = shorts.waiting(&text);
        self.tail = text[text.len().saturating_sub(shorts.longest + 1)..].to_vec();
        self.parsed = raw.end();
    }

    /// Goes past bytes that nobody looks at.
    pub(super) fn skip(&mut self, to: u64) {
        self.tail.clear();
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

fn boundary(neighbour: Option<&u8>) -> bool {
    neighbour.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
}
