//! Terminal sequences and character escapes: where one ends and what it stands for.
//!
//! Sources: ECMA-48 5.4 (control sequences) and 8.3 (strings), ECMA-35 13 (designations), RFC 8259 7 (JSON),
//! RFC 3986 2.1 (percent), XML 1.0 4.1 (references), C23 6.4.4 (C).

/// Longest sequence that is taken as one; anything longer is ordinary text.
pub(super) const LONGEST: usize = 4096;
/// Backslashes in a row that still introduce one escape (text that was quoted several times over).
pub(super) const BACKSLASHES: usize = 16;

/// What stands at a position that looks like the start of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// A whole sequence of this many bytes.
    Whole(usize),
    /// The bytes end before it does.
    Partial,
    /// No sequence: ordinary text.
    Text,
}

/// The terminal sequence at the start of `bytes`, which begin with ESC.
#[inline]
pub(crate) fn terminal(bytes: &[u8]) -> Token {
    let Some(kind) = bytes.get(1) else { return Token::Partial };
    match kind {
        b'[' => match bytes[2..].iter().position(|b| !(0x20..=0x3f).contains(b)) {
            Some(at) if (0x40..=0x7e).contains(&bytes[2 + at]) => Token::Whole(at + 3),
            Some(_) => Token::Text,
            None => cut(bytes),
        },
        b']' | b'P' | b'X' | b'^' | b'_' => string(bytes),
        0x20..=0x2f => match bytes[2..].iter().position(|b| !(0x20..=0x2f).contains(b)) {
            Some(at) if (0x30..=0x7e).contains(&bytes[2 + at]) => Token::Whole(at + 3),
            Some(_) => Token::Text,
            None => cut(bytes),
        },
        0x30..=0x7e => Token::Whole(2),
        _ => Token::Text,
    }
}

/// A control string: up to BEL or ESC backslash.
fn string(bytes: &[u8]) -> Token {
    let body = &bytes[2..bytes.len().min(LONGEST)];
    match body.iter().position(|b| matches!(b, 0x07 | 0x18 | 0x1a | 0x1b)) {
        Some(at) if body[at] == 0x07 => Token::Whole(at + 3),
        Some(at) if body[at] == 0x1b => match body.get(at + 1) {
            Some(b'\\') => Token::Whole(at + 4),
            Some(_) => Token::Text,
            None => cut(bytes),
        },
        Some(_) => Token::Text,
        None => cut(bytes),
    }
}

const fn cut(bytes: &[u8]) -> Token {
    if bytes.len() < LONGEST { Token::Partial } else { Token::Text }
}

/// What an escape stands for: up to four bytes of UTF-8, or nothing for white space and controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decoded {
    bytes: [u8; 4],
    len: u8,
}

impl Decoded {
    /// White space or a control.
    pub(super) const NOTHING: Self = Self { bytes: [0; 4], len: 0 };

    const fn byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], len: 1 }
    }

    fn scalar(value: u32) -> Self {
        let Some(c) = char::from_u32(value) else { return Self::NOTHING };
        let mut bytes = [0; 4];
        let len = c.encode_utf8(&mut bytes).len();
        Self { bytes, len: len as u8 }
    }

    /// The bytes it stands for.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Whether the second byte leaves it open that `bytes`, which begin with `%` or `&`, are an escape.
#[inline]
pub(super) const fn may_begin(bytes: &[u8]) -> bool {
    match bytes {
        [b'%', next, ..] => next.is_ascii_hexdigit(),
        [b'&', next, ..] => next.is_ascii_alphanumeric() || *next == b'#',
        _ => true,
    }
}

/// The escape at the start of `bytes`, which begin with `%` or `&`.
pub(super) fn character(bytes: &[u8]) -> (Token, Decoded) {
    if bytes[0] == b'%' { percent(bytes) } else { reference(bytes) }
}

/// How often text may have been percent-encoded or XML-escaped on top of the first time.
const NESTED: usize = 4;

/// A percent escape, the percent sign of which may have been encoded in its turn: `%41`, `%2541`, `%252541`.
fn percent(bytes: &[u8]) -> (Token, Decoded) {
    let nested = bytes[1..].chunks(2).take(NESTED).take_while(|pair| *pair == b"25").count();
    let length = 1 + 2 * nested;
    match digits(bytes, length, 2, 2, 16, Decoded::byte_of) {
        // What follows is no escape: the last `25` is one itself.
        (Token::Text, _) if nested > 0 => (Token::Whole(length), Decoded::byte(b'%')),
        (Token::Partial, _) if nested > 0 && bytes.len() == length => (Token::Partial, Decoded::byte(b'%')),
        other => other,
    }
}

impl Decoded {
    const fn byte_of(value: u32) -> Self {
        Self::byte((value & 0xff) as u8)
    }
}

/// The escape at the start of `bytes`, which begin with a run of at most [`BACKSLASHES`] backslashes.
pub(super) fn backslash(bytes: &[u8], run: usize) -> (Token, Decoded) {
    let Some(letter) = bytes.get(run) else { return (Token::Partial, Decoded::NOTHING) };
    match letter {
        b'x' => digits(bytes, run + 1, 2, 2, 16, Decoded::byte_of),
        b'u' if bytes.get(run + 1) == Some(&b'{') => braced(bytes, run + 2),
        b'u' => digits(bytes, run + 1, 4, 4, 16, Decoded::scalar),
        b'U' => digits(bytes, run + 1, 8, 8, 16, Decoded::scalar),
        b'0'..=b'7' => digits(bytes, run, 1, 3, 8, Decoded::byte_of),
        b'n' | b't' | b'r' | b'v' | b'f' | b'a' | b'b' | b'e' => (Token::Whole(run + 1), Decoded::NOTHING),
        _ => (Token::Text, Decoded::NOTHING),
    }
}

fn braced(bytes: &[u8], from: usize) -> (Token, Decoded) {
    let close = bytes[from..].iter().take(7).position(|b| *b == b'}');
    match close {
        Some(len) => match number(&bytes[from..from + len], 16) {
            Some(value) => (Token::Whole(from + len + 1), Decoded::scalar(value)),
            None => (Token::Text, Decoded::NOTHING),
        },
        None if bytes.len() - from < 7 => (Token::Partial, Decoded::NOTHING),
        None => (Token::Text, Decoded::NOTHING),
    }
}

/// From `least` to `most` digits of `radix` at `from`; at least one and at most eight.
#[inline]
fn digits(
    bytes: &[u8],
    from: usize,
    least: usize,
    most: usize,
    radix: u8,
    make: impl Fn(u32) -> Decoded,
) -> (Token, Decoded) {
    let rest = bytes.get(from..).unwrap_or_default();
    let (mut len, mut value) = (0, 0);
    for byte in rest.iter().take(most) {
        let digit = DIGITS[usize::from(*byte)];
        if digit >= radix {
            break;
        }
        value = value * u32::from(radix) + u32::from(digit);
        len += 1;
    }
    let decoded = if len < least { Decoded::NOTHING } else { make(value) };
    if len < most && len == rest.len() {
        (Token::Partial, decoded)
    } else if len < least {
        (Token::Text, decoded)
    } else {
        (Token::Whole(from + len), decoded)
    }
}

/// What each byte is worth as a digit; what is none is worth more than any radix.
const DIGITS: [u8; 256] = {
    let mut digits = [0xff; 256];
    let mut digit = 0;
    while digit < 16 {
        digits[b"0123456789abcdef"[digit] as usize] = digit as u8;
        digits[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// The named references every writer of XML or HTML uses.
const NAMED: &[(&[u8], u8)] =
    &[(b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"quot", b'"'), (b"apos", b'\'')];

/// Longest reference: `&#x10FFFF;` with a few leading zeros.
const REFERENCE: usize = 18;

/// A reference, the ampersand of which may have been escaped in its turn: `&lt;`, `&amp;lt;`, `&amp;amp;lt;`.
fn reference(bytes: &[u8]) -> (Token, Decoded) {
    const AMPERSAND: &[u8] = b"amp;";
    let nested =
        bytes[1..].chunks(AMPERSAND.len()).take(NESTED).take_while(|name| *name == AMPERSAND).count();
    let outer = nested * AMPERSAND.len();
    match plain_reference(&bytes[outer..]) {
        // What follows is no reference: the last `amp;` ends one itself.
        (Token::Text, _) if nested > 0 => (Token::Whole(1 + outer), Decoded::byte(b'&')),
        (Token::Partial, _) if nested > 0 && bytes.len() == 1 + outer => {
            (Token::Partial, Decoded::byte(b'&'))
        }
        (Token::Whole(length), decoded) => (Token::Whole(outer + length), decoded),
        other => other,
    }
}

/// A reference: the byte at the start of `bytes` stands for its ampersand.
fn plain_reference(bytes: &[u8]) -> (Token, Decoded) {
    let body = &bytes[1..bytes.len().min(REFERENCE)];
    let Some(len) = body.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'#')) else {
        let token = if bytes.len() < REFERENCE { Token::Partial } else { Token::Text };
        return (token, Decoded::NOTHING);
    };
    if body[len] != b';' {
        return (Token::Text, Decoded::NOTHING);
    }
    let decoded = match &body[..len] {
        [b'#', b'x' | b'X', hex @ ..] => number(hex, 16).map(Decoded::scalar),
        [b'#', decimal @ ..] => number(decimal, 10).map(Decoded::scalar),
        name => NAMED.iter().find(|(known, _)| *known == name).map(|(_, byte)| Decoded::byte(*byte)),
    };
    decoded.map_or((Token::Text, Decoded::NOTHING), |decoded| (Token::Whole(len + 2), decoded))
}

/// The value of a few digits, all of `radix`.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    if digits.is_empty() || digits.len() - zeros > 8 {
        return None;
    }
    let value = digits.iter().try_fold(0_u64, |value, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        Some(value * u64::from(radix) + u64::from(digit))
    })?;
    u32::try_from(value).ok()
}
