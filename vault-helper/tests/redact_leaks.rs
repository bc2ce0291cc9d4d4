//! The leaks that are known of other maskers, each reproduced; here they are masked.
#![allow(clippy::expect_used, reason = "a test that cannot set up must fail")]

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sallyport_vault_helper::redact::{Enrollment, MASK, Redactor, SecretKind};

fn with(secret: &str) -> (Redactor, Enrollment) {
    let redactor = Redactor::new();
    let guard = redactor.enroll("s", secret.as_bytes(), SecretKind::Password).expect("a good secret");
    (redactor, guard)
}

fn shown(redactor: &Redactor, chunks: &[&[u8]]) -> String {
    let now = Instant::now();
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend(stream.push(now, chunk).into_vec());
    }
    out.extend(stream.finish().into_vec());
    String::from_utf8_lossy(&out).into_owned()
}

/// Pushes byte by byte, `gap` apart, keeping the deadlines.
fn dripped(redactor: &Redactor, text: &[u8], gap: Duration) -> String {
    let mut now = Instant::now();
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    for byte in text {
        let next = now + gap;
        while let Some(due) = stream.deadline().filter(|due| *due <= next) {
            out.extend(stream.tick(due).into_vec());
        }
        now = next;
        out.extend(stream.push(now, &[*byte]).into_vec());
    }
    out.extend(stream.finish().into_vec());
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn base64_of_a_secret_with_its_line_end_is_masked_for_every_length() {
    // A runner that registers base64 of the value alone prints five of these seven lengths whole.
    for length in 8..15 {
        let secret = &"hZ7!kQ2_wX9#pL4"[..length];
        let (redactor, _guard) = with(secret);
        for end in ["", "\n", "\r\n"] {
            let text = STANDARD.encode(format!("{secret}{end}"));
            let shown = shown(&redactor, &[text.as_bytes()]);
            assert!(shown.len() <= MASK.len() + "NCg==".len(), "{shown}");
            let decodable = shown.replace(MASK, "");
            assert!(!text.starts_with(decodable.as_str()) || decodable.is_empty(), "{shown}");
        }
    }
}

#[test]
fn no_character_of_base64_that_carries_bits_of_a_secret_is_shown() {
    let secret = "hZ7!kQ2_wX9#pL4v";
    let (redactor, _guard) = with(secret);
    for before in 0..3 {
        let text = STANDARD.encode(format!("{}{secret}{}", "~".repeat(before), "~".repeat(3)));
        let shown = shown(&redactor, &[text.as_bytes()]);
        let (left, right) = shown.split_once(MASK).expect("masked");
        assert!(left.len() <= before, "{shown}: characters that stand for nothing but the prefix");
        assert!(
            right.trim_end_matches('=').len() * 6 <= 3 * 8,
            "{shown}: characters that stand for nothing but the suffix"
        );
    }
}

#[test]
fn a_partial_match_that_fails_does_not_hide_the_match_that_begins_inside_it() {
    let (redactor, _guard) = with("aabaabaacdef");
    assert_eq!(shown(&redactor, &[b"aabaa", b"baabaacdef"]), format!("aab{MASK}"));
    let (redactor, _guard) = with("xS3cret-1234");
    assert_eq!(shown(&redactor, &[b"xx", b"xS3cret-1234"]), format!("xx{MASK}"));
}

#[test]
fn a_secret_enrolled_while_its_first_half_is_on_the_way_is_masked_from_there() {
    let redactor = Redactor::new();
    let now = Instant::now();
    let mut stream = redactor.stream();
    let _other = redactor.enroll("o", b"another-value-9", SecretKind::Password).expect("good");
    let mut out = stream.push(now, b"key=Tr0ub4d").into_vec();
    let _guard = redactor.enroll("s", b"Tr0ub4dor&3-horse", SecretKind::Password).expect("good");
    out.extend(stream.push(now, b"or&3-horse\n").into_vec());
    out.extend(stream.finish().into_vec());
    let out = String::from_utf8_lossy(&out);
    assert!(
        out.starts_with("key=Tr0u") && out.ends_with(&format!("{MASK}\n")) && !out.contains("or&3"),
        "{out}"
    );
}

#[test]
fn a_secret_of_several_lines_is_masked_however_its_lines_are_joined() {
    let redactor = Redactor::new();
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo\n4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onL\n-----END RSA PRIVATE KEY-----\n";
    let _guard = redactor.enroll("k", key.as_bytes(), SecretKind::PrivateKey).expect("good");
    for text in [key.to_owned(), key.replace('\n', "\r\n"), key.replace('\n', "\\n"), key.replace('\n', " ")]
    {
        let shown = shown(&redactor, &[text.as_bytes()]);
        for line in key.lines().filter(|line| !line.starts_with('-')) {
            assert!(
                !line.as_bytes().windows(12).any(|run| shown.contains(&*String::from_utf8_lossy(run))),
                "{shown}"
            );
        }
        assert!(shown.contains("BEGIN RSA PRIVATE KEY"), "{shown}");
    }
    for line in key.lines().filter(|line| !line.starts_with('-')) {
        assert_eq!(shown(&redactor, &[line.as_bytes()]), MASK);
        assert!(
            !shown(&redactor, &[STANDARD.encode(line).as_bytes()]).contains(&STANDARD.encode(&line[3..15]))
        );
    }
}

#[test]
fn a_quoted_and_a_wrapped_value_is_masked() {
    // A server that exports values through a terminal of 200 columns shows both of these.
    let secret = format!("it's-{}", "0123456789abcdefXYZ".repeat(13));
    let (redactor, _guard) = with(&secret);
    let quoted = format!("export TOKEN='{}'\r\n", secret.replace('\'', "'\\''"));
    assert_eq!(shown(&redactor, &[quoted.as_bytes()]), format!("export TOKEN='{MASK}'\r\n"));
    for width in 1..secret.len() {
        let rows: Vec<_> = secret.as_bytes().chunks(width).collect();
        for wrap in [&b"\r\n"[..], b" \r", b"\n", b" \x08"] {
            let shown = shown(&redactor, &[&rows.join(wrap)]);
            assert_eq!(shown, MASK, "width {width}");
        }
    }
}

#[test]
fn the_password_typed_into_a_shell_instead_of_sudo_is_masked_in_its_echo() {
    let (redactor, _guard) = with("correct-horse battery");
    for echo in [
        "bash: correct-horse: command not found",
        "+ correct-horse battery",
        "$ correct-horse battery\r\n",
        "  501  correct-horse battery\n",
    ] {
        let shown = shown(&redactor, &[echo.as_bytes()]);
        assert!(shown.contains(MASK) && !shown.contains("horse"), "{shown}");
    }
}

#[test]
fn colours_cursor_moves_and_overstrikes_inside_a_secret_do_not_hide_it() {
    let secret = "Tr0ub4dor&3-horse";
    let (redactor, _guard) = with(secret);
    let between = |noise: &str| secret.chars().map(|c| format!("{c}{noise}")).collect::<String>();
    for noise in ["\x1b[1;31m", "\x1b[1C", "\x1b]0;t\x07", "\x1b(B", "\0", "x\x08", " \x08"] {
        let shown = shown(&redactor, &[between(noise).as_bytes()]);
        assert!(shown.starts_with(MASK) && shown.len() < MASK.len() + 12, "{noise:?}: {shown:?}");
    }
    let bold: String = secret.chars().map(|c| format!("{c}\x08{c}")).collect();
    assert_eq!(shown(&redactor, &[bold.as_bytes()]), format!("T\x08{MASK}"));
}

#[test]
fn a_terminal_sequence_hides_nothing_inside_of_itself() {
    let (redactor, _guard) = with("Tr0ub4dor&3-horse");
    let title = shown(&redactor, &[b"\x1b]0;Tr0ub4dor&3-horse\x07$ "]);
    assert_eq!(title, format!("\x1b]0;{MASK}\x07$ "));
    let (redactor, _guard) = with("48151623421234");
    assert_eq!(shown(&redactor, &[b"\x1b[48151623421234m"]), format!("\x1b[{MASK}m"));
    let open = [b"\x1b]0;".as_slice(), &b"48151623421234 ".repeat(600)].concat();
    assert!(!shown(&redactor, &[&open]).contains("4815"));
}

#[test]
fn a_part_of_a_secret_is_masked_from_twelve_characters_on() {
    let secret = "q7Vx0Lm2Zt9Rb4Kd8Ws1";
    let (redactor, _guard) = with(secret);
    for from in 0..=secret.len() - 12 {
        for to in from + 12..=secret.len() {
            assert_eq!(shown(&redactor, &[&secret.as_bytes()[from..to], b"\n"]), format!("{MASK}\n"));
        }
    }
}

#[test]
fn dripping_a_secret_shows_three_characters_of_it() {
    let secret = "q7Vx0Lm2Zt9Rb4Kd8Ws1";
    for secret in [secret, &secret[..8]] {
        let (redactor, _guard) = with(secret);
        for gap in [1, 29, 31, 149, 151, 5000].map(Duration::from_millis) {
            let shown = dripped(&redactor, format!("ok {secret}\n").as_bytes(), gap);
            let left = shown.strip_prefix("ok ").and_then(|s| s.strip_suffix(&format!("{MASK}\n")));
            assert!(left.is_some_and(|left| left.len() <= 3), "{gap:?}: {shown}");
        }
    }
}

#[test]
fn a_prompt_is_whole_within_its_deadline_whatever_it_ends_with() {
    let (redactor, _guard) = with("pass: word# $ >>> and more");
    for prompt in ["$ ", "# ", "root@host:~# ", "Password: ", ">>> ", "(gdb) ", "Continue? [Y/n] ", "pas"] {
        let now = Instant::now();
        let mut stream = redactor.stream();
        let mut out = stream.push(now, prompt.as_bytes()).into_vec();
        if let Some(due) = stream.deadline() {
            assert!(due <= now + Duration::from_millis(150));
            out.extend(stream.tick(due).into_vec());
        }
        assert_eq!(stream.deadline(), None);
        assert_eq!(String::from_utf8_lossy(&out), prompt);
    }
}

#[test]
fn a_character_of_several_bytes_is_never_cut() {
    let (redactor, _guard) = with("pässwörd-über-ñandú");
    let text = "é pässwörd-über-ñandú é ☃ 🦀 ä";
    for cut in 0..text.len() {
        let shown = shown(&redactor, &[&text.as_bytes()[..cut], &text.as_bytes()[cut..]]);
        assert_eq!(shown, format!("é {MASK} é ☃ 🦀 ä"));
    }
    let utf16: Vec<u8> = "pässwörd-über-ñandú".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(shown(&redactor, &[&utf16]).contains(MASK));
}

#[test]
fn a_secret_that_is_not_utf8_is_masked_like_any_other() {
    let secret = b"q7V\xff\xfe\x80Lm2Zt9R\xe9b4";
    let redactor = Redactor::new();
    let _guard = redactor.enroll("s", secret, SecretKind::Password).expect("a good secret");
    assert_eq!(shown(&redactor, &[b"a ", secret, b" b"]), format!("a {MASK} b"));
    assert!(shown(&redactor, &[STANDARD.encode(secret).as_bytes()]).starts_with(MASK));
}

#[test]
fn digits_with_colons_and_references_with_leading_zeros_are_masked() {
    let secret = "q7Vx0Lm2Zt9Rb4Kd8Ws1";
    let (redactor, _guard) = with(secret);
    let colons: Vec<String> = secret.bytes().map(|b| format!("{b:02x}")).collect();
    assert_eq!(shown(&redactor, &[colons.join(":").as_bytes(), b"\n"]), format!("{MASK}\n"));
    for width in [2, 4, 8] {
        let hexadecimal: String = secret.bytes().map(|b| format!("&#x{b:0width$x};")).collect();
        let decimal: String = secret.bytes().map(|b| format!("&#{b:0width$};")).collect();
        for spelt in [hexadecimal, decimal] {
            assert_eq!(shown(&redactor, &[spelt.as_bytes(), b"\n"]), format!("{MASK}\n"));
        }
    }
}

#[test]
fn names_and_hosts_of_an_address_stay_readable() {
    let redactor = Redactor::new();
    let address = b"postgres://appuser:q7Vx0Lm2Zt9R@db.example.org/main";
    let _guard = redactor.enroll("e", address, SecretKind::Dotenv).expect("good");
    let shown = shown(&redactor, &[address]);
    assert_eq!(shown, format!("postgres://appuser:{MASK}@db.example.org/main"));
}

#[test]
fn a_short_secret_is_masked_between_word_boundaries_only() {
    let (redactor, _guard) = with("k3y!z");
    for (text, expected) in [
        ("k3y!z", MASK),
        ("a k3y!z.", "a [redacted]."),
        ("xk3y!z", "xk3y!z"),
        ("_k3y!z \0\0\0\0", "_k3y!z \0\0\0\0"),
        ("k3y!zz", "k3y!zz"),
    ] {
        for cut in 0..=text.len() {
            assert_eq!(shown(&redactor, &[&text.as_bytes()[..cut], &text.as_bytes()[cut..]]), expected);
        }
    }
    let single: Vec<&[u8]> = b"_k3y!z\0\0\0\0".chunks(1).collect();
    assert_eq!(shown(&redactor, &single), "_k3y!z\0\0\0\0");
    assert!(dripped(&redactor, b"k3y!z ", Duration::from_secs(1)).contains(MASK));
}

#[test]
fn dumps_of_a_file_show_neither_its_hexadecimal_nor_its_text() {
    let secret = "q7Vx0Lm2Zt9Rb4Kd8Ws1";
    let (redactor, _guard) = with(secret);
    let xxd = "00000000: 6b65 793d 7137 5678 304c 6d32 5a74 3952  key=q7Vx0Lm2Zt9R\n\
               00000010: 6234 4b64 3857 7331 0a                   b4Kd8Ws1.\n";
    let canonical = "00000000  6b 65 79 3d 71 37 56 78  30 4c 6d 32 5a 74 39 52  |key=q7Vx0Lm2Zt9R|\n\
                     00000010  62 34 4b 64 38 57 73 31  0a                       |b4Kd8Ws1.|\n00000019\n";
    let words =
        "0000000 656b 3d79 3771 7856 4c30 326d 745a 5239\n0000010 3462 644b 5738 3173 000a\n0000019\n";
    let octal = "0000000 062553 036571 033561 074126 046060 031155 072132 051071\n\
                 0000020 032142 062113 053470 030563 000012\n0000031\n";
    let characters = "0000000   k   e   y   =   q   7   V   x   0   L   m   2   Z   t   9   R\n\
                      0000020   b   4   K   d   8   W   s   1  \\n\n0000031\n";
    let long = "0000000 3d79656b 78563771 326d4c30 5239745a\n0000020 644b3462 31735738 0000000a\n0000031\n";
    for dump in [xxd, canonical, words, long, octal, characters] {
        let shown = shown(&redactor, &[dump.as_bytes()]);
        for part in [
            "b4Kd", "Zt9R", "5a74", "62 34", "745a", "4b64", "644b", "5239", "3173", "072132", "032142",
            "K   d", "Z   t",
        ] {
            assert!(!shown.contains(part), "{part} in\n{shown}");
        }
        let single: Vec<&[u8]> = dump.as_bytes().chunks(1).collect();
        assert_eq!(shown, self::shown(&redactor, &single));
    }
}

#[test]
fn two_streams_and_a_file_do_not_share_what_they_saw() {
    let (redactor, _guard) = with("q7Vx0Lm2Zt9Rb4Kd8Ws1");
    let now = Instant::now();
    let (mut out, mut err) = (redactor.stream(), redactor.stream());
    let _ = out.push(now, b"q7Vx0Lm2Z");
    let mut plain = err.push(now, b"plain\n");
    plain.append(err.finish());
    assert_eq!(plain.as_bytes(), b"plain\n");
    let mut file = redactor.exact();
    assert!(file.push(b"t9Rb4Kd8Ws1").is_ok());
    assert_eq!(err.redactions(), 0);
}

#[test]
fn the_records_behind_masks_are_known_by_slug_and_never_by_value() {
    let (redactor, guard) = with("q7Vx0Lm2Zt9Rb4Kd8Ws1");
    let mut stream = redactor.stream();
    let _ = stream.push(Instant::now(), b"q7Vx0Lm2Zt9Rb4Kd8Ws1 and q7Vx0Lm2Zt9Rb4Kd8Ws1\n");
    let _ = stream.finish();
    assert_eq!((stream.redactions(), stream.slugs()), (2, vec!["s".to_owned()]));
    assert!(!format!("{redactor:?} {guard:?} {stream:?}").contains("q7Vx"));
}

#[test]
fn quotes_and_spaces_inside_a_secret_do_not_lengthen_what_may_be_shown_of_it() {
    let secret = "p'w\"4\\x41%42&amp;z<_>-19 a b c d";
    let (redactor, _guard) = with(secret);
    for from in 0..=secret.len() - 12 {
        let shown = shown(&redactor, &[b"~", &secret.as_bytes()[from..from + 12], b"~"]);
        assert!(shown.contains(MASK), "{shown}");
    }
}

#[test]
fn a_match_that_begins_inside_a_character_takes_the_whole_character_in_any_chunks() {
    let (redactor, _guard) = with("pässwörd-über-ñandú");
    let text = b"+\xc8\xbcber-\xc3\xb1and\xc3\xba-26";
    let single: Vec<&[u8]> = text.chunks(1).collect();
    assert_eq!(shown(&redactor, &[text]), format!("+{MASK}-26"));
    assert_eq!(shown(&redactor, &single), format!("+{MASK}-26"));
}

#[test]
fn what_was_encoded_twice_is_masked() {
    let secret = "q7V&x0L/m2<Zt9R%b4Kd";
    let (redactor, _guard) = with(secret);
    let percent = |text: &str| {
        let each = |b: u8| if b.is_ascii_alphanumeric() { char::from(b).into() } else { format!("%{b:02X}") };
        text.bytes().map(each).collect::<String>()
    };
    let references = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    for times in 1..=4 {
        let (mut url, mut xml) = (secret.to_owned(), secret.to_owned());
        for _ in 0..times {
            (url, xml) = (percent(&url), references(&xml));
        }
        for text in [url, xml] {
            for cut in 0..text.len() {
                let shown = shown(&redactor, &[&text.as_bytes()[..cut], &text.as_bytes()[cut..]]);
                assert_eq!(shown, MASK, "{text} cut at {cut}");
            }
        }
    }
}

#[test]
fn ends_of_a_secret_that_were_encoded_are_decoded_at_the_end_of_a_stream() {
    for (secret, spelt) in [("q7Vx0Lm%", "q7Vx0Lm%25"), ("q7Vx0Lm&", "q7Vx0Lm&amp;")] {
        let (redactor, _guard) = with(secret);
        assert_eq!(shown(&redactor, &[spelt.as_bytes()]), MASK, "{spelt}");
    }
}

#[test]
fn a_short_secret_with_something_like_an_escape_in_it_is_masked_in_every_form() {
    // Once decoded seven characters would be left of each, too few for other forms than the exact text.
    for secret in ["jc>\\fkd<k", "kickf%be", "ab&lt;cdefg", "\\x41bcdefg"] {
        let (redactor, _guard) = with(secret);
        let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
        let escaped: String = secret.bytes().map(|b| format!("%{b:02X}")).collect();
        for text in [secret.to_owned(), secret.replace('\\', "\\\\"), hex, escaped, STANDARD.encode(secret)] {
            let shown = shown(&redactor, &[b"a", text.as_bytes(), b"b"]);
            assert!(shown.contains(MASK) && shown.len() < MASK.len() + 8, "{text}: {shown}");
        }
    }
}

#[test]
fn bytes_that_were_taken_for_latin1_are_masked() {
    let secret: &[u8] = b"q7V\xff\xfe\x80Lm2Zt9R\xe9b4";
    let redactor = Redactor::new();
    let _guard = redactor.enroll("s", secret, SecretKind::Password).expect("a good secret");
    let each = |spell: fn(u8) -> String| secret.iter().map(|byte| spell(*byte)).collect::<String>();
    for text in [
        each(|byte| char::from(byte).to_string()),
        each(|byte| format!("\\u{byte:04x}")),
        each(|byte| format!("&#{byte};")),
        each(|byte| format!("\\u{{{byte:x}}}")),
    ] {
        assert_eq!(shown(&redactor, &[text.as_bytes(), b"\n"]), format!("{MASK}\n"), "{text}");
    }
}

#[test]
fn numbers_that_repeat_are_not_taken_for_the_octal_of_a_short_run_in_a_key() {
    let key = "bc9RfWmQ2vXhLnB8AAAAAAECAwQFkz7T";
    let (redactor, _guard) = with(key);
    let text = "101\n".repeat(300);
    assert_eq!(shown(&redactor, &[text.as_bytes()]), text);
    let octal: String = key.bytes().take(12).map(|byte| format!("{byte:03o} ")).collect();
    let masked = shown(&redactor, &[octal.as_bytes()]);
    assert!(masked.contains(MASK) && !masked.contains("142"), "{masked}");
}

/// What a terminal drops can be made of bytes that no secret has; then they must not be taken for its end.
#[test]
fn a_secret_torn_by_what_a_terminal_drops_is_masked_amid_binary_data() {
    let secret = "hZ7!kQ2_wX9#pL4vN8";
    let (redactor, _guard) = with(secret);
    let noise = [0xff; 700];
    let between: [&[u8]; 6] =
        [b"\xff\x08", b"\xff\x1b[0m\x08", b"\x1b]0;\xfe\xfe\x07", b"\x1bP\xff\x1b\\", b"\x1b[31m", b"\0"];
    for between in between {
        let torn: Vec<u8> = secret.bytes().flat_map(|byte| [&[byte], between].concat()).collect();
        let text = [&noise[..], &torn, &noise].concat();
        for chunk in (256..330).chain([1, 64, text.len()]) {
            let chunks: Vec<&[u8]> = text.chunks(chunk).collect();
            let shown = shown(&redactor, &chunks);
            let left = shown.matches(|c| secret.contains(c)).count();
            assert!(
                shown.contains(MASK) && left < 12,
                "{} in chunks of {chunk}: {shown}",
                between.escape_ascii()
            );
        }
    }
}

#[test]
fn what_a_backspace_takes_back_in_the_next_chunk_parts_no_secret() {
    let (redactor, _guard) = with("hZ7!kQ2_wX9#pL4vN8");
    let first = [&[0xff; 693][..], b"hZ7!kQ2_w", &[0xff; 10]].concat();
    let second = [&b"\x08\x1b[m".repeat(10)[..], b"X9#pL4vN8 done"].concat();
    let shown = shown(&redactor, &[&first, &second]);
    assert!(shown.contains(MASK) && !shown.contains("pL4v"), "{shown}");
}
