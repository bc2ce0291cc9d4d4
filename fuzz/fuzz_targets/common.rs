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

/// High bytes become pieces of spellings; the others stand for themselves.
pub fn expand(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = input.iter();
    while let Some(byte) = bytes.next() {
        if *byte < 0xd0 {
            out.push(*byte);
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
