//! Speed and size of the redactor, as ratios to a memory copy and to plain `aho-corasick` in the same run.
//!
//! Run: `cargo bench -p sallyport-vault-helper --bench redact`. Figures are medians of interleaved passes.
#![allow(clippy::expect_used, missing_docs, reason = "a measurement that cannot set up must fail")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use sallyport_vault_helper::redact::{Enrollment, Redactor, SecretKind};

const SIZE: usize = 32 << 20;
const CHUNK: usize = 32 << 10;
const PASSES: usize = 5;

/// A small generator of our own: the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> Vec<u8> {
        (0..length).map(|_| alphabet[self.next() % alphabet.len()]).collect()
    }
}

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$*+,-./:;=?@^_~";
const WORDS: &[&str] = &[
    "accepted",
    "cache",
    "client",
    "closed",
    "connection",
    "disk",
    "error",
    "for",
    "from",
    "info",
    "invalid",
    "kernel",
    "listening",
    "on",
    "opened",
    "password",
    "port",
    "request",
    "session",
    "sshd",
    "started",
    "systemd",
    "timeout",
    "user",
    "warning",
    "with",
];

fn log(colour: bool) -> Vec<u8> {
    let mut random = Random(1);
    let mut out = Vec::with_capacity(SIZE + 256);
    while out.len() < SIZE {
        let n = random.next();
        out.extend_from_slice(
            format!("Nov {:02} {:02}:{:02}:{:02} host{} ", n % 30, n % 24, n % 60, n % 59, n % 7).as_bytes(),
        );
        for _ in 0..6 + n % 8 {
            let word = WORDS[random.next() % WORDS.len()];
            if colour {
                out.extend_from_slice(format!("\x1b[{}m{word}\x1b[0m ", 31 + n % 7).as_bytes());
            } else {
                out.extend_from_slice(word.as_bytes());
                out.push(b' ');
            }
        }
        out.extend_from_slice(format!("pid={n} id={:08x}\n", random.next()).as_bytes());
    }
    out.truncate(SIZE);
    out
}

fn secrets(count: usize, least: usize) -> Vec<Vec<u8>> {
    let mut random = Random(7);
    (0..count)
        .map(|_| {
            let length = least + random.next() % 24;
            random.text(SIGNS, length)
        })
        .collect()
}

fn enroll(redactor: &Redactor, secrets: &[Vec<u8>]) -> Vec<Enrollment> {
    secrets.iter().map(|s| redactor.enroll("s", s, SecretKind::Password).expect("strong")).collect()
}

/// The forms a plain masker would look for.
fn plain_forms(secrets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for secret in secrets {
        forms.push(secret.clone());
        forms.push(secret.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect());
        forms.push(secret.iter().flat_map(|b| format!("{b:02X}").into_bytes()).collect());
        forms.push(secret.iter().flat_map(|b| format!("%{b:02X}").into_bytes()).collect());
        for shift in 0..3 {
            for engine in [&STANDARD, &URL_SAFE] {
                let text = engine.encode([&vec![0; shift], secret.as_slice()].concat());
                let (from, to) = ((shift * 8_usize).div_ceil(6), (shift + secret.len()) * 8 / 6);
                forms.push(text.as_bytes()[from..to].to_vec());
            }
        }
    }
    forms
}

fn stream(redactor: &Redactor, text: &[u8]) -> usize {
    let now = Instant::now();
    let mut stream = redactor.stream();
    let pushed: usize = text.chunks(CHUNK).map(|chunk| stream.push(now, chunk).len()).sum();
    pushed + stream.finish().len()
}

fn copy(text: &[u8]) -> usize {
    text.chunks(CHUNK).map(|chunk| black_box(chunk.to_vec()).len()).sum()
}

fn timed(work: impl FnOnce() -> usize) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn speed(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64() / 1e6
}

fn compare(name: &str, text: &[u8], secrets: &[Vec<u8>]) {
    let redactor = Redactor::new();
    let _guards = enroll(&redactor, secrets);
    let plain = AhoCorasick::new(plain_forms(secrets)).expect("small");
    let (mut ours, mut theirs, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PASSES {
        copies.push(timed(|| copy(text)));
        theirs.push(timed(|| plain.find_iter(text).count()));
        ours.push(timed(|| stream(&redactor, text)));
    }
    let [ours, theirs, copies] = [ours, theirs, copies].map(|times| speed(text.len(), median(times)));
    println!(
        "{name:<34} {ours:>7.0} MB/s   plain find {theirs:>6.0} MB/s ({:.1}x)   copy {copies:>6.0} MB/s",
        ours / theirs
    );
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn main() {
    if let Ok(case) = std::env::var("CASE") {
        let few = secrets(32, if case == "log16" { 16 } else { 8 });
        let text: Vec<u8> = match case.as_str() {
            "whole" => few.iter().cycle().flat_map(|s| s.iter().copied().chain([b'\n'])).take(SIZE).collect(),
            "esc" => b"\x1b[1m%41\\x41&amp;\x08x".iter().copied().cycle().take(SIZE).collect(),
            "colour" => log(true),
            _ => log(false),
        };
        let redactor = Redactor::new();
        let _guards = enroll(&redactor, &few);
        let time = median((0..9).map(|_| timed(|| stream(&redactor, &text))).collect());
        println!("{case} {:.0} MB/s", speed(text.len(), time));
        return;
    }
    let before = resident();
    let redactor = Redactor::new();
    let many = secrets(257, 16);
    let guards = enroll(&redactor, &many[..256]);
    println!("256 secrets: {} KiB resident", resident().saturating_sub(before));
    let one = median(
        (0..PASSES)
            .map(|_| timed(|| enroll(&redactor, &many[256..]).iter().map(|g| g.slug().len()).sum()))
            .collect(),
    );
    println!("one more, enrolled and dropped: {:.2} ms", one.as_secs_f64() * 1e3);
    let mut slowest = Duration::ZERO;
    let grown = Redactor::new();
    let mut kept = Vec::new();
    for secret in &many {
        slowest = slowest.max(timed(|| {
            kept.push(grown.enroll("s", secret, SecretKind::Password).expect("strong"));
            0
        }));
    }
    println!("slowest of 257 enrolments: {:.2} ms", slowest.as_secs_f64() * 1e3);
    drop((guards, kept));

    let text = log(false);
    for count in [0, 1, 32, 256] {
        compare(&format!("log text, {count} secrets of 16+"), &text, &secrets(count, 16));
    }
    compare("log text, 32 secrets of 8+", &text, &secrets(32, 8));
    compare("coloured log, 32 secrets of 8+", &log(true), &secrets(32, 8));
    let few = secrets(32, 8);
    compare("random letters, 32 secrets of 8+", &Random(3).text(LETTERS, SIZE), &few);
    compare("random hex digits, 32 secrets", &Random(4).text(b"0123456789abcdef", SIZE), &few);
    let halves: Vec<u8> =
        few.iter().cycle().flat_map(|s| s[..7].iter().copied().chain([b' '])).take(SIZE).collect();
    compare("seven bytes of secrets, 32 of 8+", &halves, &few);
    let whole: Vec<u8> =
        few.iter().cycle().flat_map(|s| s.iter().copied().chain([b'\n'])).take(SIZE).collect();
    compare("nothing but secrets, 32 of 8+", &whole, &few);
    let specials: Vec<u8> = b"\x1b[1m%41\\x41&amp;\x08x".iter().copied().cycle().take(SIZE).collect();
    compare("nothing but escapes, 32 of 8+", &specials, &few);
}
