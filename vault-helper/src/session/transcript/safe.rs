//! Output that a person's terminal may be given: text, colours and moves of the cursor. What makes a terminal answer,
//! change its title or clipboard, report the mouse, or print is taken out: a host must not act through a watcher.
//!
//! Sources: ECMA-48 8.3, xterm's ctlseqs.

use crate::redact::{Token, terminal};

/// Control sequences that only draw, by their last byte.
const DRAWING: &[u8] = b"ABCDEFGHJKLMPSTXZ@`adfghlmrsu";
/// Private modes that only draw: cursor keys aside, those that full-screen programs set.
const MODES: [&[u8]; 8] = [b"3", b"6", b"7", b"12", b"25", b"47", b"1047", b"1049"];

/// Takes out what is not safe from a stream of any chunks.
#[derive(Debug, Default)]
pub struct Safe {
    held: Vec<u8>,
}

impl Safe {
    /// Takes the next output and gives what may be shown.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let mut out = Vec::with_capacity(all.len());
        let mut at = 0;
        while at < all.len() {
            let rest = &all[at..];
            match rest {
                [0x1b, ..] => match terminal(rest) {
                    Token::Partial => break,
                    Token::Text => at += 1,
                    Token::Whole(length) => {
                        if draws(&rest[..length]) {
                            out.extend_from_slice(&rest[..length]);
                        }
                        at += length;
                    }
                },
                // U+0080 to U+009F in UTF-8: some terminals take them for control sequences.
                [0xc2] => break,
                [0xc2, 0x80..=0x9f, ..] => at += 2,
                [0x08..=0x0d, ..] | [0x20..=0x7e | 0x80.., ..] => {
                    out.push(rest[0]);
                    at += 1;
                }
                _ => at += 1,
            }
        }
        self.held = all.split_off(at);
        out
    }
}

fn draws(sequence: &[u8]) -> bool {
    let Some(last) = sequence.last() else { return false };
    match sequence[1] {
        b'[' => {
            let parameters = &sequence[2..sequence.len() - 1];
            match parameters.strip_prefix(b"?") {
                Some(modes) => {
                    matches!(last, b'h' | b'l')
                        && modes.split(|b| *b == b';').all(|mode| MODES.contains(&mode))
                }
                None => {
                    DRAWING.contains(last)
                        && parameters.iter().all(|b| b.is_ascii_digit() || matches!(b, b';' | b':'))
                }
            }
        }
        b'(' | b')' => true,
        b'7' | b'8' | b'D' | b'E' | b'M' => sequence.len() == 2,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(bytes: &[u8]) -> Vec<u8> {
        Safe::default().pass(bytes)
    }

    #[test]
    fn text_colours_and_moves_pass() {
        let fine =
            "a\r\n\x1b[1;31mred\x1b[m\x1b[2;5H\x1b[K\x1b[?1049h\x1b(B\x1b7\u{e4} \u{1f980}\t\x08".as_bytes();
        assert_eq!(safe(fine), fine);
    }

    #[test]
    fn what_makes_a_terminal_act_is_taken_out() {
        for bad in [
            "\x1b]0;title\x07",
            "\x1b]52;c;aGk=\x1b\\",
            "\x1b[6n",
            "\x1b[c",
            "\x1b[>c",
            "\x1b[21t",
            "\x1b[?1000h",
            "\x1b[?2004h",
            "\x1b[?1049;1000h",
            "\x1bP$qm\x1b\\",
            "\x1bZ",
            "\x1bc",
            "\x1b[5i",
            "\x1b[>4;2m",
            "\u{9b}6n",
            "\x05\x07\x00\x7f",
        ] {
            let given = safe(format!("a{bad}b").as_bytes());
            let left = String::from_utf8(given).unwrap();
            assert!(left == "ab" || left == "a6nb", "{bad:?}: {left:?}");
        }
    }

    #[test]
    fn chunks_make_no_difference() {
        let bytes = "x\x1b]52;c;aGk=\x07y\x1b[31mz\u{9b}6n\u{e4}".as_bytes();
        let whole = safe(bytes);
        for cut in 0..bytes.len() {
            let mut safe = Safe::default();
            let mut given = safe.pass(&bytes[..cut]);
            given.extend(safe.pass(&bytes[cut..]));
            assert_eq!(given, whole, "cut at {cut}");
        }
    }
}
