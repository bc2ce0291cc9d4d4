//! Output of a terminal as text: sequences removed, each line as it ended up after carriage returns, backspaces and
//! erasures. One line at a time is modelled; a program that moves about the screen is better looked at as a screen.
//!
//! Sources: ECMA-48 8.3 (control functions), xterm's ctlseqs.

use unicode_width::UnicodeWidthChar;

use crate::redact::{Token, terminal};

/// One column of the current row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cell {
    /// Nothing was printed there.
    Blank,
    /// A character, with those that combine with it.
    Char(char, String),
    /// Covered by the wide character or tab before it.
    Covered,
}

/// Renders a stretch of output, piece by piece.
#[derive(Debug)]
pub struct Plain {
    cols: usize,
    done: String,
    row: Vec<Cell>,
    /// Columns before this one were printed before the stretch began.
    known_from: usize,
    at: usize,
    /// The last column is full; the next character begins a row.
    wrapping: bool,
    chars: usize,
}

impl Plain {
    /// A rendering that begins at a column of a terminal `cols` wide.
    pub fn new(cols: u16, column: usize) -> Self {
        let cols = usize::from(cols.max(1));
        let at = column.min(cols - 1);
        Self {
            cols,
            done: String::new(),
            row: Vec::new(),
            known_from: at,
            at,
            wrapping: column >= cols,
            chars: 0,
        }
    }

    /// Takes bytes until the text has about `limit` characters; returns how many were taken. A sequence or character
    /// that is not whole yet is left, unless these are the `last` bytes there will be.
    pub fn feed(&mut self, bytes: &[u8], last: bool, limit: usize) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && self.chars() < limit {
            let rest = &bytes[taken..];
            let used = match rest[0] {
                0x1b => self.escape(rest, last),
                byte @ (0..=0x1f | 0x7f) => {
                    self.control(byte);
                    1
                }
                _ => self.character(rest, last),
            };
            if used == 0 {
                break;
            }
            taken += used;
        }
        taken
    }

    /// About how many characters the text has.
    pub fn chars(&self) -> usize {
        self.chars + self.row.len()
    }

    /// The column the next character would stand in, for the stretch that follows this one.
    pub fn column(&self) -> usize {
        if self.wrapping { self.cols } else { self.at }
    }

    /// The text so far.
    pub fn text(&self) -> String {
        let mut text = self.done.clone();
        self.write_row(&mut text);
        text
    }

    /// About the last `bytes` of the text so far.
    pub fn tail(&self, bytes: usize) -> String {
        let mut from = self.done.len().saturating_sub(bytes);
        while !self.done.is_char_boundary(from) {
            from += 1;
        }
        let mut text = self.done[from..].to_owned();
        self.write_row(&mut text);
        text
    }

    fn write_row(&self, text: &mut String) {
        for (column, cell) in self.row.iter().enumerate() {
            match cell {
                Cell::Blank if column < self.known_from => {}
                Cell::Blank => text.push(' '),
                Cell::Char(c, more) => {
                    text.push(*c);
                    text.push_str(more);
                }
                Cell::Covered => {}
            }
        }
    }

    fn flush(&mut self) {
        let before = self.done.len();
        let mut done = std::mem::take(&mut self.done);
        self.write_row(&mut done);
        self.chars += done[before..].chars().count();
        self.done = done;
        self.row.clear();
        self.known_from = 0;
    }

    fn line_end(&mut self) {
        self.flush();
        self.done.push('\n');
        self.chars += 1;
        self.wrapping = false;
    }

    /// The cursor went to another line: what is on this one is told as a line of its own.
    fn leave(&mut self) {
        if self.row.iter().any(|cell| *cell != Cell::Blank) {
            self.line_end();
        }
        self.row.clear();
        self.known_from = 0;
        self.wrapping = false;
    }

    fn control(&mut self, byte: u8) {
        match byte {
            b'\n' | 0x0b | 0x0c => self.line_end(),
            b'\r' => (self.at, self.wrapping) = (0, false),
            0x08 => (self.at, self.wrapping) = (self.at.saturating_sub(1), false),
            b'\t' => {
                let stop = ((self.at / 8 + 1) * 8).min(self.cols - 1);
                if stop > self.at {
                    self.put('\t', stop - self.at);
                    self.wrapping = false;
                }
            }
            _ => {}
        }
    }

    fn character(&mut self, rest: &[u8], last: bool) -> usize {
        let Some(chunk) = rest[..rest.len().min(4)].utf8_chunks().next() else { return 0 };
        if let Some(c) = chunk.valid().chars().next() {
            match c.width() {
                None => {}
                Some(0) => self.combine(c),
                Some(width) => self.print(c, width),
            }
            return c.len_utf8();
        }
        let begins = matches!(std::str::from_utf8(rest), Err(error) if error.error_len().is_none());
        if begins && rest.len() < 4 && !last {
            return 0;
        }
        let bad = chunk.invalid().len().max(1);
        for byte in &rest[..bad] {
            format!("\\x{byte:02x}").chars().for_each(|c| self.print(c, 1));
        }
        bad
    }

    fn print(&mut self, c: char, width: usize) {
        if self.wrapping || self.at + width > self.cols {
            // The line goes on in the next row, so no line end stands between the two.
            self.flush();
            (self.at, self.wrapping) = (0, false);
        }
        self.put(c, width);
    }

    fn put(&mut self, c: char, width: usize) {
        let end = self.at + width;
        if self.row.len() < end {
            self.row.resize(end, Cell::Blank);
        }
        self.row[self.at] = Cell::Char(c, String::new());
        self.row[self.at + 1..end].fill(Cell::Covered);
        self.known_from = self.known_from.min(self.at);
        self.wrapping = end >= self.cols;
        self.at = end.min(self.cols - 1);
    }

    fn combine(&mut self, c: char) {
        /// Marks on one character; more is noise.
        const MARKS: usize = 32;
        let before = if self.wrapping { self.at } else { self.at.saturating_sub(1) };
        if let Some(Cell::Char(_, more)) = self.row.get_mut(before)
            && more.len() < MARKS
        {
            more.push(c);
        }
    }

    fn escape(&mut self, rest: &[u8], last: bool) -> usize {
        match terminal(rest) {
            Token::Partial if last => rest.len(),
            Token::Partial => 0,
            Token::Text => 1,
            Token::Whole(length) => {
                let sequence = &rest[..length];
                match sequence[1] {
                    b'[' => self.csi(&sequence[2..length - 1], sequence[length - 1]),
                    b'E' => {
                        self.line_end();
                        self.at = 0;
                    }
                    b'D' => self.line_end(),
                    b'M' | b'c' => self.leave(),
                    _ => {}
                }
                length
            }
        }
    }

    fn csi(&mut self, parameters: &[u8], last: u8) {
        let private = parameters.first().is_some_and(|byte| matches!(byte, b'?' | b'<' | b'=' | b'>'));
        let number = |index: usize| {
            let text = parameters.split(|byte| *byte == b';').nth(index)?;
            std::str::from_utf8(text).ok()?.parse::<usize>().ok()
        };
        let count = number(0).unwrap_or(1).clamp(1, self.cols);
        if private {
            // A full-screen program comes or goes.
            if matches!(last, b'h' | b'l') && matches!(parameters, b"?1049" | b"?1047" | b"?47") {
                self.leave();
                self.at = 0;
            }
            return;
        }
        match last {
            b'C' => (self.at, self.wrapping) = ((self.at + count).min(self.cols - 1), false),
            b'D' => (self.at, self.wrapping) = (self.at.saturating_sub(count), false),
            b'G' | b'`' => (self.at, self.wrapping) = (count - 1, false),
            b'K' | b'J' => match number(0).unwrap_or(0) {
                0 => self.row.truncate(self.at),
                1 => self.blank(0, self.at + 1),
                _ if last == b'K' => self.row.clear(),
                _ => self.leave(),
            },
            b'P' => {
                let end = (self.at + count).min(self.row.len());
                self.row.drain(self.at.min(end)..end);
            }
            b'@' if self.at < self.row.len() => {
                let blanks = std::iter::repeat_n(Cell::Blank, count);
                self.row.splice(self.at..self.at, blanks);
                self.row.truncate(self.cols);
            }
            b'X' => self.blank(self.at, self.at + count),
            b'H' | b'f' => {
                self.leave();
                self.at = number(1).unwrap_or(1).clamp(1, self.cols) - 1;
            }
            b'E' | b'F' => {
                self.leave();
                self.at = 0;
            }
            b'A' | b'B' | b'd' | b'L' | b'M' | b'S' | b'T' | b'r' => self.leave(),
            _ => {}
        }
    }

    fn blank(&mut self, from: usize, to: usize) {
        let end = to.min(self.row.len());
        self.row[from.min(end)..end].fill(Cell::Blank);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: &[u8]) -> String {
        let mut plain = Plain::new(80, 0);
        assert_eq!(plain.feed(bytes, true, usize::MAX), bytes.len());
        plain.text()
    }

    #[test]
    fn colours_titles_and_charsets_leave_no_trace() {
        let prompt = b"\x1b]0;root@web1: ~\x07\x1b[01;32mroot@web1\x1b[00m:\x1b(B\x1b[?2004h~# ";
        assert_eq!(plain(prompt), "root@web1:~# ");
    }

    #[test]
    fn a_line_is_told_as_it_ended_up() {
        assert_eq!(plain(b" 10%\r 50%\r100%\r\ndone\r\n"), "100%\ndone\n");
        assert_eq!(plain(b"lss\x08 \x08\r\n"), "ls \n");
        assert_eq!(plain(b"abcdef\x1b[3D\x1b[K"), "abc");
        assert_eq!(plain(b"working...\r\x1b[Kdone"), "done");
        assert_eq!(plain(b"abc\x1b[2D\x1b[PX"), "aX");
        assert_eq!(plain(b"bc\ra\x1b[4Gd"), "ac d");
        assert_eq!(plain(b"bc\r\x1b[2@aa"), "aabc");
    }

    #[test]
    fn a_line_wider_than_the_terminal_stays_one_line() {
        let mut plain = Plain::new(10, 0);
        plain.feed(b"0123456789abcdef\r\nx", true, usize::MAX);
        assert_eq!(plain.text(), "0123456789abcdef\nx");
        // How readline makes the terminal wrap: a blank and a return, the blank overwritten by what follows.
        let mut plain = Plain::new(10, 0);
        plain.feed(b"$ echo abc \rdef\r\n", true, usize::MAX);
        assert_eq!(plain.text(), "$ echo abcdef\n");
    }

    #[test]
    fn a_stretch_that_begins_in_a_line_knows_its_column() {
        let mut first = Plain::new(10, 0);
        first.feed(b"$ ", false, usize::MAX);
        let mut second = Plain::new(10, first.column());
        second.feed(b"echo abc \rdef\r\n", true, usize::MAX);
        assert_eq!(second.text(), "echo abcdef\n");
        let mut third = Plain::new(10, 7);
        third.feed(b"\r42%", true, usize::MAX);
        assert_eq!(third.text(), "42%");
    }

    #[test]
    fn what_moves_about_the_screen_is_told_line_by_line() {
        assert_eq!(plain(b"\x1b[?1049h\x1b[2;1Hsecond\x1b[1;1Hfirst\x1b[?1049l$ "), "second\nfirst\n$ ");
    }

    #[test]
    fn what_is_not_whole_is_left_for_the_next_stretch() {
        for cut in ["\u{e4}".as_bytes(), b"\x1b[31m", b"\x1b]0;title\x07", "\u{1f980}".as_bytes()] {
            for at in 1..cut.len() {
                let mut plain = Plain::new(80, 0);
                let bytes = [b"a", &cut[..at]].concat();
                assert_eq!(plain.feed(&bytes, false, usize::MAX), 1, "{cut:?} at {at}");
                assert_eq!(plain.text(), "a");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(plain(b"a\xff\xc3b"), "a\\xff\\xc3b");
        assert_eq!(plain(b"\xe2\x82"), "\\xe2\\x82");
        assert_eq!(plain(b"a\x00\x07\x1b"), "a");
    }

    #[test]
    fn wide_combining_and_tabbed_characters_keep_their_columns() {
        assert_eq!(plain("\u{6f22}\u{5b57}\x1b[3Gx".as_bytes()), "\u{6f22}x");
        assert_eq!(plain("e\u{301}a".as_bytes()), "e\u{301}a");
        assert_eq!(plain(b"a\tb\tc"), "a\tb\tc");
    }

    #[test]
    fn a_limit_stops_at_a_character_and_the_rest_can_be_fed_later() {
        let mut first = Plain::new(80, 0);
        let bytes = b"0123456789\r\nabc";
        let taken = first.feed(bytes, false, 4);
        assert_eq!((taken, first.text().as_str()), (4, "0123"));
        let mut second = Plain::new(80, first.column());
        second.feed(&bytes[taken..], false, usize::MAX);
        assert_eq!(second.text(), "456789\nabc");
    }

    #[test]
    fn noise_of_any_kind_never_panics() {
        let mut seed = 7u32;
        let mut bytes = Vec::new();
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.push(
                b"\x1b[];?0129ABCDEFGHJKPX@Lmhl\r\n\x08\t\xe6\xbc\xa2\xc3ab\x9b\x7f"
                    [(seed >> 16) as usize % 38],
            );
        }
        for cols in [1, 2, 7, 80] {
            let (mut plain, mut at) = (Plain::new(cols, 3), 0);
            while at < bytes.len() {
                let taken = plain.feed(&bytes[at..], true, usize::MAX);
                assert!(taken > 0);
                at += taken;
            }
        }
    }
}
