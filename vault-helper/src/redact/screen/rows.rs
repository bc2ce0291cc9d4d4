//! Rendered rows, read in every way a person would read them.

use std::ops::Range;

use zeroize::Zeroize;

use crate::redact::MASK;
use crate::redact::clean::CleanText;
use crate::redact::stream::StreamRedactor;

/// Characters that programs draw between panes.
const BARS: [char; 6] = ['│', '┃', '║', '|', '▏', '▕'];

/// One row of a rendered screen.
pub(super) struct Row {
    /// Its text, without the blanks at its end.
    text: String,
    /// Where in the text each column begins.
    starts: Vec<usize>,
    /// It was full and goes on in the next row.
    wrapped: bool,
}

impl Row {
    /// A row of the given cells.
    pub(super) fn of<'a>(cells: impl Iterator<Item = &'a str>, wrapped: bool) -> Self {
        let mut text = String::with_capacity(4 * cells.size_hint().0);
        let mut starts = Vec::with_capacity(cells.size_hint().0);
        for cell in cells {
            starts.push(text.len());
            text.push_str(cell);
        }
        text.truncate(text.trim_end_matches(' ').len());
        Self { text, starts, wrapped }
    }

    /// Where in the text `column` begins.
    pub(super) fn offset(&self, column: u16) -> usize {
        self.starts.get(usize::from(column)).map_or(self.text.len(), |at| (*at).min(self.text.len()))
    }

    /// How many columns a part of the text takes.
    pub(super) fn columns(&self, part: &Range<usize>) -> usize {
        self.starts.iter().filter(|start| part.contains(start)).count()
    }

    /// The text with its masks.
    pub(super) fn masked(&self, spans: &[Range<usize>]) -> CleanText {
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for span in spans {
            // Spans are of whole characters; were one not, its surroundings go with it.
            out.push_str(self.text.get(at..span.start).unwrap_or_default());
            out.push_str(MASK);
            at = span.end;
        }
        out.push_str(self.text.get(at..).unwrap_or_default());
        CleanText::new(out)
    }

    /// The parts of the row between vertical lines, by the column each begins at.
    fn panes(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let bars = self.text.match_indices(BARS).map(|(at, bar)| (at, at + bar.len()));
        let ends = bars.clone().map(|(at, _)| at).chain([self.text.len()]);
        let begins = [0].into_iter().chain(bars.map(|(_, end)| end));
        begins.zip(ends).map(|(begin, end)| (self.starts.partition_point(|start| *start < begin), begin..end))
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

/// A part of a row in a reading; `joined` if the next part goes on without a line end.
struct Part {
    row: usize,
    range: Range<usize>,
    joined: bool,
}

/// What of each row must be masked, in order; spans do not touch. `cursor` is a row and an offset in it: what
/// ends there may go on later.
pub(super) fn masks(
    rows: &[Row],
    cursor: (usize, usize),
    stream: impl Fn() -> StreamRedactor,
) -> Vec<Vec<Range<usize>>> {
    let mut masks = vec![Vec::new(); rows.len()];
    let whole = |row: usize, joined| Part { row, range: 0..rows[row].text.len(), joined };
    let wrapped = |row: usize| whole(row, rows[row].wrapped);
    let mut readings: Vec<Vec<Part>> = vec![
        (0..rows.len()).map(wrapped).collect(),
        (0..rows.len()).map(|row| whole(row, false)).collect(),
        (0..cursor.0)
            .map(wrapped)
            .chain([Part { row: cursor.0, range: 0..cursor.1, joined: false }])
            .collect(),
    ];
    readings.extend(panes(rows));
    for reading in readings {
        read(rows, &reading, stream(), &mut masks);
    }
    for spans in &mut masks {
        spans.sort_unstable_by_key(|span| (span.start, span.end));
        spans.dedup_by(|next, last| {
            let joins = next.start <= last.end;
            if joins {
                last.end = last.end.max(next.end);
            }
            joins
        });
    }
    masks
}

/// A reading for each pane: parts that begin at the same column in rows that follow one another.
fn panes(rows: &[Row]) -> Vec<Vec<Part>> {
    let mut open: Vec<(usize, Vec<Part>)> = Vec::new();
    let mut done = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, range) in row.panes().filter(|(_, range)| range.len() < row.text.len()) {
            let part = Part { row: number, range, joined: false };
            match open.iter_mut().find(|(at, _)| *at == column) {
                Some((_, parts)) => parts.push(part),
                None => open.push((column, vec![part])),
            }
        }
        let (going, ended) =
            open.into_iter().partition(|(_, parts)| parts.last().is_some_and(|p| p.row == number));
        open = going;
        done.extend(ended);
    }
    done.into_iter().chain(open).map(|(_, parts)| parts).filter(|parts| parts.len() > 1).collect()
}

fn read(rows: &[Row], reading: &[Part], stream: StreamRedactor, masks: &mut [Vec<Range<usize>>]) {
    let mut text = Vec::with_capacity(reading.iter().map(|part| part.range.len() + 1).sum());
    let mut places = Vec::with_capacity(reading.len());
    for part in reading {
        places.push(text.len());
        text.extend_from_slice(&rows[part.row].text.as_bytes()[part.range.clone()]);
        text.extend_from_slice(if part.joined { b"" } else { b"\n" });
    }
    for span in stream.spans(text) {
        for (part, place) in reading.iter().zip(&places) {
            let (from, to) = (span.start.max(*place), span.end.min(place + part.range.len()));
            if from < to {
                let at = |offset: usize| offset - place + part.range.start;
                masks[part.row].push(at(from)..at(to));
            }
        }
    }
}
