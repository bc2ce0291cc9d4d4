//! Answering a look at a terminal: wait for what is waited for, render what came, say where the next look goes on.
//!
//! Output is taken under cursors of the masked stream, each byte once: a look ends where the answer does, never inside a
//! character or a sequence. What was waited for is searched as output arrives, not when time is over.

use std::time::{Duration, Instant as StdInstant};

use sallyport_protocol::envelope::Stream;
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::terminal::{Answer, Format, ScreenState, Shown, Size, View};
use sallyport_protocol::{ErrorCode, Failure, Text};
use tokio::time::Instant;

use super::plain::Plain;
use super::pty::Terminal;
use super::until::{PIECE, Until, WINDOW};
use crate::redact::Rendered;
use crate::serve::connection::{Operation, came_true};

/// The longest wait, in milliseconds.
const MAX_WAIT_MS: u32 = 600_000;
/// The largest answer, in characters.
const MAX_CHARS: u32 = 200_000;
/// Without another wish, an answer waits until output has paused for this long.
const SETTLED: Duration = Duration::from_millis(100);
/// A search that took longer is followed by a rest of three times its length.
const CHEAP: Duration = Duration::from_millis(2);

/// Looks at a terminal. `typed` is where its output stood before something was typed: what is waited for must come
/// after that.
pub async fn run(
    op: &mut Operation,
    terminal: &Terminal,
    view: &View,
    until: Option<Until>,
    typed: Option<u64>,
) -> Outcome {
    let mut cancelled = op.cancelled.clone();
    let looked = tokio::select! {
        looked = look(terminal, view, until.as_ref(), typed) => looked,
        () = came_true(&mut cancelled) => return Outcome::Cancelled { gone: false },
    };
    let looked = match looked {
        Ok(looked) => looked,
        Err(failure) => return Outcome::Failed(failure),
    };
    // Masked once more: rendering may have put together what passed in pieces.
    op.out.data(op.id, Stream::Output, terminal.redactor().bytes(&looked.output)).await;
    let mut state = terminal.state();
    if looked.shown.next_cursor >= state.position.0 {
        state.position = (looked.shown.next_cursor, looked.column);
    }
    Outcome::Terminal(Answer::Shown(looked.shown))
}

/// Whether a look can be: its cursor must not lie in the future.
///
/// # Errors
/// `invalid_argument`.
pub fn check(terminal: &Terminal, view: &View) -> Result<(), Failure> {
    Page::begin(terminal, view, None).map(drop)
}

/// A look's result.
struct Looked {
    output: Vec<u8>,
    shown: Shown,
    column: usize,
}

async fn look(
    terminal: &Terminal,
    view: &View,
    until: Option<&Until>,
    typed: Option<u64>,
) -> Result<Looked, Failure> {
    terminal.touch();
    let begun = StdInstant::now();
    let deadline = Instant::now() + Duration::from_millis(u64::from(view.wait_ms.min(MAX_WAIT_MS)));
    let mut growth = terminal.growth();
    let mut page = Page::begin(terminal, view, typed)?;
    loop {
        growth.borrow_and_update();
        let running = terminal.is_open();
        let matched = page.fill(terminal, running, until).await;
        let (total, printed) = {
            let state = terminal.state();
            (state.ring.total(), state.printed)
        };
        let reacted = typed.is_none_or(|typed| total > typed);
        let news = reacted && (view.format == Format::Screen || page.next > page.from);
        let rest = match (view.quiet_ms, until) {
            (Some(quiet), _) => Some(printed.max(begun) + Duration::from_millis(u64::from(quiet))),
            (None, None) if news => Some(printed + SETTLED),
            (None, _) => None,
        };
        let due = rest.map_or(deadline, |rest| Instant::from_std(rest).min(deadline));
        if matched || page.full || !running || due <= Instant::now() {
            return Ok(page.finish(terminal, matched, running));
        }
        tokio::select! {
            // A sender that is gone went with its terminal, whose end was seen above.
            _ = growth.changed() => {}
            () = tokio::time::sleep_until(due) => {}
        }
    }
}

/// What an answer holds so far.
struct Page<'a> {
    view: &'a View,
    /// The cursor it begins at.
    from: u64,
    /// The cursor behind it.
    next: u64,
    dropped: u64,
    full: bool,
    limit: usize,
    plain: Plain,
    raw: Vec<u8>,
    /// What is searched: the text that came after something was typed.
    searched: Option<Plain>,
    typed: u64,
    size: Size,
}

impl<'a> Page<'a> {
    fn begin(terminal: &Terminal, view: &'a View, typed: Option<u64>) -> Result<Self, Failure> {
        let state = terminal.state();
        let total = state.ring.total();
        let from = view.cursor.unwrap_or(state.position.0);
        if from > total {
            return Err(Failure::new(
                ErrorCode::InvalidArgument,
                format!("cursor {from} is beyond the {total} bytes that were printed"),
                "give the next_cursor of an earlier answer of this session, or none to go on where the last one ended",
            ));
        }
        let column = if from == state.position.0 { state.position.1 } else { 0 };
        Ok(Self {
            view,
            from,
            next: from,
            dropped: 0,
            full: false,
            limit: view.max_chars.clamp(1, MAX_CHARS) as usize,
            plain: Plain::new(state.size.cols, column),
            raw: Vec::new(),
            searched: None,
            typed: typed.unwrap_or(0),
            size: state.size,
        })
    }

    /// Takes what came; true when what is waited for is there.
    async fn fill(&mut self, terminal: &Terminal, running: bool, until: Option<&Until>) -> bool {
        if self.view.format == Format::Screen {
            let total = terminal.state().ring.total();
            self.next = total;
            let Some(until) = until.filter(|_| self.typed == 0 || total > self.typed) else { return false };
            let rows = screen(terminal);
            let text: Vec<&str> = rows.rows.iter().map(AsRef::as_ref).collect();
            return search(until, text.join("\n")).await;
        }
        loop {
            let piece = {
                let state = terminal.state();
                let room = if self.next < self.typed { self.typed - self.next } else { PIECE as u64 };
                let piece = state.ring.read(self.next, PIECE.min(usize::try_from(room).unwrap_or(PIECE)));
                let last = !running && piece.from + piece.bytes.len() as u64 == state.ring.total();
                (piece, last)
            };
            let (piece, last) = piece;
            self.dropped += piece.dropped;
            self.next = piece.from;
            if piece.bytes.is_empty() || self.full {
                return false;
            }
            if self.next >= self.typed && self.searched.is_none() {
                self.searched = Some(Plain::new(self.size.cols, self.plain.column()));
            }
            let taken = self.take(&piece.bytes, last);
            self.next += taken as u64;
            if taken == 0 && self.next < self.typed {
                // It was typed while a character or sequence was on its way, which is whole only behind that point.
                self.typed = self.next;
                continue;
            }
            if taken == 0 {
                return false;
            }
            if let (Some(until), Some(searched)) = (until, &mut self.searched) {
                searched.feed(&piece.bytes[..taken], true, usize::MAX);
                let window = searched.tail(WINDOW);
                if search(until, window).await {
                    return true;
                }
            }
        }
    }

    fn take(&mut self, bytes: &[u8], last: bool) -> usize {
        match self.view.format {
            Format::Raw => {
                let room = self.limit - self.raw.len().min(self.limit);
                let cut = whole(&bytes[..bytes.len().min(room)], last);
                // A character wider than the answer: half of it rather than nothing for ever.
                let cut = if cut == 0 && room > 0 && (bytes.len() > room || last) {
                    room.min(bytes.len())
                } else {
                    cut
                };
                self.raw.extend_from_slice(&bytes[..cut]);
                self.full = self.raw.len() >= self.limit || (cut < bytes.len() && bytes.len() > room);
                cut
            }
            Format::Plain | Format::Screen => {
                let taken = self.plain.feed(bytes, last, self.limit);
                self.full = self.plain.chars() >= self.limit;
                taken
            }
        }
    }

    fn finish(self, terminal: &Terminal, matched: bool, running: bool) -> Looked {
        let (output, screen) = match self.view.format {
            Format::Plain => (self.plain.text().into_bytes(), None),
            Format::Raw => (self.raw, None),
            Format::Screen => {
                let rendered = screen(terminal);
                let rows: Vec<&str> = rendered.rows.iter().map(AsRef::as_ref).collect();
                let used = rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
                let output = rows[..used].join("\n").into_bytes();
                (output, Some(state(&rendered, terminal.state().size)))
            }
        };
        let exit_reason = match running {
            true => Text::default(),
            false => terminal.ended().map_or_else(Text::default, |why| Text::clip(why.as_str())),
        };
        let idle = terminal.state().printed.elapsed();
        let column = if self.view.format == Format::Plain { self.plain.column() } else { 0 };
        let shown = Shown {
            next_cursor: self.next,
            matched,
            running,
            exit_reason,
            idle_ms: crate::session::exec::millis(idle),
            dropped: self.dropped,
            screen,
        };
        Looked { output, shown, column }
    }
}

fn screen(terminal: &Terminal) -> Rendered {
    terminal.state().screen(terminal.redactor()).render()
}

fn state(rendered: &Rendered, size: Size) -> ScreenState {
    ScreenState {
        size,
        cursor_row: rendered.cursor.row,
        cursor_col: rendered.cursor.column,
        cursor_visible: !rendered.cursor.hidden,
        alternate: rendered.alternate,
    }
}

async fn search(until: &Until, text: String) -> bool {
    let begun = StdInstant::now();
    let found = until.is_in(text).await;
    let took = begun.elapsed();
    if !found && took > CHEAP {
        tokio::time::sleep(took * 3).await;
    }
    found
}

/// How many of the bytes are whole characters.
fn whole(bytes: &[u8], last: bool) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && !last => error.valid_up_to(),
        _ => bytes.len(),
    }
}
