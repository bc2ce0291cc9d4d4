//! Running a tool's command the one way there is, and what all answers of this toolset have in common.

use sallyport_protocol::reply::Outcome;
use sallyport_protocol::{ErrorCode, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::format::{HeadTail, render_pair};
use crate::mcp::answer::{Answer, Status};
use crate::mcp::call::{Call, Handled, Reply};
use crate::mcp::exec::{self, Asked, Settled};

/// Characters of a command's output that are read, at most.
const WHOLE: usize = 400_000;

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
    /// All of its output is read with ssh_output under this id.
    output_id: Option<String>,
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

    /// What clients that show only text see, where that is not what it printed.
    fn text(&self, _: &Self::Fields) -> Option<String> {
        None
    }
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
        Came::Printed { shown, ran, .. } if is_missing(&ran) => Err(Failure::new(
            ErrorCode::UnsupportedOperation,
            format!("{target} has no {}: {}", tool.needs(), shown.trim()),
            "use ssh_exec with what the host has, or have it installed",
        )),
        Came::Printed { out, shown, ran } => {
            let end =
                ran.exit_code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit {code}"));
            let end = format!("[{end}, {} ms]", ran.duration_ms);
            let fields = tool.read(&out, ran);
            let chars = call.answer_chars(None) as usize;
            let text = tool.text(&fields).map_or(shown, |text| clipped(&text, chars));
            Ok(Answer::new(Status::Ok, &fields, format!("{}\n{end}", text.trim_end()).trim_start()).into())
        }
    }
}

/// What came of a command.
pub enum Came {
    /// What it printed, the beginning and end of it as an answer shows them, and how it went.
    Printed { out: String, shown: String, ran: Ran },
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
                let (out, truncated) = written.out.render(WHOLE);
                let chars = call.answer_chars(None) as usize;
                let (mut shown, stderr, _) = render_pair(&written.out, &written.err, chars);
                if !stderr.trim().is_empty() {
                    shown = format!("{}\n[stderr]\n{stderr}", shown.trim_end());
                }
                let ran = Ran {
                    command,
                    exit_code: exited.exit_code,
                    stderr,
                    truncated,
                    duration_ms: exited.duration_ms,
                    redactions: exited.redactions,
                    output_id: Some(exited.job.into_string()).filter(|id| !id.is_empty()),
                };
                Ok(Came::Printed { out, shown, ran })
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

/// The beginning and end of a text.
fn clipped(text: &str, chars: usize) -> String {
    let mut ends = HeadTail::for_chars(chars);
    ends.push(text.as_bytes());
    ends.render(chars).0
}
