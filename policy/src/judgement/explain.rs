//! `policy check --explain`: the command with the offending span underlined, why, and what would do instead.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

use super::Judgement;
use crate::tables;
use crate::verdict::{Mode, Verdict};

/// Lines of a command that are drawn; the rest is counted.
const MAX_LINES: usize = 24;
/// Lines that are kept before the first mark of a longer command.
const LINES_BEFORE_MARK: usize = 3;
/// Columns of a line that are drawn.
const MAX_COLUMNS: usize = 120;
/// Columns that are kept before the first mark of a longer line.
const BEFORE_MARK: usize = 24;

/// One character as it is drawn.
struct Cell {
    shown: char,
    columns: usize,
    marked: bool,
}

impl Cell {
    fn new(c: char, marked: bool) -> Self {
        let shown = visible(c);
        Self { shown, columns: shown.width().unwrap_or(1), marked }
    }
}

impl Judgement {
    /// Draws the command with the spans that gave the verdict underlined, the reason, and what would be allowed.
    ///
    /// The text ends with a line feed and holds no control characters of the command but its own line ends.
    #[must_use]
    pub fn explain(&self, command: &str) -> String {
        let mut out = format!("{}: {}\n", self.verdict, printable(&self.reason));
        self.draw(command, &mut out);
        for segment in self.segments.iter().filter(|segment| segment.verdict == self.verdict) {
            if let Some(rule) = &segment.rule {
                let words = segment.argv.iter().map(|word| printable(word)).collect::<Vec<_>>().join(" ");
                let cut = words.char_indices().nth(MAX_COLUMNS).map(|(at, _)| at);
                let _ = match cut {
                    Some(at) => writeln!(out, "  {rule}: {}…", &words[..at]),
                    None => writeln!(out, "  {rule}: {words}"),
                };
            }
        }
        let _ = writeln!(out, "instead: {}", self.advice());
        out
    }

    fn draw(&self, command: &str, out: &mut String) {
        let mut starts = 0;
        let lines: Vec<Vec<Cell>> = command
            .split('\n')
            .map(|line| {
                let start = starts;
                starts += line.len() + 1;
                line.char_indices().map(|(at, c)| Cell::new(c, self.marks(start + at))).collect()
            })
            .collect();
        // The first mark is always among what is drawn.
        let first = lines.iter().position(|line| line.iter().any(|cell| cell.marked)).unwrap_or(0);
        let from = if first < MAX_LINES { 0 } else { first - LINES_BEFORE_MARK };
        let to = lines.len().min(from + MAX_LINES);
        for (count, place) in [(from, "before"), (lines.len() - to, "after")] {
            if place == "after" {
                lines[from..to].iter().for_each(|line| draw_line(line, out));
            }
            if count > 0 {
                let noun = if count == 1 { "line" } else { "lines" };
                let _ = writeln!(out, "  | ... {count} {noun} {place}");
            }
        }
    }

    /// Whether an offending span covers this byte.
    fn marks(&self, at: usize) -> bool {
        self.verdict != Verdict::Allow
            && self
                .segments
                .iter()
                .filter(|segment| segment.verdict == self.verdict && segment.rule.is_some())
                .any(|segment| (segment.span.0..segment.span.1).contains(&at))
    }

    fn advice(&self) -> String {
        let instead = self.rules.first().and_then(|rule| tables::instead(rule, self.mode));
        let catastrophe = self.rules.first().is_some_and(|rule| tables::is_catastrophe(rule));
        match (self.verdict, self.mode) {
            (Verdict::Allow, _) => "nothing is needed, it would run as it is".to_owned(),
            (Verdict::Confirm, _) => match instead {
                Some(instead) => format!("{instead}; or confirm it"),
                None => "confirm it, or leave out what is underlined".to_owned(),
            },
            (Verdict::Block, Mode::Readonly) if !catastrophe => {
                let reading = "use a command that only reads (see docs/policy.md), or a host in guarded mode";
                instead.map_or_else(|| reading.to_owned(), |instead| format!("{instead}; or {reading}"))
            }
            (Verdict::Block, _) => {
                "no confirmation lifts this; a person must run it outside Sallyport".to_owned()
            }
        }
    }
}

/// A line, and carets under what is marked. A long line is cut around its first mark.
fn draw_line(cells: &[Cell], out: &mut String) {
    let width = |cells: &[Cell]| cells.iter().map(|cell| cell.columns).sum::<usize>();
    let mut from = 0;
    if width(cells) > MAX_COLUMNS
        && let Some(mark) = cells.iter().position(|cell| cell.marked)
    {
        from = mark.saturating_sub(BEFORE_MARK);
    }
    let mut to = from;
    let mut columns = 0;
    while let Some(cell) = cells.get(to).filter(|cell| columns + cell.columns <= MAX_COLUMNS) {
        columns += cell.columns;
        to += 1;
    }
    let (before, after) = (if from > 0 { "…" } else { "" }, if to < cells.len() { "…" } else { "" });
    let text: String = cells[from..to].iter().map(|cell| cell.shown).collect();
    let _ = writeln!(out, "{}", format!("  | {before}{text}{after}").trim_end());
    if cells[from..to].iter().any(|cell| cell.marked) {
        let marks: String = cells[from..to]
            .iter()
            .map(|cell| if cell.marked { "^".repeat(cell.columns) } else { " ".repeat(cell.columns) })
            .collect();
        let _ = writeln!(out, "  | {}{}", " ".repeat(before.chars().count()), marks.trim_end());
    }
}

/// The text without characters that a terminal acts upon.
fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// Control characters, and those that turn or hide what stands beside them, become visible stand-ins of one column.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests;
