//! Opening a terminal: the gate, the channel, the pseudo-terminal, the first sign of life.

use std::sync::Arc;
use std::time::Duration;

use russh::Pty;
use sallyport_policy::{ShellState, Terminal as Rule, Verdict};
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::reply::{self, Outcome};
use sallyport_protocol::request::{Consent, OpenSession, SessionKind};
use sallyport_protocol::terminal::Size;
use sallyport_protocol::{ErrorCode, Failure, frame};

use super::pty::{First, Opening, TERM, Terminal};
use crate::audit::{Ending, Intent};
use crate::config::Snapshot;
use crate::guard::gate::{self, Gate, Granted};
use crate::guard::target::Target;
use crate::helper::Helper;
use crate::redact::Enrollment;
use crate::serve::connection::Operation;
use crate::session::compose::{self, quote};
use crate::session::exec::{Early, millis, no_audit};
use crate::session::marks::Mark;
use crate::session::open::too_many;
use crate::session::secrets::{Injected, UNSEEN};
use crate::session::shell::IDLE;
use crate::session::table::Refused;
use crate::session::transcript::cast::About;

/// Columns and rows a terminal may have: what programs expect, and what a rendered screen can show.
pub const COLS: std::ops::RangeInclusive<u16> = 16..=500;
/// See [`COLS`].
pub const ROWS: std::ops::RangeInclusive<u16> = 2..=200;
/// The time a new terminal has for its directory and variables.
const FIRST_WORD: Duration = Duration::from_secs(20);
/// The rule named where the `terminal` setting decides.
const RULE: &str = "terminal";

/// What holds for terminals of a principal on a target now.
pub fn rule(now: &Snapshot, target: &Target, principal: &str) -> Rule {
    let mode = now.policy.effective(&target.subject(principal)).mode;
    target.host.terminal.unwrap_or(Rule::by_mode(mode))
}

/// The answer where terminals are denied.
pub fn denied(target: &Target) -> Outcome {
    Outcome::Blocked { failure: denial(target), rules: sallyport_protocol::List::clip([RULE.into()]) }
}

fn denial(target: &Target) -> Failure {
    Failure::new(
        ErrorCode::PolicyBlocked,
        format!("terminals are not allowed on {}: what is typed into one cannot be judged", target.alias),
        "use ssh_exec or a shell session; a person allows terminals with `terminal` in the host's entry of hosts.toml",
    )
}

/// A size within bounds.
///
/// # Errors
/// `invalid_argument`.
pub fn checked(size: Size) -> Result<Size, Failure> {
    if COLS.contains(&size.cols) && ROWS.contains(&size.rows) {
        return Ok(size);
    }
    Err(Failure::new(
        ErrorCode::InvalidArgument,
        format!("a terminal of {} columns and {} rows cannot be had", size.cols, size.rows),
        "columns are from 16 to 500, rows from 2 to 200",
    ))
}

/// Opens a terminal. The caller has made sure that no session of that name is open.
///
/// # Errors
/// What keeps it from being opened, as the answer.
pub async fn run(
    op: &Operation,
    caller: &Caller,
    now: &Snapshot,
    target: Target,
    request: OpenSession,
) -> Result<Outcome, Early> {
    let helper = &op.helper;
    let principal = caller.principal.as_str();
    let size = checked(Size { cols: request.cols, rows: request.rows })?;
    let injected = Injected::load(helper, &request.secrets).await?;
    let first = compose::command(":", request.cwd.as_ref(), &request.env);
    let first = injected.as_ref().map_or_else(|| first.clone(), |injected| injected.judged(&first));
    let text = format!("# an interactive terminal: what is typed into it is not judged\n{first}");
    let granted = pass(helper, now, principal, &target, &text, &request)?;
    let (channel, lease) = helper.pool.session(helper, principal, &target).await?;
    let id = helper.new_id("s");
    let intent = Intent {
        id: id.clone(),
        action: "terminal_open",
        session: Some(id.clone()),
        secrets: injected.as_ref().map_or_else(Vec::new, |injected| injected.slugs.clone()),
        host_key: Some(lease.transport().fingerprint.clone()),
        ..gate::intent(helper, now, principal, &target, &helper.redactor.text(&text), &granted)?
    };
    helper.audit.intent(&intent).await.map_err(|error| no_audit(&error))?;
    let idle = match request.idle_timeout_s {
        0 => IDLE,
        seconds => Duration::from_secs(u64::from(seconds)),
    };
    let start = Start::of(&request, injected).map_err(|error| broken(&target, &error.to_string()))?;
    let (read, write) = channel.split();
    let asked = async {
        let (cols, rows) = (u32::from(size.cols), u32::from(size.rows));
        write.request_pty(TERM, (cols, rows), &start.modes).await?;
        match start.command {
            None => write.request_shell().await,
            Some(command) => write.exec(command).await,
        }
    };
    if let Err(error) = asked.await {
        end(helper, &id, "failed", Ending::default()).await;
        return Err(broken(&target, lease.lost_text(&error.to_string()).as_str()).into());
    }
    let name = request.name.as_ref().map(ToString::to_string);
    let opening = Opening {
        id,
        name,
        owner: caller.clone(),
        target,
        size,
        idle,
        intent: intent.clone(),
        begins: start.begins,
        enrolled: start.enrolled,
    };
    let (terminal, begun) = Terminal::start(opening, read, write, lease);
    follow(helper.clone(), terminal.clone());
    if request.record {
        record(helper, &terminal).inspect_err(|_| terminal.close())?;
    }
    if let Err(refused) = helper.registry.terminals.add(terminal.clone()) {
        terminal.close();
        return match refused {
            Refused::Named(same) => Ok(answer(&same, false)),
            Refused::Full => Err(too_many().into()),
        };
    }
    let guard = Unfinished { helper, terminal: Some(&terminal) };
    first_words(&terminal, begun).await?;
    guard.done();
    Ok(answer(&terminal, true))
}

/// Closes a terminal whose opening was not finished: the caller went away, or it did not begin.
struct Unfinished<'a> {
    helper: &'a Helper,
    terminal: Option<&'a Arc<Terminal>>,
}

impl Unfinished<'_> {
    fn done(mut self) {
        self.terminal = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(terminal) = self.terminal {
            terminal.close();
            self.helper.registry.terminals.remove(&terminal.id);
        }
    }
}

/// The gate: the policy on directory and variables, and the `terminal` setting on the rest.
fn pass(
    helper: &Helper,
    now: &Snapshot,
    principal: &str,
    target: &Target,
    text: &str,
    request: &OpenSession,
) -> Result<Granted, Early> {
    // Everything the request says, but not who agreed to it.
    let bare = OpenSession { consent: Consent::None, confirmation: None, ..request.clone() };
    let whole = frame::encode(&bare).map_err(|error| broken(target, &error.to_string()))?;
    let gate = Gate {
        helper,
        now,
        principal,
        target,
        text,
        state: &ShellState::default(),
        binding: &[b"terminal", &whole],
        consent: request.consent,
        confirmation: request.confirmation.as_ref(),
    };
    let mut judgement = gate.judge();
    match rule(now, target, principal) {
        Rule::Deny => return Err(gate.blocked(&[RULE.into()], denial(target)).into()),
        Rule::Confirm if judgement.verdict == Verdict::Allow => {
            judgement.verdict = Verdict::Confirm;
            judgement.reason = "what is typed into a terminal is not judged".into();
            judgement.rules.insert(0, RULE.into());
        }
        Rule::Confirm | Rule::Allow => {}
    }
    gate.follow(judgement).granted().map(|granted| *granted).map_err(Early)
}

/// How a terminal's shell is started.
struct Start {
    modes: Vec<(Pty, u32)>,
    /// What runs in place of the login shell, and becomes it.
    command: Option<String>,
    begins: Option<First>,
    enrolled: Vec<Enrollment>,
}

impl Start {
    /// The login shell at once where nothing must happen before it.
    fn of(request: &OpenSession, injected: Option<Injected>) -> Result<Self, getrandom::Error> {
        let line = compose::command("", request.cwd.as_ref(), &request.env);
        let mut start =
            Self { modes: vec![(Pty::IUTF8, 1)], command: None, begins: None, enrolled: Vec::new() };
        let begun = Mark::random()?;
        if let Some(injected) = injected {
            let ready = Mark::random()?;
            let (command, answer) = injected.in_terminal(&line, &ready, &begun);
            start.modes.extend(UNSEEN);
            start.command = Some(command);
            start.begins = Some(First::asking(&ready, answer, &begun));
            start.enrolled = injected.enrolled;
        } else if !line.is_empty() {
            let (first, second) = begun.halves();
            let line = format!("{line}printf %s%s {first} {second} && exec \"${{SHELL:-/bin/sh}}\" -l");
            start.command = Some(format!("exec /bin/sh -c {}", quote(&line)));
            start.begins = Some(First::of(&begun));
        }
        Ok(start)
    }
}

async fn first_words(terminal: &Terminal, begun: super::pty::Begun) -> Result<(), Failure> {
    match tokio::time::timeout(FIRST_WORD, begun).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(words))) => {
            let words = String::from_utf8_lossy(words.as_bytes()).trim().replace('\r', "");
            Err(Failure::new(
                ErrorCode::InvalidArgument,
                format!("the terminal's directory or variables could not be set: {words}"),
                "check cwd and env",
            ))
        }
        Ok(Err(_)) | Err(_) => Err(broken(&terminal.target, "it did not begin within 20 seconds")),
    }
}

/// Begins a transcript.
///
/// # Errors
/// When its file cannot be written.
pub fn record(
    helper: &Helper,
    terminal: &Terminal,
) -> Result<crate::session::transcript::tap::Standing, Failure> {
    let about = About {
        session: terminal.id.clone(),
        name: terminal.name.clone().unwrap_or_default(),
        target: terminal.target.label(),
        principal: terminal.owner.principal.to_string(),
    };
    let size = terminal.state().size;
    terminal.tap.record(|| helper.transcripts.begin(&about, size)).map_err(|error| unrecorded(&error))
}

/// The failure of a transcript that cannot be written.
pub fn unrecorded(error: &std::io::Error) -> Failure {
    Failure::new(
        ErrorCode::InternalError,
        format!("a transcript cannot be written: {error}"),
        "free space in the state directory, or go on without a transcript",
    )
}

/// Writes the terminal's end when it comes.
fn follow(helper: Arc<Helper>, terminal: Arc<Terminal>) {
    tokio::spawn(async move {
        terminal.closed().await;
        let (output_bytes, redactions) = terminal.printed();
        let duration_ms = millis(terminal.since.elapsed());
        let ending = Ending { output_bytes, redactions, duration_ms, ..Ending::default() };
        end(&helper, &terminal.id, "closed", ending).await;
    });
}

async fn end(helper: &Helper, id: &str, result: &'static str, ending: Ending) {
    let ending = Ending { id: id.to_owned(), result, ..ending };
    if let Err(error) = helper.audit.ending(&ending).await {
        tracing::error!(%error, "an outcome was not written");
    }
}

fn broken(target: &Target, why: &str) -> Failure {
    Failure::new(
        ErrorCode::SshConnectionFailed,
        format!("no terminal on {}: {why}", target.label()),
        "the account may not be allowed one (PermitTTY, ForceCommand in its sshd_config); ssh_exec needs none",
    )
}

/// An open terminal, as the answer.
pub fn answer(terminal: &Terminal, created: bool) -> Outcome {
    Outcome::Session(reply::Session {
        session: terminal.called().into(),
        created,
        kind: SessionKind::Terminal,
        user: terminal.target.user.as_str().into(),
        host: terminal.target.alias.as_str().into(),
    })
}
