//! Dumps: lines of `od`, `xxd` and `hexdump`, whose offset and text columns cut a secret into pieces.
//!
//! A line that has the layout of a dump is taken apart once it is complete: its data columns continue those
//! of the line before, and so does its text column.

use std::ops::Range;

use super::block::Piece;
use super::index::Index;
use super::lane::{Raw, Scratch, Span, Track};
use super::normal::{Layout, VIEWS};

/// Longest line that is taken for a dump.
const LINE: usize = 512;

/// The dump reading of one stream.
pub(super) struct Dumps {
    data: Track,
    text: Track,
    /// Offset of the line that is not complete yet.
    line: u64,
    /// That offset is inside a line that is no dump.
    inside: bool,
}

impl Dumps {
    pub(super) fn new() -> Self {
        Self { data: Track::default(), text: Track::default(), line: 0, inside: false }
    }

    /// Reads every complete line of `raw`.
    pub(super) fn advance(
        &mut self,
        index: &Index,
        raw: Raw<'_>,
        scratch: &mut Scratch,
        spans: &mut Vec<Span>,
    ) {
        let rest = raw.from(self.line);
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', rest) {
            let inside = std::mem::take(&mut self.inside);
            // Most lines do not even begin as one of a dump does.
            if rest[from].is_ascii_hexdigit() && !inside {
                self.line(index, &rest[from..end], self.line + from as u64, scratch, spans);
            } else if !inside {
                self.interrupt();
            }
            from = end + 1;
        }
        let open = &rest[from..];
        if self.inside || open.len() > LINE || !may_begin(open) {
            self.interrupt();
            self.inside = true;
            from = rest.len();
        } else if raw.last {
            self.line(index, open, self.line + from as u64, scratch, spans);
            from = rest.len();
        }
        self.line += from as u64;
        self.data.settle(index);
        self.text.settle(index);
    }

    fn line(&mut self, index: &Index, line: &[u8], at: u64, scratch: &mut Scratch, spans: &mut Vec<Span>) {
        let Some(columns) = columns(line) else { return self.interrupt() };
        for (track, column) in [(&mut self.data, columns.data), (&mut self.text, columns.text)] {
            let Scratch { block, normal } = scratch;
            let piece = Piece::of(&line[column.clone()], at + column.start as u64, true);
            block.look(piece);
            normal.begin(track.tail(), Layout::Columns);
            normal.read(VIEWS[0], block, piece, 0, 0);
            track.search(index, normal, spans);
        }
    }

    fn interrupt(&mut self) {
        self.data.clear();
        self.text.clear();
    }

    /// Goes past bytes that nobody looks at.
    pub(super) fn skip(&mut self, to: u64) {
        self.interrupt();
        self.line = to;
        self.inside = true;
    }

    /// The offset from which raw bytes must be held, if any.
    pub(super) fn hold(&self, end: u64) -> Option<u64> {
        let line = Some(self.line).filter(|at| *at < end);
        [self.data.hold(), self.text.hold(), line].into_iter().flatten().min()
    }

    /// The offset up to which raw bytes are no longer needed.
    pub(super) const fn parsed(&self) -> u64 {
        self.line
    }
}

/// Where the columns of a dump line are.
#[derive(Debug, PartialEq, Eq)]
struct Columns {
    data: Range<usize>,
    text: Range<usize>,
}

/// Digits of the offset column: six from `od -A x`, eight from `xxd` and `hexdump -C`, more beyond 4 GiB.
const OFFSET: Range<usize> = 6..17;

/// Whether a line that begins so may become a dump line.
fn may_begin(start: &[u8]) -> bool {
    let digits = offset(start);
    match start.get(digits) {
        None => digits < OFFSET.end,
        Some(next) => OFFSET.contains(&digits) && matches!(next, b' ' | b':' | b'\t'),
    }
}

fn offset(line: &[u8]) -> usize {
    line.iter().take(OFFSET.end).take_while(|byte| byte.is_ascii_hexdigit()).count()
}

fn columns(line: &[u8]) -> Option<Columns> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let digits = offset(line);
    if line.len() > LINE || !may_begin(line) || digits == line.len() {
        return None;
    }
    let colon = line[digits] == b':';
    let data = digits + usize::from(colon);
    let body = &line[data..];
    let begin = body.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if begin == 0 {
        return None;
    }
    let framed = [(b'|', b"|"), (b'>', b"<")].into_iter().find_map(|(open, close)| {
        let inner = line.strip_suffix(close)?;
        let bar = data + body.iter().position(|byte| *byte == open)?;
        (bar < inner.len()).then(|| Columns { data: data..bar, text: bar + 1..inner.len() })
    });
    let bare = || {
        let gap = body[begin..].windows(2).position(|pair| pair == b"  ")?;
        let text = data + begin + gap;
        colon.then_some(Columns { data: data..text, text: text..line.len() })
    };
    Some(framed.or_else(bare).unwrap_or(Columns { data: data..line.len(), text: 0..0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Option<(&str, &str)> {
        columns(line.as_bytes()).map(|at| (line[at.data].trim(), line[at.text].trim_start()))
    }

    #[test]
    fn the_layouts_of_the_usual_dump_programs_are_taken_apart() {
        assert_eq!(split("00000010: 6865 6c6c 6f0a            hel lo."), Some(("6865 6c6c 6f0a", "hel lo.")));
        assert_eq!(split("00000000  68 65  6c 6c  |he|l|"), Some(("68 65  6c 6c", "he|l")));
        assert_eq!(split("0000000 062550 066154 000012"), Some(("062550 066154 000012", "")));
        assert_eq!(split("0000000  68  65  >he<"), Some(("68  65", "he")));
    }

    #[test]
    fn ordinary_lines_are_not_dumps() {
        for line in ["2026-11-20 10:00:00 up", "1700000000.5 x", "deadbeef", "", "hello world", "12345 a"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
