//! `ssh_sudo_cache`: whether sudo would ask in a session's shell, and the one way to answer it there.
//!
//! Without a terminal sudo keeps its cache for the process that started it (sudoers(5), timestamp_type), so this
//! must be the session's own shell, which has seen commands of the agent. What is done about that: sudo and the
//! program that hands the password on are named in a spelling nobody can have prepared a function for, debug traps
//! are taken off, and the password is written only after the random prompt of this call was seen. What remains is
//! said in docs/sudo.md.
//!
//! Where sudo runs on a terminal only, it is not started from that shell at all but as a command is ([`super::begin`]),
//! on terminals of its own: what one of them was told is seen from another where sudo remembers for the account
//! (`timestamp_type=global`), and of no use otherwise.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sallyport_protocol::envelope::{Caller, Stream};
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::request::Signal;
use sallyport_protocol::sudo::{CacheAction, CacheState, SudoCache};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::Elevation;
use super::begin::NotBegun;
use super::talk::{Signs, is_refusal, wants_terminal};
use super::text::{Errand, disguised};
use super::tool::Tool;
use crate::audit::{Ending, Intent};
use crate::guard::gate::{self, Gate};
use crate::harden::memory::secretly;
use crate::redact::CleanText;
use crate::serve::connection::{Operation, came_true};
use crate::session::exec::{Early, busy, millis, no_audit};
use crate::session::feed::{Cue, Feed, Line};
use crate::session::job::{Exit, Job, Stop};
use crate::session::shell::Shell;
use crate::session::sink::Sink;
use crate::ssh::transport::Lease;

/// The time one step may take; PAM waits some seconds after a wrong password.
const STEP: Duration = Duration::from_secs(30);
/// Hands one line on and no more, so that sudo's second question meets the end of its input.
const ONE_LINE: &str = "/usr/bin/head";
/// A debug trap would run in the shell that sudo is started from. Only these shells know them.
const NO_DEBUG_TRAP: &str = r#"case "${BASH_VERSION-}${ZSH_VERSION-}" in ?*) \trap - DEBUG;; esac; "#;

/// Looks at, fills or empties the cache.
pub async fn run(op: &mut Operation, caller: &Caller, request: SudoCache) -> Outcome {
    let mut cancelled = op.cancelled.clone();
    tokio::select! {
        result = try_run(op, caller, request) => result.unwrap_or_else(|early| *early.0),
        () = came_true(&mut cancelled) => Outcome::Cancelled { gone: false },
    }
}

async fn try_run(op: &Operation, caller: &Caller, request: SudoCache) -> Result<Outcome, Early> {
    let (helper, principal) = (&op.helper, caller.principal.as_str());
    let now = helper.live.now();
    let shell = helper.registry.shell(principal, request.session.as_str())?;
    let (text, kind) = match request.action {
        CacheAction::Check => ("sudo -n -v", &b"check"[..]),
        CacheAction::Warm => ("sudo -v", &b"warm"[..]),
        CacheAction::Clear => ("sudo -k", &b"clear"[..]),
    };
    let state = shell.state.lock().await;
    let target = shell.target.by_now(&now, principal)?;
    let passage = Gate {
        helper,
        now: &now,
        principal,
        target: &target,
        text,
        state: &state,
        binding: &[b"sudo_cache", kind, shell.id.as_bytes()],
        consent: request.consent,
        confirmation: request.confirmation.as_ref(),
    };
    let granted = passage.pass().granted().map_err(Early)?;
    let elevation = Elevation::new(helper.clone(), &shell.target, "root")?;
    let lease = helper.pool.lease(helper, principal, &shell.target).await?;
    let place = match Tool::find(&lease, &elevation.label).await {
        Ok(Tool::Sudo(place)) => place,
        Err(failure) if failure.code != ErrorCode::UnsupportedOperation => return Err(failure.into()),
        Ok(Tool::Doas(_)) | Err(_) => return Ok(Outcome::SudoCache(CacheState::Failed)),
    };
    let id = helper.new_id("j");
    let intent = Intent {
        id: id.clone(),
        action: "sudo_cache",
        session: Some(shell.id.clone()),
        host_key: Some(shell.fingerprint.clone()),
        secrets: vec![elevation.slug.to_string()],
        ..gate::intent(helper, &now, principal, &target, &helper.redactor.text(text), &granted)?
    };
    helper.audit.intent(&intent).await.map_err(|error| no_audit(&error))?;
    let steps = Steps { op, shell: &shell, id: &id, place, lease: &lease, elevation: &elevation };
    let began = std::time::Instant::now();
    let result = match request.action {
        CacheAction::Check => steps.check().await,
        CacheAction::Warm => steps.warm().await,
        CacheAction::Clear => steps.clear().await,
    };
    let ending = Ending {
        id: id.clone(),
        result: if result.is_ok() { "exited" } else { "failed" },
        code: result.as_ref().err().map(|failure| failure.code.as_str()),
        duration_ms: millis(began.elapsed()),
        ..Ending::default()
    };
    if let Err(error) = helper.audit.ending(&ending).await {
        tracing::error!(%error, "an outcome was not written");
    }
    Ok(Outcome::SudoCache(result?))
}

/// The lines fed to a session's shell.
struct Steps<'a> {
    op: &'a Operation,
    shell: &'a Arc<Shell>,
    id: &'a str,
    place: &'static str,
    lease: &'a Lease,
    elevation: &'a Elevation,
}

impl Steps<'_> {
    async fn check(&self) -> Result<CacheState, Failure> {
        if self.wants_terminal().get().is_some() {
            return self.on_terminal(Errand::Look).await;
        }
        let (exit, said) = self.line(format!("{} -n -v </dev/null", disguised(self.place)), None).await?;
        Ok(match exit.code {
            Some(0) => CacheState::Warm,
            Some(_) if wants_terminal(&said) => {
                self.wants_terminal().get_or_init(|| ());
                return self.on_terminal(Errand::Look).await;
            }
            Some(_) if !is_refusal(&said) => CacheState::NeedsPassword,
            _ => CacheState::Failed,
        })
    }

    async fn clear(&self) -> Result<CacheState, Failure> {
        let (exit, _) = self.line(format!("{} -k </dev/null", disguised(self.place)), None).await?;
        Ok(if exit.code == Some(0) { CacheState::Cleared } else { CacheState::Failed })
    }

    /// Asks first: when sudo does not want a password none is fetched, let alone written.
    async fn warm(&self) -> Result<CacheState, Failure> {
        match self.check().await? {
            CacheState::NeedsPassword => {}
            other => return Ok(other),
        }
        if self.wants_terminal().get().is_some() {
            return self.warm_on_terminal().await;
        }
        let (password, enrolled) = self.elevation.password().await?;
        self.shell.hold(enrolled);
        let length = password.expose().len() + 1;
        let mut answer = secretly(|| Zeroizing::new(Vec::with_capacity(length)));
        answer.extend_from_slice(password.expose());
        answer.push(b'\n');
        drop(password);
        let signs = Signs::random().map_err(|error| {
            Failure::new(ErrorCode::InternalError, format!("no random bytes: {error}"), "try again")
        })?;
        let given = Arc::new(AtomicBool::new(false));
        let cue = Cue::new(Stream::ErrorOutput, signs.prompt.clone().into_bytes(), answer, given.clone());
        let line = format!(
            "{NO_DEBUG_TRAP}{} -n 1 | {} -S -p {} -v",
            disguised(ONE_LINE),
            disguised(self.place),
            signs.prompt
        );
        let (exit, said) = self.line(line, Some(cue)).await?;
        Ok(match (exit.code, given.load(Ordering::Relaxed)) {
            (Some(0), _) => CacheState::Warm,
            (_, true) if !is_refusal(&said) => CacheState::BadPassword,
            _ => CacheState::Failed,
        })
    }

    /// Whether sudo there was seen to run on a terminal only.
    fn wants_terminal(&self) -> &OnceLock<()> {
        &self.lease.transport().wants_terminal
    }

    /// Gives the password on one terminal, and sees from another one whether that was of any use.
    async fn warm_on_terminal(&self) -> Result<CacheState, Failure> {
        let given = self.on_terminal(Errand::Warm).await?;
        if given != CacheState::Warm || self.on_terminal(Errand::Look).await? == CacheState::Warm {
            return Ok(given);
        }
        let label = &self.elevation.label;
        Err(Failure::new(
            ErrorCode::UnsupportedOperation,
            format!(
                "sudo on {label} took the password, but it runs on a terminal only (requiretty) and remembers for that \
                 terminal alone: the session's shell has none, and every other command gets a new one"
            ),
            format!(
                "use ssh_sudo_exec, which gives the password each time; a line `Defaults:{} !requiretty` in the host's \
                 sudoers makes plain sudo work in sessions",
                self.shell.target.user
            ),
        ))
    }

    /// What comes of sudo on a terminal of its own.
    async fn on_terminal(&self, errand: Errand<'_>) -> Result<CacheState, Failure> {
        let no_channel = || {
            Failure::new(
                ErrorCode::SshConnectionFailed,
                format!("{} opened no channel for sudo", self.elevation.label),
                "try again",
            )
        };
        let (mut read, write) = self.lease.aside().await.ok_or_else(no_channel)?;
        let (_button, mut stops) = mpsc::channel(1);
        match Box::pin(self.elevation.begin(&mut read, &write, self.lease, errand, &mut stops)).await {
            Ok(begun) => {
                self.shell.hold(begun.enrolled);
                Ok(CacheState::Warm)
            }
            Err(NotBegun::WouldAsk(_)) => Ok(CacheState::NeedsPassword),
            Err(NotBegun::Failed(failure)) => match failure.code {
                ErrorCode::AuthFailed => Ok(CacheState::BadPassword),
                ErrorCode::PermissionDenied => Ok(CacheState::Failed),
                _ => Err(failure),
            },
            Err(NotBegun::WantsTerminal(failure)) => Err(failure),
        }
    }

    /// Runs one line of our own in the session's shell.
    async fn line(&self, line: String, cue: Option<Cue>) -> Result<(Exit, String), Failure> {
        let (job, stops) = Job::new(
            self.id.to_owned(),
            self.shell.owner.clone(),
            self.shell.target.label(),
            CleanText::default(),
        );
        let job = Arc::new(job);
        let sink = Sink::new(job.clone(), &self.op.helper.redactor, None);
        // Free after each line; nobody else gets in between two, as the session's state is locked.
        self.shell.occupy(self.id).map_err(busy)?;
        if self.shell.feed(Feed { line: Line::Own(line), sink, stops, cue, variables: None }).is_err() {
            self.shell.release();
            let why = self.shell.ended().map(|why| why.as_str().to_owned()).unwrap_or_default();
            return Err(ended(&why));
        }
        if tokio::time::timeout(STEP, job.ended()).await.is_err() {
            // The program that hands the password on ends, and with it sudo's input.
            job.stop(Stop::With(Signal::Term));
        }
        let exit = match tokio::time::timeout(STEP, job.ended()).await {
            Ok(exit) => exit,
            Err(_) => return Err(ended("sudo did not end")),
        };
        if let Some(why) = exit.session_ended.as_ref().or(exit.lost.as_ref()) {
            return Err(ended(why.as_str()));
        }
        Ok((exit, String::from_utf8_lossy(&job.read(0, 4096).bytes).into_owned()))
    }
}

fn ended(why: &str) -> Failure {
    Failure::new(
        ErrorCode::SessionNotFound,
        format!("the session ended while sudo ran in it: {why}"),
        "open one with ssh_session_open",
    )
}
