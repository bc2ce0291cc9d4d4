//! The open sessions and the jobs that can still be asked about, by principal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sallyport_protocol::envelope::Caller;

use super::job::{Job, Stop};
use super::shell::Shell;
use super::terminal::table::Terminals;

/// How long the output of an ended job is kept, and the reason of a session's end.
const KEPT: Duration = Duration::from_secs(900);
/// Ended jobs one principal keeps at least; the oldest go first.
const ENDED_JOBS: usize = 64;
/// Ended sessions a principal can still ask for the reason; the oldest go first.
const ENDED_SESSIONS: usize = 64;
/// Running jobs one principal may have.
pub const RUNNING_JOBS: usize = 512;
/// Sessions one principal may have.
pub const SESSIONS: usize = 512;

/// See the module.
#[derive(Default)]
pub struct Registry {
    jobs: Mutex<HashMap<String, Arc<Job>>>,
    sessions: Mutex<HashMap<String, Arc<Shell>>>,
    /// The terminal sessions.
    pub terminals: Terminals,
}

impl Registry {
    fn jobs(&self) -> MutexGuard<'_, HashMap<String, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Arc<Shell>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job; false when its owner has too many running.
    pub fn add_job(&self, job: Arc<Job>) -> bool {
        let mut jobs = self.jobs();
        // Looking through all of them at every command would cost more than the rest of a short one.
        if jobs.len() >= 2 * ENDED_JOBS {
            let mine = || jobs.values().filter(|j| j.owner.principal == job.owner.principal);
            if mine().filter(|j| j.is_running()).count() >= RUNNING_JOBS {
                return false;
            }
            let mut ended: Vec<_> = mine().filter_map(|j| Some((j.ended_for()?, j.id.clone()))).collect();
            ended.sort();
            let old: Vec<String> = ended.into_iter().skip(ENDED_JOBS).map(|(_, id)| id).collect();
            for id in old {
                jobs.remove(&id);
            }
        }
        jobs.insert(job.id.clone(), job);
        true
    }

    /// A principal's job.
    pub fn job(&self, principal: &str, id: &str) -> Option<Arc<Job>> {
        self.jobs().get(id).filter(|job| job.owner.principal.as_str() == principal).cloned()
    }

    /// A principal's jobs.
    pub fn jobs_of(&self, principal: &str) -> Vec<Arc<Job>> {
        self.jobs().values().filter(|job| job.owner.principal.as_str() == principal).cloned().collect()
    }

    /// Adds a session; the one of the same name that is there already, or `None` when there are too many.
    pub fn add_session(&self, shell: Arc<Shell>) -> Result<(), Option<Arc<Shell>>> {
        let mut sessions = self.sessions();
        let mine = || sessions.values().filter(|s| s.owner.principal == shell.owner.principal && s.is_open());
        if let Some(same) = mine().find(|s| s.name.is_some() && s.name == shell.name) {
            return Err(Some(same.clone()));
        }
        if mine().count() >= SESSIONS {
            return Err(None);
        }
        let mut ended: Vec<_> = sessions
            .values()
            .filter(|s| s.owner.principal == shell.owner.principal)
            .filter_map(|s| Some((s.ended_for()?, s.id.clone())))
            .collect();
        ended.sort();
        for (_, id) in ended.into_iter().skip(ENDED_SESSIONS) {
            sessions.remove(&id);
        }
        sessions.insert(shell.id.clone(), shell);
        Ok(())
    }

    /// A principal's session, by id or name; among several of one name the open one, else the last.
    pub fn session(&self, principal: &str, name: &str) -> Option<Arc<Shell>> {
        let sessions = self.sessions();
        let mine = sessions.values().filter(|s| s.owner.principal.as_str() == principal);
        let named = mine.filter(|s| s.id == name || s.name.as_deref() == Some(name));
        named.min_by_key(|s| s.ended_for()).cloned()
    }

    /// Takes a session out; its shell goes when the last user lets go.
    pub fn remove_session(&self, id: &str) {
        self.sessions().remove(id);
    }

    /// Everybody's shell sessions, for a person.
    pub fn shells(&self) -> Vec<Arc<Shell>> {
        self.sessions().values().filter(|s| s.is_open()).cloned().collect()
    }

    /// A principal's open sessions.
    pub fn sessions_of(&self, principal: &str) -> Vec<Arc<Shell>> {
        let sessions = self.sessions();
        let mine = sessions.values().filter(|s| s.owner.principal.as_str() == principal);
        mine.filter(|s| s.is_open()).cloned().collect()
    }

    /// A client is gone: what it opened without a name ends.
    pub fn client_gone(&self, caller: &Caller) {
        let gone: Vec<_> =
            self.sessions().values().filter(|s| s.owner == *caller && s.name.is_none()).cloned().collect();
        for shell in gone {
            shell.close();
            self.remove_session(&shell.id);
        }
        self.terminals.client_gone(caller);
        let in_named = |job: &Job| self.sessions().values().any(|s| s.name.is_some() && s.runs(&job.id));
        for job in
            self.jobs().values().filter(|job| job.owner == *caller && job.is_running() && !in_named(job))
        {
            job.stop(Stop::Now);
        }
    }

    /// Closes every session.
    pub fn close_all(&self) {
        for shell in std::mem::take(&mut *self.sessions()).into_values() {
            shell.close();
        }
        self.terminals.close_all();
        for job in self.jobs().values().filter(|job| job.is_running()) {
            job.stop(Stop::Now);
        }
    }

    /// Forgets sessions and jobs that ended and nobody can want any more.
    pub fn sweep(&self) {
        self.sessions().retain(|_, shell| shell.ended_for().is_none_or(|age| age < KEPT));
        self.terminals.sweep();
        self.jobs().retain(|_, job| job.ended_for().is_none_or(|age| age < KEPT));
    }

    /// Open sessions and running jobs.
    pub fn counts(&self) -> (usize, usize) {
        let sessions = self.sessions().values().filter(|shell| shell.is_open()).count();
        let sessions = sessions + self.terminals.count();
        (sessions, self.jobs().values().filter(|job| job.is_running()).count())
    }
}
