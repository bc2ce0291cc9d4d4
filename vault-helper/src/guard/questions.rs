//! Questions that hosts ask at logins and only a person can answer (RFC 4256): one-time codes, push confirmations.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sallyport_protocol::person::AnswerText;
use tokio::sync::oneshot;

/// How long a question waits: sshd gives a login two minutes (LoginGraceTime).
pub const LIFETIME: Duration = Duration::from_secs(110);
/// Questions that may wait at once.
const WAITING: usize = 16;
/// Prompts of one question.
pub const PROMPTS: usize = 8;

/// A question, as a person sees it. Its texts come from the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The host's alias.
    pub host: String,
    /// The account.
    pub user: String,
    /// What the host says before the prompts.
    pub instructions: String,
    /// Each prompt, and whether what is typed may be shown.
    pub prompts: Vec<(String, bool)>,
}

/// A person's answers; none refuses.
pub type Answer = Option<Vec<AnswerText>>;

struct Waiting {
    asked: Asked,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

/// All questions that wait.
#[derive(Default)]
pub struct Questions(Mutex<HashMap<String, Waiting>>);

/// What came of an answer.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It goes to the host.
    Given,
    /// No such question waits.
    Gone,
    /// It has another number of prompts.
    Misfit(usize),
}

impl Questions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a question; `None` when too many wait or it has too many prompts.
    pub fn ask(&self, id: String, asked: Asked) -> Option<(String, oneshot::Receiver<Answer>)> {
        let mut waiting = self.lock();
        if waiting.len() >= WAITING || asked.prompts.len() > PROMPTS {
            return None;
        }
        let (answer, receiver) = oneshot::channel();
        waiting.insert(id.clone(), Waiting { asked, since: Instant::now(), answer });
        Some((id, receiver))
    }

    /// A person answers.
    pub fn answer(&self, id: &str, answer: Answer) -> Taken {
        let mut waiting = self.lock();
        let Some(question) = waiting.get(id) else { return Taken::Gone };
        let prompts = question.asked.prompts.len();
        if answer.as_ref().is_some_and(|texts| texts.len() != prompts) {
            return Taken::Misfit(prompts);
        }
        match waiting.remove(id).map(|question| question.answer.send(answer)) {
            Some(Ok(())) => Taken::Given,
            _ => Taken::Gone,
        }
    }

    /// Nobody waits for the answer any more.
    pub fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    /// Those that wait, oldest first: id, what is asked, time left.
    pub fn waiting(&self) -> Vec<(String, Asked, Duration)> {
        let waiting = self.lock();
        let mut all: Vec<_> = waiting
            .iter()
            .map(|(id, q)| (id.clone(), q.asked.clone(), LIFETIME.saturating_sub(q.since.elapsed())))
            .collect();
        all.sort_by_key(|(_, _, left)| *left);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> Asked {
        Asked {
            host: "web1".into(),
            user: "deploy".into(),
            instructions: String::new(),
            prompts: vec![("Code: ".into(), false)],
        }
    }

    fn texts(all: &[&str]) -> Answer {
        Some(all.iter().map(|text| AnswerText::try_from((*text).to_owned()).unwrap()).collect())
    }

    #[test]
    fn an_answer_reaches_who_asked_once() {
        let questions = Questions::default();
        let (id, mut receiver) = questions.ask("q".into(), code()).unwrap();
        assert_eq!(questions.answer(&id, texts(&["1", "2"])), Taken::Misfit(1));
        assert_eq!(questions.answer(&id, texts(&["123456"])), Taken::Given);
        assert_eq!(receiver.try_recv().unwrap().unwrap()[0].expose_secret(), "123456");
        assert_eq!(questions.answer(&id, texts(&["123456"])), Taken::Gone);
    }

    #[test]
    fn hosts_cannot_flood_people_with_questions() {
        let questions = Questions::default();
        let _kept: Vec<_> = (0..WAITING).map(|i| questions.ask(format!("q{i}"), code()).unwrap()).collect();
        assert!(questions.ask("more".into(), code()).is_none());
        let many = Asked { prompts: vec![("?".into(), true); PROMPTS + 1], ..code() };
        questions.forget("q0");
        assert!(questions.ask("more".into(), many).is_none());
    }
}
