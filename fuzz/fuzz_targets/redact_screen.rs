//! The screen: any bytes, any sizes, any order of them. Nothing panics, every row is there, the cursor is on
//! the screen, and no twelve characters of a secret in a row are shown in one row.
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
use redact::{Enrollment, Redactor};

static GUARDED: LazyLock<(Redactor, Vec<Enrollment>)> = LazyLock::new(|| {
    let redactor = Redactor::new();
    let guards = common::enroll(&redactor);
    (redactor, guards)
});

fuzz_target!(|input: &[u8]| {
    let mut screen = GUARDED.0.screen(8, 40);
    for step in input.chunks(24) {
        match step {
            [0, rows, columns, ..] => screen.resize(u16::from(*rows) % 40, u16::from(*columns)),
            _ => screen.feed(&common::expand(step)),
        }
    }
    let rendered = screen.render();
    let (rows, _) = screen.size();
    assert_eq!(rendered.rows.len(), usize::from(rows));
    assert!(rendered.cursor.row < rows);
    for secret in common::SECRETS {
        for window in secret.as_bytes().windows(12) {
            let shown =
                |row: &redact::CleanText| row.as_str().as_bytes().windows(12).any(|run| run == window);
            assert!(!rendered.rows.iter().any(shown), "{secret} is shown");
        }
    }
});
