//! From the sent words to the start of the command: wait for the question or the mark, answer the question once.

use std::time::Duration;

use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::mpsc;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::Elevation;
use super::stop::Supervisor;
use super::talk::{Heard, Signs, Talk, refusal};
use super::text;
use super::tool::Tool;
use crate::redact::Enrollment;
use crate::session::compose;
use crate::session::job::Stop;
use crate::ssh::transport::Lease;

/// The time sudo has for each step. PAM modules wait for the network, and after a wrong password for seconds.
const STEP: Duration = Duration::from_secs(30);
/// The time sudo has to end when it was told that nothing more comes.
const END: Duration = Duration::from_secs(5);
/// Output before the start that is kept; more is not sudo's.
const MOST_OUTPUT: usize = 64 * 1024;

/// A command that has started.
pub struct Begun {
    /// Standard output so far (what login scripts printed).
    pub output: Vec<u8>,
    /// Standard error behind the start.
    pub error: Vec<u8>,
    /// What runs it, to be signalled through sudo.
    pub supervisor: Option<Supervisor>,
    /// Keeps the password masked.
    pub enrolled: Vec<Enrollment>,
}

impl Elevation {
    /// Runs the words on a fresh channel up to the command's start.
    ///
    /// # Errors
    /// Why the command did not start; nothing was run then.
    pub async fn begin(
        &self,
        read: &mut ChannelReadHalf,
        write: &ChannelWriteHalf<Msg>,
        lease: &Lease,
        command: &str,
        stops: &mut mpsc::Receiver<Stop>,
    ) -> Result<Begun, Failure> {
        let tool = Tool::find(lease, &self.label).await?;
        let signs = Signs::random().map_err(|error| {
            Failure::new(ErrorCode::InternalError, format!("no random bytes: {error}"), "try again")
        })?;
        let sent =
            compose::for_login_shell(&text::sent(tool, &self.run_as, command, &signs), lease.login_shell());
        let lost = |why: &str| {
            Failure::new(
                ErrorCode::SshConnectionFailed,
                format!(
                    "{} ended before the command was started: {}",
                    self.label,
                    lease.lost_text(why).as_str()
                ),
                "nothing was run; try again",
            )
        };
        if let Err(error) = write.exec(true, sent).await {
            return Err(lost(&error.to_string()));
        }
        let mut talk = Talk::new(&signs);
        let (mut output, mut enrolled) = (Vec::new(), Vec::new());
        let (mut given, mut told): (bool, Option<Failure>) = (false, None);
        let mut due = Instant::now() + STEP;
        loop {
            let message = tokio::select! {
                message = read.wait() => message,
                Some(_) = stops.recv() => return Err(stopped()),
                () = tokio::time::sleep_until(due) => {
                    let failure = told.unwrap_or_else(|| silent(tool.name(), &self.label, &lease.redact(&talk.words())));
                    return Err(failure);
                }
            };
            match message {
                Some(ChannelMsg::Data { data }) => {
                    output.extend_from_slice(&data);
                    if output.len() > MOST_OUTPUT {
                        return Err(silent(
                            tool.name(),
                            &self.label,
                            &lease.redact("more output than sudo has"),
                        ));
                    }
                }
                Some(ChannelMsg::ExtendedData { data, ext: 1 }) => match talk.hear(&data) {
                    Heard::Nothing => {}
                    Heard::Question(1) => match self.password().await {
                        Ok((password, enrollments)) => {
                            enrolled = enrollments;
                            let mut line = Zeroizing::new(Vec::with_capacity(password.expose().len() + 1));
                            line.extend_from_slice(password.expose());
                            line.push(b'\n');
                            given = true;
                            due = Instant::now() + STEP;
                            if let Err(error) = write.data_bytes(line.to_vec()).await {
                                return Err(lost(&error.to_string()));
                            }
                        }
                        Err(failure) => {
                            told = Some(failure);
                            due = Instant::now() + END;
                            // End of input is sudo's sign that nobody answers.
                            let _ = write.eof().await;
                        }
                    },
                    Heard::Question(_) => {
                        told = Some(refusal(tool.name(), &self.label, &self.slug.to_string(), "", true));
                        due = Instant::now() + END;
                        let _ = write.eof().await;
                    }
                    Heard::Started(pid, error) => {
                        let supervisor = pid.map(|pid| Supervisor { pid, mark: signs.mark.clone() });
                        return Ok(Begun { output, error, supervisor, enrolled });
                    }
                    Heard::Flood => {
                        return Err(silent(
                            tool.name(),
                            &self.label,
                            &lease.redact("more output than sudo has"),
                        ));
                    }
                },
                Some(ChannelMsg::Failure) => return Err(lost("the host refused to run the command")),
                Some(ChannelMsg::Close) | None => {
                    if let (None, Some(why)) = (&told, lease.transport().closed()) {
                        return Err(lost(&why));
                    }
                    let words = lease.redact(&talk.words());
                    return Err(told.unwrap_or_else(|| {
                        refusal(tool.name(), &self.label, &self.slug.to_string(), words.as_str(), given)
                    }));
                }
                Some(_) => {}
            }
        }
    }
}

fn stopped() -> Failure {
    Failure::new(ErrorCode::InternalError, "stopped before the command was started", "nothing was run")
}

/// It neither asked with our prompt nor ran the command: a second factor, or a module that waits.
fn silent(name: &str, label: &str, words: &crate::redact::CleanText) -> Failure {
    let said =
        if words.as_str().is_empty() { String::new() } else { format!("; it said: {}", words.as_str()) };
    Failure::new(
        ErrorCode::MfaRequired,
        format!("{name} on {label} neither asked for the password nor ran the command{said}"),
        "it may want a second factor, which only a person can give; the account needs a rule without it",
    )
}
