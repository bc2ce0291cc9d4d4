//! What a broker may ask about terminals and transcripts, and who answers it.

use std::sync::Arc;

use sallyport_protocol::envelope::{Caller, Stream};
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::terminal::{Answer, Ask, Recording, Size};
use sallyport_protocol::{ErrorCode, Failure};

use super::pty::Terminal;
use super::until::Until;
use super::{look, open, typing};
use crate::helper::Helper;
use crate::serve::connection::Operation;
use crate::session::exec::Early;
use crate::session::registry::session_gone;
use crate::session::shell::Shell;
use crate::session::transcript::cast::About;
use crate::session::transcript::fetch;
use crate::session::transcript::tap::{Standing, Tap};

/// A shell session's width in transcripts, which it has none of itself.
const SHELL_SIZE: Size = Size { cols: 120, rows: 40 };

/// Answers one question.
pub async fn run(op: &mut Operation, caller: &Caller, ask: Ask) -> Outcome {
    answer(op, caller, ask).await.unwrap_or_else(|early| *early.0)
}

async fn answer(op: &mut Operation, caller: &Caller, ask: Ask) -> Result<Outcome, Early> {
    let principal = caller.principal.as_str();
    match ask {
        Ask::Read(read) => {
            let terminal = find(&op.helper, principal, read.session.as_str())?;
            let until = read.view.until.as_ref().map(Until::new).transpose()?;
            Ok(look::run(op, &terminal, &read.view, until, None).await)
        }
        Ask::Send(send) => {
            let terminal = find(&op.helper, principal, send.session.as_str())?;
            // A look that cannot be is refused before anything is typed.
            let until = send.view.until.as_ref().map(Until::new).transpose()?;
            look::check(&terminal, &send.view)?;
            let typed = typing::run(&op.helper, &terminal, &send).await?;
            Ok(look::run(op, &terminal, &send.view, until, Some(typed)).await)
        }
        Ask::Transcript { session, action } => transcript(op, principal, session.as_str(), action).await,
    }
}

/// A principal's terminal, open or ended.
///
/// # Errors
/// `session_not_found`; `unsupported_operation` for a shell session.
fn find(helper: &Helper, principal: &str, name: &str) -> Result<Arc<Terminal>, Failure> {
    let shell = || helper.registry.shells.find(principal, name).filter(|shell| shell.is_open());
    match helper.registry.terminals.find(principal, name) {
        Some(terminal) if terminal.is_open() || shell().is_none() => Ok(terminal),
        _ if shell().is_some() => Err(Failure::new(
            ErrorCode::UnsupportedOperation,
            format!("session {name} is a shell, not a terminal"),
            "run commands in it with ssh_exec session=..., read their output with ssh_output; for keys and a screen open \
             a session with kind = terminal",
        )),
        _ => Err(session_gone(name, None)),
    }
}

/// What can be recorded.
enum Session {
    Terminal(Arc<Terminal>),
    Shell(Arc<Shell>),
}

impl Session {
    fn find(helper: &Helper, principal: &str, name: &str) -> Option<Self> {
        let terminal = helper.registry.terminals.find(principal, name).filter(|terminal| terminal.is_open());
        let shell = || helper.registry.shells.find(principal, name).filter(|shell| shell.is_open());
        terminal.map(Self::Terminal).or_else(|| shell().map(Self::Shell))
    }

    fn tap(&self) -> &Tap {
        match self {
            Self::Terminal(terminal) => &terminal.tap,
            Self::Shell(shell) => &shell.tap,
        }
    }
}

/// Begins a shell session's transcript.
///
/// # Errors
/// When its file cannot be written.
pub fn record_shell(helper: &Helper, shell: &Shell) -> Result<Standing, Failure> {
    let about = About {
        session: shell.id.clone(),
        name: shell.name.clone().unwrap_or_default(),
        target: shell.target.label(),
        principal: shell.owner.principal.to_string(),
    };
    let begin = || helper.transcripts.begin(&about, SHELL_SIZE);
    shell.tap.record(begin).map_err(|error| open::unrecorded(&error))
}

async fn transcript(
    op: &Operation,
    principal: &str,
    name: &str,
    action: Recording,
) -> Result<Outcome, Early> {
    let helper = &op.helper;
    let session = Session::find(helper, principal, name);
    let told = |standing: Option<Standing>, recording| {
        let (id, entries) = standing.map_or_else(Default::default, |s| (s.id, s.entries));
        Outcome::Terminal(Answer::Transcript { id: id.into(), recording, entries })
    };
    match (action, session) {
        (Recording::Start, Some(Session::Terminal(terminal))) => {
            Ok(told(Some(open::record(helper, &terminal)?), true))
        }
        (Recording::Start, Some(Session::Shell(shell))) => {
            Ok(told(Some(record_shell(helper, &shell)?), true))
        }
        (Recording::Stop, Some(session)) => Ok(told(session.tap().stop(), false)),
        (Recording::Start | Recording::Stop, None) => Err(session_gone(name, None).into()),
        (Recording::Get { asciicast }, session) => {
            let under_way = session.as_ref().and_then(|session| session.tap().recording());
            let id = match &under_way {
                Some(standing) => standing.id.clone(),
                None => {
                    helper.transcripts.last_of(principal, name).map(|entry| entry.id).ok_or_else(|| {
                        let never = "begin one with action = start, or open the session with record = true";
                        match &session {
                            Some(_) => {
                                let what = format!("session {name} has no transcript");
                                Failure::new(ErrorCode::InvalidArgument, what, never)
                            }
                            None => session_gone(name, None),
                        }
                    })?
                }
            };
            let entries = send(op, &id, asciicast).await?;
            let recording = under_way.is_some();
            Ok(Outcome::Terminal(Answer::Transcript { id: id.into(), recording, entries }))
        }
    }
}

/// Sends a transcript as the operation's output; returns how many events it has.
///
/// # Errors
/// When it is not there or cannot be read.
pub async fn send(op: &Operation, id: &str, asciicast: bool) -> Result<u64, Failure> {
    let missing = |error: std::io::Error| {
        Failure::new(
            ErrorCode::FileNotFound,
            match error.kind() {
                std::io::ErrorKind::NotFound => format!("there is no transcript {id}"),
                _ => format!("the transcript {id} cannot be read: {error}"),
            },
            "`sallyport transcript list` shows those that are kept",
        )
    };
    let file = op.helper.transcripts.open(id).map_err(missing)?;
    let read = tokio::task::spawn_blocking(move || fetch::read(file, asciicast)).await;
    let fetched = read.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(missing)?;
    // Masked once more: secrets enrolled since then are in force for old output too.
    op.out.data(op.id, Stream::Output, op.helper.redactor.bytes(&fetched.bytes)).await;
    Ok(fetched.entries)
}
