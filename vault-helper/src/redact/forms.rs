//! The encoded forms of a secret that are looked for in output.

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use zeroize::Zeroizing;

/// Every form of `secret`, the raw one first.
pub(super) fn all(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = vec![Zeroizing::new(secret.to_vec())];
    for upper in [false, true] {
        forms.push(hex(secret, upper));
    }
    for shift in 0..3 {
        for engine in [&STANDARD, &URL_SAFE] {
            forms.push(base64_core(engine, secret, shift));
        }
    }
    forms.retain(|form| form.len() >= super::strength::FULL.min(secret.len()));
    forms.sort_unstable_by(|a, b| a.as_slice().cmp(b.as_slice()));
    forms.dedup();
    forms
}

fn hex(secret: &[u8], upper: bool) -> Zeroizing<Vec<u8>> {
    let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let mut out = Zeroizing::new(Vec::with_capacity(secret.len() * 2));
    for byte in secret {
        out.push(digits[usize::from(byte >> 4)]);
        out.push(digits[usize::from(byte & 15)]);
    }
    out
}

/// The characters of base64 that depend on `secret` alone when `shift` unknown bytes stand before it.
fn base64_core(engine: &impl base64::Engine, secret: &[u8], shift: usize) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(vec![0; shift]);
    plain.extend_from_slice(secret);
    let text = Zeroizing::new(engine.encode(plain.as_slice()).into_bytes());
    let from = (shift * 8).div_ceil(6);
    let to = plain.len() * 8 / 6;
    Zeroizing::new(text[from..to].to_vec())
}
