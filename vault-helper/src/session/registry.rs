//! The open sessions and the jobs that can still be asked about, by principal.

use std::sync::Arc;
use std::time::Duration;

use sallyport_protocol::envelope::Caller;
use sallyport_protocol::{ErrorCode, Failure};

use super::job::{Job, Stop};
use super::shell::Shell;
use super::table::{Bounds, Entry, Table};
use super::terminal::pty::Terminal;
use super::turns::Turns;
use crate::config::Settings;

/// Ended jobs one principal keeps: their output can still be read.
const ENDED_JOBS: usize = 64;
/// Ended shells one principal can still ask for the reason.
const ENDED_SHELLS: usize = 64;
/// Ended terminals one principal can still read: each keeps 256 KiB of its output.
const ENDED_TERMINALS: usize = 32;

/// See the module.
pub struct Registry {
    /// The commands.
    pub jobs: Table<Job>,
    /// The shell sessions.
    pub shells: Table<Shell>,
    /// The terminal sessions.
    pub terminals: Table<Terminal>,
    /// Sessions that are being opened.
    pub turns: Turns,
}

impl Entry for Job {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> Option<&str> {
        None
    }
    fn owner(&self) -> &Caller {
        &self.owner
    }
    fn ended_for(&self) -> Option<Duration> {
        self.ended_for()
    }
}

impl Entry for Shell {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    fn owner(&self) -> &Caller {
        &self.owner
    }
    fn ended_for(&self) -> Option<Duration> {
        self.ended_for()
    }
}

impl Entry for Terminal {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    fn owner(&self) -> &Caller {
        &self.owner
    }
    fn ended_for(&self) -> Option<Duration> {
        self.ended_for()
    }
}

impl Registry {
    /// An empty one, with the bounds that are set.
    pub fn new(settings: &Settings) -> Self {
        Self {
            jobs: Table::new(Bounds { open: settings.jobs_max, ended: ENDED_JOBS }),
            shells: Table::new(Bounds { open: settings.sessions_max, ended: ENDED_SHELLS }),
            terminals: Table::new(Bounds { open: settings.terminals_max, ended: ENDED_TERMINALS }),
            turns: Turns::default(),
        }
    }

    /// A client is gone: what it opened without a name ends.
    pub fn client_gone(&self, caller: &Caller) {
        // Listed until their hosts were told: a helper that is about to end waits for that.
        let theirs = |shell: &Shell| shell.owner == *caller && shell.name.is_none();
        for shell in
            self.shells.open(Some(caller.principal.as_str())).into_iter().filter(|shell| theirs(shell))
        {
            shell.close();
        }
        for terminal in self.terminals.take(|terminal| terminal.owner == *caller && terminal.name.is_none()) {
            terminal.close();
        }
        let named = self.shells.open(Some(caller.principal.as_str()));
        let in_named = |job: &Job| named.iter().any(|shell| shell.name.is_some() && shell.runs(&job.id));
        for job in self.jobs.open(Some(caller.principal.as_str())) {
            if job.owner == *caller && !in_named(&job) {
                job.stop(Stop::Now);
            }
        }
    }

    /// Closes every session and stops every job. What is returned waits until their hosts have been told, and their ends
    /// have been seen; who cuts the connections before that leaves on the hosts what ran there.
    pub fn close_all(&self) -> impl Future<Output = ()> + Send + use<> {
        let (shells, terminals) = (self.shells.take(|_| true), self.terminals.take(|_| true));
        let jobs = self.jobs.open(None);
        shells.iter().for_each(|shell| shell.close());
        terminals.iter().for_each(|terminal| terminal.close());
        jobs.iter().for_each(|job| job.stop(Stop::Now));
        async move {
            for shell in shells {
                shell.closed().await;
            }
            for terminal in terminals {
                terminal.closed().await;
            }
            for job in jobs {
                job.ended().await;
            }
        }
    }

    /// Forgets sessions and jobs that ended and nobody can want any more.
    pub fn sweep(&self) {
        self.shells.sweep();
        self.terminals.sweep();
        self.jobs.sweep();
    }

    /// Open sessions and running jobs.
    pub fn counts(&self) -> (usize, usize) {
        (self.shells.open(None).len() + self.terminals.open(None).len(), self.jobs.open(None).len())
    }

    /// A principal's open shell session.
    ///
    /// # Errors
    /// `session_not_found`, with the reason when it ended; `unsupported_operation` for a terminal.
    pub fn shell(&self, principal: &str, name: &str) -> Result<Arc<Shell>, Failure> {
        match self.shells.find(principal, name) {
            Some(shell) => match shell.ended() {
                None => Ok(shell),
                Some(why) => Err(session_gone(name, Some(why.as_str().to_owned()))),
            },
            None if self.terminals.find(principal, name).is_some_and(|t| t.is_open()) => Err(Failure::new(
                ErrorCode::UnsupportedOperation,
                format!("session {name} is a terminal, not a shell"),
                "type into it with ssh_session_send; for commands with exit codes open a session with kind = shell",
            )),
            None => Err(session_gone(name, None)),
        }
    }
}

/// The failure of a session that is not there, or not any more.
pub fn session_gone(name: &str, why: Option<String>) -> Failure {
    let message = match why {
        Some(why) => format!("session {name} has ended: {why}"),
        None => format!("there is no session {name}"),
    };
    Failure::new(
        ErrorCode::SessionNotFound,
        message,
        "open one with ssh_session_open; ssh_list_active shows the open ones",
    )
}
