//! The redactor beside re-enactments of the maskers in common use, on the same cases.
//!
//! The others are small ports of how they match, written from their sources (mcp-ssh-bridge's from a description of
//! it), not the programs themselves; what they never claim to cover counts all the same. The table is the one in `docs/redaction.md`.
#![allow(clippy::expect_used, reason = "a test that cannot set up must fail")]

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sallyport_vault_helper::redact::{MASK, Redactor, SecretKind};

const SECRET: &str = "q7V'x0Lm&2Zt9Rb4Kd8";

/// A case: its name, the chunks of the output, and a spelling of the secret that must not be readable in it.
type Case = (&'static str, Vec<Vec<u8>>, String);

/// From the chunks of an output to what is shown.
type Masker = fn(&[Vec<u8>]) -> Vec<u8>;

fn between(text: &str, noise: &str, every: usize) -> String {
    let pieces: Vec<String> =
        text.as_bytes().chunks(every).map(|p| String::from_utf8_lossy(p).into_owned()).collect();
    pieces.join(noise)
}

fn cases() -> Vec<Case> {
    let one = |text: String| vec![text.into_bytes()];
    let base64 = |before: &str| STANDARD.encode(format!("{before}{SECRET}\n"));
    let hex: String = SECRET.bytes().map(|b| format!("{b:02x}")).collect();
    let percent = SECRET.replace('\'', "%27").replace('&', "%26");
    let raw = || SECRET.to_owned();
    vec![
        ("as it is", one(format!("token={SECRET}\n")), raw()),
        ("cut by a chunk", vec![SECRET.as_bytes()[..7].to_vec(), SECRET.as_bytes()[7..].to_vec()], raw()),
        ("cut inside a false start", vec![b"q7V".to_vec(), format!("{SECRET}\n").into_bytes()], raw()),
        ("base64 of a line", one(base64("")), base64("")[..24].to_owned()),
        ("base64, one byte before", one(base64("~")), base64("~")[2..25].to_owned()),
        ("base64, two bytes before", one(base64("~~")), base64("~~")[3..26].to_owned()),
        ("base64 in lines of eight", one(between(&base64(""), "\n", 8)), base64("")[..24].to_owned()),
        ("hexadecimal", one(hex.clone()), hex.clone()),
        ("hexadecimal, spaced", one(between(&hex, " ", 2)), hex),
        ("percent", one(percent.clone()), percent),
        ("shell quoting", one(format!("'{}'", SECRET.replace('\'', "'\\''"))), raw()),
        ("XML", one(SECRET.replace('&', "&amp;")), raw()),
        ("JSON of JSON", one(SECRET.replace('\'', "\\\\u0027")), raw()),
        ("wrapped at ten columns", one(between(SECRET, "\r\n", 10)), raw()),
        ("colour inside", one(between(SECRET, "\x1b[32m", 6)), raw()),
        ("UTF-16", one(between(SECRET, "\0", 1)), raw()),
        ("first fourteen characters", one(format!("{}\n", &SECRET[..14])), SECRET[..14].to_owned()),
        ("a byte at a time", SECRET.bytes().map(|b| vec![b]).collect(), raw()),
    ]
}

/// Whether twelve characters of the spelling in a row can be read, white space, quotes and controls apart.
fn leaks(output: &[u8], spelling: &str) -> bool {
    let text = String::from_utf8_lossy(output)
        .replace("\x1b[32m", "")
        .replace("&amp;", "&")
        .replace("\\\\u0027", "");
    let bare =
        |text: &str| text.chars().filter(|c| c.is_ascii_graphic() && !"'\\".contains(*c)).collect::<String>();
    let (text, spelling) = (bare(&text), bare(spelling));
    spelling.as_bytes().windows(12).any(|run| text.contains(&*String::from_utf8_lossy(run)))
}

/// Replaces each value in each piece of output.
fn replacing(values: &[String], pieces: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        let text = String::from_utf8_lossy(&piece).into_owned();
        let masked = values
            .iter()
            .filter(|value| !value.is_empty())
            .fold(text, |text, value| text.replace(value, "***"));
        out.extend(masked.into_bytes());
    }
    out
}

/// mcp-remote-ssh, and whoever replaces strings: the value in the whole output.
fn plain(chunks: &[Vec<u8>]) -> Vec<u8> {
    replacing(&[SECRET.to_owned()], std::iter::once(chunks.concat()))
}

/// GitHub's runner: whole lines; the value, its base64 and that without one and two bytes, and its escapes.
fn github(chunks: &[Vec<u8>]) -> Vec<u8> {
    let percent: String = SECRET.replace('\'', "%27").replace('&', "%26");
    let mut values = vec![SECRET.to_owned(), percent, SECRET.replace('&', "&amp;").replace('\'', "&apos;")];
    values.extend((0..3).map(|from| STANDARD.encode(&SECRET[from..])));
    let text = chunks.concat();
    replacing(&values, text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec))
}

/// Jenkins (credentials binding): one alternation over whole lines, base64 at three offsets, trimmed.
fn jenkins(chunks: &[Vec<u8>]) -> Vec<u8> {
    let trimmed = |from: usize| {
        let text = STANDARD.encode(format!("{}{SECRET}", "\0".repeat(from)));
        let text = text.trim_end_matches('=');
        text[if from == 0 { 0 } else { 4 }..text.len() - 1].to_owned()
    };
    let mut values = vec![SECRET.to_owned(), SECRET.replace('\'', "'\\''")];
    values.extend((0..3).map(trimmed));
    let text = chunks.concat();
    replacing(&values, text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec))
}

/// GitLab's runner: a writer with a counter that starts again at the current byte when a partial match fails.
fn gitlab(chunks: &[Vec<u8>]) -> Vec<u8> {
    let phrase = SECRET.as_bytes();
    let mut out = Vec::new();
    let mut matched = 0;
    for chunk in chunks {
        for byte in chunk {
            if *byte == phrase[matched] {
                matched += 1;
                if matched == phrase.len() {
                    out.extend_from_slice(b"[MASKED]");
                    matched = 0;
                }
            } else {
                out.extend_from_slice(&phrase[..std::mem::take(&mut matched)]);
                out.push(*byte);
            }
        }
    }
    out.extend_from_slice(&phrase[..matched]);
    out
}

/// Buildkite's agent: the value and its Go quoting, byte by byte, with every partial match at hand.
fn buildkite(chunks: &[Vec<u8>]) -> Vec<u8> {
    let quoted = format!("{SECRET:?}");
    let needles = [SECRET.as_bytes(), quoted.trim_matches('"').as_bytes()];
    let (mut out, mut partial) = (Vec::new(), Vec::<(usize, usize)>::new());
    for byte in chunks.iter().flatten() {
        out.push(*byte);
        partial.extend((0..needles.len()).map(|needle| (needle, 0)));
        partial.retain_mut(|(needle, matched)| {
            let goes_on = needles[*needle].get(*matched) == Some(byte);
            *matched += 1;
            goes_on
        });
        if let Some((needle, _)) = partial.iter().find(|(needle, matched)| *matched == needles[*needle].len())
        {
            out.truncate(out.len() - needles[*needle].len());
            out.extend_from_slice(b"[REDACTED]");
            partial.clear();
        }
    }
    out
}

/// mcp-ssh-bridge: what follows the name of something secret in the finished result, whatever the values are.
fn bridge(chunks: &[Vec<u8>]) -> Vec<u8> {
    let named = regex::bytes::Regex::new(r"(?i)(passw(?:or)?d|secret|token|api[_-]?key)(\s*[=:]\s*)\S+");
    named.expect("a pattern").replace_all(&chunks.concat(), b"$1$2[REDACTED]".as_slice()).into_owned()
}

fn ours(chunks: &[Vec<u8>]) -> Vec<u8> {
    let redactor = Redactor::new();
    let _guard = redactor.enroll("s", SECRET.as_bytes(), SecretKind::Password).expect("a good secret");
    let mut stream = redactor.stream();
    let now = Instant::now();
    let mut out: Vec<u8> = chunks.iter().flat_map(|chunk| stream.push(now, chunk).into_vec()).collect();
    out.extend(stream.finish().into_vec());
    assert!(String::from_utf8_lossy(&out).contains(MASK));
    out
}

#[test]
fn no_case_leaks_here_and_the_table_of_the_others_is_true() {
    let maskers: [Masker; 7] = [plain, github, gitlab, jenkins, buildkite, bridge, ours];
    let mut table = String::new();
    let mut sums = [0; 7];
    for (name, chunks, spelling) in cases() {
        table.push_str(&format!("{name:<26}"));
        for (masker, sum) in maskers.iter().zip(&mut sums) {
            let leaks = leaks(&masker(&chunks), &spelling);
            *sum += usize::from(leaks);
            table.push_str(if leaks { " leak" } else { "    -" });
        }
        table.push('\n');
    }
    table.push_str(&format!("{:<26}{}\n", "leaked", sums.map(|sum| format!("{sum:>5}")).concat()));
    insta::assert_snapshot!(table, @r"
    as it is                      -    -    -    -    -    -    -
    cut by a chunk                -    -    -    -    - leak    -
    cut inside a false start      -    - leak    -    - leak    -
    base64 of a line           leak leak leak    - leak leak    -
    base64, one byte before    leak leak leak    - leak leak    -
    base64, two bytes before   leak    - leak    - leak leak    -
    base64 in lines of eight   leak leak leak leak leak leak    -
    hexadecimal                leak leak leak leak leak leak    -
    hexadecimal, spaced        leak leak leak leak leak leak    -
    percent                    leak    - leak leak leak leak    -
    shell quoting              leak leak leak    - leak leak    -
    XML                        leak leak leak leak leak leak    -
    JSON of JSON               leak leak leak leak leak leak    -
    wrapped at ten columns     leak leak leak leak leak leak    -
    colour inside              leak leak leak leak leak leak    -
    UTF-16                     leak leak leak leak leak leak    -
    first fourteen characters  leak leak leak leak leak leak    -
    a byte at a time              -    -    -    -    - leak    -
    leaked                       14   12   15   10   14   17    0
    ");
}
