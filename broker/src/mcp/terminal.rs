//! `ssh_session_send`, `ssh_session_read` and `ssh_transcript`: terminals, and recordings of sessions.

use bytes::Bytes;
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::request::Request;
use sallyport_protocol::terminal::{self, Answer as Told, Ask, Format, Recording, Shown, Size, Until, View};
use sallyport_protocol::text::{KeyName, Pattern, SessionName, TypedText};
use sallyport_protocol::{Failure, List};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Status, misplaced};
use super::call::{Call, Handled, bounds, invalid, optional};
use super::progress::Progress;
use crate::format::{HeadTail, readable};
use crate::link::Item;

/// The longest wait a call may ask for.
const LONGEST_WAIT_S: f64 = 600.0;
/// Many clients give up after a minute without progress; a look can be repeated, so it is answered before.
const PATIENCE_MS: u32 = 45_000;

/// How to look at a terminal: the part that `ssh_session_read` and `ssh_session_send` share.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ViewArgs {
    /// The next_cursor of an earlier answer. Without it the answer goes on where the last one of this session ended.
    cursor: Option<u64>,
    /// The longest time to wait, in seconds. Default 1. Without a progress token answers come after 45 s at the latest.
    #[schemars(range(min = 0, max = 600))]
    #[schemars(extend("default" = 1))]
    wait_s: Option<f64>,
    /// Answer as soon as this text is there; what was there before something was sent does not count, but the echo of
    /// what is typed does.
    until: Option<String>,
    /// until is a regular expression (Rust's regex syntax; ^ and $ match at line ends).
    #[serde(default)]
    regex: bool,
    /// Answer as soon as nothing was printed for so many seconds. Without until and quiet_s: once output pauses for 0.1 s.
    #[schemars(range(min = 0, max = 600))]
    quiet_s: Option<f64>,
    /// plain (default): text without terminal sequences. raw: everything that was printed. screen: the rendered rows and
    /// the cursor, for editors, pagers, menus and top.
    #[serde(default)]
    format: FormatName,
    /// Characters in the answer; the next look goes on behind them. Default 20000.
    #[schemars(range(min = 1, max = 200_000))]
    max_chars: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum FormatName {
    #[default]
    Plain,
    Raw,
    Screen,
}

/// The arguments of `ssh_session_read`. Unknown ones are refused by [`only_known`], as serde cannot refuse them beside
/// a flattened part.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ReadArgs {
    /// The terminal session's id or name.
    session: String,
    #[serde(flatten)]
    view: ViewArgs,
}

/// The arguments of `ssh_session_send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SendArgs {
    /// The terminal session's id or name.
    session: String,
    /// Text to type. Never type a password: ask the user to, or use ssh_sudo_exec.
    text: Option<String>,
    /// Press Enter after the text. Default true when there is text.
    enter: Option<bool>,
    /// Keys to press after the text: ctrl-a to ctrl-z, alt-a to alt-z, enter, escape, tab, shift-tab, space, backspace, up,
    /// down, left, right, home, end, page-up, page-down, insert, delete, f1 to f12.
    #[serde(default)]
    keys: Vec<String>,
    /// New width of the terminal, with rows.
    #[schemars(range(min = 16, max = 500))]
    cols: Option<u16>,
    /// New height of the terminal, with cols.
    #[schemars(range(min = 2, max = 200))]
    rows: Option<u16>,
    #[serde(flatten)]
    view: ViewArgs,
}

/// The answer of both.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ShownFields {
    /// What was printed, redacted; the rows of the screen for format screen.
    output: String,
    /// Where the next look goes on.
    next_cursor: u64,
    /// Whether what until waits for is there.
    matched: bool,
    /// Whether the terminal's program still runs.
    running: bool,
    /// Why it ended.
    exit_reason: Option<String>,
    /// Seconds since it last printed something.
    idle_s: f64,
    /// Bytes before this output that are no longer kept.
    dropped: u64,
    /// For format screen: its size and cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    screen: Option<ScreenFields>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ScreenFields {
    cols: u16,
    rows: u16,
    /// Row of the cursor, from 0.
    cursor_row: u16,
    /// Column of the cursor, from 0.
    cursor_col: u16,
    cursor_visible: bool,
    /// Whether a full-screen program has the screen.
    full_screen: bool,
}

/// Looks at a terminal.
pub async fn read(call: &Call) -> Handled {
    let args: ReadArgs = only_known(call, &["session"])?;
    let mut progress = Progress::of(&call.context);
    let view = view(call, &args.view, progress.wanted())?;
    let session = SessionName::new(args.session).map_err(bounds)?;
    let ask = Ask::Read(terminal::Read { session, view });
    shown(call, ask, &args.view, &mut progress, "ssh_session_read").await
}

/// Types into a terminal, then looks at it.
pub async fn send(call: &Call) -> Handled {
    let args: SendArgs = only_known(call, &["session", "text", "enter", "keys", "cols", "rows"])?;
    let mut progress = Progress::of(&call.context);
    let size = match (args.cols, args.rows) {
        (None, None) => None,
        (Some(cols), Some(rows)) => Some(Size { cols, rows }),
        _ => return Err(invalid("give cols and rows together")),
    };
    let keys: Result<Vec<_>, _> = args.keys.iter().map(|key| KeyName::new(key.as_str())).collect();
    let text = args.text.filter(|text| !text.is_empty() || args.enter.is_some());
    let send = terminal::Send {
        session: SessionName::new(args.session).map_err(bounds)?,
        enter: args.enter.unwrap_or(text.is_some()),
        text: optional(text.filter(|text| !text.is_empty()), TypedText::new)?,
        keys: keys.and_then(List::new).map_err(bounds)?,
        size,
        view: view(call, &args.view, progress.wanted())?,
    };
    shown(call, Ask::Send(send), &args.view, &mut progress, "ssh_session_send").await
}

/// The arguments, refusing those that are neither `own` nor of the view.
fn only_known<T: serde::de::DeserializeOwned>(call: &Call, own: &[&str]) -> Result<T, Failure> {
    const VIEW: [&str; 7] = ["cursor", "wait_s", "until", "regex", "quiet_s", "format", "max_chars"];
    match call.names().find(|name| !own.contains(name) && !VIEW.contains(name)) {
        Some(name) => Err(invalid(format!("the arguments do not fit the tool: unknown field `{name}`"))),
        None => call.arguments(),
    }
}

fn view(call: &Call, args: &ViewArgs, patient: bool) -> Result<View, Failure> {
    let longest = if patient { u32::MAX } else { PATIENCE_MS };
    let until = optional(args.until.clone(), Pattern::new)?;
    Ok(View {
        cursor: args.cursor,
        wait_ms: milliseconds("wait_s", args.wait_s.unwrap_or(1.0))?.min(longest),
        until: until.map(|pattern| Until { pattern, regex: args.regex }),
        quiet_ms: args.quiet_s.map(|quiet| milliseconds("quiet_s", quiet)).transpose()?,
        format: match args.format {
            FormatName::Plain => Format::Plain,
            FormatName::Raw => Format::Raw,
            FormatName::Screen => Format::Screen,
        },
        max_chars: call.answer_chars(args.max_chars),
    })
}

fn milliseconds(what: &str, seconds: f64) -> Result<u32, Failure> {
    if !(0.0..=LONGEST_WAIT_S).contains(&seconds) {
        return Err(invalid(format!("{what} is from 0 to {LONGEST_WAIT_S} seconds")));
    }
    // Within 600,000, as just seen.
    Ok((seconds * 1000.0) as u32)
}

async fn shown(
    call: &Call,
    ask: Ask,
    args: &ViewArgs,
    progress: &mut Progress,
    tool: &'static str,
) -> Handled {
    let mut bytes = Vec::new();
    let outcome = run(call, ask, progress, |piece| bytes.extend(piece)).await?;
    match outcome {
        Outcome::Terminal(Told::Shown(shown)) => {
            let fields = fields(&bytes, shown);
            let text = text(&fields, args);
            Ok(Answer::new(Status::Ok, &fields, text).into())
        }
        Outcome::Blocked { failure, rules } => {
            let rules: Vec<&str> = rules.iter().map(|rule| rule.as_str()).collect();
            Ok(Answer::blocked(failure, &serde_json::json!({ "rules": rules })).into())
        }
        _ => Err(misplaced(tool)),
    }
}

/// Runs an operation to its end, handing on what comes of its stream.
async fn run(
    call: &Call,
    ask: Ask,
    progress: &mut Progress,
    mut take: impl FnMut(Bytes),
) -> Result<Outcome, Failure> {
    call.unless_cancelled(async {
        let mut operation = call.link.start(Request::Terminal(ask)).await?;
        loop {
            tokio::select! {
                item = operation.next() => match item? {
                    Item::Data(_, piece) => take(piece),
                    Item::Event(_) => {}
                    Item::Done(Outcome::Failed(failure)) => return Err(failure),
                    Item::Done(outcome) => return Ok(outcome),
                },
                () = progress.due() => progress.wait().await,
            }
        }
    })
    .await
}

fn fields(bytes: &[u8], shown: Shown) -> ShownFields {
    ShownFields {
        output: readable(bytes),
        next_cursor: shown.next_cursor,
        matched: shown.matched,
        running: shown.running,
        exit_reason: Some(shown.exit_reason.into_string()).filter(|reason| !reason.is_empty()),
        idle_s: shown.idle_ms as f64 / 1000.0,
        dropped: shown.dropped,
        screen: shown.screen.map(|screen| ScreenFields {
            cols: screen.size.cols,
            rows: screen.size.rows,
            cursor_row: screen.cursor_row,
            cursor_col: screen.cursor_col,
            cursor_visible: screen.cursor_visible,
            full_screen: screen.alternate,
        }),
    }
}

fn text(fields: &ShownFields, args: &ViewArgs) -> String {
    let mut text = String::new();
    if fields.dropped > 0 {
        text.push_str(&format!("[{} bytes before this are no longer kept]\n", fields.dropped));
    }
    text.push_str(&fields.output);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let mut notes = Vec::new();
    if args.until.is_some() {
        notes.push(if fields.matched { "matched".to_owned() } else { "not matched yet".to_owned() });
    }
    match (&fields.exit_reason, fields.running) {
        (Some(reason), _) => notes.push(format!("ended: {reason}")),
        (None, true) => notes.push("running".to_owned()),
        (None, false) => notes.push("ended".to_owned()),
    }
    if let Some(screen) = &fields.screen {
        notes.push(format!("cursor at row {}, column {}", screen.cursor_row, screen.cursor_col));
    }
    notes.push(format!("next cursor {}", fields.next_cursor));
    format!("{text}[{}]", notes.join(", "))
}

/// The arguments of `ssh_transcript`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TranscriptArgs {
    /// The session's id or name.
    session: String,
    /// start: record from now on. stop: stop recording. get: what was recorded.
    action: Action,
    /// For get: text (default), or asciicast (version 2, for players).
    #[serde(default)]
    format: TranscriptFormat,
    /// For get: characters in the answer; head and tail are kept. Default 20000.
    #[schemars(range(min = 1, max = 200_000))]
    max_chars: Option<u32>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Start,
    Stop,
    Get,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum TranscriptFormat {
    #[default]
    Text,
    Asciicast,
}

/// The answer of `ssh_transcript`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TranscriptFields {
    /// For get: what was recorded, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Whether the middle was left out.
    truncated: bool,
    /// What was recorded so far: pieces of output, of input, and changes of size.
    entries: u64,
    /// Whether it is being recorded.
    recording: bool,
    /// The transcript's id, for the user's `sallyport transcript play`.
    transcript: Option<String>,
}

/// Starts, stops or fetches a transcript.
pub async fn transcript(call: &Call) -> Handled {
    let args: TranscriptArgs = call.arguments()?;
    let action = match args.action {
        Action::Start => Recording::Start,
        Action::Stop => Recording::Stop,
        Action::Get => Recording::Get { asciicast: args.format == TranscriptFormat::Asciicast },
    };
    let session = SessionName::new(args.session).map_err(bounds)?;
    let chars = call.answer_chars(args.max_chars) as usize;
    let mut progress = Progress::of(&call.context);
    let mut kept = HeadTail::for_chars(chars);
    let ask = Ask::Transcript { session, action };
    let outcome = run(call, ask, &mut progress, |piece| kept.push(&piece)).await?;
    let Outcome::Terminal(Told::Transcript { id, recording, entries }) = outcome else {
        return Err(misplaced("ssh_transcript"));
    };
    let (text, truncated) = match action {
        Recording::Get { .. } => {
            let (text, truncated) = kept.render(chars);
            (Some(text), truncated)
        }
        Recording::Start | Recording::Stop => (None, false),
    };
    let transcript = Some(id.into_string()).filter(|id| !id.is_empty());
    let fields = TranscriptFields { text, truncated, entries, recording, transcript };
    let rendering = transcript_text(&fields);
    Ok(Answer::new(Status::Ok, &fields, rendering).into())
}

fn transcript_text(fields: &TranscriptFields) -> String {
    let mut text = fields.text.clone().unwrap_or_default();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let state = match (&fields.transcript, fields.recording) {
        (None, _) => "nothing was recorded".to_owned(),
        (Some(id), true) => format!("recording {id}, {} entries", fields.entries),
        (Some(id), false) => format!("transcript {id}, {} entries", fields.entries),
    };
    format!("{text}[{state}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(more: serde_json::Value) -> ViewArgs {
        serde_json::from_value(more).unwrap()
    }

    #[test]
    fn a_look_is_told_with_what_it_found() {
        let shown = Shown {
            next_cursor: 12,
            matched: true,
            running: true,
            exit_reason: "".into(),
            idle_ms: 250,
            dropped: 3,
            screen: None,
        };
        let waited = args(serde_json::json!({ "until": "$ " }));
        let found = fields(b"ls\nfile\n$ ", shown.clone());
        assert_eq!((found.idle_s, &found.exit_reason), (0.25, &None));
        insta::assert_snapshot!(text(&found, &waited), @r"
        [3 bytes before this are no longer kept]
        ls
        file
        $ 
        [matched, running, next cursor 12]
        ");
        let ended = Shown {
            running: false,
            exit_reason: "the program exited with code 0".into(),
            matched: false,
            dropped: 0,
            ..shown
        };
        insta::assert_snapshot!(text(&fields(b"", ended), &waited), @"[not matched yet, ended: the program exited with code 0, next cursor 12]");
    }

    #[test]
    fn times_that_are_none_are_refused() {
        for bad in [-1.0, 601.0, f64::NAN, f64::INFINITY] {
            assert_eq!(milliseconds("wait_s", bad).unwrap_err().code.as_str(), "invalid_argument", "{bad}");
        }
        assert_eq!(milliseconds("wait_s", 0.25), Ok(250));
    }

    #[test]
    fn a_transcript_is_told_with_its_id() {
        let fields = TranscriptFields {
            text: Some("$ ls".into()),
            truncated: false,
            entries: 2,
            recording: true,
            transcript: Some("20260101t000000z-s-1".into()),
        };
        insta::assert_snapshot!(transcript_text(&fields), @r"
        $ ls
        [recording 20260101t000000z-s-1, 2 entries]
        ");
    }
}
