//! `$'...'`: ANSI-C quoting, bash(1) "QUOTING".

/// Decodes the inside of `$'...'`.
pub(super) fn decode(body: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let bytes = body.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' || at + 1 == bytes.len() {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        at += 2;
        let simple = match bytes[at - 1] {
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'v' => 11,
            b'x' => {
                at = number(bytes, at, 2, 16, &mut out);
                continue;
            }
            b'u' => {
                at = number(bytes, at, 4, 16, &mut out);
                continue;
            }
            b'U' => {
                at = number(bytes, at, 8, 16, &mut out);
                continue;
            }
            b'0'..=b'7' => {
                at = number(bytes, at - 1, 3, 8, &mut out);
                continue;
            }
            b'c' if at < bytes.len() => {
                at += 1;
                bytes[at - 1] & 0x1f
            }
            other @ (b'\\' | b'\'' | b'"' | b'?') => other,
            other => {
                out.push(b'\\');
                other
            }
        };
        out.push(simple);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads up to `most` digits at `at`, appends the character they name, returns the position after them.
fn number(bytes: &[u8], at: usize, most: usize, base: u32, out: &mut Vec<u8>) -> usize {
    let digits = bytes[at..].iter().take(most).take_while(|byte| char::from(**byte).is_digit(base)).count();
    let text = std::str::from_utf8(&bytes[at..at + digits]).unwrap_or_default();
    let value = u32::from_str_radix(text, base).unwrap_or(0);
    match u8::try_from(value) {
        Ok(byte) if most < 4 || byte < 128 => out.push(byte),
        _ => {
            let c = char::from_u32(value).unwrap_or('\u{fffd}');
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    at + digits
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_name_bytes_and_characters() {
        assert_eq!(decode(r"\x72\155"), "rm");
        assert_eq!(decode(r"\u0072m\n"), "rm\n");
        assert_eq!(decode(r"\'\\\q"), r"'\\q");
        assert_eq!(decode(r"a\"), r"a\");
        assert_eq!(decode(r"\x"), "\0");
    }
}
