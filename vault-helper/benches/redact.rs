//! Speed and size of the redactor, as ratios to a memory copy and to plain `aho-corasick` in the same run.
//!
//! Run: `cargo bench -p sallyport-vault-helper --bench redact -- [WORD]`; WORD picks the lines that hold it.
//! Figures are medians of interleaved passes, in processor time, so that a busy machine changes them little.
#![allow(clippy::expect_used, missing_docs, reason = "a measurement that cannot set up must fail")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use nix::time::{ClockId, clock_gettime};
use sallyport_vault_helper::redact::{Enrollment, Redactor, SecretKind};

const SIZE: usize = 16 << 20;
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

fn stream(redactor: &Redactor, text: &[u8], shapes: bool) -> usize {
    let now = Instant::now();
    let mut stream = redactor.with_shapes(shapes).stream();
    let pushed: usize =
        text.chunks(CHUNK).map(|chunk| stream.push_owned(now, black_box(chunk.to_vec())).len()).sum();
    pushed + stream.finish().len()
}

fn copy(text: &[u8]) -> usize {
    text.chunks(CHUNK).map(|chunk| black_box(chunk.to_vec()).len()).sum()
}

fn used() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock").into()
}

fn timed(work: impl FnOnce() -> usize) -> Duration {
    let start = used();
    black_box(work());
    used() - start
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn speed(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64() / 1e6
}

fn compare(name: &str, text: impl FnOnce() -> Vec<u8>, secrets: &[Vec<u8>]) {
    let picked =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).all(|word| name.contains(&word));
    if !picked {
        return;
    }
    let text = &text();
    let redactor = Redactor::new();
    let _guards = enroll(&redactor, secrets);
    let plain = AhoCorasick::new(plain_forms(secrets)).expect("small");
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..PASSES {
        times[0].push(timed(|| stream(&redactor, text, true)));
        times[1].push(timed(|| stream(&redactor, text, false)));
        times[2].push(timed(|| if secrets.is_empty() { 0 } else { plain.find_iter(text).count() }));
        times[3].push(timed(|| copy(text)));
    }
    let [ours, bare, theirs, copies] = times.map(|times| speed(text.len(), median(times)));
    println!(
        "{name:<36} {ours:>7.0} MB/s  without shapes {bare:>7.0}  plain find {theirs:>6.0} ({:.1}x)  copy {copies:>6.0} ({:.3}x)",
        ours / theirs,
        ours / copies,
    );
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn main() {
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

    for count in [0, 1, 32, 256] {
        compare(&format!("log text, {count} secrets of 16+"), || log(false), &secrets(count, 16));
    }
    let few = &secrets(32, 8);
    let over_and_over = |piece: &[u8]| piece.iter().copied().cycle().take(SIZE).collect::<Vec<u8>>();
    compare("log text, 32 secrets of 8+", || log(false), few);
    compare("coloured log, 32 secrets of 8+", || log(true), few);
    compare("random letters, 32 secrets of 8+", || Random(3).text(LETTERS, SIZE), few);
    let any: Vec<u8> = (0..=255).collect();
    for count in [1, 32] {
        compare(
            &format!("random bytes, {count} secrets of 16+"),
            || Random(5).text(&any, SIZE),
            &secrets(count, 16),
        );
    }
    compare("random bytes, 32 secrets of 8+", || Random(5).text(&any, SIZE), few);
    compare("random hex digits, 32 of 8+", || Random(4).text(b"0123456789abcdef", SIZE), few);
    let halves: Vec<u8> = few.iter().flat_map(|s| [&s[..7], b" "].concat()).collect();
    compare("seven bytes of secrets, 32 of 8+", || over_and_over(&halves), few);
    let whole: Vec<u8> = few.iter().flat_map(|s| [s.as_slice(), b"\n"].concat()).collect();
    compare("nothing but secrets, 32 of 8+", || over_and_over(&whole), few);
    compare("nothing but escapes, 32 of 8+", || over_and_over(b"\x1b[1m%41\\x41&amp;\x08x"), few);
    compare("nothing but backslashes, 32 of 8+", || over_and_over(b"\\"), few);
    compare("nothing but ESC, 32 of 8+", || over_and_over(b"\x1b"), few);
    compare("nothing but colour codes, 32 of 8+", || over_and_over(b"\x1b[m"), few);
    compare("characters taken back, 32 of 8+", || over_and_over(b"x\x1b[m\x08\x1b[m\x08aa"), few);
    compare("percent escapes, 32 of 8+", || over_and_over(b"%41"), few);
    compare("empty lines, 32 of 8+", || over_and_over(b"\r\n"), few);
    compare("open titles, 32 of 8+", || over_and_over(b"\x1b]0;"), few);
    compare("percent signs, 32 of 8+", || over_and_over(b"%"), few);
    compare("beginnings of tokens, 32 of 8+", || over_and_over(b"ghp_ BEGIN "), few);
    compare("tokens, 32 of 8+", || over_and_over(b" ghp_16C7e42F292c6912E7710c838347Ae178B4a"), few);
    compare(
        "lines of a dump, 32 of 8+",
        || over_and_over(b"00000010: 6234 4b64 3857 7331 6234 4b64 3857 7331  b4Kd8Ws1b4Kd8Ws1\n"),
        few,
    );
    compare("blanks, 32 of 8+", || over_and_over(b" "), few);
}
