//! The terminal model and what it shows.

use std::fmt;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;

use super::rows::{Row, masks};
use crate::redact::MASK;
use crate::redact::clean::CleanText;
use crate::redact::registry::Redactor;

/// Sizes a screen may have; others become the nearest of these. A narrower or lower one could show a secret
/// piece by piece; in a larger one a host could keep the model busy with a few bytes.
const ROWS: RangeInclusive<u16> = 2..=200;
const COLUMNS: RangeInclusive<u16> = 16..=500;

/// Where the cursor of a rendered screen is; both count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Its row.
    pub row: u16,
    /// Its column, in the row as it is shown: a mask before it counts with the mask's own length.
    pub column: u16,
    /// The program has hidden it.
    pub hidden: bool,
}

/// What a screen shows, masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Every row from the top, without the blanks at its end.
    pub rows: Vec<CleanText>,
    /// The cursor.
    pub cursor: Cursor,
    /// The alternate screen of a full-screen program is in use.
    pub alternate: bool,
    /// How many masks there are.
    pub redactions: usize,
}

/// A terminal's screen: takes its raw bytes, gives masked rows.
///
/// Feeding takes time in proportion to the bytes and to the size of the screen, at worst some tens of
/// microseconds a byte (a host that clears the screen over and over): feed a few KiB at a time and
/// let others run in between.
pub struct Screen {
    redactor: Redactor,
    model: vt100::Parser,
    sequence: Sequence,
}

impl Redactor {
    /// A screen of this size, empty.
    #[must_use]
    pub fn screen(&self, rows: u16, columns: u16) -> Screen {
        let (rows, columns) = size(rows, columns);
        Screen {
            redactor: self.clone(),
            model: vt100::Parser::new(rows, columns, 0),
            sequence: Sequence::None,
        }
    }
}

impl Screen {
    /// Takes the next raw bytes of the terminal.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut from = 0;
        for (at, byte) in bytes.iter().enumerate() {
            self.sequence = self.sequence.next(*byte);
            let Sequence::Repeat(count) = self.sequence else { continue };
            self.sequence = Sequence::None;
            let columns = self.size().1;
            if count > u32::from(columns) {
                // A few bytes that ask for thousands of characters: as many as fill a row, no more.
                self.model.process(&bytes[from..at]);
                self.model.process(format!("\x18\x1b[{columns}b").as_bytes());
                from = at + 1;
            }
        }
        self.model.process(&bytes[from..]);
    }

    /// Gives the screen another size, as the remote terminal was given one.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let (rows, columns) = size(rows, columns);
        self.model.set_size(rows, columns);
    }

    /// Rows and columns it has.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        let (rows, columns) = self.model.screen().size();
        (rows.get(), columns.get())
    }

    /// What is shown now, masked with what is enrolled now.
    #[must_use]
    pub fn render(&self) -> Rendered {
        let screen = self.model.screen();
        let rows: Vec<Row> = (0..self.size().0).map(|row| self.row(row)).collect();
        let (row, column) = screen.cursor_position();
        let before = rows.get(usize::from(row)).map_or(0, |row| row.offset(column));
        let masks = masks(&rows, (usize::from(row), before), || self.redactor.stream());
        let place = |row: &Row, spans: &[std::ops::Range<usize>]| {
            let before = spans.iter().take_while(|span| span.start < before);
            let moved = before.map(|span| MASK.len() as i64 - row.columns(span) as i64).sum::<i64>();
            u16::try_from((i64::from(column) + moved).max(0)).unwrap_or(u16::MAX)
        };
        let column = match (rows.get(usize::from(row)), masks.get(usize::from(row))) {
            (Some(row), Some(spans)) => place(row, spans),
            _ => column,
        };
        Rendered {
            redactions: masks.iter().map(Vec::len).sum(),
            rows: rows.iter().zip(&masks).map(|(row, spans)| row.masked(spans)).collect(),
            cursor: Cursor { row, column, hidden: screen.hide_cursor() },
            alternate: screen.alternate_screen(),
        }
    }

    fn row(&self, row: u16) -> Row {
        let screen = self.model.screen();
        let cells = (0..self.size().1).map(|column| match screen.cell(row, column) {
            Some(cell) if cell.is_wide_continuation() => "",
            Some(cell) if cell.has_contents() => cell.contents(),
            _ => " ",
        });
        Row::of(cells, screen.row_wrapped(row))
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("size", &self.size()).finish_non_exhaustive()
    }
}

fn size(rows: u16, columns: u16) -> (NonZeroU16, NonZeroU16) {
    let within = |n: u16, range: RangeInclusive<u16>| {
        NonZeroU16::new(n.clamp(*range.start(), *range.end())).unwrap_or(NonZeroU16::MIN)
    };
    (within(rows, ROWS), within(columns, COLUMNS))
}

/// Where in a control sequence the bytes are: enough of it to see a "repeat" (REP, ECMA-48 8.3.103) coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequence {
    None,
    Escape,
    /// In the first parameter.
    First(u32),
    /// Past it.
    Rest(u32),
    /// At the end of a "repeat".
    Repeat(u32),
}

impl Sequence {
    const fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (_, 0x1b) => Self::Escape,
            (Self::None, _) => Self::None,
            (_, 0x18 | 0x1a) => Self::None,
            (inside, ..0x20 | 0x7f..) => inside,
            (Self::Escape, b'[') => Self::First(0),
            (Self::First(n), b'0'..=b'9') => {
                Self::First(n.saturating_mul(10).saturating_add((byte - b'0') as u32))
            }
            (Self::First(n) | Self::Rest(n), b'b') => Self::Repeat(n),
            (Self::First(n) | Self::Rest(n), ..0x40) => Self::Rest(n),
            _ => Self::None,
        }
    }
}
