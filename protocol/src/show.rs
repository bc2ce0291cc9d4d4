//! Texts for people who must judge them: shown so that what is seen is what would run.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text for a person who must judge it: every line marked, and everything
/// that could hide or reorder text spelled out.
pub fn for_judgement(text: &str) -> String {
    let mut out = String::new();
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str("  | ");
        out.push_str(&one_line(line));
    }
    out
}

/// A text on one line, with control, direction and invisible characters
/// spelled out.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_deceptive(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// A text of any lines for a screen: what would make a terminal act, or turn the reading direction, is spelled out, as
/// bytes that are no text are. Colours are spelled out with the rest, and a carriage return unless it ends a line.
pub fn on_screen(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut kept = 0;
    for (at, c) in text.char_indices() {
        let acts = match c {
            '\n' | '\t' => false,
            '\r' => !text[at + 1..].starts_with('\n'),
            c => c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'),
        };
        if acts {
            shown.push_str(&text[kept..at]);
            kept = at + c.len_utf8();
            // Writing to a String cannot fail.
            let _ = match u32::from(c) {
                number @ ..0x100 => write!(shown, "\\x{number:02x}"),
                number => write!(shown, "\\u{{{number:x}}}"),
            };
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[kept..]);
    Cow::Owned(shown)
}

/// Characters that change what a line looks like without being seen: direction
/// marks (Unicode TR 9), zero-width and filler characters, line separators, tags.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_screen_nothing_acts_and_ordinary_text_stays_as_it_is() {
        for plain in ["", "two\r\n\tlines\n", "gr\u{fc}n \u{1f469}\u{200d}\u{1f680} \u{2764}\u{fe0f}"] {
            assert!(matches!(on_screen(plain), Cow::Borrowed(text) if text == plain), "{plain:?}");
        }
        let acts = "\u{1b}[2J \u{9b}31m a\rb\r\n\u{0}\u{7f}\u{202e}z";
        assert_eq!(on_screen(acts), "\\x1b[2J \\x9b31m a\\x0db\r\n\\x00\\x7f\\u{202e}z");
    }
}
