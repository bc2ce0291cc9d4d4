//! `sallyport exec`: the same road as `ssh_exec`, for those who run shell
//! commands. Output goes out as it comes.

use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use nix::sys::stat::{SFlag, fstat};
use sallyport_protocol::envelope::Stream;
use sallyport_protocol::reply::{Detach, Event, Exited, NeedsConfirmation, Outcome};
use sallyport_protocol::request::{ActiveKind, Consent, Exec, InputPlan, Place, Request};
use sallyport_protocol::text::{
    CommandText, ConfirmationId, RemotePath, SessionName, TargetName, TextError, UserName,
};
use sallyport_protocol::{ErrorCode, Failure, List};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::signal::unix::{SignalKind, signal};

use super::output::{Problem, for_people, json, unwritable};
use crate::format::readable;
use crate::link::{Broker, Item, Link, Operation};

/// A connection or vault error, as `ssh` exits.
pub const CONNECTION: u8 = 255;
/// Somebody must confirm first.
pub const NEEDS_CONFIRMATION: u8 = 120;
/// The policy refused, as a shell exits for what it may not run.
pub const BLOCKED: u8 = 126;
/// The longest standard input that is passed on.
const LONGEST_INPUT: u64 = 16 * 1024 * 1024;
/// With `--json`, output is gathered; no more of each stream than this.
const GATHERED: usize = 16 * 1024 * 1024;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An alias, user@alias, or [user@]host[:port] with a vault record.
    target: String,
    /// Run it in this open shell session of the target.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Run it through sudo.
    #[arg(long)]
    sudo: bool,
    /// The user sudo runs it as.
    #[arg(long, value_name = "USER", default_value = "root", requires = "sudo")]
    run_as: String,
    /// Run it in this directory.
    #[arg(long, value_name = "DIR")]
    cwd: Option<String>,
    /// Leave standard input alone; otherwise a pipe or file on it is read to its end and passed on.
    #[arg(short = 'n', long)]
    no_stdin: bool,
    /// Seconds until it is stopped; without it there is no limit.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=604_800))]
    timeout: Option<u32>,
    /// The id of a confirmation a person gave for exactly this command.
    #[arg(long, value_name = "ID")]
    confirmation_id: Option<String>,
    /// Print one JSON object instead of the output itself.
    #[arg(long)]
    json: bool,
    /// The command; several words are joined by spaces, as ssh does.
    #[arg(required = true, last = true)]
    command: Vec<String>,
}

impl Args {
    /// Runs the command; its exit code is ours.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let input = if self.no_stdin { None } else { standard_input()? };
        let request = self.request(input.as_deref())?;
        let mut sink = Sink { gather: self.json, out: Vec::new(), err: Vec::new(), cut: false };
        let link = super::link::<Broker>()?;
        if let Some(session) = &self.session {
            at(&link, session, &self.target).await?;
        }
        let mut operation = link.start(Request::Exec(request)).await.map_err(connection)?;
        let outcome = follow(&mut operation, input.as_deref(), &mut sink).await?;
        let (code, problem) = verdict(&outcome);
        if self.json {
            json(&sink.report(&outcome))?;
        } else if let Some(problem) = problem {
            return Err(Problem { failure: problem, code });
        }
        Ok(ExitCode::from(code))
    }

    fn request(&self, input: Option<&[u8]>) -> Result<Exec, Problem> {
        let place = match &self.session {
            Some(session) => Place::Session(SessionName::new(session.as_str()).map_err(usage)?),
            None => Place::Target(TargetName::new(self.target.as_str()).map_err(usage)?),
        };
        Ok(Exec {
            place,
            command: CommandText::new(self.command.join(" ")).map_err(usage)?,
            cwd: self.cwd.clone().map(RemotePath::new).transpose().map_err(usage)?,
            env: List::default(),
            secrets: List::default(),
            input: input
                .map(|bytes| InputPlan { length: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }),
            run_as: if self.sudo { Some(UserName::new(self.run_as.as_str()).map_err(usage)?) } else { None },
            timeout_ms: self.timeout.map_or(u32::MAX, |seconds| seconds * 1000),
            detach_ms: 0,
            background: false,
            consent: Consent::None,
            confirmation: self.confirmation_id.clone().map(ConfirmationId::new).transpose().map_err(usage)?,
        })
    }
}

fn usage(error: TextError) -> Problem {
    Problem::usage(error.to_string(), "see `sallyport exec --help`")
}

fn connection(failure: Failure) -> Problem {
    Problem { failure, code: CONNECTION }
}

/// What a pipe, socket or file on stdin holds. A terminal is left alone: what is
/// typed there is meant for the shell, and a confirmation must cover the input,
/// so all of it has to be known beforehand.
fn standard_input() -> Result<Option<Vec<u8>>, Problem> {
    let stdin = std::io::stdin();
    let kind = fstat(stdin.as_fd()).map(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT);
    if stdin.is_terminal() || !matches!(kind, Ok(SFlag::S_IFREG | SFlag::S_IFIFO | SFlag::S_IFSOCK)) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    stdin.lock().take(LONGEST_INPUT + 1).read_to_end(&mut bytes).map_err(|error| {
        Problem::usage(format!("standard input cannot be read: {error}"), "use -n to leave it alone")
    })?;
    if bytes.len() as u64 > LONGEST_INPUT {
        return Err(Problem::usage(
            format!("standard input is longer than {} MiB", LONGEST_INPUT >> 20),
            "copy it to the host as a file first",
        ));
    }
    Ok((!bytes.is_empty()).then_some(bytes))
}

/// Where the output goes.
struct Sink {
    gather: bool,
    out: Vec<u8>,
    err: Vec<u8>,
    cut: bool,
}

impl Sink {
    fn take(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), Problem> {
        if self.gather {
            let kept = match stream {
                Stream::Output => &mut self.out,
                Stream::ErrorOutput => &mut self.err,
            };
            let room = bytes.len().min(GATHERED - kept.len());
            kept.extend_from_slice(&bytes[..room]);
            self.cut |= room < bytes.len();
            return Ok(());
        }
        let written = match stream {
            Stream::Output => write(&mut std::io::stdout().lock(), bytes),
            Stream::ErrorOutput => write(&mut std::io::stderr().lock(), bytes),
        };
        written.map_err(|error| Problem { code: CONNECTION, ..unwritable(&error) })
    }

    fn report(&self, outcome: &Outcome) -> serde_json::Value {
        let mut report = outcome_json(outcome);
        if let Some(fields) = report.as_object_mut() {
            fields.insert("stdout".into(), readable(&self.out).into());
            fields.insert("stderr".into(), readable(&self.err).into());
            fields.insert("truncated".into(), self.cut.into());
        }
        report
    }
}

fn write(to: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// Whether a session is where it is said to be: it keeps its own place, whatever is said. One that is not open is told
/// of by the helper.
async fn at(link: &Link<Broker>, session: &str, target: &str) -> Result<(), Problem> {
    let listing = Request::ListActive { kind: Some(ActiveKind::Session) };
    let mut operation = link.start(listing).await.map_err(connection)?;
    loop {
        let entry = match operation.next().await.map_err(connection)? {
            Item::Event(Event::Active(entry)) => entry,
            Item::Done(_) => return Ok(()),
            _ => continue,
        };
        let place = entry.target.as_str();
        let alias = place.split_once('@').map_or(place, |(_, alias)| alias);
        let named = entry.id.as_str() == session || entry.detail.as_str() == session;
        if named && target != place && target != alias {
            return Err(Problem::usage(
                format!("the session {session} is on {place}, not on {target}"),
                format!("for that session: sallyport exec {alias} --session {session} -- COMMAND"),
            ));
        }
    }
}

/// Follows the command to its end. The first interrupt stops the remote
/// command, a second one leaves at once.
async fn follow(
    operation: &mut Operation<Broker>,
    input: Option<&[u8]>,
    sink: &mut Sink,
) -> Result<Outcome, Problem> {
    let broken = |error: std::io::Error| connection(crate::link::unavailable(error.to_string(), "try again"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(broken)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(broken)?;
    let feed = operation.input();
    let mut feeding = std::pin::pin!(async {
        if let Some(bytes) = input {
            feed.send_all(bytes).await;
        }
    });
    let mut fed = input.is_none();
    let mut stopping = false;
    let mut job = None;
    loop {
        tokio::select! {
            item = operation.next() => match item.map_err(|failure| connection(named(failure, job.as_deref())))? {
                Item::Data(stream, bytes) => sink.take(stream, &bytes)?,
                Item::Event(Event::Started { job: id }) => job = Some(id.into_string()),
                Item::Event(_) => {}
                Item::Done(outcome) => return Ok(outcome),
            },
            () = &mut feeding, if !fed => fed = true,
            _ = interrupt.recv() => {
                if stopping {
                    return Err(connection(interrupted()));
                }
                stopping = true;
                operation.cancel();
            }
            _ = terminate.recv() => {
                operation.cancel();
                return Err(connection(interrupted()));
            }
        }
    }
}

fn named(mut failure: Failure, job: Option<&str>) -> Failure {
    if let Some(job) = job {
        failure.message = format!("{} (job {job})", failure.message).into();
    }
    failure
}

fn interrupted() -> Failure {
    Failure::new(ErrorCode::InternalError, "interrupted; the remote command was told to stop", "")
}

/// The exit code of an outcome, and what to say about it.
pub fn verdict(outcome: &Outcome) -> (u8, Option<Failure>) {
    match outcome {
        Outcome::Exited(Exited { exit_code: Some(code), .. }) => {
            (u8::try_from(code & 0xff).unwrap_or(CONNECTION), None)
        }
        Outcome::Exited(exited) => {
            let signal = exited.signal.as_str();
            let what = if signal.is_empty() {
                "the command ended without an exit code".to_owned()
            } else {
                format!("the command was ended by SIG{signal}")
            };
            (CONNECTION, Some(Failure::new(ErrorCode::SshConnectionFailed, what, "")))
        }
        Outcome::NeedsConfirmation(needs) => (NEEDS_CONFIRMATION, Some(unconfirmed(needs))),
        Outcome::Blocked { failure, .. } => (BLOCKED, Some(failure.clone())),
        Outcome::Failed(failure) if failure.code == ErrorCode::InvalidArgument => {
            (super::output::USAGE, Some(failure.clone()))
        }
        Outcome::Failed(failure) => (CONNECTION, Some(failure.clone())),
        Outcome::Detached { reason, .. } => (CONNECTION, Some(detached(*reason))),
        Outcome::Cancelled { gone } => {
            let what = if *gone {
                "the command was stopped"
            } else {
                "the command was told to stop; it may still run"
            };
            (CONNECTION, Some(Failure::new(ErrorCode::InternalError, what, "")))
        }
        _ => (
            CONNECTION,
            Some(Failure::new(ErrorCode::InternalError, "the vault helper gave a strange answer", "")),
        ),
    }
}

/// The problem of a request that a person must agree to.
pub fn unconfirmed(needs: &NeedsConfirmation) -> Failure {
    let id = needs.id.as_str();
    Failure::new(
        ErrorCode::ConfirmationUnavailable,
        format!("this needs a person's confirmation ({id}): {}", needs.reason),
        format!("run `sallyport approve {id}`, then the same command with `--confirmation-id {id}`"),
    )
}

/// The command would go on as a job, but belongs to this process and ends with it.
fn detached(reason: Detach) -> Failure {
    let what = match reason {
        Detach::Timeout => "the time is over",
        Detach::Background | Detach::Patience => "the call ended before the command",
    };
    Failure::new(
        ErrorCode::SshConnectionFailed,
        format!("{what}; the command is told to stop"),
        "give it a longer --timeout",
    )
}

/// An outcome with the fields and words of the MCP tool.
pub fn outcome_json(outcome: &Outcome) -> serde_json::Value {
    let failed = |status: &str, failure: &Failure| {
        json!({
            "status": status,
            "code": failure.code.as_str(),
            "message": failure.message.as_str(),
            "hint": for_people(failure.hint.as_str()),
            "retryable": failure.retryable,
        })
    };
    let filled =
        |text: &sallyport_protocol::Text| Some(text.as_str().to_owned()).filter(|text| !text.is_empty());
    match outcome {
        Outcome::Exited(exited) => json!({
            "status": "ok",
            "exit_code": exited.exit_code,
            "signal": filled(&exited.signal),
            "duration_ms": exited.duration_ms,
            "cwd": filled(&exited.cwd),
            "output_id": filled(&exited.job),
            "redactions": exited.redactions,
        }),
        Outcome::NeedsConfirmation(needs) => json!({
            "status": "needs_confirmation",
            "confirmation": {
                "id": needs.id.as_str(),
                "reason": needs.reason.as_str(),
                "rules": needs.rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(),
                "expires_in_s": needs.expires_in_s,
                "how": unconfirmed(needs).hint.as_str(),
            },
        }),
        Outcome::Blocked { failure, rules } => {
            let mut report = failed("blocked", failure);
            report["rules"] = rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>().into();
            report
        }
        Outcome::Detached { job, reason, duration_ms, redactions } => json!({
            "status": if *reason == Detach::Timeout { "timeout" } else { "running" },
            "job_id": job.as_str(),
            "duration_ms": duration_ms,
            "redactions": redactions,
        }),
        outcome => match verdict(outcome).1 {
            Some(failure) => failed("error", &failure),
            None => json!({ "status": "ok" }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(exit_code: Option<i32>, signal: &str) -> Outcome {
        Outcome::Exited(Exited {
            exit_code,
            signal: signal.into(),
            duration_ms: 1,
            cwd: "".into(),
            session_ended: "".into(),
            job: "j1".into(),
            redactions: 0,
        })
    }

    #[test]
    fn the_remote_exit_code_is_ours_and_a_signal_is_a_connection_error() {
        assert_eq!(verdict(&exited(Some(0), "")), (0, None));
        assert_eq!(verdict(&exited(Some(200), "")), (200, None));
        assert_eq!(verdict(&exited(None, "KILL")).0, CONNECTION);
    }

    #[test]
    fn refusals_have_exit_codes_of_their_own() {
        let failure = |code| Failure::new(code, "no", "");
        let blocked = Outcome::Blocked { failure: failure(ErrorCode::PolicyBlocked), rules: List::default() };
        assert_eq!(verdict(&blocked).0, 126);
        assert_eq!(verdict(&Outcome::Failed(failure(ErrorCode::VaultLocked))).0, 255);
        assert_eq!(verdict(&Outcome::Failed(failure(ErrorCode::InvalidArgument))).0, 2);
    }

    #[test]
    fn a_needed_confirmation_says_how_it_is_given() {
        let needs = NeedsConfirmation {
            id: "c9".into(),
            reason: "deletes a tree".into(),
            rules: List::default(),
            expires_in_s: 120,
            who: sallyport_protocol::reply::Confirmer::Operator,
        };
        let (code, failure) = verdict(&Outcome::NeedsConfirmation(needs));
        assert_eq!(code, 120);
        insta::assert_snapshot!(connection(failure.unwrap()).text(), @r"
        sallyport: this needs a person's confirmation (c9): deletes a tree
        hint: run `sallyport approve c9`, then the same command with `--confirmation-id c9`
        ");
    }

    #[test]
    fn gathered_output_is_bounded() {
        let mut sink = Sink { gather: true, out: vec![b'x'; GATHERED - 1], err: Vec::new(), cut: false };
        assert!(sink.take(Stream::Output, b"yz").is_ok());
        assert_eq!((sink.out.len(), sink.cut), (GATHERED, true));
    }
}
