//! What a command's call answers: its fields and their text.

use sallyport_protocol::Failure;
use sallyport_protocol::reply::{Detach, Exited, Outcome};
use schemars::JsonSchema;
use serde::Serialize;

use crate::format::{HeadTail, render_pair};
use crate::mcp::answer::{Answer, Status, misplaced};
use crate::mcp::confirm;

/// The answer's own fields.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Fields {
    /// The command's exit code; null when a signal ended it or it still runs.
    exit_code: Option<i32>,
    /// The signal that ended it, without SIG.
    signal: Option<String>,
    /// Its standard output, redacted.
    stdout: String,
    /// Its standard error, redacted.
    stderr: String,
    /// Whether output was left out here.
    truncated: bool,
    /// Read all of the output with ssh_output under this id.
    output_id: Option<String>,
    /// How long it ran.
    duration_ms: u64,
    /// The session's directory afterwards.
    cwd: Option<String>,
    /// The job that goes on, when it still runs.
    job_id: Option<String>,
    /// How many secrets were masked.
    redactions: u64,
    /// Why the session ended with this command, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_ended: Option<String>,
}

/// The fields of a refusal.
#[derive(Debug, Serialize)]
struct Refusal {
    rules: Vec<String>,
}

/// What a command wrote, its beginning and end.
pub struct Written {
    /// Its standard output.
    pub out: HeadTail,
    /// Its standard error.
    pub err: HeadTail,
}

impl Written {
    /// Nothing yet; keeps enough for an answer of `chars` characters.
    pub fn for_chars(chars: usize) -> Self {
        Self { out: HeadTail::for_chars(chars), err: HeadTail::for_chars(chars) }
    }
}

pub fn answer(outcome: Outcome, written: &Written, chars: usize) -> Result<Answer, Failure> {
    let (stdout, stderr, truncated) = render_pair(&written.out, &written.err, chars);
    let output = Fields { stdout, stderr, truncated, ..Fields::default() };
    match outcome {
        Outcome::Exited(exited) => Ok(ended(exited, output)),
        Outcome::Detached { job, reason, duration_ms, redactions } => {
            let status = match reason {
                Detach::Timeout => Status::Timeout,
                Detach::Background | Detach::Patience => Status::Running,
            };
            let job = job.into_string();
            let fields =
                Fields { output_id: Some(job.clone()), job_id: Some(job), duration_ms, redactions, ..output };
            let text = text(&fields, status);
            Ok(Answer::new(status, &fields, text))
        }
        Outcome::NeedsConfirmation(_) => Err(confirm::does_not_count()),
        Outcome::Blocked { failure, rules } => {
            let rules = rules.iter().map(|rule| rule.as_str().to_owned()).collect();
            Ok(Answer::blocked(failure, &Refusal { rules }))
        }
        Outcome::Failed(failure) => Err(failure),
        _ => Err(misplaced("ssh_exec")),
    }
}

fn ended(exited: Exited, output: Fields) -> Answer {
    let filled = |text: sallyport_protocol::Text| Some(text.into_string()).filter(|text| !text.is_empty());
    let fields = Fields {
        exit_code: exited.exit_code,
        signal: filled(exited.signal),
        output_id: filled(exited.job),
        duration_ms: exited.duration_ms,
        cwd: filled(exited.cwd),
        redactions: exited.redactions,
        session_ended: filled(exited.session_ended),
        ..output
    };
    let text = text(&fields, Status::Ok);
    Answer::new(Status::Ok, &fields, text)
}

/// The rendering for clients that show only text.
fn text(fields: &Fields, status: Status) -> String {
    let mut text = fields.stdout.clone();
    let fresh_line = |text: &mut String| {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    };
    if !fields.stderr.is_empty() {
        fresh_line(&mut text);
        text.push_str("[stderr]\n");
        text.push_str(&fields.stderr);
    }
    fresh_line(&mut text);
    let mut notes = vec![match (status, fields.exit_code, &fields.signal) {
        (Status::Timeout, ..) => "timed out and goes on".to_owned(),
        (Status::Running, ..) => "still running".to_owned(),
        (_, Some(code), _) => format!("exit {code}"),
        (_, None, Some(signal)) => format!("ended by SIG{signal}"),
        (_, None, None) => "ended, exit code unknown".to_owned(),
    }];
    notes.push(format!("{} ms", fields.duration_ms));
    if let Some(cwd) = &fields.cwd {
        notes.push(format!("in {cwd}"));
    }
    if fields.redactions > 0 {
        notes.push(format!("{} secrets masked", fields.redactions));
    }
    if let Some(job) = &fields.job_id {
        notes.push(format!("follow with ssh_output id={job}, stop with ssh_stop id={job}"));
    } else if let (true, Some(id)) = (fields.truncated, &fields.output_id) {
        notes.push(format!("all of it with ssh_output id={id}"));
    }
    if let Some(reason) = &fields.session_ended {
        notes.push(format!("the session ended: {reason}"));
    }
    format!("{text}[{}]", notes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_tells_what_the_fields_tell() {
        let fields = Fields {
            exit_code: Some(3),
            stdout: "out".into(),
            stderr: "err\n".into(),
            truncated: true,
            output_id: Some("j7".into()),
            duration_ms: 12,
            cwd: Some("/srv".into()),
            redactions: 1,
            ..Fields::default()
        };
        insta::assert_snapshot!(text(&fields, Status::Ok), @r"
        out
        [stderr]
        err
        [exit 3, 12 ms, in /srv, 1 secrets masked, all of it with ssh_output id=j7]
        ");
        let running = Fields { job_id: Some("j8".into()), duration_ms: 60_000, ..Fields::default() };
        insta::assert_snapshot!(
            text(&running, Status::Timeout),
            @"[timed out and goes on, 60000 ms, follow with ssh_output id=j8, stop with ssh_stop id=j8]"
        );
        let killed = Fields { signal: Some("KILL".into()), ..Fields::default() };
        assert_eq!(text(&killed, Status::Ok), "[ended by SIGKILL, 0 ms]");
    }
}
