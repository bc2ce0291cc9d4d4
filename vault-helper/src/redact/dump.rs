//! Dumps: lines of `od`, `xxd` and `hexdump`, whose offset and text columns cut a secret into pieces.
//!
//! A line that has the layout of a dump is taken apart once it is complete: its data columns continue those
//! of the line before, and so does its text column.

use std::ops::Range;

use super::cells::Cells;
use super::index::Index;
use super::lane::{Raw, Span, Track};

/// Longest line that is taken for a dump.
const LINE: usize = 512;

/// The dump reading of one stream.
#[derive(Default)]
pub(super) struct Dumps {
    data: Column,
    text: Column,
    /// Offset of the line that is not complete yet.
    line: u64,
    /// That offset is inside a line that is no dump.
    inside: bool,
}

/// What one column holds, line after line.
#[derive(Default)]
struct Column {
    track: Track,
    /// Most streams show no dump.
    cells: Option<Box<Cells>>,
}

impl Column {
    fn gather(&mut self, cells: (&[u8], u64), index: &Index, spans: &mut Vec<Span>) {
        self.cells.get_or_insert_default().gather(cells, &mut self.track, index, spans);
    }

    fn search(&mut self, index: &Index, spans: &mut Vec<Span>) {
        if let Some(cells) = &mut self.cells {
            cells.search(&mut self.track, index, spans);
        }
    }
}

impl Dumps {
    /// Reads every complete line of `raw`.
    pub(super) fn advance(&mut self, index: &Index, raw: Raw<'_>, spans: &mut Vec<Span>) {
        let rest = raw.from(self.line);
        let mut from = 0;
        loop {
            let begins = !self.inside && rest.get(from).is_some_and(u8::is_ascii_hexdigit);
            if begins && let Some(length) = memchr::memchr(b'\n', &rest[from..]) {
                self.line(index, &rest[from..from + length], self.line + from as u64, spans);
                from += length + 1;
            } else if let Some(next) = next_line(rest, from).filter(|_| !begins) {
                // No line up to there even begins as one of a dump does.
                self.interrupt(index, spans);
                self.inside = false;
                from = next;
            } else {
                break;
            }
        }
        let open = &rest[from..];
        if self.inside || open.len() > LINE || !may_begin(open) {
            self.interrupt(index, spans);
            self.inside = true;
            from = rest.len();
        } else if raw.last {
            self.line(index, open, self.line + from as u64, spans);
            from = rest.len();
        }
        self.line += from as u64;
        for column in [&mut self.data, &mut self.text] {
            column.search(index, spans);
            column.track.settle(index);
        }
    }

    fn line(&mut self, index: &Index, line: &[u8], at: u64, spans: &mut Vec<Span>) {
        let Some(columns) = columns(line) else { return self.interrupt(index, spans) };
        let part = |range: Range<usize>| (&line[range.clone()], at + range.start as u64);
        self.data.gather(part(columns.data), index, spans);
        self.text.gather(part(columns.text), index, spans);
    }

    fn interrupt(&mut self, index: &Index, spans: &mut Vec<Span>) {
        for column in [&mut self.data, &mut self.text] {
            column.search(index, spans);
            column.track.clear();
        }
    }

    /// Goes past bytes that nobody looks at.
    pub(super) fn skip(&mut self, to: u64) {
        self.data.track.clear();
        self.text.track.clear();
        self.line = to;
        self.inside = true;
    }

    /// The offset from which raw bytes must be held, if any.
    pub(super) fn hold(&self, end: u64) -> Option<u64> {
        let line = Some(self.line).filter(|at| *at < end);
        [self.data.track.hold(), self.text.track.hold(), line].into_iter().flatten().min()
    }

    /// The offset up to which raw bytes are no longer needed.
    pub(super) const fn parsed(&self) -> u64 {
        self.line
    }
}

/// Bytes that are looked at together for whether a line begins among them.
const CELL: usize = 256;

/// Where the first line after `from` begins that a dump might begin with; if there is none, where the last line does.
fn next_line(text: &[u8], from: usize) -> Option<usize> {
    let begins = |pair: (&u8, &u8)| (*pair.0 == b'\n') & pair.1.is_ascii_hexdigit();
    let rest = &text[from..];
    let mut at = 0;
    while at < rest.len() {
        let cell = &rest[at..rest.len().min(at + CELL + 1)];
        let pairs = cell.iter().zip(cell.iter().skip(1));
        // Without a way out in between the compiler makes vector code of it.
        if pairs.clone().fold(false, |found, pair| found | begins(pair)) {
            return pairs.map(begins).position(|found| found).map(|end| from + at + end + 1);
        }
        at += CELL;
    }
    memchr::memrchr(b'\n', rest).map(|end| from + end + 1)
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

    #[test]
    fn the_next_line_that_may_begin_a_dump_is_the_one_that_reading_them_all_finds() {
        let mut next = crate::redact::dice();
        for round in 0..2000 {
            let rare = 1 + next(600);
            let text: Vec<u8> = (0..next(3 * CELL))
                .map(|_| if next(rare) == 0 { b'\n' } else { b"zzzzzzz0"[next(8)] })
                .collect();
            let from = next(text.len() + 1);
            let mut starts = (from + 1..=text.len()).filter(|at| text[at - 1] == b'\n');
            let first = starts.clone().find(|at| text.get(*at).is_some_and(u8::is_ascii_hexdigit));
            assert_eq!(next_line(&text, from), first.or(starts.next_back()), "round {round}");
        }
    }

    #[test]
    fn what_is_gathered_of_many_lines_is_masked_as_line_by_line() {
        let redactor = crate::redact::Redactor::new();
        let secret = b"correct.horse.battery";
        let _guard = redactor.enroll("s", secret, crate::redact::SecretKind::Password).expect("strong");
        // Cells are searched after every 33rd line at the latest: 500 bytes of data.
        for before in 400..700 {
            let data = [&vec![b'.'; before], secret.as_slice(), &[b'.'; 100]].concat();
            let lines = data.chunks(16).enumerate().map(|(n, line)| {
                let pairs = line.chunks(2).map(|pair| pair.iter().map(|b| format!("{b:02x}")).collect());
                let (pairs, text) = (pairs.collect::<Vec<String>>().join(" "), String::from_utf8_lossy(line));
                format!("{:08x}: {pairs:<40} {text}\n", n * 16)
            });
            let lines: Vec<String> = lines.collect();
            let mut stream = redactor.stream();
            let now = std::time::Instant::now();
            let mut slowly = Vec::new();
            for line in &lines {
                slowly.extend_from_slice(stream.push(now, line.as_bytes()).as_bytes());
            }
            slowly.extend_from_slice(stream.finish().as_bytes());
            let clean = redactor.text(&lines.concat());
            assert_eq!(clean.as_str(), String::from_utf8_lossy(&slowly), "after {before}");
            assert!(clean.as_str().matches(crate::redact::MASK).count() >= 2, "after {before}");
        }
    }
}
