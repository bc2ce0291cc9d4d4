//! Raw terminals, transcripts of sessions, and a person's view of both.

use serde::{Deserialize, Serialize};

use crate::list::List;
use crate::request::SessionKind;
use crate::scrub::Scrub;
use crate::text::{KeyName, Pattern, SessionName, Text, TranscriptId, TypedText};

/// What a broker may ask about sessions that run on by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Type into a terminal, then look at it.
    Send(Send),
    /// Look at a terminal.
    Read(Read),
    /// Start, stop or fetch a session's transcript.
    Transcript {
        /// Which session.
        session: SessionName,
        /// What about it.
        action: Recording,
    },
}

/// Type into a terminal: first the size, then the text, then Enter, then the keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// Which terminal.
    pub session: SessionName,
    /// Text as typed; a line end in it is Enter.
    pub text: Option<TypedText>,
    /// Enter after the text.
    pub enter: bool,
    /// Keys by name.
    pub keys: List<KeyName, 64>,
    /// Its new size.
    pub size: Option<Size>,
    /// How to look at it afterwards.
    pub view: View,
}

/// Look at a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Which terminal.
    pub session: SessionName,
    /// How.
    pub view: View,
}

/// How a terminal is looked at, and what is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// From which byte of its output; without it from where the last look ended.
    pub cursor: Option<u64>,
    /// Wait up to this long, in milliseconds, at most 600,000.
    pub wait_ms: u32,
    /// Answer as soon as this stands in what is shown.
    pub until: Option<Until>,
    /// Answer as soon as it has printed nothing for this long, in milliseconds.
    pub quiet_ms: Option<u32>,
    /// What the answer's stream holds.
    pub format: Format,
    /// At most this many characters (of a stream) in the answer.
    pub max_chars: u32,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Until {
    /// The text or expression.
    pub pattern: Pattern,
    /// Whether it is a regular expression.
    pub regex: bool,
}

/// What an answer's stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Text without terminal sequences, lines as they ended up.
    Plain,
    /// The bytes as they came, masked.
    Raw,
    /// The rows of the screen as it stands.
    Screen,
}

/// A terminal's size in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// What is to happen with a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recording {
    /// Record from now on.
    Start,
    /// Stop recording.
    Stop,
    /// Send what was recorded: as text, or as an asciicast.
    Get {
        /// Whether as an asciicast (version 2).
        asciicast: bool,
    },
}

/// Answers to [`Ask`]. What is shown was sent as the operation's output stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A terminal was looked at.
    Shown(Shown),
    /// About a transcript.
    Transcript {
        /// Its id; empty when there is none.
        id: Text,
        /// Whether it is being recorded.
        recording: bool,
        /// What was recorded so far: pieces of output, of input, and changes of size.
        entries: u64,
    },
}

/// What a look at a terminal found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Where the next look goes on.
    pub next_cursor: u64,
    /// Whether what was waited for is there.
    pub matched: bool,
    /// Whether the terminal's program still runs.
    pub running: bool,
    /// Why it ended; empty while it runs.
    pub exit_reason: Text,
    /// Milliseconds since it last printed something.
    pub idle_ms: u64,
    /// Bytes between the cursor asked for and what is shown that are no longer kept.
    pub dropped: u64,
    /// The screen's state, when a screen was asked for.
    pub screen: Option<ScreenState>,
}

/// A screen's state beside its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenState {
    /// Its size.
    pub size: Size,
    /// Row of the cursor, from 0.
    pub cursor_row: u16,
    /// Column of the cursor, from 0.
    pub cursor_col: u16,
    /// Whether the cursor is shown.
    pub cursor_visible: bool,
    /// Whether a full-screen program has the screen.
    pub alternate: bool,
}

/// What a person may ask about everybody's sessions and transcripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminAsk {
    /// The open sessions, as notices.
    Sessions,
    /// What a session shows from now on, as the operation's output stream, until it ends or the operation is cancelled.
    Watch {
        /// Which.
        session: SessionName,
    },
    /// Close a session.
    Close {
        /// Which.
        session: SessionName,
    },
    /// The transcripts there are, as notices.
    Transcripts,
    /// One transcript, as the operation's output stream.
    Transcript {
        /// Which.
        id: TranscriptId,
        /// As an asciicast (version 2), else as text.
        asciicast: bool,
    },
}

/// What a person is told on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// An open session.
    Session(SessionEntry),
    /// A transcript.
    Transcript(TranscriptEntry),
    /// The size of what is watched.
    Size(Size),
}

/// An open session of anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEntry {
    /// Its id.
    pub id: Text,
    /// Its name; empty for none.
    pub name: Text,
    /// Its kind.
    pub kind: SessionKind,
    /// Whose.
    pub principal: Text,
    /// Where: `user@alias`.
    pub target: Text,
    /// Age in seconds.
    pub uptime_s: u64,
    /// Seconds since it was last used.
    pub idle_s: u64,
    /// Whether it is being recorded.
    pub recording: bool,
}

/// A transcript on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptEntry {
    /// Its id.
    pub id: Text,
    /// The session it is of.
    pub session: Text,
    /// Where: `user@alias`.
    pub target: Text,
    /// Whose session.
    pub principal: Text,
    /// When it was begun, RFC 3339.
    pub time: Text,
    /// Its length in seconds.
    pub duration_s: u64,
    /// Its file's size.
    pub bytes: u64,
}

impl Scrub for Answer {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            Self::Shown(shown) => shown.exit_reason.scrub(f),
            Self::Transcript { id, recording: _, entries: _ } => id.scrub(f),
        }
    }
}

impl Scrub for Notice {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            Self::Session(SessionEntry {
                id,
                name,
                principal,
                target,
                kind: _,
                uptime_s: _,
                idle_s: _,
                recording: _,
            }) => [id, name, principal, target].into_iter().for_each(f),
            Self::Transcript(TranscriptEntry {
                id,
                session,
                target,
                principal,
                time,
                duration_s: _,
                bytes: _,
            }) => [id, session, target, principal, time].into_iter().for_each(f),
            Self::Size(_) => {}
        }
    }
}
