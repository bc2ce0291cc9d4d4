//! Running a tool's command the one way there is, and what all answers of this toolset have in common.

use sallyport_protocol::reply::Outcome;
use sallyport_protocol::{ErrorCode, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::mcp::answer::{Answer, Status};
use crate::mcp::call::{Call, Handled, Reply};
use crate::mcp::exec::{self, Asked, Settled};

/// Characters of a command's output that are read, at most.
const WHOLE: usize = 400_000;

/// Root, where a tool's `sudo` says so.
pub fn root(sudo: bool) -> Option<String> {
    sudo.then(|| "root".to_owned())
}

/// How a tool's command went.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Ran {
    /// The command that ran.
    command: String,
    /// Its exit code; null when a signal ended it.
    pub exit_code: Option<i32>,
    /// Its standard error, redacted.
    pub stderr: String,
    /// Whether output is missing from what was read.
    pub truncated: bool,
    /// How long it ran.
    duration_ms: u64,
    /// How many secrets were masked.
    redactions: u64,
}

/// A tool: arguments that make a command, and what its output says.
pub trait Tool {
    /// The answer's own fields.
    type Fields: Serialize;

    /// Where and how.
    fn asked(&self) -> Asked;

    /// The command.
    ///
    /// # Errors
    /// `invalid_argument` for arguments that make none.
    fn command(&self) -> Result<String, Failure>;

    /// What it takes, for hosts that do not have it.
    fn needs(&self) -> &'static str;

    /// What it printed. Whatever cannot be read is left out: the host may print anything.
    fn read(&self, out: &str, ran: Ran) -> Self::Fields;
}

/// Handles a call of a tool.
pub async fn handle<T: Tool + DeserializeOwned>(call: &Call) -> Handled {
    perform(call, &call.arguments::<T>()?).await
}

/// Runs a tool's command and answers with what it says.
///
/// # Errors
/// As `ssh_exec`; `unsupported_operation` where the host has no such program.
pub async fn perform<T: Tool>(call: &Call, tool: &T) -> Handled {
    let asked = tool.asked();
    let target = asked.target.clone();
    match run(call, asked, tool.command()?).await? {
        Came::Reply(reply) => Ok(reply),
        Came::Printed(out, ran) if is_missing(&ran) => Err(Failure::new(
            ErrorCode::UnsupportedOperation,
            format!("{target} has no {}: {}", tool.needs(), out_or(&ran.stderr, &out)),
            "use ssh_exec with what the host has, or have it installed",
        )),
        Came::Printed(out, ran) => {
            let text = text(&out, &ran);
            Ok(Answer::new(Status::Ok, &tool.read(&out, ran), text).into())
        }
    }
}

/// What came of a command.
pub enum Came {
    /// What it printed, and how it went.
    Printed(String, Ran),
    /// It did not run to its end: this is the answer.
    Reply(Reply),
}

/// Runs a command as `ssh_exec` and `ssh_sudo_exec` do.
///
/// # Errors
/// As theirs.
pub async fn run(call: &Call, asked: Asked, command: String) -> Result<Came, Failure> {
    let args = exec::Args::composed(command.clone(), asked);
    match exec::settle(call, &args, WHOLE).await? {
        Settled::Reply(reply) => Ok(Came::Reply(reply)),
        Settled::Ran(outcome, written) => match *outcome {
            Outcome::Exited(exited) => {
                let ((out, cut), (stderr, err_cut)) = (written.out.render(WHOLE), written.err.render(WHOLE));
                let ran = Ran {
                    command,
                    exit_code: exited.exit_code,
                    stderr,
                    truncated: cut || err_cut,
                    duration_ms: exited.duration_ms,
                    redactions: exited.redactions,
                };
                Ok(Came::Printed(out, ran))
            }
            other => exec::answer(other, &written, call.answer_chars(None) as usize)
                .map(|answer| Came::Reply(answer.into())),
        },
    }
}

/// Whether the shell, or sudo, found no such program.
fn is_missing(ran: &Ran) -> bool {
    ran.exit_code == Some(127) || ran.exit_code == Some(1) && ran.stderr.contains(": command not found")
}

fn out_or<'a>(first: &'a str, second: &'a str) -> &'a str {
    let first = first.trim();
    if first.is_empty() { second.trim() } else { first }
}

/// What clients that show only text see: what was printed, and how it ended.
fn text(out: &str, ran: &Ran) -> String {
    let mut text = out.trim_end().to_owned();
    if !ran.stderr.trim().is_empty() {
        text.push_str("\n[stderr]\n");
        text.push_str(ran.stderr.trim_end());
    }
    let code = ran.exit_code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit {code}"));
    format!("{text}\n[{code}, {} ms]", ran.duration_ms).trim_start().to_owned()
}
