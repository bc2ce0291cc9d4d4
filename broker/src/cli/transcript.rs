//! `sallyport transcript`: recordings of sessions, for a person to read and to replay.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest};
use sallyport_protocol::terminal::{AdminAsk, Notice, TranscriptEntry};
use sallyport_protocol::text::TranscriptId;
use sallyport_protocol::{ErrorCode, Failure};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::admin::{ask, link, misplaced, usage};
use super::output::{Problem, json, line, unwritable};
use super::session::RESTORE;
use crate::format::{one_line, span};
use crate::link::Item;

/// List, show and replay the recordings of sessions.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the transcripts there are.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print one as text.
    Show {
        /// Its id.
        id: String,
        /// Print the asciicast (version 2) instead, as players take it.
        #[arg(long)]
        asciicast: bool,
        /// Print one JSON object with the text.
        #[arg(long, conflicts_with = "asciicast")]
        json: bool,
    },
    /// Replay one with its timing. Ctrl-C ends it.
    Play {
        /// Its id.
        id: String,
        /// So many times as fast.
        #[arg(short, long, default_value_t = 1.0, value_parser = speed)]
        speed: f64,
        /// Pauses are no longer than so many seconds.
        #[arg(short, long, default_value_t = 2.0, value_parser = seconds)]
        idle: f64,
    },
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.01..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.01 to 1000 is needed".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0 to 86400 is needed".to_owned()),
    }
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        match self.action {
            Action::List { json: as_json } => list(as_json).await?,
            Action::Show { id, asciicast, json: as_json } => {
                let bytes = fetch(&id, asciicast).await?;
                if as_json {
                    json(&json!({ "id": id, "text": String::from_utf8_lossy(&bytes) }))?;
                } else {
                    std::io::stdout().write_all(&bytes).map_err(|error| unwritable(&error))?;
                }
            }
            Action::Play { id, speed, idle } => play(&fetch(&id, true).await?, speed, idle).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(as_json: bool) -> Result<(), Problem> {
    let request = AdminRequest::Terminal(AdminAsk::Transcripts);
    let (events, AdminOutcome::Listed) = ask(&link()?, request).await? else { return Err(misplaced()) };
    let entry = |event| match event {
        AdminEvent::Terminal(Notice::Transcript(entry)) => Some(entry),
        _ => None,
    };
    let entries: Vec<TranscriptEntry> = events.into_iter().filter_map(entry).collect();
    if as_json {
        return json(&entries.iter().map(report).collect::<Vec<_>>());
    }
    if entries.is_empty() {
        return line("There are no transcripts.");
    }
    entries.iter().try_for_each(|entry| line(&text(entry)))
}

fn report(entry: &TranscriptEntry) -> Value {
    json!({
        "id": entry.id.as_str(),
        "session": entry.session.as_str(),
        "target": entry.target.as_str(),
        "principal": entry.principal.as_str(),
        "time": entry.time.as_str(),
        "duration_s": entry.duration_s,
        "bytes": entry.bytes,
    })
}

fn text(entry: &TranscriptEntry) -> String {
    format!(
        "{}: {} of {} on {}, {}, {} bytes",
        entry.id,
        one_line(entry.session.as_str()),
        one_line(entry.principal.as_str()),
        one_line(entry.target.as_str()),
        span(entry.duration_s),
        entry.bytes
    )
}

async fn fetch(id: &str, asciicast: bool) -> Result<Vec<u8>, Problem> {
    let id = TranscriptId::new(id).map_err(usage)?;
    let link = link()?;
    let mut operation = link.start(AdminRequest::Terminal(AdminAsk::Transcript { id, asciicast })).await?;
    let mut bytes = Vec::new();
    loop {
        match operation.next().await? {
            Item::Data(_, piece) => bytes.extend(piece),
            Item::Event(_) => {}
            Item::Done(AdminOutcome::Done) => return Ok(bytes),
            Item::Done(AdminOutcome::Failed(failure)) => return Err(failure.into()),
            Item::Done(_) => return Err(misplaced()),
        }
    }
}

/// One piece of output and how long to wait before it.
#[derive(Debug, PartialEq)]
struct Frame {
    wait: Duration,
    data: String,
}

/// The output of an asciicast with its pauses.
fn frames(cast: &[u8], speed: f64, idle: f64) -> Result<Vec<Frame>, Problem> {
    let broken = || {
        Problem::from(Failure::new(
            ErrorCode::InternalError,
            "this is no asciicast of version 2",
            "`sallyport transcript list` shows the transcripts there are",
        ))
    };
    let mut lines = cast.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let header: Value = serde_json::from_slice(lines.next().ok_or_else(broken)?).map_err(|_| broken())?;
    if header["version"] != 2 {
        return Err(broken());
    }
    let (mut last, mut frames) = (0.0, Vec::new());
    for line in lines {
        let Ok((time, code, data)) = serde_json::from_slice::<(f64, String, String)>(line) else { continue };
        if code == "o" {
            let pause = (time - last).clamp(0.0, idle) / speed;
            frames.push(Frame { wait: Duration::from_secs_f64(pause), data });
            last = time;
        }
    }
    Ok(frames)
}

async fn play(cast: &[u8], speed: f64, idle: f64) -> Result<(), Problem> {
    let frames = frames(cast, speed, idle)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| unwritable(&error))?;
    for frame in frames {
        tokio::select! {
            () = tokio::time::sleep(frame.wait) => {}
            _ = interrupt.recv() => break,
        }
        let mut out = std::io::stdout();
        out.write_all(frame.data.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|error| unwritable(&error))?;
    }
    if std::io::stdout().is_terminal() {
        // A terminal that cannot be restored cannot be told either.
        let _ = std::io::stdout().write_all(RESTORE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAST: &[u8] =
        b"{\"version\":2,\"width\":80,\"height\":24}\n[1.0,\"o\",\"a\"]\n[1.5,\"i\",\"x\"]\n[11.0,\"o\",\"b\"]\n[12.0,\"r\",\"9x9\"]\n[12";

    #[test]
    fn pauses_are_shortened_by_speed_and_by_the_idle_limit() {
        let frame = |ms, data: &str| Frame { wait: Duration::from_millis(ms), data: data.into() };
        assert_eq!(frames(CAST, 2.0, 3.0).unwrap(), [frame(500, "a"), frame(1500, "b")]);
        assert_eq!(frames(CAST, 1.0, 0.0).unwrap(), [frame(0, "a"), frame(0, "b")]);
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        for bad in [b"".as_slice(), b"text", b"{\"version\":1}\n", b"[]\n"] {
            assert!(frames(bad, 1.0, 1.0).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_speed_or_an_idle_limit_that_is_none_is_refused() {
        for bad in ["0", "-1", "x", "NaN", "inf"] {
            assert!(speed(bad).is_err(), "{bad}");
        }
        assert!(seconds("-1").is_err() && seconds("NaN").is_err());
        assert_eq!(speed("2.5"), Ok(2.5));
    }
}
