//! `sallyport session`: what agents have open, for a person to see and to end.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Subcommand;
use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest};
use sallyport_protocol::request::SessionKind;
use sallyport_protocol::terminal::{AdminAsk, Notice, SessionEntry, Size};
use sallyport_protocol::text::SessionName;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::admin::{ask, link, misplaced, usage};
use super::output::{Problem, json, line, unwritable};
use crate::format::{one_line, span};
use crate::link::Item;

/// Gives a terminal back as it was: attributes, character set, cursor, margins, the ordinary screen.
pub const RESTORE: &[u8] = b"\x1b[?1049l\x1b[m\x1b(B\x1b[?25h\x1b[?7h\x1b[?6l\x1b[4l\x1b[r";

/// List, watch and close the sessions that agents have open.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what is open, of every principal.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a session live and redacted; nothing can be typed. Ctrl-C ends it.
    Watch {
        /// Its id or name; the only one without it.
        id: Option<String>,
    },
    /// Close a session.
    Close {
        /// Its id or name.
        id: String,
    },
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        match self.action {
            Action::List { json: as_json } => list(as_json).await?,
            Action::Watch { id } => watch(id).await?,
            Action::Close { id } => {
                let session = SessionName::new(id.as_str()).map_err(usage)?;
                let request = AdminRequest::Terminal(AdminAsk::Close { session });
                let (_, AdminOutcome::Done) = ask(&link()?, request).await? else { return Err(misplaced()) };
                line(&format!("Closed {}.", one_line(&id)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn sessions() -> Result<Vec<SessionEntry>, Problem> {
    let request = AdminRequest::Terminal(AdminAsk::Sessions);
    let (events, AdminOutcome::Listed) = ask(&link()?, request).await? else { return Err(misplaced()) };
    let session = |event| match event {
        AdminEvent::Terminal(Notice::Session(entry)) => Some(entry),
        _ => None,
    };
    Ok(events.into_iter().filter_map(session).collect())
}

async fn list(as_json: bool) -> Result<(), Problem> {
    let mut sessions = sessions().await?;
    sessions.sort_by_key(|session| std::cmp::Reverse(session.uptime_s));
    if as_json {
        return json(&sessions.iter().map(report).collect::<Vec<_>>());
    }
    if sessions.is_empty() {
        return line("No session is open.");
    }
    sessions.iter().try_for_each(|session| line(&text(session)))
}

fn kind(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Shell => "shell",
        SessionKind::Terminal => "terminal",
    }
}

fn report(session: &SessionEntry) -> Value {
    let name = session.name.as_str();
    json!({
        "id": session.id.as_str(),
        "name": (!name.is_empty()).then_some(name),
        "kind": kind(session.kind),
        "principal": session.principal.as_str(),
        "target": session.target.as_str(),
        "uptime_s": session.uptime_s,
        "idle_s": session.idle_s,
        "recording": session.recording,
    })
}

fn text(session: &SessionEntry) -> String {
    let name = match session.name.as_str() {
        "" => String::new(),
        name => format!(" ({})", one_line(name)),
    };
    format!(
        "{}{name}: {} of {} on {}, up {}, idle {}{}",
        session.id,
        kind(session.kind),
        one_line(session.principal.as_str()),
        one_line(session.target.as_str()),
        span(session.uptime_s),
        span(session.idle_s),
        if session.recording { ", recorded" } else { "" }
    )
}

async fn watch(id: Option<String>) -> Result<(), Problem> {
    let id = match id {
        Some(id) => id,
        None => match sessions().await?.as_slice() {
            [only] => only.id.as_str().to_owned(),
            [] => {
                return Err(Problem::usage("no session is open", "an agent opens one with ssh_session_open"));
            }
            _ => {
                return Err(Problem::usage(
                    "several sessions are open",
                    "name one: `sallyport session list` shows them",
                ));
            }
        },
    };
    let session = SessionName::new(id.as_str()).map_err(usage)?;
    let link = link()?;
    let mut operation = link.start(AdminRequest::Terminal(AdminAsk::Watch { session })).await?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| unwritable(&error))?;
    let on_terminal = std::io::stdout().is_terminal();
    eprintln!("Watching {}; Ctrl-C ends it.", one_line(&id));
    let ended = loop {
        tokio::select! {
            item = operation.next() => match item {
                Ok(Item::Data(_, bytes)) => {
                    let mut out = std::io::stdout();
                    if let Err(error) = out.write_all(&bytes).and_then(|()| out.flush()) {
                        break Err(unwritable(&error));
                    }
                }
                Ok(Item::Event(AdminEvent::Terminal(Notice::Size(Size { cols, rows })))) => {
                    tracing::debug!(cols, rows, "the session's size");
                }
                Ok(Item::Event(_)) => {}
                Ok(Item::Done(AdminOutcome::Failed(failure))) => break Err(failure.into()),
                Ok(Item::Done(_)) => break Ok(true),
                Err(failure) => break Err(failure.into()),
            },
            _ = interrupt.recv() => break Ok(false),
        }
    };
    if on_terminal {
        // A terminal that cannot be restored cannot be told either.
        let _ = std::io::stdout().write_all(RESTORE);
    }
    if ended? {
        eprintln!("\nThe session has ended.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_told_on_one_line() {
        let session = SessionEntry {
            id: "s-1".into(),
            name: "build".into(),
            kind: SessionKind::Terminal,
            principal: "local".into(),
            target: "deploy@web1".into(),
            uptime_s: 200,
            idle_s: 3,
            recording: true,
        };
        insta::assert_snapshot!(text(&session), @"s-1 (build): terminal of local on deploy@web1, up 3 min, idle 3 s, recorded");
        assert_eq!(report(&session)["kind"], "terminal");
        assert_eq!(report(&SessionEntry { name: "".into(), ..session })["name"], Value::Null);
    }
}
