//! Shapes: key blocks and tokens that tell by their own beginning that they are secret, in the vault or not.
//!
//! The beginning is public and stays; what follows it is masked once there is enough of it to be no accident.
//! A host may switch this off, which leaves every enrolled secret masked.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

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
        let mut text = raw.from(self.parsed);
        while self.on && !text.is_empty() {
            let used = match self.open {
                Some(open) => self.body(open, text, raw.last, spans),
                None => self.beginning(text),
            };
            self.remember(&text[..used]);
            self.parsed += used as u64;
            text = &text[used..];
        }
        self.parsed = raw.end();
    }

    /// Reads on in a body; returns how many bytes belong to it.
    fn body(&mut self, open: Open, text: &[u8], last: bool, spans: &mut Vec<Span>) -> usize {
        let (_, body, least) = SHAPES[open.shape];
        let used = text.iter().position(|byte| !body.has(*byte)).unwrap_or(text.len());
        let end = self.parsed + used as u64;
        if end - open.start >= least as u64 {
            spans.push(Span { start: open.start, end, secret: NOBODY });
        }
        if used < text.len() || last {
            self.open = None;
        }
        used
    }

    /// Looks for the next beginning; returns how many bytes to go past.
    fn beginning(&mut self, text: &[u8]) -> usize {
        let Some(automaton) = &*BEGINNINGS else { return text.len() };
        let known = self.tail.len();
        let seam = [self.tail.as_slice(), &text[..text.len().min(LONGEST)]].concat();
        let at_seam = automaton.find_iter(&seam).find(|hit| hit.start() < known && hit.end() > known);
        let free = |before: Option<&u8>| before.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if let Some(hit) = at_seam.filter(|hit| free(seam[..hit.start()].last())) {
            let used = hit.end() - known;
            self.open = Some(Open { shape: hit.pattern().as_usize(), start: self.parsed + used as u64 });
            return used;
        }
        let before = |at: usize| text[..at].last().or(self.tail.last().filter(|_| at == 0));
        let Some(hit) = automaton.find_iter(text).find(|hit| free(before(hit.start()))) else {
            return text.len();
        };
        self.open = Some(Open { shape: hit.pattern().as_usize(), start: self.parsed + hit.end() as u64 });
        hit.end()
    }

    fn remember(&mut self, text: &[u8]) {
        self.tail.extend_from_slice(&text[text.len().saturating_sub(LONGEST)..]);
        self.tail.drain(..self.tail.len().saturating_sub(LONGEST));
    }

    /// Whether `text` goes on with a body or holds a beginning; if not, it has been read.
    pub(super) fn passes(&mut self, text: &[u8]) -> bool {
        if self.on && self.open.is_none() {
            let used = self.beginning(text);
            if self.open.take().is_some() {
                return false;
            }
            self.remember(text);
            self.parsed += used as u64;
        } else if !self.on {
            self.parsed += text.len() as u64;
        }
        self.open.is_none()
    }

    /// The offset from which raw bytes must be held, if any.
    pub(super) fn hold(&self) -> Option<u64> {
        let open = self.open?;
        (self.parsed - open.start < SHAPES[open.shape].2 as u64).then_some(open.start)
    }
}
