//! What the engine answers: the judgement, its JSON report, and its rendering for people.

mod explain;

use serde::Serialize;

use crate::state::ShellState;
use crate::verdict::{Mode, Verdict};

/// One command that would run (or one part that could not be read), with its own verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// The source text the segment stands in.
    pub text: String,
    /// The words that would run, quotes and known variables resolved. A word known only at run time is shown as
    /// it was written.
    pub argv: Vec<String>,
    /// This segment's verdict.
    pub verdict: Verdict,
    /// The rule that gave the verdict; none for a plain allow.
    pub rule: Option<String>,
    /// Byte offsets of `text` in the judged command. Code inside a quoted argument has the span of that argument.
    pub span: (usize, usize),
}

/// The engine's answer for one command.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The strictest verdict of all segments.
    pub verdict: Verdict,
    /// The mode it was judged in.
    pub mode: Mode,
    /// One sentence for people: why.
    pub reason: String,
    /// Identifiers of the rules behind the verdict, without repeats, strictest first.
    pub rules: Vec<String>,
    /// Every command that would run, in source order.
    pub segments: Vec<Segment>,
    /// What the shell knows once the command has run. Keep it only if the command was really sent.
    pub next: ShellState,
}

/// The JSON form of a judgement (`policy check --json`, `ssh_check_command`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The command as given.
    pub command: String,
    /// See [`Judgement::verdict`].
    pub verdict: Verdict,
    /// See [`Judgement::mode`].
    pub mode: Mode,
    /// The host's alias; null when none was named.
    pub host: Option<String>,
    /// See [`Judgement::reason`].
    pub reason: String,
    /// See [`Judgement::rules`].
    pub rules: Vec<String>,
    /// See [`Judgement::segments`].
    pub segments: Vec<Segment>,
    /// The policy's digest in lower-case hexadecimal.
    pub policy_digest: String,
}

impl Report {
    /// Builds the report of `judgement` for `command` on `host` under the policy with this digest.
    #[must_use]
    pub fn new(command: &str, host: Option<&str>, judgement: Judgement, digest: &[u8; 32]) -> Self {
        Self {
            command: command.to_owned(),
            verdict: judgement.verdict,
            mode: judgement.mode,
            host: host.map(str::to_owned),
            reason: judgement.reason,
            rules: judgement.rules,
            segments: judgement.segments,
            policy_digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}
