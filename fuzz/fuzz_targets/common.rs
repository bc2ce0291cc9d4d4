//! What the redactor's targets share: secrets, and bytes that stand for spellings of them.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::redact::{Enrollment, Redactor, SecretKind, StreamRedactor};

/// Secrets with what each machine treats apart: quotes, escapes, repeats, other alphabets, shortness.
pub const SECRETS: [&str; 6] = [
    "q7Vx0Lm2Zt9Rb4Kd8Ws1",
    "aabaabaacdefaabaa",
    "p'w\"4\\x41%42&amp;z<_>-19",
    "pässwörd-über-ñandú",
    "48151623421234",
    "k3y!z",
];

pub fn enroll(redactor: &Redactor) -> Vec<Enrollment> {
    SECRETS
        .iter()
        .filter_map(|secret| redactor.enroll("s", secret.as_bytes(), SecretKind::Password).ok())
        .collect()
}

/// What fills long stretches, besides bytes at random: all that a reading of the stream treats apart.
const FILLINGS: [&[u8]; 12] = [
    b" ",
    b"\n",
    b"word and word, ",
    b"\x1b[31mword\x1b[0m ",
    b"\x1b",
    b"\x1b]0;",
    b"%41\\x42&lt;",
    b"\\",
    b"\xff\x08",
    b"\xc3\xa4",
    b"ghp_ ",
    b"00000010: 6234 4b64 3857 7331  b4Kd8Ws1\n",
];

/// Up to four KiB of one filling, so that a few bytes of input fill whole blocks.
fn fill(kind: u8, amount: u8, out: &mut Vec<u8>) {
    let length = 16 * (usize::from(amount) + 1);
    if let Some(filling) = FILLINGS.get(usize::from(kind)) {
        return out.extend(filling.iter().cycle().take(length));
    }
    // Any bytes, or only those from 0x80 on, or ones around the letters.
    let (low, high) = [(0, 0xff), (0x80, 0xff), (0x40, 0x7f)][usize::from(kind % 3)];
    let mut state = u32::from(amount) + 1;
    out.extend((0..length).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 & high | low
    }));
}

/// High bytes become fillings and pieces of spellings; the others stand for themselves.
pub fn expand(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = input.iter();
    while let Some(byte) = bytes.next() {
        if *byte < 0xc0 {
            out.push(*byte);
            continue;
        }
        if *byte < 0xd0 {
            fill(byte & 15, bytes.next().copied().unwrap_or(0), &mut out);
            continue;
        }
        let secret = SECRETS[usize::from(byte & 7) % SECRETS.len()].as_bytes();
        let how = bytes.next().copied().unwrap_or(0);
        let spelt: Vec<u8> = match how % 6 {
            0 => secret.to_vec(),
            1 => STANDARD.encode([&vec![b'~'; usize::from(how / 64)], secret].concat()).into_bytes(),
            2 => secret.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect(),
            3 => secret.iter().flat_map(|b| format!("%{b:02X}").into_bytes()).collect(),
            4 => secret.iter().flat_map(|b| format!("\\x{b:02x}").into_bytes()).collect(),
            _ => secret.iter().flat_map(|b| [b"\x1b[1m".as_slice(), &[*b]].concat()).collect(),
        };
        let from = usize::from(bytes.next().copied().unwrap_or(0)) % (spelt.len() * 2);
        out.extend_from_slice(spelt.get(from..).unwrap_or(&spelt));
    }
    out
}

/// A secret of nothing but bytes that no other form has: with it, nothing can be passed over unread.
pub fn everything() -> Vec<u8> {
    (0..128_u8).map(|n| 0x80 | n.wrapping_mul(77)).collect()
}

/// What a stream shows of the given pieces.
pub fn run<'a>(mut stream: StreamRedactor, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let now = Instant::now();
    let mut out = Vec::new();
    for piece in pieces {
        out.extend(stream.push(now, piece).into_vec());
    }
    out.extend(stream.finish().into_vec());
    out
}
