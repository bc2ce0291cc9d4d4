//! What a secret leaves behind in our memory once its last guard is dropped: nothing. Alone in its file, because it
//! reads the memory of the whole test process. Linux only.
#![allow(clippy::expect_used, reason = "a test that cannot set up must fail")]
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Instant;

use aho_corasick::AhoCorasick;
use sallyport_vault_helper::redact::{Redactor, SecretKind};

/// Parts of the forms of the secret, every bit flipped, so that this table is not what is looked for.
struct Marks(Vec<Vec<u8>>);

impl Marks {
    fn add(&mut self, part: &[u8]) {
        self.0.push(part.iter().map(|byte| !byte).collect());
        let digits = part.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        self.0.push(digits.map(|digit| !b"0123456789abcdef"[usize::from(digit)]).collect());
    }

    /// How many of them stand in the writable memory of this process outside of `window`.
    fn found(&self, window: &mut [u8]) -> usize {
        let marks = AhoCorasick::new(&self.0).expect("small");
        let maps = fs::read_to_string("/proc/self/maps").expect("Linux");
        let memory = File::open("/proc/self/mem").expect("Linux");
        let own = window.as_ptr() as u64..window.as_ptr() as u64 + window.len() as u64;
        let mut count = 0;
        for line in maps.lines().filter(|line| line.contains(" rw")) {
            let range = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
            let parse = |text| u64::from_str_radix(text, 16).expect("hexadecimal");
            let (mut at, to) = (parse(range.0), parse(range.1));
            while at < to {
                let length = window.len().min((to - at) as usize);
                if memory.read_exact_at(&mut window[..length], at).is_err() {
                    break;
                }
                window[..length].iter_mut().for_each(|byte| *byte = !*byte);
                let hits = marks.find_overlapping_iter(&window[..length]);
                count += hits.filter(|hit| !own.contains(&(at + hit.start() as u64))).count();
                window.fill(0);
                at += length as u64;
            }
        }
        count
    }
}

/// Writes the secret, letter by letter, from a table in which it does not stand in one piece.
fn make(secret: &mut [u8; 40]) {
    for (n, byte) in secret.iter_mut().enumerate() {
        *byte = b"uK4!qW9m"[n % 8].wrapping_add((n / 8) as u8);
    }
}

#[test]
fn the_patterns_of_a_secret_go_with_its_last_guard_and_those_of_others_stay() {
    let mut window = vec![0; 1 << 20];
    let mut marks = Marks(Vec::new());
    let redactor = Redactor::new();
    let other = redactor.enroll("o", b"another-secret-of-some-length", SecretKind::Password).expect("good");
    let mut secret = [0; 40];
    make(&mut secret);
    let guard = redactor.enroll("s", &secret, SecretKind::Password).expect("good");
    let short = redactor.enroll("t", &secret[33..39], SecretKind::Password).expect("good");
    let mut stream = redactor.stream();
    let _ = stream.push(Instant::now(), &secret[..9]);
    let _ = stream.finish();
    for from in [0, 12, 28] {
        marks.add(&secret[from..from + 12]);
    }
    let own = marks.found(&mut window);
    assert!(own > 6, "while it is enrolled its forms are in memory: {own}");
    drop((guard, short, stream));
    secret.fill(0);
    std::hint::black_box(&mut secret);
    assert_eq!(marks.found(&mut window), 0);
    assert_eq!(redactor.text("another-secret-of-some-length").as_str(), "[redacted]");
    drop(other);
}
