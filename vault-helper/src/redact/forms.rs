//! The encoded forms of a secret that are looked for in output, each as it looks once normalised.
//!
//! Quotings need few forms of their own: the normaliser undoes them, in output as in secrets. What remains
//! are the encodings that spell a secret with other characters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::block::MAP;
use super::index::{REACH, SEED};
use super::normal::{self, VIEWS, View};

/// Bytes of a secret in some encoding; wiped when dropped.
type Secret = Zeroizing<Vec<u8>>;

/// A set of ASCII characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Set(u128);

impl Set {
    fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        Self(bytes.into_iter().fold(0, |set, byte| set | 1 << (byte & 127)))
    }

    /// Whether `byte` is a member.
    pub(super) const fn has(self, byte: u8) -> bool {
        byte < 128 && self.0 >> byte & 1 != 0
    }

    /// The members.
    pub(super) fn members(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |byte| self.has(*byte))
    }
}

/// One form of one secret.
pub(super) struct Form {
    /// Its normal text.
    pub(super) text: Secret,
    /// How many consecutive characters of it must not be shown.
    pub(super) window: usize,
    /// Characters that may stand before and after it and share bits with the secret: masked with it.
    pub(super) before: Set,
    pub(super) after: Set,
    /// The secret's number.
    pub(super) secret: u32,
    /// Characters for three bytes of the secret.
    per_three: usize,
}

impl Form {
    /// How many characters spell `bytes` bytes of the secret.
    pub(super) const fn characters(&self, bytes: usize) -> usize {
        (bytes * self.per_three).div_ceil(3)
    }

    /// The text around the seed at `offset`, as far as extension looks.
    pub(super) fn surroundings(&self, offset: usize) -> &[u8] {
        let to = (offset + SEED + REACH).min(self.text.len());
        &self.text[offset.saturating_sub(REACH)..to]
    }
}

/// The window of a form of `length` characters: three quarters of a short one, but at least `least`.
fn window(length: usize, least: usize, most: usize) -> usize {
    (length * 3 / 4).clamp(least, most)
}

const LITERAL: View = VIEWS[0];
const DECODED: View = VIEWS[2];

/// How many bytes are left of `secret` once normalised. What looks like an escape in it counts as it is written: so
/// it stands in the literal views, and in the decoded ones when a program has escaped it.
pub(super) fn normal_length(secret: &[u8]) -> usize {
    normal::of(LITERAL, secret).len()
}

/// Every form of `secret`.
pub(super) fn all(secret: &[u8], number: u32) -> Vec<Form> {
    let mut forms = Forms { secret: number, tightest: tightest(secret), forms: Vec::new() };
    forms.quotings(secret);
    forms.base64(secret);
    for lines in [b"\r\n".as_slice(), b""] {
        let other = with_line_ends(secret, lines);
        if *other != secret {
            forms.base64(&other);
        }
    }
    forms.base64(&utf16(secret));
    forms.digits(secret);
    forms.forms
}

/// How many normal characters the plainest window of `secret` as it stands has: white space and quotes in it
/// do not make it longer.
fn tightest(secret: &[u8]) -> usize {
    let bytes = window(secret.len(), 8, 12);
    let kept = |run: &[u8]| run.iter().filter(|byte| MAP[usize::from(**byte)] != 0).count();
    secret.windows(bytes).map(kept).min().unwrap_or(bytes).max(SEED)
}

struct Forms {
    secret: u32,
    tightest: usize,
    forms: Vec<Form>,
}

impl Forms {
    fn push(&mut self, text: Secret, per_three: usize, (least, most): (usize, usize)) {
        if text.len() >= least && !self.forms.iter().any(|known| known.text == text) {
            let window = window(text.len(), least, most);
            let (before, after) = (Set::default(), Set::default());
            self.forms.push(Form { text, window, before, after, secret: self.secret, per_three });
        }
    }

    /// The secret itself, and those of its quotings that do not normalise to the same text.
    fn quotings(&mut self, secret: &[u8]) {
        let count = self.forms.len();
        self.push(normal::of(LITERAL, secret), 3, (8, 12));
        let (wide, single) = (utf16(secret), latin1(secret));
        let spellings = [
            secret,
            &percent(secret),
            &plus(secret),
            &references(secret),
            &backslashes(secret),
            &wide,
            &single,
        ];
        for spelt in spellings {
            self.push(normal::of(DECODED, spelt), 3, (8, 12));
        }
        for form in &mut self.forms[count..] {
            form.window = form.window.min(self.tightest);
        }
    }

    /// Base64 at three alignments. The characters at the ends that mix the secret's bits with a
    /// neighbour's are not looked for but masked along.
    fn base64(&mut self, secret: &[u8]) {
        // What is not UTF-8 has no UTF-16.
        let shifts = if secret.is_empty() { 0..0 } else { 0..3 };
        for shift in shifts {
            let encode = |before: u8, after: u8| {
                let whole = (shift + secret.len()).next_multiple_of(3);
                let mut plain = Zeroizing::new(Vec::with_capacity(whole));
                plain.resize(shift, before);
                plain.extend_from_slice(secret);
                plain.resize(whole, after);
                Zeroizing::new(STANDARD.encode(plain.as_slice()).into_bytes())
            };
            let text = encode(0, 0);
            let from = (shift * 8).div_ceil(6);
            let to = (shift + secret.len()) * 8 / 6;
            let count = self.forms.len();
            self.push(Zeroizing::new(text[from..to].to_vec()), 4, (8, 12));
            if let Some(form) = self.forms.get_mut(count) {
                if shift > 0 {
                    form.before = Set::of((0..=255).map(|byte| encode(byte, 0)[from - 1]));
                }
                if to < text.len() {
                    form.after = Set::of((0..=255).map(|byte| encode(0, byte)[to]));
                }
            }
        }
    }

    /// Hexadecimal and octal, in the orders dump programs write them; windows are of six to eight bytes. Shorter ones
    /// would take `101` repeated for the six `A` that base64 makes of a key's empty comment.
    fn digits(&mut self, secret: &[u8]) {
        for upper in [false, true] {
            self.push(hex(secret.iter(), secret.len(), upper), 6, (12, 16));
        }
        self.push(octal(secret.iter().map(|byte| u16::from(*byte)), 3), 9, (18, 24));
        for upper in [false, true] {
            self.push(colons(secret, upper), 9, (17, 18));
        }
        self.words_of_four(secret);
        for words in [secret, secret.get(1..).unwrap_or_default()] {
            let (pairs, _) = words.as_chunks::<2>();
            self.push(hex(pairs.iter().flat_map(|pair| pair.iter().rev()), words.len(), false), 6, (12, 16));
            self.push(octal(pairs.iter().map(|pair| u16::from_le_bytes(*pair)), 6), 9, (18, 24));
        }
    }

    /// Hexadecimal words of four bytes, the last byte first, at every alignment.
    fn words_of_four(&mut self, secret: &[u8]) {
        for from in 0..4 {
            let (words, _) = secret.get(from..).unwrap_or_default().as_chunks::<4>();
            self.push(hex(words.iter().flat_map(|word| word.iter().rev()), secret.len(), false), 6, (16, 16));
        }
    }
}

/// Two digits for each byte, with colons between them.
fn colons(secret: &[u8], upper: bool) -> Secret {
    let mut out = Zeroizing::new(Vec::with_capacity(3 * secret.len()));
    for byte in secret {
        if !out.is_empty() {
            out.push(b':');
        }
        out.extend_from_slice(&hex([byte].into_iter(), 1, upper));
    }
    out
}

fn hex<'a>(bytes: impl Iterator<Item = &'a u8>, most: usize, upper: bool) -> Secret {
    let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    collect(2 * most, bytes.flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]))
}

fn octal(numbers: impl Iterator<Item = u16>, width: u32) -> Secret {
    collect(
        width as usize * numbers.size_hint().0,
        numbers
            .flat_map(|number| (0..width).rev().map(move |place| b'0' + (number >> (3 * place) & 7) as u8)),
    )
}

/// Percent-encoded, every byte but the unreserved ones.
fn percent(secret: &[u8]) -> Secret {
    spelt(secret, |byte, out| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.push(b'%');
            out.extend_from_slice(&hex([byte].iter(), 1, true));
        }
    })
}

/// As forms are sent: percent-encoded, with `+` for a space.
fn plus(secret: &[u8]) -> Secret {
    let mut out = Zeroizing::new(Vec::with_capacity(secret.len() * 3));
    for (n, word) in secret.split(|byte| *byte == b' ').enumerate() {
        out.extend_from_slice(if n > 0 { b"+" } else { b"" });
        out.extend_from_slice(&percent(word));
    }
    out
}

/// As XML and HTML write it.
fn references(secret: &[u8]) -> Secret {
    spelt(secret, |byte, out| match byte {
        b'&' => out.extend_from_slice(b"&amp;"),
        b'<' => out.extend_from_slice(b"&lt;"),
        b'>' => out.extend_from_slice(b"&gt;"),
        plain => out.push(plain),
    })
}

/// As JSON, C, Go, Python and `$'..'` write it.
fn backslashes(secret: &[u8]) -> Secret {
    spelt(secret, |byte, out| {
        if byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    })
}

/// As UTF-8, each byte taken for a character: what programs make of bytes they were told are Latin-1.
fn latin1(secret: &[u8]) -> Secret {
    spelt(secret, |byte, out| {
        out.extend_from_slice(char::from(byte).encode_utf8(&mut [0; 2]).as_bytes());
    })
}

fn utf16(secret: &[u8]) -> Secret {
    let text = std::str::from_utf8(secret).unwrap_or_default();
    collect(2 * text.len(), text.encode_utf16().flat_map(u16::to_le_bytes))
}

fn with_line_ends(secret: &[u8], end: &[u8]) -> Secret {
    spelt(secret, |byte, out| match byte {
        b'\n' => out.extend_from_slice(end),
        b'\r' => {}
        plain => out.push(plain),
    })
}

/// Spells each byte; room is taken first, so that nothing is left behind by growing.
fn spelt(secret: &[u8], spell: impl Fn(u8, &mut Vec<u8>)) -> Secret {
    let mut out = Zeroizing::new(Vec::with_capacity(secret.len() * 5));
    secret.iter().for_each(|byte| spell(*byte, &mut out));
    out
}

/// Collects up to `most` bytes; room is taken first here, too.
fn collect(most: usize, bytes: impl Iterator<Item = u8>) -> Secret {
    let mut out = Zeroizing::new(Vec::with_capacity(most));
    bytes.for_each(|byte| out.push(byte));
    out
}
