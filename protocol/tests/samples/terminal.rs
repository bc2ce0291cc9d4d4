//! Samples of the messages about terminals and transcripts.

use sallyport_protocol::admin::*;
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::request::*;
use sallyport_protocol::terminal::*;
use sallyport_protocol::text::*;
use sallyport_protocol::*;

use super::text;

fn session() -> SessionName {
    SessionName::new("s-1").unwrap()
}

pub fn requests() -> Vec<(&'static str, Request)> {
    let view = View {
        cursor: Some(300),
        wait_ms: 1000,
        until: Some(Until { pattern: Pattern::new("[$#] $").unwrap(), regex: true }),
        quiet_ms: Some(250),
        format: Format::Screen,
        max_chars: 20_000,
    };
    let send = terminal::Send {
        session: session(),
        text: Some(TypedText::new("ls").unwrap()),
        enter: true,
        keys: List::clip([KeyName::new("ctrl-c").unwrap()]),
        size: Some(Size { cols: 80, rows: 24 }),
        view: view.clone(),
    };
    let transcript = |action| Request::Terminal(Ask::Transcript { session: session(), action });
    vec![
        ("terminal send", Request::Terminal(Ask::Send(send))),
        ("terminal read", Request::Terminal(Ask::Read(terminal::Read { session: session(), view }))),
        ("transcript start", transcript(Recording::Start)),
        ("transcript stop", transcript(Recording::Stop)),
        ("transcript get", transcript(Recording::Get { asciicast: true })),
    ]
}

pub fn outcomes() -> Vec<(&'static str, Outcome)> {
    let size = Size { cols: 80, rows: 24 };
    let screen = ScreenState { size, cursor_row: 3, cursor_col: 5, cursor_visible: true, alternate: false };
    let shown = Shown {
        next_cursor: 400,
        matched: true,
        running: false,
        exit_reason: text(),
        idle_ms: 250,
        dropped: 7,
        screen: Some(screen),
    };
    vec![
        ("terminal shown", Outcome::Terminal(Answer::Shown(shown))),
        ("transcript", Outcome::Terminal(Answer::Transcript { id: text(), recording: true, entries: 300 })),
    ]
}

pub fn admin_requests() -> Vec<(&'static str, AdminRequest)> {
    let id = TranscriptId::new("20260101T000000-s-1").unwrap();
    vec![
        ("admin sessions", AdminRequest::Terminal(AdminAsk::Sessions)),
        ("admin watch", AdminRequest::Terminal(AdminAsk::Watch { session: session() })),
        ("admin close", AdminRequest::Terminal(AdminAsk::Close { session: session() })),
        ("admin transcripts", AdminRequest::Terminal(AdminAsk::Transcripts)),
        ("admin transcript", AdminRequest::Terminal(AdminAsk::Transcript { id, asciicast: true })),
    ]
}

pub fn notices() -> Vec<(&'static str, AdminEvent)> {
    let entry = SessionEntry {
        id: text(),
        name: text(),
        kind: SessionKind::Terminal,
        principal: text(),
        target: text(),
        uptime_s: 60,
        idle_s: 5,
        recording: true,
    };
    let transcript = TranscriptEntry {
        id: text(),
        session: text(),
        target: text(),
        principal: text(),
        time: text(),
        duration_s: 61,
        bytes: 4000,
    };
    vec![
        ("admin session", AdminEvent::Terminal(Notice::Session(entry))),
        ("admin transcript entry", AdminEvent::Terminal(Notice::Transcript(transcript))),
        ("admin size", AdminEvent::Terminal(Notice::Size(Size { cols: 120, rows: 40 }))),
    ]
}
