//! Brace expansion (`{a,b}`, `{1..3}`) over the raw text of a word, as bash does it before all else.

/// Most words one word may become.
const MAX_WORDS: usize = 256;
/// Most bytes of all words together.
const MAX_BYTES: usize = 32 * 1024;

/// The raw words a raw word becomes; nothing when they are more than the bounds allow.
pub(crate) fn expand(raw: &str) -> Option<Vec<String>> {
    if !raw.contains('{') || !(raw.contains(',') || raw.contains("..")) {
        return Some(vec![raw.to_owned()]);
    }
    let mut budget = MAX_BYTES;
    let mut out = Vec::new();
    let mut waiting = vec![raw.to_owned()];
    while let Some(word) = waiting.pop() {
        budget = budget.checked_sub(word.len() + 1)?;
        match first_brace(&word) {
            None => out.push(word),
            Some((start, end, parts)) => {
                for part in parts.iter().rev() {
                    waiting.push(format!("{}{part}{}", &word[..start], &word[end..]));
                }
            }
        }
        if out.len() + waiting.len() > MAX_WORDS {
            return None;
        }
    }
    Some(out)
}

/// The first brace expression that expands: where it starts and ends, and its alternatives.
fn first_brace(word: &str) -> Option<(usize, usize, Vec<String>)> {
    let bytes = word.as_bytes();
    let mut at = 0;
    let mut tries = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'$' if bytes.get(at + 1) == Some(&b'{') || bytes.get(at + 1) == Some(&b'(') => {
                at = skip_group(bytes, at + 1);
            }
            b'{' => {
                tries += 1;
                if tries > 64 {
                    return None;
                }
                if let Some((end, parts)) = alternatives(word, at) {
                    return Some((at, end, parts));
                }
                at += 1;
            }
            _ => at = skip_quoted(bytes, at),
        }
    }
    None
}

fn alternatives(word: &str, start: usize) -> Option<(usize, Vec<String>)> {
    let bytes = word.as_bytes();
    let (mut at, mut depth, mut from) = (start + 1, 0_usize, start + 1);
    let mut parts = Vec::new();
    while at < bytes.len() {
        match bytes[at] {
            b'$' if bytes.get(at + 1) == Some(&b'{') || bytes.get(at + 1) == Some(&b'(') => {
                at = skip_group(bytes, at + 1);
                continue;
            }
            b'{' => depth += 1,
            b',' if depth == 0 => {
                parts.push(word[from..at].to_owned());
                from = at + 1;
            }
            b'}' if depth == 0 => {
                parts.push(word[from..at].to_owned());
                if parts.len() == 1 {
                    parts = sequence(&parts[0])?;
                }
                return Some((at + 1, parts));
            }
            b'}' => depth -= 1,
            _ => {
                at = skip_quoted(bytes, at);
                continue;
            }
        }
        at += 1;
    }
    None
}

/// `1..5`, `a..e`, `1..9..2`.
fn sequence(body: &str) -> Option<Vec<String>> {
    let mut ends = body.splitn(3, "..");
    let (from, to, step) = (ends.next()?, ends.next()?, ends.next().unwrap_or("1"));
    let step = step.parse::<i64>().ok()?.unsigned_abs().max(1);
    let letters = |text: &str| text.chars().next().filter(|c| text.len() == 1 && c.is_ascii_alphabetic());
    let (low, high, letter) = match (from.parse::<i64>(), to.parse::<i64>()) {
        (Ok(low), Ok(high)) => (low, high, false),
        _ => (i64::from(u32::from(letters(from)?)), i64::from(u32::from(letters(to)?)), true),
    };
    let count = low.abs_diff(high) / step;
    let show = |value: i64| match (letter, u8::try_from(value)) {
        (true, Ok(byte)) => char::from(byte).to_string(),
        _ => value.to_string(),
    };
    // A long sequence is cut: its members differ in nothing the engine looks at, and the last one is kept.
    let shown = count.min(8);
    let sign = if low <= high { 1_i64 } else { -1 };
    let mut out: Vec<String> = Vec::new();
    for index in 0..=shown {
        let away = i64::try_from(index.checked_mul(step)?).ok()?;
        out.push(show(low.checked_add(sign.checked_mul(away)?)?));
    }
    if count > shown {
        out.push(show(high));
    }
    Some(out)
}

/// The position after the quoted part or character that starts at `at`.
fn skip_quoted(bytes: &[u8], at: usize) -> usize {
    let close = |quote: u8, escapes: bool| {
        let mut next = at + 1;
        while next < bytes.len() && bytes[next] != quote {
            next += if escapes && bytes[next] == b'\\' { 2 } else { 1 };
        }
        (next + 1).min(bytes.len())
    };
    match bytes[at] {
        b'\\' => (at + 2).min(bytes.len()),
        b'\'' => close(b'\'', false),
        b'"' => close(b'"', true),
        b'`' => close(b'`', true),
        _ => at + 1,
    }
}

/// The position after a bracketed group that opens at `at`.
fn skip_group(bytes: &[u8], at: usize) -> usize {
    let (open, close) = if bytes[at] == b'{' { (b'{', b'}') } else { (b'(', b')') };
    let (mut depth, mut next) = (0_usize, at);
    while next < bytes.len() {
        match bytes[next] {
            byte if byte == open => depth += 1,
            byte if byte == close => {
                depth -= 1;
                if depth == 0 {
                    return next + 1;
                }
            }
            _ => {
                next = skip_quoted(bytes, next);
                continue;
            }
        }
        next += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(raw: &str) -> String {
        expand(raw).map_or_else(|| "too many".to_owned(), |words| words.join(" "))
    }

    #[test]
    fn braces_expand_as_in_bash() {
        assert_eq!(words("{rm,-rf,/}"), "rm -rf /");
        assert_eq!(words("a{b,c{d,e}}f"), "abf acdf acef");
        assert_eq!(words("{1..3}"), "1 2 3");
        assert_eq!(words("{c..a}"), "c b a");
        assert_eq!(words("/{bin,etc}/x"), "/bin/x /etc/x");
    }

    #[test]
    fn what_is_quoted_or_no_list_stays() {
        assert_eq!(words("{a}"), "{a}");
        assert_eq!(words("'{a,b}'"), "'{a,b}'");
        assert_eq!(words("\\{a,b}"), "\\{a,b}");
        assert_eq!(words("${x:-{a,b}}"), "${x:-{a,b}}");
        assert_eq!(words("{a,b"), "{a,b");
        assert_eq!(words("{{a,b}"), "{a {b");
    }

    #[test]
    fn bombs_are_refused_and_long_sequences_are_cut() {
        assert_eq!(words(&"{a,b}".repeat(20)), "too many");
        assert_eq!(words("{1..1000000000}").split(' ').count(), 10);
        assert_eq!(words(&"{".repeat(5000)), "{".repeat(5000));
        assert_eq!(words("{1..9223372036854775807..9223372036854775807}"), "1");
    }
}
