//! Confirmations: asked for once, given by a person for one exact request, used
//! once, void after two minutes.
//!
//! A person may also grant the very same request for ten minutes. And people tire:
//! who was refused three times in a row is not put before them again for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a confirmation waits, and how long a given one may be used.
pub const LIFETIME: Duration = Duration::from_secs(120);
/// How long a grant holds.
pub const GRANT: Duration = Duration::from_secs(600);
/// Refusals in a row after which a principal is paused, and for how long.
const REFUSALS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(600);
/// Confirmations one principal may have waiting.
const WAITING: usize = 32;
/// Grants in force at once.
const GRANTS: usize = 64;

/// What identifies a request: a digest over everything that matters about it.
pub type Digest = [u8; 32];

/// A confirmation that waits, as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Whether only a person on the admin side may agree.
    pub operator: bool,
}

/// A person's answer.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may run once.
    Once,
    /// It may run now and, exactly as it is, for ten minutes.
    ForTenMinutes,
    /// It may not.
    No,
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

struct Grant {
    asked: Asked,
    digest: Digest,
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

/// Why a confirmation is not even asked for.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unasked {
    /// The principal has too many waiting.
    Full,
    /// The principal was refused too often; for this long it is not asked again.
    Paused(Duration),
    /// A person refused this very request within the last two minutes.
    Refused,
}

/// All confirmations that wait, and the grants in force.
#[derive(Default)]
pub struct Approvals {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    grants: HashMap<String, Grant>,
    /// Refusals in a row by principal, and when the last one was.
    refusals: HashMap<String, (u32, Instant)>,
    /// The request that was answered last.
    last: Option<(Asked, Verdict)>,
}

impl State {
    fn settle(&mut self, asked: Asked, verdict: Verdict) {
        match verdict {
            Verdict::No => {
                let count = self.refusals.entry(asked.principal.clone()).or_insert((0, Instant::now()));
                *count = (count.0.saturating_add(1), Instant::now());
            }
            Verdict::Once | Verdict::ForTenMinutes => {
                self.refusals.remove(&asked.principal);
            }
        }
        self.last = Some((asked, verdict));
    }

    fn paused(&self, principal: &str) -> Option<Duration> {
        let (count, since) = self.refusals.get(principal)?;
        let left = PAUSE.checked_sub(since.elapsed()).filter(|left| !left.is_zero())?;
        (*count >= REFUSALS).then_some(left)
    }

    /// What a person should look at twice: what is not as it was the last time they answered.
    fn news(&self, asked: &Asked) -> String {
        let Some((last, verdict)) = &self.last else { return String::new() };
        let mut news = Vec::new();
        for (what, then, now) in [
            ("principal", &last.principal, &asked.principal),
            ("host", &last.host, &asked.host),
            ("account", &last.user, &asked.user),
        ] {
            if then != now {
                news.push(format!("another {what} ({then} then)"));
            }
        }
        news.push(if last.command == asked.command {
            "the same command".into()
        } else {
            difference(&last.command, &asked.command)
        });
        let answer = if *verdict == Verdict::No { "refused" } else { "approved" };
        format!("{}; the last one was {answer}", news.join(", "))
    }
}

/// Where a command begins to differ from the one before it.
fn difference(then: &str, now: &str) -> String {
    let same = then.split_whitespace().zip(now.split_whitespace()).take_while(|(a, b)| a == b).count();
    match (same, now.split_whitespace().nth(same)) {
        (0, _) => "another command".into(),
        (_, Some(word)) => {
            let word: String = word.chars().take(40).collect();
            format!("the same until word {}: {word}", same + 1)
        }
        (_, None) => "the same words, fewer of them or with other spaces".into(),
    }
}

impl Approvals {
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.entries.retain(|_, entry| entry.since.elapsed() < LIFETIME);
        state.grants.retain(|_, grant| grant.since.elapsed() < GRANT);
        state.refusals.retain(|_, (_, since)| since.elapsed() < PAUSE);
        state
    }

    /// Asks for a confirmation. The same request asked again while it waits gets the same id; one that was refused
    /// is not put before people again until its two minutes are over, or its asker has seen the refusal.
    ///
    /// # Errors
    /// When people are not to be bothered with it.
    pub fn ask(&self, id: String, asked: Asked, digest: Digest) -> Result<String, Unasked> {
        let mut state = self.state();
        let of_principal = |entry: &&Entry| entry.asked.principal == asked.principal;
        let same = state.entries.iter().find(|(_, e)| of_principal(e) && e.digest == digest);
        match same {
            Some((_, entry)) if entry.answer == Answer::Denied => return Err(Unasked::Refused),
            Some((id, _)) => return Ok(id.clone()),
            None => {}
        }
        if let Some(left) = state.paused(&asked.principal) {
            return Err(Unasked::Paused(left));
        }
        if state.entries.values().filter(of_principal).count() >= WAITING {
            return Err(Unasked::Full);
        }
        state
            .entries
            .insert(id.clone(), Entry { asked, digest, answer: Answer::Waiting, since: Instant::now() });
        Ok(id)
    }

    /// The grant under which this very request may run.
    pub fn granted(&self, principal: &str, digest: &Digest) -> Option<String> {
        let state = self.state();
        let found = state.grants.iter().find(|(_, g)| g.asked.principal == principal && g.digest == *digest);
        found.map(|(id, _)| id.clone())
    }

    /// Uses a confirmation for a request.
    pub fn redeem(&self, id: &str, principal: &str, digest: &Digest) -> Redeemed {
        let mut state = self.state();
        let found = state.entries.get(id).filter(|e| e.asked.principal == principal && e.digest == *digest);
        let redeemed = match found.map(|entry| entry.answer) {
            None => return Redeemed::Void,
            Some(Answer::Waiting) => return Redeemed::Waiting,
            Some(Answer::Granted) => Redeemed::Granted,
            Some(Answer::Denied) => Redeemed::Denied,
        };
        state.entries.remove(id);
        redeemed
    }

    /// Uses up a waiting confirmation whose client says that its user agreed. Only for hosts that let the client decide.
    pub fn redeem_by_client(&self, id: &str, principal: &str, digest: &Digest) -> Redeemed {
        let mut state = self.state();
        let found = state.entries.get(id).filter(|e| e.asked.principal == principal && e.digest == *digest);
        match found.map(|entry| entry.answer) {
            None => Redeemed::Void,
            Some(answer) => {
                let entry = state.entries.remove(id);
                if answer == Answer::Denied {
                    return Redeemed::Denied;
                }
                if let Some(entry) = entry {
                    state.settle(entry.asked, Verdict::Once);
                }
                Redeemed::Granted
            }
        }
    }

    /// A person answers. False when there is nothing to answer.
    pub fn answer(&self, id: &str, verdict: Verdict) -> bool {
        let mut state = self.state();
        let Some(entry) = state.entries.get_mut(id).filter(|entry| entry.answer == Answer::Waiting) else {
            return false;
        };
        entry.answer = if verdict == Verdict::No { Answer::Denied } else { Answer::Granted };
        // The use of a given confirmation has its own two minutes.
        entry.since = Instant::now();
        let (asked, digest) = (entry.asked.clone(), entry.digest);
        if verdict == Verdict::ForTenMinutes && state.grants.len() < GRANTS {
            state.grants.insert(id.to_owned(), Grant { asked: asked.clone(), digest, since: Instant::now() });
        }
        state.settle(asked, verdict);
        true
    }

    /// A client's user refused. False when there is nothing of this principal's to refuse.
    pub fn declined(&self, id: &str, principal: &str) -> bool {
        let mut state = self.state();
        let waits = |entry: &&Entry| entry.asked.principal == principal && entry.answer == Answer::Waiting;
        if state.entries.get(id).filter(waits).is_none() {
            return false;
        }
        if let Some(entry) = state.entries.remove(id) {
            state.settle(entry.asked, Verdict::No);
        }
        true
    }

    /// Those that nobody has answered, oldest first: id, what is asked, time left, what is new about it.
    pub fn waiting(&self) -> Vec<(String, Asked, Duration, String)> {
        let state = self.state();
        let waiting = state.entries.iter().filter(|(_, entry)| entry.answer == Answer::Waiting);
        let mut waiting: Vec<_> = waiting
            .map(|(id, e)| {
                let left = LIFETIME.saturating_sub(e.since.elapsed());
                (id.clone(), e.asked.clone(), left, state.news(&e.asked))
            })
            .collect();
        waiting.sort_by_key(|(_, _, left, _)| *left);
        waiting
    }

    /// The grants in force: id, what may run, time left.
    pub fn grants(&self) -> Vec<(String, Asked, Duration)> {
        let state = self.state();
        let left = |grant: &Grant| GRANT.saturating_sub(grant.since.elapsed());
        let mut grants: Vec<_> =
            state.grants.iter().map(|(id, grant)| (id.clone(), grant.asked.clone(), left(grant))).collect();
        grants.sort_by_key(|(_, _, left)| *left);
        grants
    }

    /// Takes a grant back. False when there is none.
    pub fn revoke(&self, id: &str) -> bool {
        self.state().grants.remove(id).is_some()
    }

    /// Takes all grants back.
    pub fn revoke_all(&self) {
        self.state().grants.clear();
    }

    /// Who is paused, and for how long yet.
    pub fn paused(&self) -> Vec<(String, Duration)> {
        let state = self.state();
        let mut paused: Vec<_> =
            state.refusals.keys().filter_map(|name| Some((name.clone(), state.paused(name)?))).collect();
        paused.sort();
        paused
    }

    /// Lets a principal ask again. False when it is not paused.
    pub fn resume(&self, principal: &str) -> bool {
        self.state().refusals.remove(principal).is_some()
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
            operator: true,
        }
    }

    fn one() -> Approvals {
        let approvals = Approvals::default();
        assert_eq!(approvals.ask("a".into(), asked(), [1; 32]), Ok("a".into()));
        approvals
    }

    #[test]
    fn a_given_confirmation_serves_once() {
        let approvals = one();
        assert!(approvals.answer("a", Verdict::Once));
        assert_eq!(approvals.redeem("a", "local", &[1; 32]), Redeemed::Granted);
        assert_eq!(approvals.redeem("a", "local", &[1; 32]), Redeemed::Void);
        assert_eq!(approvals.granted("local", &[1; 32]), None);
    }

    #[test]
    fn it_serves_no_other_request_and_no_other_principal() {
        let approvals = one();
        assert!(approvals.answer("a", Verdict::Once));
        assert_eq!(approvals.redeem("a", "local", &[2; 32]), Redeemed::Void);
        assert_eq!(approvals.redeem("a", "ci", &[1; 32]), Redeemed::Void);
        assert_eq!(approvals.redeem_by_client("a", "ci", &[1; 32]), Redeemed::Void);
        assert!(!approvals.declined("a", "ci"));
    }

    #[test]
    fn a_refusal_is_final_even_when_the_client_agrees() {
        let approvals = one();
        assert!(approvals.answer("a", Verdict::No));
        assert!(!approvals.answer("a", Verdict::Once));
        assert_eq!(approvals.redeem_by_client("a", "local", &[1; 32]), Redeemed::Denied);
    }

    #[test]
    fn the_same_request_is_asked_once() {
        let approvals = one();
        assert_eq!(approvals.ask("b".into(), asked(), [1; 32]), Ok("a".into()));
        assert_eq!(approvals.waiting().len(), 1);
    }

    #[test]
    fn what_was_refused_is_not_asked_again_at_once() {
        let approvals = one();
        assert!(approvals.answer("a", Verdict::No));
        assert_eq!(approvals.ask("b".into(), asked(), [1; 32]), Err(Unasked::Refused));
        assert_eq!(approvals.waiting().len(), 0);
        assert_eq!(approvals.redeem("a", "local", &[1; 32]), Redeemed::Denied);
        assert_eq!(approvals.ask("b".into(), asked(), [1; 32]), Ok("b".into()));
    }

    #[test]
    fn a_principal_cannot_flood_people_with_questions() {
        let approvals = Approvals::default();
        for i in 0..WAITING {
            assert!(approvals.ask(format!("q{i}"), asked(), [i as u8; 32]).is_ok());
        }
        assert_eq!(approvals.ask("more".into(), asked(), [99; 32]), Err(Unasked::Full));
    }

    #[test]
    fn three_refusals_in_a_row_pause_a_principal_and_no_other() {
        let approvals = Approvals::default();
        for i in 0..3 {
            let id = format!("q{i}");
            assert!(approvals.ask(id.clone(), asked(), [i; 32]).is_ok());
            assert!(if i == 1 {
                approvals.declined(&id, "local")
            } else {
                approvals.answer(&id, Verdict::No)
            });
        }
        assert!(matches!(approvals.ask("d".into(), asked(), [9; 32]), Err(Unasked::Paused(_))));
        assert_eq!(approvals.paused()[0].0, "local");
        let other = Asked { principal: "ci".into(), ..asked() };
        assert!(approvals.ask("e".into(), other, [9; 32]).is_ok());
        assert!(approvals.resume("local") && !approvals.resume("local"));
        assert!(approvals.ask("d".into(), asked(), [9; 32]).is_ok());
    }

    #[test]
    fn an_approval_between_refusals_starts_the_count_anew() {
        let approvals = Approvals::default();
        for (i, verdict) in
            [Verdict::No, Verdict::No, Verdict::Once, Verdict::No, Verdict::No].into_iter().enumerate()
        {
            let id = format!("q{i}");
            assert!(approvals.ask(id.clone(), asked(), [i as u8; 32]).is_ok());
            assert!(approvals.answer(&id, verdict));
        }
        assert_eq!(approvals.paused(), []);
    }

    #[test]
    fn a_grant_is_for_the_very_request_until_it_is_taken_back() {
        let approvals = one();
        assert!(approvals.answer("a", Verdict::ForTenMinutes));
        assert_eq!(approvals.granted("local", &[1; 32]).as_deref(), Some("a"));
        assert_eq!(approvals.granted("local", &[2; 32]), None);
        assert_eq!(approvals.granted("ci", &[1; 32]), None);
        assert_eq!(approvals.grants().len(), 1);
        assert!(approvals.revoke("a") && !approvals.revoke("a"));
        assert_eq!(approvals.granted("local", &[1; 32]), None);
    }

    #[test]
    fn a_person_is_told_what_is_new_since_the_last_one() {
        let approvals = one();
        assert_eq!(approvals.waiting()[0].3, "");
        assert!(approvals.answer("a", Verdict::Once));
        for (change, news) in [
            (asked(), "the same command; the last one was approved"),
            (
                Asked { command: "rm -r y".into(), ..asked() },
                "the same until word 3: y; the last one was approved",
            ),
            (
                Asked { host: "db1".into(), user: "root".into(), command: "reboot".into(), ..asked() },
                "another host (web1 then), another account (deploy then), another command; the last one was approved",
            ),
        ] {
            let approvals_state = approvals.state();
            assert_eq!(approvals_state.news(&change), news);
        }
    }
}
