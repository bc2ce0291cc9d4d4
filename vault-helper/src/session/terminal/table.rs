//! All terminals, by principal. Ended ones stay readable for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sallyport_protocol::envelope::Caller;

use super::pty::Terminal;

/// How long an ended terminal can still be read.
const KEPT: Duration = Duration::from_secs(900);
/// Terminals one principal may have: each keeps 256 KiB of its output.
const OPEN: usize = 128;
/// Ended terminals one principal keeps; the oldest go first.
const ENDED: usize = 32;

/// See the module.
#[derive(Default)]
pub struct Terminals {
    all: Mutex<HashMap<String, Arc<Terminal>>>,
}

impl Terminals {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Terminal>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a terminal; the open one of the same name that is there already instead, or `None` when there are too many.
    pub fn add(&self, terminal: Arc<Terminal>) -> Result<(), Option<Arc<Terminal>>> {
        let mut all = self.all();
        let mine = |t: &&Arc<Terminal>| t.owner.principal == terminal.owner.principal;
        let same = |t: &&Arc<Terminal>| t.is_open() && t.name.is_some() && t.name == terminal.name;
        if let Some(same) = all.values().filter(mine).find(same) {
            return Err(Some(same.clone()));
        }
        if all.values().filter(mine).filter(|t| t.is_open()).count() >= OPEN {
            return Err(None);
        }
        let mut ended: Vec<_> =
            all.values().filter(mine).filter_map(|t| Some((t.ended_for()?, t.id.clone()))).collect();
        ended.sort();
        for (_, id) in ended.into_iter().skip(ENDED) {
            all.remove(&id);
        }
        all.insert(terminal.id.clone(), terminal);
        Ok(())
    }

    /// A principal's terminal by id or name; among several of one name the open one, else the last.
    pub fn find(&self, principal: &str, name: &str) -> Option<Arc<Terminal>> {
        let all = self.all();
        let mine = all.values().filter(|t| t.owner.principal.as_str() == principal);
        let named = mine.filter(|t| t.id == name || t.name.as_deref() == Some(name));
        named.min_by_key(|t| t.ended_for()).cloned()
    }

    /// Everybody's terminal by id or name, for a person.
    pub fn find_any(&self, name: &str) -> Vec<Arc<Terminal>> {
        let all = self.all();
        all.values()
            .filter(|t| t.is_open() && (t.id == name || t.name.as_deref() == Some(name)))
            .cloned()
            .collect()
    }

    /// The open terminals, of one principal or of all.
    pub fn open(&self, principal: Option<&str>) -> Vec<Arc<Terminal>> {
        let wanted = |t: &&Arc<Terminal>| principal.is_none_or(|name| t.owner.principal.as_str() == name);
        self.all().values().filter(|t| t.is_open()).filter(wanted).cloned().collect()
    }

    /// Takes a terminal out.
    pub fn remove(&self, id: &str) {
        self.all().remove(id);
    }

    /// A client is gone: what it opened without a name ends.
    pub fn client_gone(&self, caller: &Caller) {
        self.all().retain(|_, terminal| {
            let its = terminal.owner == *caller && terminal.name.is_none();
            if its {
                terminal.close();
            }
            !its
        });
    }

    /// Closes all.
    pub fn close_all(&self) {
        for terminal in std::mem::take(&mut *self.all()).into_values() {
            terminal.close();
        }
    }

    /// Forgets those that ended long ago.
    pub fn sweep(&self) {
        self.all().retain(|_, terminal| terminal.ended_for().is_none_or(|age| age < KEPT));
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.all().values().filter(|terminal| terminal.is_open()).count()
    }
}
