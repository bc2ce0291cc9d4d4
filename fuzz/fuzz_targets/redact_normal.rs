//! The normaliser: any bytes, read at once, in two pieces and in many, give the same output, and the same as when
//! nothing is passed over unread; nothing of twelve characters of a secret is left of it; and without a secret the
//! output is the input.
#![no_main]

// The module takes its memory from there.
use sallyport_vault_helper::harden;

#[allow(dead_code)]
mod common;
#[allow(dead_code, unused_imports)]
#[path = "../../vault-helper/src/redact/mod.rs"]
mod redact;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use redact::{Enrollment, Redactor, SecretKind};

/// Longest text that is read byte by byte: that takes long.
const SHORT: usize = 512;

/// Enrolled once: that is slower than everything else here.
static GUARDED: LazyLock<(Redactor, Vec<Enrollment>)> = LazyLock::new(|| {
    let redactor = Redactor::new();
    let guards = common::enroll(&redactor);
    (redactor, guards)
});

/// With a secret of every byte that no other form has besides, nothing can be passed over unread.
static READING: LazyLock<(Redactor, Vec<Enrollment>)> = LazyLock::new(|| {
    let redactor = Redactor::new();
    let mut guards = common::enroll(&redactor);
    guards.extend(redactor.enroll("e", &common::everything(), SecretKind::Password));
    (redactor, guards)
});

/// That secret alone: a text that holds part of it, in base64 for one, compares with nothing.
static EVERYTHING: LazyLock<(Redactor, Vec<Enrollment>)> = LazyLock::new(|| {
    let redactor = Redactor::new().with_shapes(false);
    let guards = redactor.enroll("e", &common::everything(), SecretKind::Password).into_iter().collect();
    (redactor, guards)
});

fuzz_target!(|input: &[u8]| {
    let Some((cut, input)) = input.split_first() else { return };
    let mut text = common::expand(input);
    // A backspace that comes late cannot take back what has left: not a law of chunks.
    text.retain(|byte| *byte != 8);
    assert_eq!(common::run(Redactor::new().with_shapes(false).stream(), [text.as_slice()]), text);
    let (redactor, _) = &*GUARDED;
    let whole = common::run(redactor.stream(), [text.as_slice()]);
    let at = text.len() * usize::from(*cut) / 256;
    assert_eq!(whole, common::run(redactor.stream(), [&text[..at], &text[at..]]), "two pieces");
    let piece = if text.len() <= SHORT { 1 } else { 61 };
    assert_eq!(whole, common::run(redactor.stream(), text.chunks(piece)), "in many pieces");
    if common::run(EVERYTHING.0.stream(), [text.as_slice()]) == text {
        assert_eq!(whole, common::run(READING.0.stream(), [text.as_slice()]), "nothing passed over");
    }
    for secret in common::SECRETS {
        for window in secret.as_bytes().windows(12) {
            assert!(!whole.windows(12).any(|run| run == window), "{secret} is left");
        }
    }
});
