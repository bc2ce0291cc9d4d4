//! A person's view of everybody's sessions and transcripts: list, watch, close.

use std::sync::Arc;

use sallyport_protocol::admin::{AdminEvent, AdminOutcome};
use sallyport_protocol::envelope::{FromHelper, Stream};
use sallyport_protocol::request::SessionKind;
use sallyport_protocol::terminal::{AdminAsk, Notice, SessionEntry, Size, TranscriptEntry};
use sallyport_protocol::{ErrorCode, Failure};

use super::connection::Operation;
use crate::helper::Helper;
use crate::session::registry::session_gone;
use crate::session::shell::Shell;
use crate::session::terminal::asked;
use crate::session::terminal::pty::Terminal;
use crate::session::transcript::cast::terminal_lines;
use crate::session::transcript::safe::Safe;
use crate::session::transcript::tap::{Seen, Tap};

/// Answers one question.
///
/// # Errors
/// As the session or transcript says.
pub async fn answer(op: &Operation, ask: AdminAsk) -> Result<AdminOutcome, Failure> {
    let helper = &op.helper;
    match ask {
        AdminAsk::Sessions => {
            for session in all(helper) {
                notice(op, Notice::Session(session.entry()));
            }
            Ok(AdminOutcome::Listed)
        }
        AdminAsk::Watch { session } => {
            watch(op, find(helper, session.as_str())?).await;
            Ok(AdminOutcome::Done)
        }
        AdminAsk::Close { session } => {
            let session = find(helper, session.as_str())?;
            let details =
                serde_json::json!({ "session": session.id(), "target": session.entry().target.as_str() });
            helper
                .audit
                .event("session_closed_by_person", details)
                .await
                .map_err(|error| crate::session::exec::no_audit(&error))?;
            session.close().await;
            Ok(AdminOutcome::Done)
        }
        AdminAsk::Transcripts => {
            for entry in helper.transcripts.list() {
                let duration = entry.changed.duration_since(entry.begun).unwrap_or_default();
                let about = entry.about;
                notice(
                    op,
                    Notice::Transcript(TranscriptEntry {
                        id: entry.id.into(),
                        session: if about.name.is_empty() { about.session } else { about.name }.into(),
                        target: about.target.into(),
                        principal: about.principal.into(),
                        time: humantime::format_rfc3339_seconds(entry.begun).to_string().into(),
                        duration_s: duration.as_secs(),
                        bytes: entry.bytes,
                    }),
                );
            }
            Ok(AdminOutcome::Listed)
        }
        AdminAsk::Transcript { id, asciicast } => {
            asked::send(op, id.as_str(), asciicast).await?;
            Ok(AdminOutcome::Done)
        }
    }
}

/// An open session of either kind.
enum Session {
    Terminal(Arc<Terminal>),
    Shell(Arc<Shell>),
}

fn all(helper: &Helper) -> Vec<Session> {
    let shells = helper.registry.shells.open(None).into_iter().map(Session::Shell);
    helper.registry.terminals.open(None).into_iter().map(Session::Terminal).chain(shells).collect()
}

/// The session a person means, by id or name. Two principals may use one name.
fn find(helper: &Helper, name: &str) -> Result<Session, Failure> {
    let mut named: Vec<Session> = all(helper).into_iter().filter(|session| session.is_called(name)).collect();
    match (named.pop(), named.is_empty()) {
        (Some(session), true) => Ok(session),
        (Some(_), false) => Err(Failure::new(
            ErrorCode::InvalidArgument,
            format!("several sessions are called {name}"),
            "give the id that `sallyport session list` shows",
        )),
        (None, _) => Err(session_gone(name, None)),
    }
}

impl Session {
    fn id(&self) -> &str {
        match self {
            Self::Terminal(terminal) => &terminal.id,
            Self::Shell(shell) => &shell.id,
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Terminal(terminal) => terminal.name.as_deref(),
            Self::Shell(shell) => shell.name.as_deref(),
        }
    }

    fn is_called(&self, name: &str) -> bool {
        self.id() == name || self.name() == Some(name)
    }

    fn tap(&self) -> &Tap {
        match self {
            Self::Terminal(terminal) => &terminal.tap,
            Self::Shell(shell) => &shell.tap,
        }
    }

    async fn close(&self) {
        match self {
            Self::Terminal(terminal) => {
                terminal.close();
                terminal.closed().await;
            }
            Self::Shell(shell) => {
                shell.close();
                shell.closed().await;
            }
        }
    }

    fn entry(&self) -> SessionEntry {
        let (kind, owner, target, since, idle_s) = match self {
            Self::Terminal(t) => (SessionKind::Terminal, &t.owner, &t.target, t.since, t.idle_s()),
            Self::Shell(s) => {
                let idle = if s.is_busy() { 0 } else { s.idle_s() };
                (SessionKind::Shell, &s.owner, &s.target, s.since, idle)
            }
        };
        SessionEntry {
            id: self.id().into(),
            name: self.name().unwrap_or_default().into(),
            kind,
            principal: owner.principal.as_str().into(),
            target: target.label().into(),
            uptime_s: since.elapsed().as_secs(),
            idle_s,
            recording: self.tap().recording().is_some(),
        }
    }
}

fn notice(op: &Operation, notice: Notice) {
    op.out.message(FromHelper::<AdminEvent, AdminOutcome>::Event {
        op: op.id,
        event: AdminEvent::Terminal(notice),
    });
}

/// Shows a session until it ends; the operation's cancellation drops this.
async fn watch(op: &Operation, session: Session) {
    let (redactor, mut safe) = (&op.helper.redactor, Safe::default());
    // Watching begins before what is there already is taken, so that nothing falls between the two.
    let mut seen = session.tap().watch();
    if let Session::Terminal(terminal) = &session {
        let (size, so_far) = {
            let state = terminal.state();
            (state.size, state.ring.read(state.ring.start(), usize::MAX).bytes)
        };
        while seen.try_recv().is_ok() {}
        notice(op, Notice::Size(size));
        op.out.data(op.id, Stream::Output, redactor.bytes(&safe.pass(&so_far))).await;
    } else {
        notice(op, Notice::Size(Size { cols: 120, rows: 40 }));
    }
    drop(session);
    while let Some(seen) = seen.recv().await {
        let bytes = match seen {
            Seen::Output(clean) => safe.pass(clean.as_bytes()),
            Seen::Text(clean) => terminal_lines(&safe.pass(clean.as_bytes())),
            Seen::Size(size) => {
                notice(op, Notice::Size(size));
                continue;
            }
        };
        op.out.data(op.id, Stream::Output, redactor.bytes(&bytes)).await;
    }
}
