//! INI files and dotenv files, line by line.

use super::Flaw;

/// INI: `[section]`, `key = value`, `key: value`, keys alone, comments, values that go on on indented lines.
pub fn check(text: &str) -> Result<(), Flaw> {
    let mut continues = false;
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        let column = line.len() - line.trim_start().len() + 1;
        let flaw = |what: &str| Err(Flaw::new(number + 1, column, what));
        if trimmed.is_empty() || trimmed.starts_with([';', '#']) {
            continue;
        }
        if line.starts_with([' ', '\t']) && continues {
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix('[') {
            let Some((name, after)) = rest.split_once(']') else { return flaw("a section's name without ]") };
            let after = after.trim_start();
            if name.trim().is_empty() {
                return flaw("a section without a name");
            }
            if !after.is_empty() && !after.starts_with([';', '#']) {
                return flaw("text after a section's name");
            }
            continues = false;
            continue;
        }
        let key = trimmed.split(['=', ':']).next().unwrap_or_default();
        if key.trim().is_empty() {
            return flaw("a value without a key");
        }
        if key.contains(['{', '}', '<', '>']) {
            return flaw("this is no key of an INI file");
        }
        continues = true;
    }
    Ok(())
}

/// Dotenv: `[export] NAME=value`, comments, single and double quotes that may span lines.
pub fn check_dotenv(text: &str) -> Result<(), Flaw> {
    let mut rest = text;
    let mut number = 1;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = line.trim();
        let began = number;
        number += 1;
        if trimmed.is_empty() || trimmed.starts_with('#') {
            rest = after;
            continue;
        }
        let assignment = trimmed.strip_prefix("export ").map_or(trimmed, str::trim_start);
        let flaw = |column: usize, what: &str| Err(Flaw::new(began, column, what));
        let Some((name, value)) = assignment.split_once('=') else {
            return flaw(1, "a line without NAME=");
        };
        let name = name.trim_end();
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(word) {
            return flaw(1, "this is no variable's name");
        }
        let value = value.trim_start();
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            rest = after;
            continue;
        };
        // From the opening quote in the whole rest: a quoted value may span lines.
        let from = value.as_ptr() as usize - rest.as_ptr() as usize + 1;
        let Some(length) = closing(&rest[from..], quote) else {
            return flaw(line.chars().count().max(1), "a quote is not closed");
        };
        let quoted = &rest[from..from + length];
        number += quoted.matches('\n').count();
        let (tail, after) =
            rest[from + length + 1..].split_once('\n').unwrap_or((&rest[from + length + 1..], ""));
        let tail = tail.trim();
        if !tail.is_empty() && !tail.starts_with('#') {
            return Err(Flaw::new(number - 1, 1, "text after a closing quote"));
        }
        rest = after;
    }
    Ok(())
}

/// The offset of the closing quote.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote == '"' {
            escaped = true;
        } else if c == quote {
            return Some(at);
        }
    }
    None
}
