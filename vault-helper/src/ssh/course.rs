//! What a login tells of its course while it is under way: the steps it takes, and that a person is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sallyport_protocol::person::AnswerText;
use sallyport_protocol::text::SecretBytes;
use sallyport_protocol::{ErrorCode, Failure};

use super::keeper::Keeper;
use crate::carrier::language::Question;
use crate::guard::questions::{Asked, LIFETIME};
use crate::harden::memory::secretly;
use crate::helper::Helper;
use crate::vault::Secret;

/// The steps of a login, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Milestone {
    /// The name was resolved.
    Resolve,
    /// A connection is open.
    Connect,
    /// The host key was accepted.
    Key,
    /// The account is logged in.
    Login,
    /// A command ran.
    Shell,
}

impl Milestone {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Resolve, Self::Connect, Self::Key, Self::Login, Self::Shell];

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Key => "key",
            Self::Login => "login",
            Self::Shell => "shell",
        }
    }
}

/// Who follows a login.
pub trait Course: Send + Sync {
    /// A step is done.
    fn reached(&self, _milestone: Milestone, _text: String) {}
    /// The login waits for a person, for this reason, or no longer.
    fn waits(&self, _why: Option<Failure>) {}
}

/// Follows nothing.
pub struct Unfollowed;

impl Course for Unfollowed {}

/// Asks a person what a host wants to know.
pub struct Asker<'a> {
    /// The helper's state.
    pub helper: &'a Arc<Helper>,
    /// The host's alias.
    pub alias: &'a str,
    /// The account.
    pub user: &'a str,
    /// Who follows the login.
    pub course: &'a dyn Course,
    /// Whether a person is being asked: the login's own time stands still meanwhile.
    pub waiting: AtomicBool,
}

impl Asker<'_> {
    /// Puts a host's question to whoever watches the admin side, and waits for the answer. The answers are masked
    /// before they are given.
    pub(super) async fn ask(
        &self,
        keeper: &Keeper,
        name: &str,
        instructions: &str,
        questions: &[Question],
    ) -> Result<Vec<Option<SecretBytes>>, Failure> {
        let asked = Asked {
            host: self.alias.to_owned(),
            user: self.user.to_owned(),
            instructions: [name, instructions].join("\n").trim().to_owned(),
            prompts: questions.iter().map(|question| (question.text.clone(), question.echo)).collect(),
        };
        let Some((id, answer)) = self.helper.questions.ask(self.helper.new_id("q"), asked) else {
            return Err(Failure::new(
                ErrorCode::QuotaExceeded,
                "too many questions of hosts wait for a person",
                "a person answers them with `sallyport approve watch`",
            ));
        };
        let _forget = Forget { helper: self.helper, id: &id };
        self.helper.changed();
        self.waiting.store(true, Ordering::Relaxed);
        self.course.waits(Some(self.required(&id)));
        let answer = tokio::time::timeout(LIFETIME, answer).await;
        self.waiting.store(false, Ordering::Relaxed);
        self.course.waits(None);
        match answer {
            Ok(Ok(Some(texts))) => {
                for (text, _) in texts.iter().zip(questions).filter(|(_, question)| !question.echo) {
                    if !text.expose_secret().is_empty() {
                        keeper.mask(Secret::copy_of(text.expose_secret().as_bytes())).await;
                    }
                }
                // An empty answer is one, too.
                let answer = |text: &AnswerText| {
                    SecretBytes::new(secretly(|| text.expose_secret().as_bytes().to_vec())).ok()
                };
                Ok(texts.iter().map(answer).collect())
            }
            Ok(Ok(None)) => Err(Failure::new(
                ErrorCode::MfaRequired,
                format!("a person refused to answer the second factor of {}", self.alias),
                "ask your user what they would rather have",
            )),
            Ok(Err(_)) | Err(_) => Err(self.required(&id)),
        }
    }

    fn required(&self, id: &str) -> Failure {
        Failure::new(
            ErrorCode::MfaRequired,
            format!("{} asks {} for a second factor ({id})", self.alias, self.user),
            "a person answers it with `sallyport approve watch`; make the same call again when they have",
        )
    }
}

/// Takes a question away when nobody waits for its answer any more.
struct Forget<'a> {
    helper: &'a Helper,
    id: &'a str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.helper.questions.forget(self.id);
        self.helper.changed();
    }
}
