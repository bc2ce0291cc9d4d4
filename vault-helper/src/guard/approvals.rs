//! Confirmations: asked for once, given by a person for one exact request, used
//! once, void after two minutes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a confirmation waits, and how long a given one may be used.
pub const LIFETIME: Duration = Duration::from_secs(120);
/// Confirmations one principal may have waiting.
const WAITING: usize = 32;

/// What identifies a request: a digest over everything that matters about it.
pub type Digest = [u8; 32];

/// A confirmation that waits, as a person sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who asks.
    pub principal: String,
    /// The host's alias.
    pub host: String,
    /// The account.
    pub user: String,
    /// The whole command.
    pub command: String,
    /// Why it is asked.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Waiting,
    Granted,
    Denied,
}

struct Entry {
    asked: Asked,
    digest: Digest,
    answer: Answer,
    since: Instant,
}

/// What a confirmation's id is worth.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// A person agreed to exactly this request; the confirmation is used up.
    Granted,
    /// Nobody has answered yet.
    Waiting,
    /// A person refused; the confirmation is used up.
    Denied,
    /// No such confirmation for this request: too old, used, or for another one.
    Void,
}

/// All confirmations that wait.
#[derive(Default)]
pub struct Approvals {
    entries: Mutex<HashMap<String, Entry>>,
}

impl Approvals {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.since.elapsed() < LIFETIME);
        entries
    }

    /// Asks for a confirmation. The same request asked again while it waits gets the same id;
    /// `None` when the principal has too many waiting.
    pub fn ask(&self, id: String, asked: Asked, digest: Digest) -> Option<String> {
        let mut entries = self.entries();
        let same = entries.iter().find(|(_, e)| e.digest == digest && e.asked.principal == asked.principal);
        if let Some((id, _)) = same {
            return Some(id.clone());
        }
        if entries.values().filter(|e| e.asked.principal == asked.principal).count() >= WAITING {
            return None;
        }
        entries.insert(id.clone(), Entry { asked, digest, answer: Answer::Waiting, since: Instant::now() });
        Some(id)
    }

    /// Uses a confirmation for a request.
    pub fn redeem(&self, id: &str, principal: &str, digest: &Digest) -> Redeemed {
        let mut entries = self.entries();
        let found = entries.get(id).filter(|e| e.asked.principal == principal && e.digest == *digest);
        let redeemed = match found.map(|entry| entry.answer) {
            None => return Redeemed::Void,
            Some(Answer::Waiting) => return Redeemed::Waiting,
            Some(Answer::Granted) => Redeemed::Granted,
            Some(Answer::Denied) => Redeemed::Denied,
        };
        entries.remove(id);
        redeemed
    }

    /// Uses up a waiting confirmation whose client says that its user agreed. Only for hosts that let the client decide.
    pub fn redeem_by_client(&self, id: &str, principal: &str, digest: &Digest) -> Redeemed {
        let mut entries = self.entries();
        match entries
            .get(id)
            .filter(|e| e.asked.principal == principal && e.digest == *digest)
            .map(|e| e.answer)
        {
            None => Redeemed::Void,
            Some(answer) => {
                entries.remove(id);
                if answer == Answer::Denied { Redeemed::Denied } else { Redeemed::Granted }
            }
        }
    }

    /// A person answers. False when there is nothing to answer.
    pub fn answer(&self, id: &str, grant: bool) -> bool {
        match self.entries().get_mut(id) {
            Some(entry) if entry.answer == Answer::Waiting => {
                entry.answer = if grant { Answer::Granted } else { Answer::Denied };
                // The use of a given confirmation has its own two minutes.
                entry.since = Instant::now();
                true
            }
            _ => false,
        }
    }

    /// Those that nobody has answered, oldest first: id, what is asked, time left.
    pub fn waiting(&self) -> Vec<(String, Asked, Duration)> {
        let entries = self.entries();
        let waiting = entries.iter().filter(|(_, entry)| entry.answer == Answer::Waiting);
        let mut waiting: Vec<_> = waiting
            .map(|(id, e)| (id.clone(), e.asked.clone(), LIFETIME.saturating_sub(e.since.elapsed())))
            .collect();
        waiting.sort_by_key(|(_, _, left)| *left);
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked {
            principal: "local".into(),
            host: "web1".into(),
            user: "deploy".into(),
            command: "rm -r x".into(),
            reason: "deletes".into(),
        }
    }

    fn one() -> Approvals {
        let approvals = Approvals::default();
        assert_eq!(approvals.ask("a".into(), asked(), [1; 32]).as_deref(), Some("a"));
        approvals
    }

    #[test]
    fn a_confirmation_nobody_gave_lets_nothing_through() {
        assert_eq!(one().redeem("a", "local", &[1; 32]), Redeemed::Waiting);
    }

    #[test]
    fn a_given_confirmation_works_once() {
        let approvals = one();
        assert!(approvals.answer("a", true));
        assert_eq!(approvals.redeem("a", "local", &[1; 32]), Redeemed::Granted);
        assert_eq!(approvals.redeem("a", "local", &[1; 32]), Redeemed::Void);
    }

    #[test]
    fn it_is_void_for_another_request_and_another_principal() {
        let approvals = one();
        assert!(approvals.answer("a", true));
        assert_eq!(approvals.redeem("a", "local", &[2; 32]), Redeemed::Void);
        assert_eq!(approvals.redeem("a", "ci", &[1; 32]), Redeemed::Void);
        assert_eq!(approvals.redeem_by_client("a", "ci", &[1; 32]), Redeemed::Void);
    }

    #[test]
    fn a_refusal_is_final_and_cannot_be_answered_again() {
        let approvals = one();
        assert!(approvals.answer("a", false));
        assert!(!approvals.answer("a", true));
        assert_eq!(approvals.redeem_by_client("a", "local", &[1; 32]), Redeemed::Denied);
    }

    #[test]
    fn the_same_request_asked_again_is_one_question() {
        let approvals = one();
        assert_eq!(approvals.ask("b".into(), asked(), [1; 32]).as_deref(), Some("a"));
        assert_eq!(approvals.waiting().len(), 1);
    }

    #[test]
    fn a_principal_cannot_flood_people_with_questions() {
        let approvals = Approvals::default();
        for i in 0..WAITING {
            assert!(approvals.ask(format!("q{i}"), asked(), [i as u8; 32]).is_some());
        }
        assert_eq!(approvals.ask("more".into(), asked(), [99; 32]), None);
    }
}
