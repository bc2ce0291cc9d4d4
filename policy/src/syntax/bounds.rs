//! What a text must satisfy before the grammar may see it.

/// Deepest nesting of brackets and compound commands, counted without regard to quotes.
const MAX_NESTING: usize = 40;
/// Most tokens of one kind that the grammar treats by recursion (`!`, function heads).
const MAX_REPEATS: usize = 200;

/// Whether a text is short enough, shallow enough and free of control characters. One linear pass.
pub(super) fn acceptable(text: &str) -> bool {
    if text.len() > crate::MAX_COMMAND_BYTES {
        return false;
    }
    let (mut brackets, mut words, mut repeats) = (0_usize, 0_usize, 0_usize);
    let mut word_start = 0;
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'(' | b'{' => brackets += 1,
            b')' | b'}' => brackets = brackets.saturating_sub(1),
            b'<' | b'>' if overlong_descriptor(&bytes[..at]) => return false,
            b'\t' | b'\n' => {}
            0..=31 | 127 => return false,
            _ => {}
        }
        if brackets + words > MAX_NESTING || repeats > MAX_REPEATS {
            return false;
        }
        let last = at + 1 == bytes.len();
        if !is_word(byte) || last {
            let end = if last && is_word(byte) { at + 1 } else { at };
            match &bytes[word_start..end] {
                b"if" | b"while" | b"until" | b"for" | b"case" | b"select" => words += 1,
                b"fi" | b"done" | b"esac" => words = words.saturating_sub(1),
                b"time" | b"coproc" | b"function" => repeats += 1,
                _ => {}
            }
            repeats += usize::from(byte == b'!');
            word_start = at + 1;
        }
    }
    brackets + words <= MAX_NESTING
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a text ends in a number that no file descriptor has; the grammar does not expect one.
fn overlong_descriptor(before: &[u8]) -> bool {
    before.iter().rev().take(10).filter(|byte| byte.is_ascii_digit()).count() == 10
}
