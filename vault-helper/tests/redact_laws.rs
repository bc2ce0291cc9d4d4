//! Laws of the redactor, against an oracle that shares nothing with it: it decodes, unwraps and searches.
#![allow(clippy::expect_used, reason = "a test that cannot set up must fail")]

use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use sallyport_vault_helper::redact::{MASK, Redactor, SecretFound, SecretKind};

/// How a program on the host may spell a secret.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Raw,
    Base64 { url: bool, before: usize, after: usize },
    Base64Utf16,
    Utf16,
    Hex { upper: bool, gap: &'static str },
    HexSwapped,
    HexWords,
    HexColons { upper: bool },
    Octal,
    Percent { all: bool, upper: bool },
    Json { slash: bool },
    JsonUnicode,
    CHex,
    COctal,
    ShellClose,
    ShellDouble,
    ShellBackslash,
    Xml,
    XmlNumeric { hex: bool },
    Xxd { lead: usize },
    HexdumpC { lead: usize },
    OdC { lead: usize },
}

fn spelling() -> impl Strategy<Value = Spelling> {
    prop_oneof![
        Just(Spelling::Raw),
        (any::<bool>(), 0..4_usize, 0..4_usize).prop_map(|(url, before, after)| Spelling::Base64 {
            url,
            before,
            after
        }),
        Just(Spelling::Base64Utf16),
        Just(Spelling::Utf16),
        (any::<bool>(), prop_oneof![Just(""), Just(" "), Just("\n")])
            .prop_map(|(upper, gap)| Spelling::Hex { upper, gap }),
        Just(Spelling::HexSwapped),
        Just(Spelling::HexWords),
        any::<bool>().prop_map(|upper| Spelling::HexColons { upper }),
        Just(Spelling::Octal),
        (any::<bool>(), any::<bool>()).prop_map(|(all, upper)| Spelling::Percent { all, upper }),
        any::<bool>().prop_map(|slash| Spelling::Json { slash }),
        Just(Spelling::JsonUnicode),
        Just(Spelling::CHex),
        Just(Spelling::COctal),
        Just(Spelling::ShellClose),
        Just(Spelling::ShellDouble),
        Just(Spelling::ShellBackslash),
        Just(Spelling::Xml),
        any::<bool>().prop_map(|hex| Spelling::XmlNumeric { hex }),
        (0..40_usize).prop_map(|lead| Spelling::Xxd { lead }),
        (0..40_usize).prop_map(|lead| Spelling::HexdumpC { lead }),
        (0..40_usize).prop_map(|lead| Spelling::OdC { lead }),
    ]
}

fn base64(bytes: &[u8], url: bool) -> String {
    let alphabet: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(if url { ['-', '_'] } else { ['+', '/'] })
        .collect();
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, n| word << 8 | u32::from(*three.get(n).unwrap_or(&0)));
        for n in 0..4 {
            let sextet = (word >> (18 - 6 * n)) as usize & 63;
            out.push(if n <= three.len() { alphabet[sextet] } else { '=' });
        }
    }
    out
}

fn each(secret: &str, spell: impl Fn(u8) -> String) -> String {
    secret.bytes().map(spell).collect()
}

/// The rows of a dump: sixteen bytes each.
fn rows(lead: usize, secret: &str, row: impl Fn(usize, &[u8]) -> String) -> String {
    let bytes: Vec<u8> = std::iter::repeat_n(b'~', lead).chain(secret.bytes()).chain(*b"~~").collect();
    bytes.chunks(16).enumerate().map(|(n, bytes)| row(16 * n, bytes)).collect()
}

fn spell(secret: &str, how: Spelling) -> String {
    let utf16 = || secret.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let special = |byte: u8| !byte.is_ascii_alphanumeric();
    match how {
        Spelling::Raw => secret.to_owned(),
        Spelling::Base64 { url, before, after } => {
            let bytes = ["~".repeat(before).as_str(), secret, "~".repeat(after).as_str()].concat();
            base64(bytes.as_bytes(), url)
        }
        Spelling::Base64Utf16 => base64(&utf16(), false),
        Spelling::Utf16 => secret.chars().flat_map(|c| [c, '\0']).collect(),
        Spelling::Hex { upper: false, gap } => each(secret, |b| format!("{b:02x}{gap}")),
        Spelling::Hex { upper: true, gap } => each(secret, |b| format!("{b:02X}{gap}")),
        Spelling::HexSwapped => {
            let words = secret.as_bytes().chunks(2);
            words.map(|w| format!("{:02x}{:02x} ", w.get(1).unwrap_or(&0), w[0])).collect()
        }
        Spelling::HexWords => {
            let word = |word: &[u8]| word.iter().rev().map(|b| format!("{b:02x}")).collect::<String>() + " ";
            // The last word is not whole: padded, as the programs do.
            let padded = [secret.as_bytes(), &[0; 4]].concat();
            padded[..secret.len().next_multiple_of(4)].chunks(4).map(word).collect()
        }
        Spelling::HexColons { upper } => {
            let digits = |b: &u8| if upper { format!("{b:02X}") } else { format!("{b:02x}") };
            secret.as_bytes().iter().map(digits).collect::<Vec<_>>().join(":")
        }
        Spelling::Octal => each(secret, |b| format!("{b:03o} ")),
        Spelling::Percent { all, upper } => each(secret, |b| match (all || special(b), upper) {
            (false, _) => char::from(b).to_string(),
            (true, false) => format!("%{b:02x}"),
            (true, true) => format!("%{b:02X}"),
        }),
        Spelling::Json { slash } => each(secret, |b| match b {
            b'"' | b'\\' => format!("\\{}", char::from(b)),
            b'/' if slash => "\\/".to_owned(),
            _ => char::from(b).to_string(),
        }),
        Spelling::JsonUnicode => each(secret, |b| format!("\\u{b:04x}")),
        Spelling::CHex => each(secret, |b| format!("\\x{b:02x}")),
        Spelling::COctal => each(secret, |b| format!("\\{b:03o}")),
        Spelling::ShellClose => format!("'{}'", secret.replace('\'', "'\\''")),
        Spelling::ShellDouble => format!("'{}'", secret.replace('\'', "'\"'\"'")),
        Spelling::ShellBackslash => each(secret, |b| {
            let backslash = if special(b) { "\\" } else { "" };
            format!("{backslash}{}", char::from(b))
        }),
        Spelling::Xml => each(secret, |b| match b {
            b'&' => "&amp;".to_owned(),
            b'<' => "&lt;".to_owned(),
            b'>' => "&gt;".to_owned(),
            b'"' => "&quot;".to_owned(),
            b'\'' => "&apos;".to_owned(),
            _ => char::from(b).to_string(),
        }),
        Spelling::XmlNumeric { hex: true } => each(secret, |b| format!("&#x{b:x};")),
        Spelling::XmlNumeric { hex: false } => each(secret, |b| format!("&#{b};")),
        Spelling::Xxd { lead } => rows(lead, secret, |at, row| {
            let hex: Vec<String> =
                row.chunks(2).map(|pair| pair.iter().map(|b| format!("{b:02x}")).collect()).collect();
            format!("{at:08x}: {:<39}  {}\n", hex.join(" "), String::from_utf8_lossy(row))
        }),
        Spelling::HexdumpC { lead } => rows(lead, secret, |at, row| {
            let hex: String = row.iter().map(|b| format!("{b:02x} ")).collect();
            format!("{at:08x}  {hex:<48} |{}|\n", String::from_utf8_lossy(row))
        }),
        Spelling::OdC { lead } => rows(lead, secret, |at, row| {
            let cells: String = row.iter().map(|b| format!("   {}", char::from(*b))).collect();
            format!("{at:07o}{cells}\n")
        }),
    }
}

/// Noise that a terminal or a program puts between two characters without anybody seeing it.
fn noise() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("\n"),
        Just("\r\n"),
        Just("\r\r\n"),
        Just(" "),
        Just("\t"),
        Just("\0"),
        Just("\x1b[31m"),
        Just("\x1b[0;1;4m"),
        Just("\x1b[5C"),
        Just("\x1b[?25l"),
        Just("\x1b(B"),
        Just("\x1b]0;title\x07"),
        Just("\x1b]8;;http://x/\x1b\\"),
        Just("\x0f"),
    ]
}

/// Puts noise into a text, at places given in thousandths of it. Escapes are not torn.
fn disturb(text: &str, places: &[(usize, &'static str)]) -> String {
    let mut places: Vec<_> = places.iter().map(|(at, noise)| (at * text.len() / 1000, *noise)).collect();
    places.sort_unstable();
    let mut out = String::new();
    let mut from = 0;
    for (at, noise) in places {
        out.push_str(&text[from..at]);
        out.push_str(noise);
        from = at;
    }
    out + &text[from..]
}

/// Every run of `length` characters of `form` that can be read in `output`, where anything the oracle knows
/// how to see through has been taken away from both.
fn survivors(output: &str, form: &str, length: usize) -> Vec<String> {
    let (output, form) = (bare(output), bare(form));
    let form: Vec<char> = form.chars().collect();
    form.windows(length).map(String::from_iter).filter(|run| output.contains(run.as_str())).collect()
}

/// Drops terminal sequences, controls and white space.
fn bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\x1b' {
            out.extend(Some(c).filter(|c| !c.is_whitespace() && !c.is_control()));
            continue;
        }
        match rest.next() {
            Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
            Some(']') => loop {
                match rest.next() {
                    Some('\x1b') => {
                        rest.next();
                        break;
                    }
                    Some('\x07') | None => break,
                    Some(_) => {}
                }
            },
            Some('(') => drop(rest.next()),
            _ => {}
        }
    }
    out
}

fn secret() -> impl Strategy<Value = String> {
    // Alphanumeric at the ends, so that a spelling's own quotes cannot be told from the secret's.
    ("[A-Za-z0-9][!-~]{9,46}[A-Za-z0-9]").prop_filter("strong", |s| {
        let plain = s.bytes().filter(|b| !matches!(b, b'"' | b'\'' | b'\\')).count();
        let kinds: std::collections::BTreeSet<u8> = s.bytes().collect();
        plain >= 10 && kinds.len() >= 8
    })
}

fn redact(redactor: &Redactor, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let now = Instant::now();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut * text.len() / 1000).collect();
    cuts.sort_unstable();
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([text.len()]) {
        out.extend(stream.push(now, &text[from..to]).into_vec());
        from = to;
    }
    out.extend(stream.finish().into_vec());
    out
}

proptest! {

    #[test]
    fn no_run_of_a_secret_survives_in_any_spelling(
        secret in secret(),
        how in spelling(),
        places in vec((0..1000_usize, noise()), 0..6),
        cuts in vec(0..1000_usize, 0..5),
        before in "[a-z ]{0,20}",
    ) {
        let redactor = Redactor::new();
        let _guard = redactor.enroll("s", secret.as_bytes(), SecretKind::Password).expect("strong");
        let spelt = spell(&secret, how);
        let dump = matches!(how, Spelling::Xxd { .. } | Spelling::HexdumpC { .. } | Spelling::OdC { .. });
        let tearing = matches!(how, Spelling::JsonUnicode | Spelling::CHex | Spelling::COctal | Spelling::Json { .. }
            | Spelling::ShellBackslash | Spelling::ShellClose | Spelling::ShellDouble
            | Spelling::Percent { .. } | Spelling::Xml | Spelling::XmlNumeric { .. });
        let disturbed = if dump || tearing { spelt.clone() } else { disturb(&spelt, &places) };
        let text = format!("{before}\n{disturbed}\nthe end.\n");
        let output = String::from_utf8(redact(&redactor, text.as_bytes(), &cuts)).expect("UTF-8 stays UTF-8");
        prop_assert!(output.contains(MASK), "nothing masked in {text:?}");
        if !dump {
            // 12 bytes of the secret, spelt out; base64 spells 12 bytes with 16 characters.
            let length = spelt.len() * 12 / secret.len().max(12);
            let left = survivors(&output, &spelt, length.max(8));
            prop_assert!(left.is_empty(), "{left:?} left in {output:?}");
        }
        // The first letter after it may be taken for the end of another reading of the secret.
        prop_assert!(output.ends_with("he end.\n"));
        let mut exact = redactor.exact();
        let passed = exact.push(text.as_bytes()).and_then(|_| exact.finish());
        prop_assert_eq!(passed, Err(SecretFound));
    }

    #[test]
    fn chunks_change_nothing(
        secrets in vec(secret(), 1..4),
        pieces in vec((0..5_usize, spelling(), noise(), "[ -~]{0,30}", any::<u16>()), 0..8),
        bytes in vec(any::<u8>(), 0..40),
        cuts in vec(0..1000_usize, 0..30),
    ) {
        let redactor = Redactor::new();
        let guards: Vec<_> =
            secrets.iter().map(|s| redactor.enroll("s", s.as_bytes(), SecretKind::Password).expect("strong")).collect();
        let mut text = Vec::new();
        for (which, how, noise, plain, cut) in &pieces {
            text.extend_from_slice(plain.as_bytes());
            text.extend_from_slice(noise.as_bytes());
            let spelt = spell(&secrets[which % secrets.len()], *how);
            let cut = usize::from(*cut) % (spelt.len() * 2);
            text.extend_from_slice(spelt.as_bytes().get(..cut).unwrap_or(spelt.as_bytes()));
        }
        text.extend_from_slice(&bytes);
        // A backspace takes back what has left already when it comes late: not a law of chunks.
        text.retain(|byte| *byte != 8);
        let whole = redact(&redactor, &text, &[]);
        let cut = redact(&redactor, &text, &cuts);
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&cut));
        let every: Vec<usize> = (0..1000).collect();
        let single = redact(&redactor, &text, &every);
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&single));
        drop(guards);
        prop_assert_eq!(redact(&redactor, &text, &cuts), text);
    }

    /// Most of binary data is passed over unread, because no form has its bytes. A secret of nothing but such bytes
    /// leaves nothing to pass over: with it, everything is read, and the rest must come out the same.
    #[test]
    fn what_is_passed_over_unread_hides_nothing(
        secret in secret(),
        pieces in vec((binary(), spelling(), any::<u16>()), 1..12),
        end in binary(),
        cuts in vec(0..1000_usize, 0..8),
    ) {
        let redactors = [Redactor::new(), Redactor::new()];
        let _guards = redactors.each_ref().map(|r| r.enroll("s", secret.as_bytes(), SecretKind::Password).expect("strong"));
        let every: Vec<u8> = (0..128_u8).map(|n| 0x80 | n.wrapping_mul(77)).collect();
        let _every = redactors[1].enroll("t", &every, SecretKind::Password).expect("strong");
        let mut text = Vec::new();
        for (noise, how, cut) in &pieces {
            text.extend_from_slice(noise);
            let spelt = spell(&secret, *how);
            let cut = usize::from(*cut) % (spelt.len() * 2);
            text.extend_from_slice(spelt.as_bytes().get(..cut).unwrap_or(spelt.as_bytes()));
        }
        text.extend_from_slice(&end);
        let [passing, reading] = redactors.each_ref().map(|redactor| redact(redactor, &text, &cuts));
        prop_assert_eq!(String::from_utf8_lossy(&passing), String::from_utf8_lossy(&reading));
    }
}

/// Long output is read in blocks of 4,096 bytes, and a sequence may reach over the end of one.
#[test]
fn the_end_of_a_block_hides_nothing() {
    const SECRET: &str = "q7Vx0Lm2Zt9äRb4Kd8Ws1";
    let redactor = Redactor::new();
    let _guard = redactor.enroll("s", SECRET.as_bytes(), SecretKind::Password).expect("strong");
    let unicode: String = SECRET.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let between = |noise: &str| SECRET.chars().map(|c| format!("{c}{noise}")).collect::<String>();
    let spelt = [
        SECRET.to_owned(),
        spell(SECRET, Spelling::Percent { all: true, upper: true }),
        spell(SECRET, Spelling::XmlNumeric { hex: false }),
        spell(SECRET, Spelling::CHex).replace('\\', &"\\".repeat(20)),
        unicode,
        between("\x1b[1;31m"),
        between("\x1b\x1b\x1b[m"),
        between("\x1b]0;a title\x07"),
        between("x\x1b[m\x08"),
    ];
    for text in spelt {
        for start in 4095 - text.len()..=4096 {
            let whole = format!("{}{text}\nthe end.\n", " ".repeat(start));
            let shown = redact(&redactor, whole.as_bytes(), &[]);
            let shown = String::from_utf8(shown).expect("UTF-8 stays UTF-8");
            // Backslashes beyond the sixteenth before a character may stay, and what follows the last one.
            let shown = shown.trim_start_matches([' ', '\\']);
            let left = shown.strip_prefix(MASK).and_then(|rest| rest.strip_suffix("\nthe end.\n"));
            assert!(left.is_some_and(|left| text.ends_with(left) && left.len() < 16), "{start}: {shown:?}");
        }
    }
}

/// Only some places of a text are looked up: as many as every window has one among, at its very end, too.
#[test]
fn a_window_is_found_wherever_it_stands() {
    let secrets = ["q7Vx0Lm2Zt9Rb4Kd8Ws1", "Zt9Rb4Kd8W"];
    for (secret, window) in secrets.into_iter().zip([12, 8]) {
        let redactor = Redactor::new();
        let _guard = redactor.enroll("s", secret.as_bytes(), SecretKind::Password).expect("strong");
        for before in 0..300 {
            for part in 0..=secret.len() - window {
                let part = &secret[part..part + window];
                for after in ["", ".", "......", "................"] {
                    let text = format!("{}{part}{after}", ".".repeat(before));
                    let shown = redactor.text(&text).into_string();
                    assert_eq!(shown, format!("{}{MASK}{after}", ".".repeat(before)), "{text}");
                }
            }
        }
    }
}

#[test]
fn every_secret_is_masked_while_others_come_and_go() {
    let redactor = Redactor::new();
    let mut state = 1_u64;
    let mut secret = || -> String {
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b"ABCDEFGHKLMNPQRSTUVWXYZabcdefghkmnpqrstuvwxyz23456789"[(state >> 33) as usize % 53])
        };
        (0..24).map(|_| letter()).collect()
    };
    let mut enrolled = Vec::new();
    let mut gone = Vec::new();
    for n in 0..60 {
        let secret = secret();
        let guard = redactor.enroll("s", secret.as_bytes(), SecretKind::Password).expect("strong");
        enrolled.push((secret, guard));
        if n % 3 == 2 {
            gone.push(enrolled.swap_remove(n / 3).0);
        }
        if n % 20 == 19 {
            let shown = |secret: &str| redactor.text(&format!("<{secret}>.")).into_string();
            assert!(enrolled.iter().all(|(secret, _)| shown(secret) == format!("<{MASK}>.")));
            assert!(gone.iter().all(|secret| shown(secret) == format!("<{secret}>.")));
        }
    }
}

/// Binary data, with what terminals take for commands in it.
fn binary() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => vec(any::<u8>(), 1..200),
        4 => vec(0x80..=0xff_u8, 1..100),
        1 => Just(b"\x1b]0;".to_vec()),
        1 => Just(b"\x07".to_vec()),
        1 => Just(b"\x1bP\xff\xfe\x1b\\".to_vec()),
        1 => Just(b"\xff\x08".to_vec()),
        1 => Just(b"\xff\x1b[0m\x08".to_vec()),
        1 => Just(b"\x1b[31m".to_vec()),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}
