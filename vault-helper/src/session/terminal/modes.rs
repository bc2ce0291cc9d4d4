//! The modes a program sets that matter without a rendered screen (xterm's ctlseqs, "DEC Private Mode Set").

/// A longer list of parameters is no mode anybody sets.
const LONGEST: usize = 32;

/// What the program asked for.
#[derive(Debug, Default)]
pub struct Modes {
    /// Arrow keys are to send `ESC O` (DECCKM, 1).
    pub application_cursor: bool,
    /// The program has the alternate screen (47, 1047, 1049).
    pub full_screen: bool,
    /// The beginning of a sequence at the end of what came so far.
    partial: Vec<u8>,
}

impl Modes {
    /// Takes the next output.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.partial.is_empty() && memchr::memchr(0x1b, bytes).is_none() {
            return;
        }
        for byte in bytes {
            match (self.partial.as_slice(), byte) {
                (_, 0x1b) => {
                    self.partial.clear();
                    self.partial.push(0x1b);
                }
                ([], _) => {}
                ([0x1b], b'[') | ([0x1b, b'['], b'?') => self.partial.push(*byte),
                ([0x1b, b'[', b'?', ..], b'0'..=b'9' | b';') if self.partial.len() < LONGEST => {
                    self.partial.push(*byte);
                }
                ([0x1b, b'[', b'?', ..], b'h' | b'l') => {
                    let parameters = std::mem::take(&mut self.partial);
                    self.set(&parameters[3..], *byte == b'h');
                }
                // A reset of the terminal (RIS).
                ([0x1b], b'c') => *self = Self::default(),
                _ => self.partial = Vec::new(),
            }
        }
    }

    fn set(&mut self, parameters: &[u8], on: bool) {
        for parameter in parameters.split(|byte| *byte == b';') {
            match parameter {
                b"1" => self.application_cursor = on,
                b"47" | b"1047" | b"1049" => self.full_screen = on,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_seen_however_the_output_is_cut() {
        let vim = b"text\x1b[?1049h\x1b[22;0;0t\x1b[?1;2004h\x1b[31mmore";
        for cut in 0..vim.len() {
            let mut modes = Modes::default();
            modes.feed(&vim[..cut]);
            modes.feed(&vim[cut..]);
            assert!(modes.application_cursor && modes.full_screen, "cut at {cut}");
            modes.feed(b"\x1b[?1l\x1b[?10");
            modes.feed(b"49l$ ");
            assert!(!modes.application_cursor && !modes.full_screen);
        }
    }

    #[test]
    fn what_only_looks_alike_changes_nothing() {
        let mut modes = Modes::default();
        modes.feed(b"[?1h \x1b[1h \x1b[?1$h \x1b[?\x07h ?1049h \x1b[?11h");
        modes.feed(&[b"\x1b[?".as_slice(), &[b'1'; 100], b"h"].concat());
        assert!(!modes.application_cursor && !modes.full_screen);
        assert!(modes.partial.len() <= LONGEST);
    }
}
