//! `host test`: the steps of a login, one after the other, until one fails.

use std::sync::Mutex;
use std::time::Duration;

use sallyport_protocol::admin::AdminOutcome;
use sallyport_protocol::person::{StepEntry, Tell};
use sallyport_protocol::text::TargetName;
use sallyport_protocol::{ErrorCode, Failure};

use super::tell;
use crate::guard::target;
use crate::serve::admin::Answer;
use crate::serve::connection::Operation;
use crate::ssh::channel::ChannelMsg;
use crate::ssh::course::{Course, Milestone};
use crate::ssh::pool::{Traffic, through_jumps};
use crate::ssh::process::Shared;
use crate::ssh::transport::Transport;

/// How long the shell has for its answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the shell is asked; our own words, so that no policy need judge them.
const COMMAND: &str = "echo sallyport";

/// Tells each step as it is done.
struct Walk<'a> {
    op: &'a Operation,
    last: Mutex<Option<Milestone>>,
}

impl Walk<'_> {
    fn step(&self, milestone: Milestone, done: bool, text: String) {
        let entry = StepEntry { name: milestone.name().into(), done, text: text.into() };
        tell(self.op, Tell::Step(entry));
    }

    /// The first step that is not done yet.
    fn next(&self) -> Milestone {
        let last = *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut open = Milestone::ALL.into_iter().filter(|milestone| Some(*milestone) > last);
        open.next().unwrap_or(Milestone::Shell)
    }
}

impl Course for Walk<'_> {
    fn reached(&self, milestone: Milestone, text: String) {
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(milestone);
        self.step(milestone, true, text);
    }

    fn waits(&self, why: Option<Failure>) {
        if let Some(why) = why {
            self.step(Milestone::Login, true, format!("{}; {}", why.message, why.hint));
        }
    }
}

/// Logs in to a host as nobody did before: no transport that is open already is used.
///
/// # Errors
/// What the step that failed says; the step is told as well.
pub async fn walk(op: &Operation, name: &TargetName) -> Answer {
    let walk = Walk { op, last: Mutex::new(None) };
    match steps(op, name, &walk).await {
        Ok(()) => Ok(AdminOutcome::Listed),
        Err(failure) => {
            walk.step(walk.next(), false, failure.message.as_str().to_owned());
            Err(failure)
        }
    }
}

async fn steps(op: &Operation, name: &TargetName, walk: &Walk<'_>) -> Result<(), Failure> {
    let helper = &op.helper;
    // A person may reach every host; principals of the policy file are brokers'.
    let target = target::named(helper, &helper.live.now(), name)?;
    let transport =
        through_jumps(helper, "local", &target, walk, Traffic::Commands, &Shared::default()).await?;
    let said = tokio::time::timeout(PATIENCE, shell(&transport)).await.unwrap_or_else(|_| {
        Err("it did not answer within 20 seconds; a start-up file of its shell may wait for input".to_owned())
    });
    match said {
        Ok(()) => {
            walk.reached(Milestone::Shell, "commands run".into());
            Ok(())
        }
        Err(why) => Err(Failure::new(
            ErrorCode::SshConnectionFailed,
            format!("no command runs on {}: {why}", target.label()),
            "check the account's login shell, and ForceCommand in the host's sshd_config",
        )),
    }
}

async fn shell(transport: &Transport) -> Result<(), String> {
    let (mut read, write) = transport.open_session().await.map_err(|error| error.to_string())?.split();
    write.exec(COMMAND).await.map_err(|error| error.to_string())?;
    let (mut said, mut code) = (Vec::new(), None);
    while let Some(message) = read.wait().await {
        match message {
            ChannelMsg::Data { data } if said.len() < 4096 => said.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => code = Some(exit_status),
            ChannelMsg::Failure => return Err("the host refuses to run commands".into()),
            _ => {}
        }
    }
    match (code, said.windows(9).any(|window| window == b"sallyport")) {
        (Some(0), true) => Ok(()),
        (Some(0), false) => Err("its shell does not do what it is told".into()),
        (Some(code), _) => Err(format!("its shell ended with {code}")),
        (None, _) => Err("its shell ended without an exit code".into()),
    }
}
