//! The gate every command passes: the policy's verdict on the exact text that
//! would be sent, and the confirmation where one is needed.

use sallyport_policy::{Confirmation, Judgement, ShellState, Verdict};
use sallyport_protocol::list::List;
use sallyport_protocol::reply::{Confirmer, NeedsConfirmation, Outcome};
use sallyport_protocol::request::Consent;
use sallyport_protocol::text::ConfirmationId;
use sallyport_protocol::{ErrorCode, Failure, Text};
use sha2::{Digest as _, Sha256};

use super::approvals::{Asked, LIFETIME, Redeemed, Unasked};
use super::target::Target;
use crate::audit::Intent;
use crate::config::Snapshot;
use crate::helper::Helper;
use crate::redact::CleanText;

/// One request as the gate sees it.
pub struct Gate<'a> {
    /// The helper's state.
    pub helper: &'a Helper,
    /// Policy and inventory in force.
    pub now: &'a Snapshot,
    /// Who asks.
    pub principal: &'a str,
    /// Where it would run.
    pub target: &'a Target,
    /// The exact text that would be sent.
    pub text: &'a str,
    /// What earlier commands of the session changed.
    pub state: &'a ShellState,
    /// Whatever else makes this request this one: account to become, input digest, session, secrets.
    pub binding: &'a [&'a [u8]],
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation named by the call.
    pub confirmation: Option<&'a ConfirmationId>,
}

/// What the gate says.
#[must_use]
pub enum Passage {
    /// It may run.
    Open(Box<Granted>),
    /// It may not, or not yet: the answer for the caller.
    Shut(Box<Outcome>),
}

/// A command that may run, and why.
pub struct Granted {
    /// The verdict in full; its `next` state holds once the command was sent.
    pub judgement: Judgement,
    /// Who agreed, when somebody had to: a confirmation's id, and by whom.
    pub confirmed: Option<(String, &'static str)>,
}

impl Passage {
    /// The grant.
    ///
    /// # Errors
    /// The answer for the caller, when it may not run, or not yet.
    pub fn granted(self) -> Result<Box<Granted>, Box<Outcome>> {
        match self {
            Self::Open(granted) => Ok(granted),
            Self::Shut(outcome) => Err(outcome),
        }
    }
}

impl Gate<'_> {
    /// Decides.
    pub fn pass(&self) -> Passage {
        self.follow(self.judge())
    }

    /// The policy's verdict alone.
    pub fn judge(&self) -> Judgement {
        self.now.policy.judge(&self.target.subject(self.principal), self.state, self.text)
    }

    /// Follows a verdict on what `text` says, or a stricter one.
    pub fn follow(&self, judgement: Judgement) -> Passage {
        let subject = self.target.subject(self.principal);
        match judgement.verdict {
            Verdict::Allow => open(judgement, None),
            Verdict::Block => shut(self.blocked(
                &judgement.rules,
                Failure::new(
                    ErrorCode::PolicyBlocked,
                    format!("the policy blocks this command ({}): {}", judgement.mode, judgement.reason),
                    "no confirmation lifts this; ssh_check_command explains a command without running it",
                ),
            )),
            Verdict::Confirm => self.confirm(judgement, self.now.policy.effective(&subject).confirmation),
        }
    }

    /// Refuses, and leaves a line in the audit log: what was tried belongs there as much as what was done.
    pub fn blocked(&self, rules: &[String], failure: Failure) -> Outcome {
        let details = serde_json::json!({
            "principal": self.principal,
            "host": self.target.alias,
            "user": self.target.user,
            "endpoint": self.target.endpoint().to_string(),
            "command": self.helper.redactor.text(self.text).as_str(),
            "verdict": Verdict::Block.to_string(),
            "rules": rules,
            "policy_digest": self.helper.policy_digest(self.now),
        });
        if let Err(error) = self.helper.audit.note("blocked", &details) {
            // It does not run anyway.
            tracing::error!(%error, "a refusal was not written");
        }
        let rules = List::clip(rules.iter().map(|rule| Text::clip(rule.clone())));
        Outcome::Blocked { rules, failure }
    }

    fn confirm(&self, judgement: Judgement, who: Confirmation) -> Passage {
        let digest = self.digest();
        let approvals = &self.helper.approvals;
        if self.consent == Consent::Model && who == Confirmation::Model {
            return open(judgement, Some((String::new(), "model")));
        }
        if let Some(grant) = approvals.granted(self.principal, &digest) {
            return open(judgement, Some((grant, "grant")));
        }
        if let Some(id) = self.confirmation {
            let by_client = self.consent == Consent::Client && who >= Confirmation::Client;
            let redeemed = match by_client {
                true => approvals.redeem_by_client(id.as_str(), self.principal, &digest),
                false => approvals.redeem(id.as_str(), self.principal, &digest),
            };
            self.helper.changed();
            match redeemed {
                Redeemed::Granted => {
                    let by = if by_client { "client" } else { "operator" };
                    return open(judgement, Some((id.as_str().to_owned(), by)));
                }
                Redeemed::Denied => return refused(),
                Redeemed::Void => {
                    return refuse(
                        ErrorCode::ConfirmationExpired,
                        "this confirmation is not for this request, was used, or is older than 120 seconds",
                        "make the call again without confirmation_id to ask anew",
                    );
                }
                Redeemed::Waiting => {}
            }
        }
        let asked = Asked {
            principal: self.principal.to_owned(),
            host: self.target.alias.clone(),
            user: self.target.user.clone(),
            command: self.text.to_owned(),
            reason: judgement.reason.clone(),
            operator: who == Confirmation::Operator,
        };
        let asked = approvals.ask(self.helper.new_id("c"), asked, digest);
        self.helper.changed();
        match asked {
            Err(Unasked::Refused) => refused(),
            Err(Unasked::Full) => refuse(
                ErrorCode::QuotaExceeded,
                "too many confirmations are waiting",
                "wait until a person has answered some of them",
            ),
            Err(Unasked::Paused(left)) => refuse(
                ErrorCode::ConfirmationDenied,
                &format!(
                    "people refused the last requests, so nobody is asked for the next {} minutes",
                    left.as_secs().div_ceil(60)
                ),
                "ask your user what they want; a person ends the pause with `sallyport approve resume`",
            ),
            Ok(id) => shut(Outcome::NeedsConfirmation(NeedsConfirmation {
                id: id.into(),
                reason: judgement.reason.as_str().into(),
                rules: rules(&judgement),
                expires_in_s: u32::try_from(LIFETIME.as_secs()).unwrap_or(u32::MAX),
                who: match who {
                    Confirmation::Operator => Confirmer::Operator,
                    Confirmation::Client => Confirmer::Client,
                    Confirmation::Model => Confirmer::Model,
                },
            })),
        }
    }

    /// Digest of the request: host, account, text, policy and everything in `binding`,
    /// each part with its length before it.
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let policy = self.now.policy.digest();
        let endpoint = self.target.endpoint().to_string();
        let own: [&[u8]; 5] = [
            self.target.alias.as_bytes(),
            endpoint.as_bytes(),
            self.target.user.as_bytes(),
            self.text.as_bytes(),
            &policy,
        ];
        for part in own.iter().chain(self.binding) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// What the audit log says of a request that may run. The caller adds what only it knows: id, action, session
/// and host key.
///
/// # Errors
/// When the target's name cannot stand in a slug.
pub fn intent(
    helper: &Helper,
    now: &Snapshot,
    principal: &str,
    target: &Target,
    command: &CleanText,
    granted: &Granted,
) -> Result<Intent, Failure> {
    let (confirmation, confirmed_by) = granted.confirmed.clone().unzip();
    Ok(Intent {
        id: String::new(),
        principal: principal.to_owned(),
        action: "",
        session: None,
        host: target.alias.clone(),
        user: target.user.clone(),
        endpoint: target.endpoint().to_string(),
        host_key: None,
        slug: target.slug()?.to_string(),
        secrets: Vec::new(),
        command: command.as_str().to_owned(),
        verdict: granted.judgement.verdict.to_string(),
        rules: granted.judgement.rules.clone(),
        policy_digest: helper.policy_digest(now),
        confirmation,
        confirmed_by,
    })
}

/// The rules of a judgement, for the wire.
pub fn rules(judgement: &Judgement) -> List<Text, 32> {
    List::clip(judgement.rules.iter().map(|rule| Text::clip(rule.clone())))
}

fn open(judgement: Judgement, confirmed: Option<(String, &'static str)>) -> Passage {
    Passage::Open(Box::new(Granted { judgement, confirmed }))
}

pub(super) fn shut(outcome: Outcome) -> Passage {
    Passage::Shut(Box::new(outcome))
}

fn refused() -> Passage {
    refuse(
        ErrorCode::ConfirmationDenied,
        "a person refused this command",
        "do not ask again without a change; ask your user what they would rather have",
    )
}

fn refuse(code: ErrorCode, message: &str, hint: &str) -> Passage {
    shut(Outcome::Failed(Failure::new(code, message, hint)))
}
