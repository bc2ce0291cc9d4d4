//! Shapes: key blocks and tokens that tell by their own beginning that they are secret, in the vault or not.
//!
//! The beginning is public and stays; what follows it is masked once there is enough of it to be no accident.
//! A host may switch this off, which leaves every enrolled secret masked.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, Match, MatchKind};

use super::lane::{NOBODY, Raw, Span};

/// Which bytes the secret part is made of.
#[derive(Debug, Clone, Copy)]
enum Body {
    /// Letters, digits, `_` and `-`.
    Word,
    /// Those and `.`.
    Dotted,
    /// Base64 with line ends, as they are or escaped.
    Block,
}

impl Body {
    const fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Self::Word => matches!(byte, b'_' | b'-'),
                Self::Dotted => matches!(byte, b'_' | b'-' | b'.'),
                Self::Block => matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n' | b'\\'),
            }
    }
}

/// Beginning, what follows it, and how many bytes of that at least. From the issuers' documentation.
const SHAPES: &[(&str, Body, usize)] = &[
    ("BEGIN PRIVATE KEY-----", Body::Block, 40),
    ("BEGIN RSA PRIVATE KEY-----", Body::Block, 40),
    ("BEGIN EC PRIVATE KEY-----", Body::Block, 40),
    ("BEGIN DSA PRIVATE KEY-----", Body::Block, 40),
    ("BEGIN OPENSSH PRIVATE KEY-----", Body::Block, 40),
    ("BEGIN ENCRYPTED PRIVATE KEY-----", Body::Block, 40),
    ("AGE-SECRET-KEY-1", Body::Word, 50),
    ("ghp_", Body::Word, 36),
    ("gho_", Body::Word, 36),
    ("ghu_", Body::Word, 36),
    ("ghs_", Body::Word, 36),
    ("ghr_", Body::Word, 36),
    ("github_pat_", Body::Word, 60),
    ("glpat-", Body::Word, 20),
    ("xoxb-", Body::Word, 24),
    ("xoxp-", Body::Word, 24),
    ("sk_live_", Body::Word, 24),
    ("rk_live_", Body::Word, 24),
    ("sk-ant-", Body::Word, 32),
    ("sk-proj-", Body::Word, 32),
    ("npm_", Body::Word, 36),
    ("pypi-AgEI", Body::Word, 50),
    ("dop_v1_", Body::Word, 64),
    ("shpat_", Body::Word, 32),
    ("hvs.", Body::Word, 24),
    ("SG.", Body::Dotted, 60),
];

/// Longest beginning.
const LONGEST: usize = 32;

/// The search for the beginnings; a handful of literals cannot exceed any limit of the builder. Leftmost
/// matching lets it use vector code.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let beginnings = SHAPES.iter().map(|(beginning, _, _)| beginning);
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(beginnings).ok()
});

/// Bytes that are looked at together for whether a beginning can be among them.
const CELL: usize = 256;

/// Whether a letter is followed by one of the signs that stand in every beginning. Written so that the compiler makes
/// vector code of it: much output holds no such pair for long stretches.
fn has_joint(text: &[u8]) -> bool {
    let pairs = text.iter().zip(text.iter().skip(1));
    pairs.fold(false, |found, (letter, sign)| {
        found | (letter.is_ascii_alphabetic() & ((*sign == b'-') | (*sign == b'.') | (*sign == b'_')))
    })
}

/// The stretches of `text` from `at` on in which a beginning may stand.
fn stretches(text: &[u8], at: usize) -> impl Iterator<Item = Range<usize>> {
    let has_joint = move |cell: &usize| has_joint(&text[*cell..text.len().min(cell + CELL + 1)]);
    let mut cells = (at..text.len()).step_by(CELL);
    std::iter::from_fn(move || {
        let first = cells.find(has_joint)?;
        let last = cells.by_ref().take_while(has_joint).last().unwrap_or(first);
        Some(first.saturating_sub(LONGEST).max(at)..text.len().min(last + CELL + LONGEST))
    })
}

/// The beginnings in a stretch of `text`: which, and where.
fn beginnings(text: &[u8], stretch: Range<usize>) -> impl Iterator<Item = Match> {
    BEGINNINGS.iter().flat_map(move |automaton| automaton.find_iter(Input::new(text).span(stretch.clone())))
}

/// A body that has not ended yet.
#[derive(Clone, Copy)]
struct Open {
    shape: usize,
    start: u64,
}

/// The shape reading of one stream.
pub(super) struct ShapeLane {
    on: bool,
    tail: Vec<u8>,
    open: Option<Open>,
    parsed: u64,
}

impl ShapeLane {
    pub(super) const fn new(on: bool) -> Self {
        Self { on, tail: Vec::new(), open: None, parsed: 0 }
    }

    pub(super) const fn is_on(&self) -> bool {
        self.on
    }

    /// Reads up to the end of `raw`.
    pub(super) fn advance(&mut self, raw: Raw<'_>, spans: &mut Vec<Span>) {
        if self.on {
            let text = raw.from(self.parsed);
            self.read(text, raw.last, spans);
            self.remember(text);
        }
        self.parsed = raw.end();
    }

    fn read(&mut self, text: &[u8], last: bool, spans: &mut Vec<Span>) {
        let mut at = self.open.map_or(0, |open| self.body(open, text, 0, last, spans));
        if at == 0
            && self.open.is_none()
            && let Some((shape, end)) = self.over_the_seam(text)
        {
            at = self.begin(shape, text, end, last, spans);
        }
        if self.open.is_some() {
            return;
        }
        for stretch in stretches(text, at) {
            for hit in beginnings(text, stretch) {
                let before = text[..hit.start()].last().or(self.tail.last().filter(|_| hit.start() == 0));
                if hit.start() >= at && free(before) {
                    at = self.begin(hit.pattern().as_usize(), text, hit.end(), last, spans);
                }
            }
        }
    }

    /// A body begins at `at`; returns where it ends.
    fn begin(&mut self, shape: usize, text: &[u8], at: usize, last: bool, spans: &mut Vec<Span>) -> usize {
        let open = Open { shape, start: self.parsed + at as u64 };
        self.open = Some(open);
        self.body(open, text, at, last, spans)
    }

    /// Reads on in a body from `at`; returns where it ends.
    fn body(&mut self, open: Open, text: &[u8], at: usize, last: bool, spans: &mut Vec<Span>) -> usize {
        let (_, body, least) = SHAPES[open.shape];
        let to = text[at..].iter().position(|byte| !body.has(*byte)).map_or(text.len(), |used| at + used);
        let end = self.parsed + to as u64;
        if end - open.start >= least as u64 {
            spans.push(Span { start: open.start, end, secret: NOBODY });
        }
        if to < text.len() || last {
            self.open = None;
        }
        to
    }

    /// A beginning that is partly in what was read before: which, and where in `text` it ends.
    fn over_the_seam(&self, text: &[u8]) -> Option<(usize, usize)> {
        let known = self.tail.len();
        let seam = [self.tail.as_slice(), &text[..text.len().min(LONGEST)]].concat();
        let mut hits = BEGINNINGS.as_ref().filter(|_| known > 0)?.find_iter(&seam);
        let hit = hits.find(|hit| hit.start() < known && hit.end() > known)?;
        free(seam[..hit.start()].last()).then(|| (hit.pattern().as_usize(), hit.end() - known))
    }

    fn remember(&mut self, text: &[u8]) {
        self.tail.extend_from_slice(&text[text.len().saturating_sub(LONGEST)..]);
        self.tail.drain(..self.tail.len().saturating_sub(LONGEST));
    }

    /// Whether `text` neither goes on with a body nor may hold a beginning; if so, it has been read.
    pub(super) fn passes(&mut self, text: &[u8]) -> bool {
        if self.on {
            let begins = self.over_the_seam(text).is_some() || {
                stretches(text, 0).any(|stretch| beginnings(text, stretch).next().is_some())
            };
            if self.open.is_some() || begins {
                return false;
            }
            self.remember(text);
        }
        self.parsed += text.len() as u64;
        true
    }

    /// The offset from which raw bytes must be held, if any.
    pub(super) fn hold(&self) -> Option<u64> {
        let open = self.open?;
        (self.parsed - open.start < SHAPES[open.shape].2 as u64).then_some(open.start)
    }
}

/// Whether a beginning may stand after `before`: not in the middle of a word.
fn free(before: Option<&u8>) -> bool {
    before.is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_has_a_joint_and_is_found_wherever_it_stands() {
        for (n, (beginning, ..)) in SHAPES.iter().enumerate() {
            assert!(has_joint(beginning.as_bytes()) && beginning.len() <= LONGEST, "{beginning}");
            for before in 0..2 * CELL {
                let text = [&vec![b' '; before], beginning.as_bytes()].concat();
                let mut hits = stretches(&text, 0).flat_map(|stretch| beginnings(&text, stretch));
                let found = hits.any(|hit| (hit.pattern().as_usize(), hit.start()) == (n, before));
                assert!(found, "{beginning} after {before}");
            }
        }
    }

    #[test]
    fn what_is_not_searched_holds_no_beginning() {
        let mut next = crate::redact::dice();
        for _ in 0..2000 {
            let mut text = Vec::new();
            for _ in 0..next(12) {
                let (beginning, ..) = SHAPES[next(SHAPES.len())];
                let from = next(beginning.len() / 2);
                text.extend_from_slice(&beginning.as_bytes()[from * next(2)..]);
                text.resize(text.len() + next(2) * next(3 * CELL), b" a1"[next(3)]);
            }
            let from = next(text.len() + 1);
            let automaton = BEGINNINGS.as_ref().expect("built");
            let place = |hit: Match| (hit.start(), hit.pattern());
            let all = automaton.find_iter(Input::new(&text).span(from..text.len())).map(place);
            let mut some: Vec<_> =
                stretches(&text, from).flat_map(|s| beginnings(&text, s)).map(place).collect();
            some.sort_unstable();
            some.dedup();
            assert_eq!(some, all.collect::<Vec<_>>());
        }
    }
}
