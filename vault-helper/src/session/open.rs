//! Opening a session.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sallyport_policy::ShellState;
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::reply::{self, Outcome};
use sallyport_protocol::request::{OpenSession, SessionKind};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::watch;

use super::attach;
use super::compose;
use super::dialect::{self, Dialect};
use super::exec::Early;
use super::feed::{Feed, Line};
use super::job::Job;
use super::secrets::Injected;
use super::shell::{IDLE, Shell};
use super::sink::Sink;
use super::table::Refused;
use super::terminal;
use crate::audit::{Ending, Intent};
use crate::config::Snapshot;
use crate::guard::gate::{self, Gate, Granted};
use crate::guard::target::{self, Target};
use crate::helper::Helper;
use crate::redact::CleanText;
use crate::serve::connection::{Operation, came_true};

/// The time a new shell has to answer its first command.
const FIRST_ANSWER: Duration = Duration::from_secs(20);

/// Opens a session, or finds the one of that name.
pub async fn run(op: &mut Operation, caller: &Caller, request: OpenSession) -> Outcome {
    let mut cancelled: watch::Receiver<bool> = op.cancelled.clone();
    tokio::select! {
        result = try_run(op, caller, request) => result.unwrap_or_else(|early| *early.0),
        () = came_true(&mut cancelled) => Outcome::Cancelled { gone: true },
    }
}

async fn try_run(op: &Operation, caller: &Caller, request: OpenSession) -> Result<Outcome, Early> {
    let now = op.helper.live.now();
    // Each boxed for itself: hundreds may wait for their turn between the two, and that takes little. What need not wait has
    // its answer by then: names that are taken, commands that are refused or must be confirmed.
    let admitted = Box::pin(admit(op, caller, &now, &request)).await?;
    let turns = &op.helper.registry.turns;
    let _turn = turns.take(caller.principal.as_str(), &admitted.target.label()).await;
    Box::pin(start(op, caller, &now, &request, admitted)).await
}

/// Whether a session is to be opened at all; the answer when not.
async fn admit(
    op: &Operation,
    caller: &Caller,
    now: &Snapshot,
    request: &OpenSession,
) -> Result<Admitted, Early> {
    let helper = &op.helper;
    let principal = caller.principal.as_str();
    let target = target::resolve(helper, now, principal, &request.target)?;
    let name = request.name.as_ref().map(ToString::to_string);
    if let Some(name) = &name
        && let Some(open) = joined(helper, principal, name).await
    {
        same_place(&open.target, &target, request.kind == SessionKind::Shell)?;
        return Err(Early(Box::new(answer(&open, false))));
    }
    if let Some(open) =
        name.as_ref().and_then(|name| helper.registry.terminals.find(principal, name)).filter(|t| t.is_open())
    {
        same_place(&open.target, &target, request.kind == SessionKind::Terminal)?;
        return Err(Early(Box::new(terminal::open::answer(&open, false))));
    }
    if request.kind == SessionKind::Terminal {
        let opened = Box::pin(terminal::open::run(op, caller, now, target, request.clone())).await;
        return Err(opened.map_or_else(|early| early, |outcome| Early(Box::new(outcome))));
    }
    let text = compose::command(":", request.cwd.as_ref(), &request.env);
    let injected = Injected::load(helper, &request.secrets).await?;
    let judged = injected.as_ref().map_or_else(|| text.clone(), |injected| injected.judged(&text));
    let slugs = injected.as_ref().map_or_else(Vec::new, |injected| injected.slugs.clone());
    let records = slugs.join(" ");
    let passage = Gate {
        helper,
        now,
        principal,
        target: &target,
        text: &judged,
        state: &ShellState::default(),
        binding: &[b"session", records.as_bytes()],
        consent: request.consent,
        confirmation: request.confirmation.as_ref(),
    };
    let granted = passage.pass().granted().map_err(Early)?;
    Ok(Admitted { target, name, text, judged, slugs, injected, granted })
}

/// What was found out about a session before it is opened.
struct Admitted {
    target: Target,
    name: Option<String>,
    /// Its first command.
    text: String,
    /// The same, as it was judged.
    judged: String,
    slugs: Vec<String>,
    injected: Option<Injected>,
    granted: Box<Granted>,
}

async fn start(
    op: &Operation,
    caller: &Caller,
    now: &Snapshot,
    request: &OpenSession,
    admitted: Admitted,
) -> Result<Outcome, Early> {
    let Admitted { target, name, text, judged, slugs, injected, granted } = admitted;
    let (helper, principal) = (&op.helper, caller.principal.as_str());
    let (channel, lease) = helper.pool.session(helper, principal, &target).await?;
    let id = helper.new_id("s");
    let intent = Intent {
        id: id.clone(),
        action: "session_open",
        session: Some(id.clone()),
        secrets: slugs,
        host_key: Some(lease.transport().fingerprint.clone()),
        ..gate::intent(helper, now, principal, &target, &helper.redactor.text(&judged), &granted)?
    };
    helper.audit.intent(&intent).await.map_err(|error| super::exec::no_audit(&error))?;
    let idle = match request.idle_timeout_s {
        0 => IDLE,
        seconds => Duration::from_secs(u64::from(seconds)),
    };
    let own_shell = lease.transport().own_shell.clone();
    let shell = Shell::start(id, name.clone(), caller.clone(), target, idle, channel, lease);
    follow(helper.clone(), shell.clone());
    let mut state = shell.state.lock().await;
    let mut opening = Opening { helper, shell: &shell, ready: false };
    match (helper.registry.shells.add(shell.clone()), name) {
        (Ok(()), _) => {}
        (Err(Refused::Named(_)), Some(name)) => {
            let same = joined(helper, principal, &name).await.ok_or_else(failed_meanwhile)?;
            same_place(&same.target, &shell.target, true)?;
            return Ok(answer(&same, false));
        }
        (Err(_), _) => return Err(too_many().into()),
    }
    *state = granted.judgement.next;
    first_command(op, &shell, text, &own_shell).await?;
    if let Some(injected) = injected {
        attach::inject(op, &shell, injected).await?;
    }
    if request.record {
        terminal::asked::record_shell(helper, &shell)?;
    }
    opening.ready = true;
    Ok(answer(&shell, true))
}

/// A session that is being opened: it is none when that fails, or nobody waits for it any more.
struct Opening<'a> {
    helper: &'a Helper,
    shell: &'a Shell,
    ready: bool,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if !self.ready {
            self.shell.close();
            self.helper.registry.shells.remove(&self.shell.id);
        }
    }
}

/// The open session of that name, once it is ready: another call may be opening it, and may fail.
async fn joined(helper: &Helper, principal: &str, name: &str) -> Option<Arc<Shell>> {
    loop {
        let open = helper.registry.shells.find(principal, name).filter(|shell| shell.is_open())?;
        drop(open.state.lock().await);
        if open.is_open() {
            return Some(open);
        }
    }
}

fn failed_meanwhile() -> Failure {
    Failure::new(
        ErrorCode::SshConnectionFailed,
        "a session of that name was being opened by another call, which failed",
        "try again",
    )
}

/// The failure of an opening beyond what a principal may have.
pub fn too_many() -> Failure {
    Failure::new(
        ErrorCode::QuotaExceeded,
        "too many sessions are open",
        "close some with ssh_session_close; ssh_list_active shows them",
    )
}

/// Whether a session found by its name is the one that is meant.
fn same_place(open: &Target, wanted: &Target, same_kind: bool) -> Result<(), Failure> {
    let what = match same_kind {
        false => "a session of another kind and of that name is open",
        true if open.endpoint() != wanted.endpoint() || open.user != wanted.user => {
            "a session of that name is open"
        }
        true => return Ok(()),
    };
    Err(Failure::new(
        ErrorCode::InvalidArgument,
        format!("{what} on {}", open.label()),
        "choose another name, or close that session first",
    ))
}

/// Sets directory and variables, and thereby sees that the shell works.
async fn first_command(
    op: &Operation,
    shell: &Shell,
    text: String,
    own_shell: &OnceLock<()>,
) -> Result<(), Failure> {
    let (job, stops) =
        Job::new(shell.id.clone(), shell.owner.clone(), shell.target.label(), CleanText::default());
    let job = Arc::new(job);
    let sink = Sink::new(job.clone(), &op.helper.redactor, None);
    let broken = |why: String| {
        Failure::new(
            ErrorCode::SshConnectionFailed,
            format!("no shell on {}: {why}", shell.target.label()),
            "the account needs /bin/sh and a login shell that runs commands",
        )
    };
    // On one stream, so that what the shell says of itself and what went wrong come one after the other.
    let text = format!("{}{{ {text}\n}} 2>&1", dialect::setup());
    // A new shell is free.
    let _ = shell.occupy(&shell.id);
    if shell
        .feed(Feed {
            line: Line::Command { text, input: Vec::new() },
            sink,
            stops,
            cue: None,
            variables: None,
        })
        .is_err()
    {
        return Err(broken(shell.ended().map(|why| why.as_str().to_owned()).unwrap_or_default()));
    }
    let exit = match tokio::time::timeout(FIRST_ANSWER, job.ended()).await {
        Ok(exit) => exit,
        Err(_) => return Err(broken("it did not answer within 20 seconds".into())),
    };
    if let Some(why) = exit.session_ended.or(exit.lost) {
        return Err(broken(why.as_str().to_owned()));
    }
    let said = job.read(0, 2048).bytes;
    let said = String::from_utf8_lossy(&said);
    let (own, dialect, said) = Dialect::told(&said);
    shell.speak(dialect);
    if own {
        own_shell.get_or_init(|| ());
    }
    if exit.code != Some(0) {
        return Err(Failure::new(
            ErrorCode::InvalidArgument,
            format!("the session's directory or variables could not be set: {}", said.trim()),
            "check cwd and env",
        ));
    }
    Ok(())
}

/// Writes the session's end when it comes.
fn follow(helper: Arc<Helper>, shell: Arc<Shell>) {
    tokio::spawn(async move {
        shell.closed().await;
        let duration_ms = super::exec::millis(shell.since.elapsed());
        let ending = Ending { id: shell.id.clone(), result: "closed", duration_ms, ..Ending::default() };
        if let Err(error) = helper.audit.ending(&ending).await {
            tracing::error!(%error, "an outcome was not written");
        }
    });
}

fn answer(shell: &Shell, created: bool) -> Outcome {
    Outcome::Session(reply::Session {
        session: shell.name.as_ref().unwrap_or(&shell.id).as_str().into(),
        created,
        kind: SessionKind::Shell,
        user: shell.target.user.as_str().into(),
        host: shell.target.alias.as_str().into(),
    })
}
