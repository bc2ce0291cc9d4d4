//! Streams: chunks, prompts, guards.
#![allow(clippy::expect_used, reason = "a test that cannot set up must fail")]

use std::time::{Duration, Instant};

use sallyport_vault_helper::redact::{MASK, Redactor, SecretKind, Strength, Weak, trusted_text};

const SECRET: &[u8] = b"Tr0ub4dor&3-horse";

fn redactor() -> (Redactor, sallyport_vault_helper::redact::Enrollment) {
    let redactor = Redactor::new();
    let guard = redactor.enroll("ssh://h/u", SECRET, SecretKind::Password).expect("a good secret");
    (redactor, guard)
}

#[test]
fn a_secret_cut_at_any_byte_by_a_chunk_is_masked_whole() {
    let (redactor, _guard) = redactor();
    let text = [b"before ", SECRET, b" after"].concat();
    for cut in 0..text.len() {
        let now = Instant::now();
        let mut stream = redactor.stream();
        let mut clean = stream.push(now, &text[..cut]);
        clean.append(stream.push(now, &text[cut..]));
        clean.append(stream.finish());
        assert_eq!(String::from_utf8_lossy(clean.as_bytes()), format!("before {MASK} after"));
    }
}

#[test]
fn enrolment_takes_effect_in_a_running_stream_and_ends_with_the_last_guard() {
    let redactor = Redactor::new();
    let mut stream = redactor.stream();
    let now = Instant::now();
    assert_eq!(stream.push(now, SECRET).as_bytes(), SECRET);
    let first = redactor.enroll("a", SECRET, SecretKind::Password).expect("a good secret");
    let second = redactor.enroll("b", SECRET, SecretKind::Dotenv).expect("a good secret");
    assert_eq!(redactor.bytes(SECRET).as_bytes(), MASK.as_bytes());
    drop(first);
    assert_eq!(redactor.bytes(SECRET).as_bytes(), MASK.as_bytes());
    drop(second);
    assert_eq!(redactor.bytes(SECRET).as_bytes(), SECRET);
}

#[test]
fn a_stream_that_stops_inside_a_secret_is_resolved_by_its_deadline_without_showing_it() {
    let (redactor, _guard) = redactor();
    let now = Instant::now();
    let mut stream = redactor.stream();
    assert_eq!(stream.push(now, b"x Tr0ub4do").as_bytes(), b"x ");
    let due = stream.deadline().expect("bytes are held");
    assert!(due <= now + Duration::from_millis(150));
    assert_eq!(stream.tick(due).as_bytes(), MASK.as_bytes());
    assert_eq!(stream.deadline(), None);
}

#[test]
fn nothing_is_held_when_nothing_is_enrolled() {
    let mut stream = Redactor::new().stream();
    assert_eq!(stream.push(Instant::now(), b"password: ").as_bytes(), b"password: ");
    assert_eq!(stream.deadline(), None);
}

#[test]
fn secrets_that_cannot_be_told_from_ordinary_text_are_refused() {
    let redactor = Redactor::new();
    for (secret, why) in
        [("abc", Weak::TooShort), ("Password", Weak::CommonWord), ("redacted", Weak::PartOfMask)]
    {
        let refused = redactor.enroll("s", secret.as_bytes(), SecretKind::Password);
        assert_eq!(refused.err(), Some(why));
    }
}

#[test]
fn what_a_person_is_told_about_a_secret_goes_by_its_weakest_part() {
    let told = |secret: &[u8], kind| Redactor::strength(secret, kind).warning();
    let (password, dotenv) = (SecretKind::Password, SecretKind::Dotenv);
    assert_eq!(Redactor::strength(b"abc\n", password), Strength::Refused);
    assert_eq!(Redactor::strength(b"redacted", password), Strength::Refused);
    for weak in [&b"k3y!"[..], b"k3y!zzz", b"Password", b"12345678", b"--------"] {
        assert!(matches!(Redactor::strength(weak, password), Strength::Weak(_)), "{weak:?}");
        assert!(told(weak, password).is_some());
    }
    assert_eq!((told(SECRET, password), told(SECRET, dotenv)), (None, None));
    // Of an address the password alone is secret.
    assert!(told(b"postgres://app:pw1@db.example/x", dotenv).is_some());
    let key =
        b"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAu1SU1LfVLPHC\n-----END RSA PRIVATE KEY-----\n";
    assert_eq!(told(key, SecretKind::PrivateKey), None);
}

#[test]
fn many_guards_that_end_together_leave_the_others_in_force() {
    let redactor = Redactor::new();
    let enroll = |n: usize| {
        redactor.enroll("s", format!("secret-number-{n:04}-{}", n * 7919).as_bytes(), SecretKind::Password)
    };
    let mut guards: Vec<_> = (0..200).map(|n| enroll(n).expect("a good secret")).collect();
    let shown = |n: usize| {
        let text = format!("secret-number-{n:04}-{}", n * 7919);
        redactor.text(&text).as_str() == text
    };
    for kept in [150, 60, 59, 3, 1] {
        guards.truncate(kept);
        for n in [0, kept - 1] {
            assert!(!shown(n), "{n} of {kept}");
        }
    }
    let back = enroll(120).expect("a good secret");
    assert!(!shown(120) && !shown(0));
    drop((guards, back));
    assert!(shown(120) && shown(0));
}

#[test]
fn literals_of_our_own_pass_and_foreign_text_is_masked() {
    let (redactor, _guard) = redactor();
    let text = trusted_text("cannot open ").and(&redactor.text("/srv/Tr0ub4dor&3-horse"));
    assert_eq!(text.as_str(), "cannot open /srv/[redacted]");
}
