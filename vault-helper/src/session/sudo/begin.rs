//! From the sent words to the start of the command: wait for the question or the mark, answer the question once.

use std::time::Duration;

use russh::Pty;
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Elevation;
use super::stop::Supervisor;
use super::talk::{self, Heard, Signs, Talk, refusal};
use super::text::{self, Errand, Stage};
use super::tool::Tool;
use crate::harden::memory::secretly;
use crate::redact::Enrollment;
use crate::session::compose;
use crate::session::job::Stop;
use crate::session::secrets::UNSEEN;
use crate::ssh::channel::{Channel, ChannelMsg, ReadHalf, WriteHalf};
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

/// Why a command did not start.
pub enum NotBegun {
    /// sudo runs on a terminal only there. It gets one from now on, on other channels.
    WantsTerminal(Failure),
    /// It would ask for a password, and was told not to ([`Errand::Look`]).
    WouldAsk(Failure),
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for NotBegun {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A terminal that changes and shows nothing of what goes through it, and does not look like one to draw on.
const TERM: &str = "dumb";
const SIZE: (u32, u32) = (120, 40);
const AS_IT_IS: [(Pty, u32); 4] = [(Pty::OPOST, 0), (Pty::IEXTEN, 0), (Pty::INLCR, 0), (Pty::ISTRIP, 0)];

/// What is said of a command that ran on one.
const ON_TERMINAL: &str =
    "sallyport: sudo runs on a terminal only there (requiretty), so errors are part of the output\n";

impl Elevation {
    /// Runs the words on a channel up to the command's start; where sudo turns out to want a terminal, on another
    /// channel in the place of this one.
    ///
    /// # Errors
    /// Why the command did not start; nothing was run then, and no channel is left.
    pub async fn start(
        &self,
        mut channel: Channel,
        lease: &Lease,
        errand: Errand<'_>,
        stops: &mut mpsc::Receiver<Stop>,
    ) -> Result<(ReadHalf, WriteHalf, Begun), Failure> {
        loop {
            let (mut read, write) = channel.split();
            let why = match self.begin(&mut read, &write, lease, errand, stops).await {
                Ok(begun) => return Ok((read, write, begun)),
                Err(why) => why,
            };
            drop(read);
            let _ = write.close().await;
            channel = match why {
                NotBegun::Failed(failure) | NotBegun::WouldAsk(failure) => return Err(failure),
                // Once: on a terminal it can want nothing of the kind.
                NotBegun::WantsTerminal(failure) => {
                    lease.transport().open_session().await.map_err(|_| failure)?
                }
            };
        }
    }

    /// Runs the words on a fresh channel up to the command's start, or to sudo's end where there is no command.
    ///
    /// # Errors
    /// Why the command did not start; nothing was run then.
    pub async fn begin(
        &self,
        read: &mut ReadHalf,
        write: &WriteHalf,
        lease: &Lease,
        errand: Errand<'_>,
        stops: &mut mpsc::Receiver<Stop>,
    ) -> Result<Begun, NotBegun> {
        let tool = Tool::find(lease, &self.label).await?;
        let signs = Signs::random().map_err(|error| {
            Failure::new(ErrorCode::InternalError, format!("no random bytes: {error}"), "try again")
        })?;
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
        let flood = || silent(tool.name(), &self.label, &lease.redact("more output than sudo has"));
        let stage = match lease.transport().wants_terminal.get() {
            None => Stage::Pipes,
            Some(()) => Stage::Terminal,
        };
        let sent = text::sent(tool, &self.run_as, errand, &signs, stage);
        let asked = async {
            if stage != Stage::Pipes {
                // Nothing typed is shown, not even before sudo itself sees to that.
                let modes = [UNSEEN.as_slice(), &AS_IT_IS].concat();
                write.request_pty(TERM, SIZE, &modes).await?;
            }
            write.exec(compose::for_login_shell(&sent, lease.login_shell())).await
        };
        asked.await.map_err(|error| lost(&error.to_string()))?;
        let mut talk = Talk::new(&signs);
        let (mut output, mut enrolled) = (Vec::new(), Vec::new());
        let (mut given, mut told): (bool, Option<Failure>) = (false, None);
        let mut due = Instant::now() + STEP;
        loop {
            let message = tokio::select! {
                message = read.wait() => message,
                Some(_) = stops.recv() => return Err(stopped().into()),
                () = tokio::time::sleep_until(due) => {
                    let failure = told.unwrap_or_else(|| silent(tool.name(), &self.label, &lease.redact(&talk.words())));
                    return Err(failure.into());
                }
            };
            let heard = match message {
                Some(ChannelMsg::Data { data }) if stage == Stage::Pipes => {
                    output.extend_from_slice(&data);
                    if output.len() > MOST_OUTPUT {
                        return Err(flood().into());
                    }
                    continue;
                }
                Some(ChannelMsg::Data { data } | ChannelMsg::Errors { data }) => talk.hear(&data),
                Some(ChannelMsg::Failure) if stage != Stage::Pipes => {
                    let words = "it must have a tty, and the host gives none";
                    return Err(refusal(tool.name(), &self.label, "", words, false).into());
                }
                Some(ChannelMsg::Failure) => return Err(lost("the host refused to run the command").into()),
                Some(ChannelMsg::Close) | None => {
                    if let (None, Some(why)) = (&told, lease.transport().closed()) {
                        return Err(lost(&why).into());
                    }
                    let words = lease.redact(&talk.words());
                    let failure = told.unwrap_or_else(|| {
                        refusal(tool.name(), &self.label, &self.slug.to_string(), words.as_str(), given)
                    });
                    // It says so before it asks for anything.
                    if stage == Stage::Pipes && !talk.asked() && talk::wants_terminal(words.as_str()) {
                        lease.transport().wants_terminal.get_or_init(|| ());
                        return Err(NotBegun::WantsTerminal(failure));
                    }
                    if matches!(errand, Errand::Look) && !talk::is_refusal(words.as_str()) {
                        return Err(NotBegun::WouldAsk(failure));
                    }
                    return Err(failure.into());
                }
                Some(_) => continue,
            };
            let refused = match heard {
                Heard::Nothing => continue,
                Heard::Question(1) => match self.password().await {
                    Ok((password, enrollments)) => {
                        enrolled = enrollments;
                        let line = secretly(|| [password.expose(), b"\n"].concat());
                        given = true;
                        due = Instant::now() + STEP;
                        write.data_bytes(line).await.map_err(|error| lost(&error.to_string()))?;
                        continue;
                    }
                    Err(failure) => failure,
                },
                Heard::Question(_) => refusal(tool.name(), &self.label, &self.slug.to_string(), "", true),
                Heard::Started(pid, behind) => {
                    if matches!(errand, Errand::Run { .. }) {
                        write.data_bytes(text::go(&signs)).await.map_err(|error| lost(&error.to_string()))?;
                    }
                    let supervisor = pid.map(|pid| Supervisor { pid, mark: signs.mark.clone() });
                    let (output, error) = match stage {
                        Stage::Pipes => (output, behind),
                        Stage::Terminal => (behind, ON_TERMINAL.into()),
                    };
                    return Ok(Begun { output, error, supervisor, enrolled });
                }
                Heard::Flood => return Err(flood().into()),
            };
            if stage != Stage::Pipes {
                // A terminal has no end of input; sudo ends with it, when the channel is closed.
                return Err(refused.into());
            }
            told = Some(refused);
            due = Instant::now() + END;
            // End of input is sudo's sign that nobody answers.
            let _ = write.eof().await;
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
