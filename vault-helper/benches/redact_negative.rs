//! Output without a secret passes the redactor byte for byte, whatever it is: pushes files through it.
//!
//! Run by `scripts/redact-negative`, which gathers the files and names them on standard input. With what is enrolled alone, no byte may change;
//! where unknown keys and tokens are looked for, too, the files with one are named.
#![allow(clippy::expect_used, missing_docs, reason = "a check that cannot set up must fail")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sallyport_vault_helper::redact::{Enrollment, Redactor, SecretKind};

/// Sizes of the pieces a file is pushed in, in turn.
const PIECES: [usize; 6] = [32 << 10, 1, 4096, 977, 100_000, 17];

/// A small generator of our own: the same secrets in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }
}

/// Passwords of every length from the shortest to a key's.
fn enroll(redactor: &Redactor) -> Vec<Enrollment> {
    let mut random = Random(11);
    let mut guards = Vec::new();
    for length in (6..70).chain([400, 3000]) {
        let secret: Vec<u8> = (0..length).map(|_| b'!' + (random.next() % 94) as u8).collect();
        guards.extend(redactor.enroll("s", &secret, SecretKind::Password));
    }
    guards
}

/// What comes out of a stream that stalls now and then.
fn shown(redactor: &Redactor, bytes: &[u8]) -> Vec<u8> {
    let mut now = Instant::now();
    let mut stream = redactor.stream();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    for piece in PIECES.iter().cycle() {
        let (here, later) = rest.split_at(rest.len().min(*piece));
        out.extend(stream.push(now, here).into_vec());
        now += Duration::from_millis(40);
        out.extend(stream.tick(now).into_vec());
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    out.extend(stream.finish().into_vec());
    out
}

fn main() -> ExitCode {
    let redactor = Redactor::new();
    let guards = enroll(&redactor);
    let (mut total, mut altered, mut shapes) = (0, 0, 0);
    for file in
        std::io::stdin().lines().map_while(Result::ok).map(PathBuf::from).filter(|path| path.is_file())
    {
        let bytes = std::fs::read(&file).expect("the files are readable");
        total += bytes.len();
        if shown(&redactor.with_shapes(false), &bytes) != bytes {
            println!("ALTERED {}", file.display());
            altered += 1;
        } else if shown(&redactor, &bytes) != bytes {
            println!("holds a key or token {}", file.display());
            shapes += 1;
        }
    }
    println!(
        "{} MB with {} secrets enrolled: {altered} files altered, {shapes} with a key or a token of their own",
        total / 1_000_000,
        guards.len()
    );
    ExitCode::from(u8::from(altered > 0 || total == 0))
}
