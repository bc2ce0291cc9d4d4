//! String literals and calls in code of other languages.

/// Whether the code sends a signal to process -1: all of them.
pub(super) fn signals_everyone(code: &str) -> bool {
    code.contains("kill")
        && code.match_indices("-1").any(|(at, _)| {
            let before = code[..at].trim_end().chars().next_back();
            let after = code[at + 2..].chars().next();
            before.is_none_or(|c| matches!(c, ',' | '(' | '='))
                && !after.is_some_and(|c| c.is_alphanumeric() || c == '.')
        })
}

/// Whether a call of `open` has a writing mode among its later arguments, or one that is not written out.
pub(super) fn opens_to_write(code: &str) -> bool {
    code.match_indices("open").any(|(at, _)| {
        let rest = &code[at + 4..];
        if ["ssl", "api", "pyxl", "cv"].iter().any(|word| rest.starts_with(word)) {
            return false;
        }
        let Some(rest) = rest.trim_start().strip_prefix('(') else { return true };
        let end = call_end(rest);
        let later = rest[..end].split_once(',').map_or("", |(_, later)| later);
        let said = strings(later);
        said.iter().any(|text| is_write_mode(text))
            || (!later.trim().is_empty() && said.is_empty())
            || rest[..end].split_once("mode").is_some_and(|(_, mode)| strings(mode).is_empty())
    })
}

/// Where a call's arguments end: its closing bracket, strings and inner brackets passed over.
fn call_end(rest: &str) -> usize {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return at,
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

/// Whether a string is a mode that opens a file for writing.
fn is_write_mode(text: &str) -> bool {
    text.len() <= 3 && text.contains(['w', 'a', 'x', '+']) && text.chars().all(|c| "wabxrt+".contains(c))
}

/// The string literals of the code.
pub(in crate::engine::facts) fn strings(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = code.chars();
    while let Some(quote) = chars.next() {
        if !matches!(quote, '"' | '\'' | '`') {
            continue;
        }
        let mut text = String::new();
        loop {
            match chars.next() {
                None => return found,
                Some('\\') => text.extend(chars.next()),
                Some(c) if c == quote => break,
                Some(c) => text.push(c),
            }
        }
        if found.len() < 64 {
            found.push(text);
        }
    }
    found
}

/// Texts in the code that may be shell commands: each string, all strings as one argv, and quoting operators.
pub(in crate::engine::facts) fn shell_texts(code: &str) -> Vec<String> {
    let strings = strings(code);
    let mut texts: Vec<String> = strings
        .iter()
        .filter(|text| text.contains(' ') || text.contains('(') || text.contains('\t'))
        .take(8)
        .cloned()
        .collect();
    if strings.len() > 1 {
        texts.push(
            strings
                .iter()
                .map(String::as_str)
                .filter(|text| !text.contains(['\'', '\n']))
                .take(12)
                .collect::<Vec<_>>()
                .join(" "),
        );
        texts.push(strings.concat());
    }
    for opener in ["qx(", "qx{", "qx/", "%x(", "%x{", "%x[", "system(q(", "q{", "q("] {
        if let Some((_, rest)) = code.split_once(opener) {
            texts.push(rest.split([')', '}', '/', ']']).next().unwrap_or(rest).to_owned());
            texts.push(rest.trim_end_matches([')', '}', '/', ']', ';', ' ']).to_owned());
        }
    }
    texts
}
