//! What the policy says to a file tool: the same as to the shell command that would do the same.
//!
//! A tool that touches a path names its [`Deed`]s; [`FileGate`] has the policy judge each of them, and lets the
//! request pass as [`super::gate::Gate`] lets a command pass. A person who is asked sees the deeds as shell lines.

use sallyport_policy::{Confirmation, Judgement, Mode, PathAction, ShellState, Verdict};
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::request::Consent;
use sallyport_protocol::text::{CommandText, ConfirmationId};
use sallyport_protocol::{ErrorCode, Failure};
use sha2::{Digest, Sha256};

use super::gate::{Gate, Granted, Passage, shut};
use super::target::Target;
use crate::config::Snapshot;
use crate::helper::Helper;
use crate::session::compose::quote;

/// One thing that is done to one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// What.
    pub action: PathAction,
    /// To which path, as text (see [`sallyport_protocol::name`]).
    pub path: String,
}

impl Deed {
    /// Reads a file or lists a directory.
    pub fn read(path: impl Into<String>) -> Self {
        Self { action: PathAction::Read, path: path.into() }
    }

    /// Makes, replaces or changes a file.
    pub fn write(path: impl Into<String>) -> Self {
        Self { action: PathAction::Write, path: path.into() }
    }

    /// Makes a directory.
    pub fn make(path: impl Into<String>) -> Self {
        Self { action: PathAction::CreateDirectory, path: path.into() }
    }

    /// Removes a file.
    pub fn remove(path: impl Into<String>) -> Self {
        Self { action: PathAction::Delete, path: path.into() }
    }

    /// Changes permissions.
    pub fn permit(path: impl Into<String>) -> Self {
        Self { action: PathAction::SetPermissions, path: path.into() }
    }

    fn changes(&self) -> bool {
        self.action != PathAction::Read
    }

    /// The deed as a person reads it: a shell line.
    fn line(&self) -> String {
        let words = match self.action {
            PathAction::Read => "cat --",
            PathAction::Write => "tee --",
            PathAction::CreateDirectory => "mkdir --",
            PathAction::SetPermissions => "chmod --",
            PathAction::Delete => "rm --",
            PathAction::DeleteTree => "rm -r --",
        };
        format!("{words} {}", quote(&self.path))
    }
}

/// A file tool's request as the gate sees it.
pub struct FileGate<'a> {
    /// The helper's state.
    pub helper: &'a Helper,
    /// Policy and inventory in force.
    pub now: &'a Snapshot,
    /// Who asks.
    pub principal: &'a str,
    /// Where.
    pub target: &'a Target,
    /// Everything that would be done.
    pub deeds: &'a [Deed],
    /// The request in a few words, for people and the audit log: `upload 3 files to '/srv'`. It is shown behind
    /// `#`, before the deeds that are asked about.
    pub what: &'a str,
    /// Whatever else makes this request this one: options, digests of the content.
    pub binding: &'a [&'a [u8]],
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation named by the call.
    pub confirmation: Option<&'a ConfirmationId>,
}

impl FileGate<'_> {
    /// The verdict alone: the strictest of all deeds, and the deeds it holds for.
    pub fn judge(&self) -> (Judgement, Vec<&Deed>) {
        let subject = self.target.subject(self.principal);
        let mut worst: Option<Judgement> = None;
        let mut whose = Vec::new();
        for deed in self.deeds {
            let judgement = self.now.policy.judge_path(&subject, deed.action, &deed.path);
            let rank = worst.as_ref().map(|worst| rank(worst.verdict));
            if rank.is_none_or(|rank| self::rank(judgement.verdict) > rank) {
                whose.clear();
                worst = Some(judgement.clone());
            }
            if worst.as_ref().is_some_and(|worst| worst.verdict == judgement.verdict) {
                whose.push(deed);
            }
        }
        // Nothing done is judged as the least there is.
        let judgement = worst.unwrap_or_else(|| self.now.policy.judge(&subject, &ShellState::default(), ":"));
        (judgement, whose)
    }

    /// Decides. `text` of the grant is what the audit log shows.
    pub fn pass(&self) -> (String, Passage) {
        let (judgement, whose) = self.judge();
        let text = self.text(&judgement, &whose);
        if judgement.verdict == Verdict::Confirm && !self.is_closed() && text.len() > CommandText::MAX {
            let failure = Failure::new(
                ErrorCode::TooLarge,
                format!("{} paths need a confirmation: more than a person can read", whose.len()),
                "do it in parts",
            );
            return (text, shut(Outcome::Failed(failure)));
        }
        let all = self.digest();
        let mut binding = vec![&b"files"[..], &all];
        binding.extend(self.binding);
        let state = ShellState::default();
        let gate = Gate {
            helper: self.helper,
            now: self.now,
            principal: self.principal,
            target: self.target,
            text: &text,
            state: &state,
            binding: &binding,
            consent: self.consent,
            confirmation: self.confirmation,
        };
        let passage = match self.closure() {
            Some((rule, why)) => shut(gate.blocked(
                &[rule.to_owned()],
                Failure::new(
                    ErrorCode::PolicyBlocked,
                    format!("the policy blocks this on {}: {why}", self.target.alias),
                    "no confirmation lifts this; reading files is judged on its own",
                ),
            )),
            None => gate.follow(judgement),
        };
        (text, passage)
    }

    /// Whether it changes something where nothing may be changed, whatever the policy says to the paths.
    pub fn is_closed(&self) -> bool {
        self.closure().is_some()
    }

    fn closure(&self) -> Option<(&'static str, &'static str)> {
        if !self.deeds.iter().any(Deed::changes) {
            return None;
        }
        let subject = self.target.subject(self.principal);
        if !self.target.host.upload {
            return Some(("file-writes-off", "this host takes no files: `upload = false`"));
        }
        let readonly = self.now.policy.effective(&subject).mode == Mode::Readonly;
        readonly.then_some(("readonly", "nothing is written in readonly mode"))
    }

    /// As [`FileGate::pass`], for requests that are answered at once when they may not go on.
    ///
    /// # Errors
    /// The answer.
    pub fn grant(&self) -> Result<(String, Box<Granted>), Box<Outcome>> {
        let (text, passage) = self.pass();
        Ok((text, passage.granted()?))
    }

    /// Who may agree on this host.
    pub fn confirmer(&self) -> Confirmation {
        self.now.policy.effective(&self.target.subject(self.principal)).confirmation
    }

    /// As [`FileGate::grant`], for the second end of a request whose one confirmation names both ends and was given
    /// at the first, by somebody who may agree here too.
    ///
    /// # Errors
    /// The answer.
    pub fn grant_with(
        &self,
        confirmed: Option<(String, &'static str)>,
    ) -> Result<(String, Box<Granted>), Box<Outcome>> {
        let (judgement, whose) = self.judge();
        if confirmed.is_none() || judgement.verdict != Verdict::Confirm || self.is_closed() {
            return self.grant();
        }
        Ok((self.text(&judgement, &whose), Box::new(Granted { judgement, confirmed })))
    }

    fn text(&self, judgement: &Judgement, whose: &[&Deed]) -> String {
        let mut text = format!("# {}", self.what.replace(['\n', '\r'], " "));
        if judgement.verdict != Verdict::Allow || self.deeds.len() <= 4 {
            for deed in whose {
                text.push('\n');
                text.push_str(&deed.line());
            }
        }
        text
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for deed in self.deeds {
            hash.update((deed.path.len() as u64).to_le_bytes());
            hash.update([deed.action as u8]);
            hash.update(&deed.path);
        }
        hash.finalize().into()
    }
}

/// How strict a verdict is.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Confirm => 1,
        Verdict::Block => 2,
    }
}
