//! Output without a secret is never altered, however much of it there is.
#![allow(clippy::expect_used, reason = "a test that cannot set up must fail")]

use std::time::Instant;

use sallyport_vault_helper::redact::{Enrollment, Redactor, SecretKind};

/// A small generator: the same bytes in every run.
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

const SIZE: usize = 1 << 20;

fn guarded() -> (Redactor, Vec<Enrollment>) {
    let redactor = Redactor::new();
    let mut random = Random(11);
    let signs: Vec<u8> = (b'!'..=b'~').collect();
    let guards = (0..48)
        .map(|n| {
            // Some signs that are dropped must not make one too weak: a few more than the shortest.
            let secret = random.text(&signs, 12 + n % 40);
            redactor.enroll("s", &secret, SecretKind::Password).expect("a good secret")
        })
        .collect();
    (redactor, guards)
}

fn unaltered(redactor: &Redactor, what: &str, text: &[u8]) {
    let mut random = Random(5);
    let mut stream = redactor.stream();
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    while from < text.len() {
        let to = (from + 1 + random.next() % 40_000).min(text.len());
        out.extend(stream.push(Instant::now(), &text[from..to]).into_vec());
        from = to;
    }
    out.extend(stream.finish().into_vec());
    assert_eq!(stream.redactions(), 0, "{what}");
    assert!(out == text, "{what} was altered");
}

#[test]
fn logs_binaries_dumps_and_terminal_sessions_pass_byte_for_byte() {
    let (redactor, _guards) = guarded();
    let mut random = Random(1);
    let words = [
        "accepted",
        "for",
        "root",
        "from",
        "port",
        "ssh2:",
        "RSA",
        "SHA256:",
        "error=0x%08x",
        "C:\\new\\x41",
        "&amp;",
        "100%25",
    ];
    let mut log = Vec::new();
    let mut session = Vec::new();
    while log.len() < SIZE {
        let n = random.next();
        let word = words[n % words.len()];
        log.extend_from_slice(
            format!("Nov {:02} {:02}:{:02} h{} {word} {n:x}\n", n % 30, n % 24, n % 60, n % 9).as_bytes(),
        );
        session.extend_from_slice(
            format!("\x1b[{}m{word}\x1b[0m \x1b]0;{n}\x07\r\n\x1b[2K\x08\x08 é☃ ", 30 + n % 8).as_bytes(),
        );
    }
    unaltered(&redactor, "log", &log);
    unaltered(&redactor, "session", &session);
    let every: Vec<u8> = (0..=255).collect();
    let binary = random.text(&every, SIZE);
    unaltered(&redactor, "binary", &binary);
    unaltered(&redactor, "blank", &vec![0; SIZE]);
    unaltered(&redactor, "hexadecimal", &random.text(b"0123456789abcdef", SIZE));
    unaltered(&redactor, "digits", &random.text(b"0123456789", SIZE));
    unaltered(
        &redactor,
        "base64",
        &random.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", SIZE),
    );
    let mut dump = Vec::new();
    for (n, row) in binary.chunks(16).take(SIZE / 80).enumerate() {
        let hex: String = row.iter().map(|byte| format!("{byte:02x} ")).collect();
        let text: String =
            row.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '.' }).collect();
        dump.extend_from_slice(format!("{:08x}  {hex} |{text}|\n", n * 16).as_bytes());
    }
    unaltered(&redactor, "dump", &dump);
}
