//! What the person in the loop needs beyond the first words of [`crate::admin`]: the checkup, walking the steps
//! of a login, taking records over, standing watch over what waits for an answer, and grants.
//!
//! Spoken on the admin socket only, except [`Declined`], by which a broker passes on a "no" of its client's user.

use serde::{Deserialize, Serialize};

use crate::admin::{ApprovalEntry, RecordKind, Surroundings};
use crate::list::List;
use crate::text::{ConfirmationId, SecretBytes, SlugText, TargetName, Text, UserName, Word};

/// A request from a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Look at everything the helper sees; each finding is a [`Tell::Check`].
    Checkup {
        /// Also decrypt every record that can be decrypted, one by one, and judge it.
        records: bool,
    },
    /// Log in to a host step by step; each step is a [`Tell::Step`].
    TestHost {
        /// Which.
        target: TargetName,
    },
    /// Write a record after looking at it.
    Add {
        /// Where.
        slug: SlugText,
        /// What kind.
        kind: RecordKind,
        /// The secret.
        secret: SecretBytes,
        /// Take it although it is weak.
        allow_weak: bool,
        /// Where to ask for a passphrase when the record must be compared with another one.
        surroundings: Surroundings,
    },
    /// Write a record of the fallback account of this name, for these hosts.
    AddDefault {
        /// Its user.
        user: UserName,
        /// Host patterns, separated by commas.
        hosts: Word,
        /// What kind.
        kind: RecordKind,
        /// The secret.
        secret: SecretBytes,
        /// Take it although it is weak.
        allow_weak: bool,
    },
    /// What importing Bifrost's records would do, each a [`Tell::Planned`]; decrypts nothing.
    PlanBifrost,
    /// Import Bifrost's records.
    ImportBifrost {
        /// Where to ask for a passphrase.
        surroundings: Surroundings,
    },
    /// Everything that waits for a person's answer. With `stand`, also what comes, until cancelled.
    Watch {
        /// Stay and tell of what comes and goes.
        stand: bool,
    },
    /// Agree to a confirmation, and to the very same request for the next ten minutes.
    Grant {
        /// Which.
        id: ConfirmationId,
    },
    /// Take a grant back.
    Revoke {
        /// Which.
        id: ConfirmationId,
    },
    /// Let a principal ask again that was paused after several refusals.
    Resume {
        /// Who.
        principal: Word,
    },
    /// Answer a question that a host asked at a login.
    Answer {
        /// Which.
        id: ConfirmationId,
        /// One text for each of its prompts; none refuses.
        texts: List<AnswerText, 8>,
    },
}

/// A person's answer to one prompt of a host: at most 4 KiB, may be empty. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AnswerText(String);

impl AnswerText {
    /// The longest answer, in bytes.
    pub const MAX: usize = 4096;

    /// The answer; the name is long on purpose.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AnswerText {
    type Error = crate::text::TextError;
    fn try_from(value: String) -> Result<Self, Self::Error> {
        match value.len() {
            n if n > Self::MAX => Err(crate::text::TextError::TooLong("an answer", Self::MAX)),
            _ => Ok(Self(value)),
        }
    }
}

impl From<AnswerText> for String {
    fn from(mut value: AnswerText) -> Self {
        std::mem::take(&mut value.0)
    }
}

impl Drop for AnswerText {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl std::fmt::Debug for AnswerText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnswerText")
    }
}

/// A broker's client's user said no to a confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// To which.
    pub confirmation: ConfirmationId,
}

/// Something on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tell {
    /// A finding of a checkup.
    Check(CheckEntry),
    /// A step of a login.
    Step(StepEntry),
    /// What would become, or became, of a foreign record.
    Planned(PlannedEntry),
    /// A confirmation waits.
    Asked(AskedEntry),
    /// A host's question waits.
    Question(QuestionEntry),
    /// A confirmation or question is settled, void or gone.
    Settled {
        /// Which.
        id: Text,
    },
    /// A grant in force.
    Grant(GrantEntry),
    /// A principal whose requests are refused unasked for a while.
    Paused {
        /// Who.
        principal: Text,
        /// Seconds until it may ask again.
        left_s: u32,
    },
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and not as one might expect.
    Warning,
    /// Something will not work.
    Problem,
}

/// A finding of a checkup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckEntry {
    /// What was looked at.
    pub name: Text,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub text: Text,
    /// What to do about it; empty when it is well.
    pub fix: Text,
}

/// A step of a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEntry {
    /// `resolve`, `connect`, `key`, `login` or `shell`.
    pub name: Text,
    /// Whether it succeeded.
    pub done: bool,
    /// What came of it.
    pub text: Text,
}

/// A foreign record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedEntry {
    /// Its foreign name.
    pub name: Text,
    /// The slug here; empty when it has no counterpart.
    pub slug: Text,
    /// The record's type here; empty likewise.
    pub kind: Text,
    /// `import`, `imported`, `exists`, `skipped` or `failed`.
    pub action: Text,
    /// Why; empty for none.
    pub reason: Text,
    /// The file that was written, below the store; empty for none.
    pub file: Text,
}

/// A confirmation that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedEntry {
    /// The confirmation.
    pub approval: ApprovalEntry,
    /// What differs from the one answered before; empty when there was none.
    pub news: Text,
}

/// A question a host asks at a login (RFC 4256), for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionEntry {
    /// Its id.
    pub id: Text,
    /// The host's alias.
    pub host: Text,
    /// The account.
    pub user: Text,
    /// The host's words before the prompts.
    pub instructions: Text,
    /// The prompts.
    pub prompts: List<PromptEntry, 8>,
    /// Seconds until it is void.
    pub expires_in_s: u32,
}

/// One prompt of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptEntry {
    /// The host's words.
    pub text: Text,
    /// Whether the answer may be shown as it is typed.
    pub echo: bool,
}

/// A grant in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantEntry {
    /// Its id.
    pub id: Text,
    /// Who may.
    pub principal: Text,
    /// On which host.
    pub host: Text,
    /// As whom.
    pub user: Text,
    /// Which command, redacted.
    pub command: Text,
    /// Seconds until it is void.
    pub expires_in_s: u32,
}
