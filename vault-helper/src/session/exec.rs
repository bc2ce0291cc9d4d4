//! Running one command from request to answer: compose, judge, audit, send, wait.

use std::sync::Arc;
use std::time::Duration;

use sallyport_policy::{LoginShell, ShellState};
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::reply::{self, Detach, Event, Outcome};
use sallyport_protocol::request::{Exec, InputPlan, Place};
use sallyport_protocol::text::RemotePath;
use sallyport_protocol::{ErrorCode, Failure, FromHelper, Text};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot, watch};

use super::compose;
use super::feed::{Feed, Line, Variables};
use super::job::{Exit, Job, Stop};
use super::marks::Mark;
use super::oneshot::Command;
use super::registry::session_gone;
use super::secrets::Injected;
use super::shell::Shell;
use super::sink::{Listener, Sink};
use super::stop::LONGEST;
use super::sudo::{self, Elevation};
use crate::audit::{Ending, Intent};
use crate::config::Snapshot;
use crate::guard::gate::{self, Gate, Granted};
use crate::guard::target::{self, Target};
use crate::helper::Helper;
use crate::serve::connection::{Cancelled, Operation, came_true};

/// The beginning of a command's input that a person is shown who is to confirm it, in bytes.
const INPUT_SHOWN: usize = 1000;

/// The largest input of a command, in bytes.
pub const MAX_INPUT: u64 = 1024 * 1024;

/// An answer that ends the operation early.
pub struct Early(pub Box<Outcome>);

impl From<Failure> for Early {
    fn from(failure: Failure) -> Self {
        Self(Box::new(Outcome::Failed(failure)))
    }
}

impl From<Cancelled> for Early {
    fn from(_: Cancelled) -> Self {
        Outcome::Cancelled { gone: true }.into()
    }
}

impl From<Outcome> for Early {
    fn from(outcome: Outcome) -> Self {
        Self(Box::new(outcome))
    }
}

/// Where a command will run.
enum Where {
    Target(Target),
    Session(Arc<Shell>),
}

/// Runs a command and says how it ended.
pub async fn run(op: &mut Operation, caller: &Caller, request: Exec) -> Outcome {
    match try_run(op, caller, request).await {
        Ok(outcome) => outcome,
        Err(early) => *early.0,
    }
}

async fn try_run(op: &mut Operation, caller: &Caller, request: Exec) -> Result<Outcome, Early> {
    let now = op.helper.live.now();
    let principal = caller.principal.as_str();
    let place = match &request.place {
        Place::Target(name) => Where::Target(target::resolve(&op.helper, &now, principal, name)?),
        Place::Session(name) => Where::Session(op.helper.registry.shell(principal, name.as_str())?),
    };
    let inner = compose::command(request.command.as_str(), request.cwd.as_ref(), &request.env);
    // Another user's command never meets the session's shell: it starts where that stands, on a channel of its own.
    let inner = match (&request.run_as, &place) {
        (Some(_), Where::Session(shell)) => {
            let cwd = shell.cwd().and_then(|cwd| RemotePath::new(cwd).ok());
            compose::command(&inner, cwd.as_ref(), &[])
        }
        _ => inner,
    };
    let injected = Injected::load(&op.helper, &request.secrets).await?;
    let text = injected.as_ref().map_or_else(|| inner.clone(), |injected| injected.judged(&inner));
    let text = match &request.run_as {
        Some(user) => sudo::text::judged(user.as_str(), &text),
        None => text,
    };
    let slugs = injected.as_ref().map_or_else(Vec::new, |injected| injected.slugs.clone());
    let input = match &request.input {
        Some(plan) => gather(op, plan, MAX_INPUT).await?,
        None => Vec::new(),
    };
    let run =
        Run { helper: op.helper.clone(), now, caller: caller.clone(), request, text, inner, input, slugs };
    let (left, listening) = watch::channel(false);
    let (all, sent) = oneshot::channel();
    let listener =
        (!run.request.background).then(|| Listener { out: op.out.clone(), op: op.id, left: listening, all });
    let job = match place {
        Where::Target(target) => run.on_target(op, target, None, injected, listener).await?,
        Where::Session(shell) if run.request.run_as.is_some() => {
            let target = shell.target.by_now(&run.now, principal)?;
            run.on_target(op, target, Some(&shell), injected, listener).await?
        }
        Where::Session(shell) => run.in_session(op, &shell, injected, listener).await?,
    };
    let outcome = wait(op, &job, &run, sent).await;
    left.send_replace(true);
    Ok(outcome)
}

/// One request on its way.
struct Run {
    helper: Arc<Helper>,
    now: Snapshot,
    caller: Caller,
    request: Exec,
    /// What is judged, shown and audited.
    text: String,
    /// The same without what makes it another user's.
    inner: String,
    input: Vec<u8>,
    /// The `env://` records whose variables it gets.
    slugs: Vec<String>,
}

impl Run {
    /// What the audit log and a confirmation call it.
    fn action(&self) -> &'static str {
        if self.request.run_as.is_some() { "sudo_exec" } else { "exec" }
    }

    /// The records it may use beside those of the login.
    fn secrets(&self, target: &Target) -> Result<Vec<String>, Failure> {
        match &self.request.run_as {
            Some(user) => {
                let own = Elevation::new(self.helper.clone(), target, user.as_str())?.slug.to_string();
                Ok([self.slugs.as_slice(), &[own]].concat())
            }
            None => Ok(self.slugs.clone()),
        }
    }

    fn gate(&self, target: &Target, state: &ShellState, session: &str) -> Result<Granted, Early> {
        let (input, slugs) = (Sha256::digest(&self.input), self.slugs.join(" "));
        let gate = Gate {
            helper: &self.helper,
            now: &self.now,
            principal: self.caller.principal.as_str(),
            target,
            text: &self.text,
            state,
            binding: &[self.action().as_bytes(), session.as_bytes(), &input, slugs.as_bytes()],
            consent: self.request.consent,
            confirmation: self.request.confirmation.as_ref(),
        };
        let mut judgement = gate.judge();
        judgement.reason.push_str(&self.circumstances());
        gate.follow(judgement).granted().map(|granted| *granted).map_err(Early)
    }

    /// What a person who is asked must see beside the command: the records it gets, and what it is fed.
    fn circumstances(&self) -> String {
        let mut text = String::new();
        if !self.slugs.is_empty() {
            text.push_str(&format!("; it gets {}", self.slugs.join(", ")));
        }
        if !self.input.is_empty() {
            let shown = &self.input[..self.input.len().min(INPUT_SHOWN)];
            let rest = if shown.len() < self.input.len() { " ..." } else { "" };
            let shown = String::from_utf8_lossy(shown);
            text.push_str(&format!("; its input ({} bytes): {shown}{rest}", self.input.len()));
        }
        text
    }

    async fn on_target(
        &self,
        op: &Operation,
        target: Target,
        session: Option<&Shell>,
        injected: Option<Injected>,
        listener: Option<Listener>,
    ) -> Result<Arc<Job>, Early> {
        let granted =
            self.gate(&target, &ShellState::default(), session.map_or("", |shell| shell.id.as_str()))?;
        let run_as = self.request.run_as.as_ref();
        let mark = Mark::random().map_err(|error| no_random(&error))?;
        let elevation =
            run_as.map(|user| Elevation::new(self.helper.clone(), &target, user.as_str())).transpose()?;
        // The login goes first, so that a host that cannot be reached leaves no intent without an outcome.
        let connecting = self.helper.pool.session(&self.helper, self.caller.principal.as_str(), &target);
        let (channel, lease) = op.unless_cancelled(connecting).await??;
        let fingerprint = lease.transport().fingerprint.clone();
        let (job, stops) = self.job(op, &target, &granted, session, fingerprint).await?;
        let redactor = self.helper.redactor.with_shapes(target.host.redact_shapes);
        let sink = Sink::new(job.clone(), &redactor, listener);
        let (text, input) = match injected {
            None => (self.inner.clone(), self.input.clone()),
            Some(injected) => {
                let own = run_as.is_none() && target.host.login_shell == LoginShell::Posix;
                let shell = if own { "\"${SHELL:-/bin/sh}\"" } else { "/bin/sh" };
                let framed = injected.oneshot(&self.inner, shell, &mark, &self.input);
                job.hold(injected.enrolled);
                framed
            }
        };
        let command = Command { text, input, elevation };
        tokio::spawn(super::oneshot::run(channel, lease, command, sink, stops));
        self.follow(&job);
        Ok(job)
    }

    async fn in_session(
        &self,
        op: &Operation,
        shell: &Arc<Shell>,
        injected: Option<Injected>,
        listener: Option<Listener>,
    ) -> Result<Arc<Job>, Early> {
        // The state is held until the command is on its way, so that two calls cannot judge against the same one.
        let mut state = op.unless_cancelled(shell.state.lock()).await?;
        let gone = || session_gone(&shell.id, shell.ended().map(|why| why.as_str().to_owned()));
        if !shell.is_open() {
            return Err(gone().into());
        }
        let target = shell.target.by_now(&self.now, self.caller.principal.as_str())?;
        let granted = self.gate(&target, &state, &shell.id)?;
        let id = self.helper.new_id("j");
        shell.occupy(&id).map_err(busy)?;
        let made = self.job_named(id, op, &target, &granted, Some(shell), shell.fingerprint.clone()).await;
        let (job, stops) = made.inspect_err(|_| shell.release())?;
        let redactor = self.helper.redactor.with_shapes(target.host.redact_shapes);
        shell.tap.command(&job.command);
        let sink = Sink::new(job.clone(), &redactor, listener).tapped(shell.tap.clone());
        let variables = injected.map(|injected| Variables { injected, stay: false });
        let line = Line::Command { text: self.inner.clone(), input: self.input.clone() };
        let feed = Feed { line, sink, stops, cue: None, variables };
        self.follow(&job);
        if let Err(feed) = shell.feed(feed) {
            shell.release();
            let why = shell.ended().unwrap_or_default();
            feed.sink
                .end(Exit { lost: Some(why.clone()), session_ended: Some(why), ..Exit::default() })
                .await;
            return Err(gone().into());
        }
        *state = granted.judgement.next;
        Ok(job)
    }

    async fn job(
        &self,
        op: &Operation,
        target: &Target,
        granted: &Granted,
        session: Option<&Shell>,
        fingerprint: String,
    ) -> Result<(Arc<Job>, mpsc::Receiver<Stop>), Early> {
        self.job_named(self.helper.new_id("j"), op, target, granted, session, fingerprint).await
    }

    /// Writes the intent and makes the job. After this the command may be sent.
    async fn job_named(
        &self,
        id: String,
        op: &Operation,
        target: &Target,
        granted: &Granted,
        session: Option<&Shell>,
        fingerprint: String,
    ) -> Result<(Arc<Job>, mpsc::Receiver<Stop>), Early> {
        let principal = self.caller.principal.as_str();
        let shown = self.helper.redactor.text(&self.text);
        let intent = Intent {
            id: id.clone(),
            action: self.action(),
            secrets: self.secrets(target)?,
            session: session.map(|shell| shell.id.clone()),
            host_key: Some(fingerprint),
            ..gate::intent(&self.helper, &self.now, principal, target, &shown, granted)?
        };
        self.helper.audit.intent(&intent).await.map_err(|error| no_audit(&error))?;
        let (job, stops) = Job::new(id, self.caller.clone(), target.label(), shown);
        let job = Arc::new(job.kept_in(self.helper.spool.clone()));
        if self.helper.registry.jobs.add(job.clone()).is_err() {
            job.end(Exit::default());
            self.follow(&job);
            return Err(Failure::new(
                ErrorCode::QuotaExceeded,
                "too many commands are running",
                "stop some with ssh_stop; ssh_list_active shows them",
            )
            .into());
        }
        let started = Event::Started { job: job.id.as_str().into() };
        op.out.message(FromHelper::<Event, Outcome>::Event { op: op.id, event: started });
        Ok((job, stops))
    }

    /// Writes the outcome when the command has ended, whoever still waits for it.
    fn follow(&self, job: &Arc<Job>) {
        let (helper, job) = (self.helper.clone(), job.clone());
        tokio::spawn(async move {
            let exit = job.ended().await;
            let ending = Ending {
                id: job.id.clone(),
                result: match (&exit.refused, &exit.lost) {
                    (Some(_), _) => "failed",
                    (None, Some(_)) => "lost",
                    (None, None) => "exited",
                },
                code: match (&exit.refused, &exit.lost) {
                    (Some(failure), _) => Some(failure.code.as_str()),
                    (None, Some(_)) => Some(ErrorCode::SshConnectionFailed.as_str()),
                    (None, None) => None,
                },
                exit_code: exit.code,
                signal: exit.signal.map(|signal| signal.as_str().to_owned()),
                output_bytes: job.output_bytes(),
                redactions: job.redactions(),
                duration_ms: millis(job.duration()),
            };
            if let Err(error) = helper.audit.ending(&ending).await {
                tracing::error!(%error, "an outcome was not written");
            }
        });
    }
}

/// Waits for the command's end, or for the end of the caller's patience.
async fn wait(op: &mut Operation, job: &Arc<Job>, run: &Run, sent: oneshot::Receiver<()>) -> Outcome {
    let detached = |reason| Outcome::Detached {
        job: job.id.as_str().into(),
        reason,
        duration_ms: millis(job.duration()),
        redactions: job.redactions(),
    };
    if run.request.background {
        // Those who go later stop their jobs as they go; this one was not there yet.
        if *op.cancelled.borrow() {
            return Outcome::Cancelled { gone: stop(job, Stop::Now).await };
        }
        return detached(Detach::Background);
    }
    let timeout = match run.request.timeout_ms {
        0 => Duration::from_secs(run.now.policy.default_timeout_s()),
        ms => Duration::from_millis(u64::from(ms)),
    };
    let patience = match run.request.detach_ms {
        0 => None,
        ms => Some(Duration::from_millis(u64::from(ms))),
    };
    let began = job.started;
    let patience_over = async {
        match patience {
            Some(patience) => tokio::time::sleep_until((began + patience).into()).await,
            None => std::future::pending().await,
        }
    };
    let ended = async {
        let exit = job.ended().await;
        // Its sender is dropped when the client has all of the output.
        let _ = sent.await;
        exit
    };
    tokio::select! {
        exit = ended => exited(job, exit),
        () = tokio::time::sleep_until((began + timeout).into()) => detached(Detach::Timeout),
        () = patience_over => detached(Detach::Patience),
        () = came_true(&mut op.cancelled) => {
            op.out.abandon(op.id);
            Outcome::Cancelled { gone: stop(job, Stop::Patiently).await }
        }
    }
}

/// Stops a job and says whether it is known to be gone.
pub async fn stop(job: &Job, stop: Stop) -> bool {
    job.stop(stop);
    let ended = tokio::time::timeout(LONGEST, job.ended()).await;
    ended.is_ok_and(|exit| exit.lost.is_none() && !exit.outlived)
}

fn exited(job: &Job, exit: Exit) -> Outcome {
    if let Some(failure) = exit.refused {
        return Outcome::Failed(failure);
    }
    if let Some(lost) = &exit.lost {
        return Outcome::Failed(Failure::new(
            ErrorCode::SshConnectionFailed,
            format!("the command's end was not seen: {}", lost.as_str()),
            format!("it may still run, or may have ended; ssh_output {} has what it printed", job.id),
        ));
    }
    let text = |t: &Option<crate::redact::CleanText>| {
        t.as_ref().map_or_else(Text::default, |t| Text::clip(t.as_str()))
    };
    Outcome::Exited(reply::Exited {
        exit_code: exit.code,
        signal: text(&exit.signal),
        duration_ms: millis(job.duration()),
        cwd: text(&exit.cwd),
        session_ended: text(&exit.session_ended),
        job: job.id.as_str().into(),
        redactions: job.redactions(),
    })
}

/// Reads the announced input and checks that it is what was announced.
///
/// # Errors
/// `too_large` beyond `most` bytes; `invalid_argument` for other input than was announced.
pub async fn gather(op: &mut Operation, plan: &InputPlan, most: u64) -> Result<Vec<u8>, Early> {
    if plan.length > most {
        return Err(Failure::new(
            ErrorCode::TooLarge,
            format!("the input has {} bytes; {most} are allowed", plan.length),
            "upload it as a file and redirect the command's input from there",
        )
        .into());
    }
    let mut input = Vec::new();
    loop {
        tokio::select! {
            chunk = op.input.next() => match chunk {
                Some(chunk) => input.extend(chunk),
                None => break,
            },
            () = came_true(&mut op.cancelled) => return Err(Outcome::Cancelled { gone: true }.into()),
        }
        if input.len() as u64 > plan.length {
            break;
        }
    }
    if input.len() as u64 != plan.length || Sha256::digest(&input).as_slice() != plan.sha256 {
        return Err(Failure::new(
            ErrorCode::InvalidArgument,
            "the input is not what was announced",
            "send it again",
        )
        .into());
    }
    Ok(input)
}

/// The failure of a command for a session that still runs another one.
pub fn busy(other: String) -> Failure {
    Failure::new(
        ErrorCode::QuotaExceeded,
        format!("the session is still running job {other}"),
        "wait for it with ssh_output, stop it with ssh_stop, or use another session",
    )
}

/// The failure of an operation whose intent could not be made durable.
pub fn no_audit(error: &crate::audit::AuditError) -> Failure {
    Failure::new(
        ErrorCode::InternalError,
        error.to_string(),
        "nothing runs without its audit record: free space on its disk; if that does not help, restart the vault helper",
    )
}

fn no_random(error: &getrandom::Error) -> Failure {
    Failure::new(ErrorCode::InternalError, format!("no random bytes: {error}"), "try again")
}

/// A duration in whole milliseconds.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
