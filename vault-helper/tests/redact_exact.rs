//! Exact downloads: every byte as it is, or none of a secret.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use base64::Engine;
use proptest::prelude::*;
use sallyport_protocol::rope::Rope;
use sallyport_vault_helper::redact::{Enrollment, Redactor, SecretFound, SecretKind};

const SECRET: &[u8] = b"Tr0ub4dor&3-horse-battery-staple";

fn redactor() -> (Redactor, Enrollment) {
    let redactor = Redactor::new();
    let guard = redactor.enroll("ssh://h/u", SECRET, SecretKind::Password).expect("a good secret");
    (redactor, guard)
}

/// What leaves of a file that comes in pieces, and whether all of it may.
fn leaves(redactor: &Redactor, pieces: &[&[u8]]) -> (Vec<u8>, Result<(), SecretFound>) {
    let mut exact = redactor.exact();
    let mut left = Vec::new();
    for piece in pieces {
        match exact.push(piece) {
            Ok(clean) => left.extend(clean.into_vec()),
            Err(found) => return (left, Err(found)),
        }
    }
    let end = exact.finish().map(|clean| left.extend(clean.into_vec()));
    (left, end)
}

/// The most bytes of the secret's beginning that stand at the end of what left.
fn shown(left: &[u8], secret: &[u8]) -> usize {
    (0..=secret.len()).rev().find(|n| left.ends_with(&secret[..*n])).unwrap_or(0)
}

#[test]
fn a_secret_cut_anywhere_leaves_nothing_of_itself() {
    let (redactor, _guard) = redactor();
    let base64 = base64::engine::general_purpose::STANDARD.encode(SECRET).into_bytes();
    let hex: Vec<u8> = SECRET.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    for form in [SECRET.to_vec(), base64, hex] {
        let file = [b"\x00\xff before ", &form[..], b" after"].concat();
        for cut in 0..file.len() {
            let (left, end) = leaves(&redactor, &[&file[..cut], &file[cut..]]);
            assert_eq!(end, Err(SecretFound), "cut at {cut}");
            assert!(shown(&left, &form) == 0, "cut at {cut}: {:?}", String::from_utf8_lossy(&left));
        }
        let bytes: Vec<&[u8]> = file.chunks(1).collect();
        let (left, end) = leaves(&redactor, &bytes);
        assert_eq!((end, shown(&left, &form)), (Err(SecretFound), 0), "byte by byte");
    }
}

#[test]
fn once_a_secret_was_found_nothing_passes_any_more_and_the_next_file_starts_anew() {
    let (redactor, _guard) = redactor();
    let mut exact = redactor.exact();
    assert!(exact.push(b"\0\x01Tr0ub4dor").is_ok());
    assert_eq!(exact.push(b"&3-horse"), Err(SecretFound));
    assert_eq!(exact.push(b"more"), Err(SecretFound));
    assert_eq!(exact.finish(), Err(SecretFound));
    assert_eq!(leaves(&redactor, &[b"nothing here"]), (b"nothing here".to_vec(), Ok(())));
}

#[test]
fn a_file_that_ends_inside_a_secret_is_refused() {
    let (redactor, _guard) = redactor();
    let (left, end) = leaves(&redactor, &[b"x ", &SECRET[..12]]);
    assert_eq!((shown(&left, SECRET), end), (0, Err(SecretFound)));
}

#[test]
fn keys_that_are_not_enrolled_are_the_files_own_business() {
    let (redactor, _guard) = redactor();
    let file = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END OPENSSH PRIVATE KEY-----\nAKIAIOSFODNN7EXAMPLE\n";
    assert_eq!(leaves(&redactor, &[file]), (file.to_vec(), Ok(())));
}

proptest! {
    #[test]
    fn pieces_that_come_together_are_looked_at_as_one(
        first in 0usize..40,
        cuts in prop::collection::vec(1usize..60, 1..20),
        before in prop::collection::vec(any::<u8>(), 0..300),
        secret: bool,
    ) {
        let (redactor, _guard) = redactor();
        let file = [&before[..], if secret { SECRET } else { b"nothing" }, &before[..]].concat();
        let first = first.min(file.len());
        let mut rope = Rope::new();
        let mut rest = &file[first..];
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            rope.push(piece.to_vec());
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        let mut exact = redactor.exact();
        let began = exact.push(&file[..first]).map(|clean| clean.into_vec());
        let passed = began.and_then(|began| {
            let clean = exact.push_rope(rope)?;
            let end = exact.finish()?;
            Ok([began, clean.into_vec(), end.into_vec()].concat())
        });
        let (left, whole) = leaves(&redactor, &[&file]);
        prop_assert_eq!(passed.is_ok(), whole.is_ok());
        prop_assert_eq!(whole.is_ok(), !secret);
        if let Ok(passed) = passed {
            prop_assert_eq!(&passed, &left);
            prop_assert_eq!(passed, file);
        }
    }

    #[test]
    fn a_file_without_a_secret_passes_byte_for_byte(file in prop::collection::vec(any::<u8>(), 0..4000), cut in 1usize..500) {
        let (redactor, _guard) = redactor();
        let pieces: Vec<&[u8]> = file.chunks(cut).collect();
        prop_assert_eq!(leaves(&redactor, &pieces), (file.clone(), Ok(())));
    }

    #[test]
    fn whatever_surrounds_a_secret_nothing_of_it_leaves(
        before in prop::collection::vec(any::<u8>(), 0..3000), after in prop::collection::vec(any::<u8>(), 0..300), cut in 1usize..700,
    ) {
        let (redactor, _guard) = redactor();
        let file = [&before[..], SECRET, &after].concat();
        let pieces: Vec<&[u8]> = file.chunks(cut).collect();
        let (left, end) = leaves(&redactor, &pieces);
        prop_assert_eq!(end, Err(SecretFound));
        prop_assert!(left.len() <= before.len() && before.starts_with(&left));
    }
}
