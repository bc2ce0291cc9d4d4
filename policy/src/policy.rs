//! A policy: `policy.toml` checked, with its digest, applied to subjects.

use sha2::{Digest as _, Sha256};

use crate::config::{Checked, ConfigError, PolicyFile, Rule, names_host};
use crate::engine;
use crate::judgement::Judgement;
use crate::state::ShellState;
use crate::subject::{Effective, PathAction, Subject};
use crate::verdict::{Confirmation, Mode, Verdict};

/// A guardrail policy, ready to judge. Cheap to share behind an `Arc`; never changes once built.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) file: Checked,
    digest: [u8; 32],
}

impl Policy {
    /// The policy of a missing `policy.toml`: guarded, confirmed by the client's user, no extra rules.
    #[must_use]
    pub fn builtin() -> Self {
        Self::seal(Checked::builtin())
    }

    /// What holds while a `policy.toml` is there and cannot be taken: readonly, confirmed by an operator.
    #[must_use]
    pub fn strictest() -> Self {
        Self::seal(Checked {
            mode: Mode::Readonly,
            confirmation: Confirmation::Operator,
            ..Checked::builtin()
        })
    }

    /// Reads a `policy.toml` and proves its rules' examples.
    ///
    /// # Errors
    /// An unknown key, a value out of range, or a rule whose `match` or `no_match` example fails; with its line.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let file = PolicyFile::parse(text)?;
        let policy = Self::seal(file.check(text)?);
        for rule in &file.rule {
            policy.check_examples(rule.get_ref()).map_err(|(example, message)| {
                ConfigError::at(text, place_of(text, rule.span(), example), message)
            })?;
        }
        Ok(policy)
    }

    fn seal(file: Checked) -> Self {
        // Serialising plain structs of strings, numbers and lists into memory has no failure of its own; were one
        // to appear, the empty text would still give a stable digest that matches no real policy.
        let canonical = serde_json::to_string(&file).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(crate::ENGINE_VERSION.to_be_bytes());
        hash.update(canonical.as_bytes());
        Self { file, digest: hash.finalize().into() }
    }

    /// The example that fails, and what to say of it.
    fn check_examples<'r>(&self, rule: &'r Rule) -> Result<(), (&'r str, String)> {
        for (examples, wanted) in [(&rule.examples, true), (&rule.counter_examples, false)] {
            for example in examples {
                if engine::rule_matches(rule, example) != wanted {
                    let (key, verb) =
                        if wanted { ("match", "does not match") } else { ("no_match", "matches") };
                    let message = format!("rule {:?}: it {verb} its {key} example {example:?}", rule.name);
                    return Err((example, message));
                }
            }
        }
        Ok(())
    }

    /// SHA-256 of the canonical content and the engine's table version: equal digests judge alike.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Seconds a command may take when the caller names no limit.
    #[must_use]
    pub const fn default_timeout_s(&self) -> u64 {
        self.file.default_timeout_s
    }

    /// Most bytes of output kept for one command.
    #[must_use]
    pub const fn max_output_bytes(&self) -> u64 {
        self.file.max_output_bytes
    }

    /// The mode and confirmation that hold for a subject: the host's own, else the file's; a principal's limits
    /// only ever tighten them.
    #[must_use]
    pub fn effective(&self, subject: &Subject<'_>) -> Effective {
        let mut mode = subject.mode.unwrap_or(self.file.mode);
        let mut confirmation = subject.confirmation.unwrap_or(self.file.confirmation);
        if let Some(principal) = self.file.principals.iter().find(|p| p.name == subject.principal) {
            mode = principal.mode.map_or(mode, |limit| limit.min(mode));
            confirmation = principal.confirmation.map_or(confirmation, |limit| limit.min(confirmation));
        }
        Effective { mode, confirmation }
    }

    /// Whether this principal may reach this host at all. A principal the file does not name may reach every host.
    #[must_use]
    pub fn permits_host(&self, principal: &str, alias: &str, tags: &[String]) -> bool {
        self.file
            .principals
            .iter()
            .find(|p| p.name == principal)
            .and_then(|p| p.hosts.as_ref())
            .is_none_or(|patterns| names_host(patterns, alias, tags))
    }

    /// Judges a command for a subject in a shell whose earlier commands left `state`.
    pub fn judge(&self, subject: &Subject<'_>, state: &ShellState, command: &str) -> Judgement {
        engine::judge(self, subject, state, command)
    }

    /// Judges what a file tool would do to `path`, as the same access by a shell command.
    pub fn judge_path(&self, subject: &Subject<'_>, action: PathAction, path: &str) -> Judgement {
        engine::judge_path(self, subject, action, path)
    }

    /// Judges a port forward: `direction` is `local` or `remote`, `place` what it reaches or exposes. Whether the
    /// host's entry lists the place is the caller's to check.
    pub fn judge_forward(&self, subject: &Subject<'_>, direction: &str, place: &str) -> Judgement {
        engine::forward::judge(self, subject, direction, place)
    }

    /// The rules that apply to a subject.
    pub(crate) fn rules_for<'a>(&'a self, subject: &'a Subject<'_>) -> impl Iterator<Item = &'a Rule> {
        self.file.rules.iter().filter(|rule| {
            rule.hosts.as_ref().is_none_or(|patterns| names_host(patterns, subject.alias, subject.tags))
        })
    }

    /// The rules that hold for a subject, or all of them, by name and decision, in the file's order.
    pub fn rule_names<'a>(
        &'a self,
        subject: Option<&'a Subject<'_>>,
    ) -> impl Iterator<Item = (&'a str, Verdict)> {
        let holds = move |rule: &&Rule| {
            rule.hosts.as_ref().is_none_or(|patterns| {
                subject.is_none_or(|subject| names_host(patterns, subject.alias, subject.tags))
            })
        };
        self.file.rules.iter().filter(holds).map(|rule| (rule.name.as_str(), rule.decision.verdict()))
    }

    /// The principals the file names.
    pub fn principal_names(&self) -> impl Iterator<Item = &str> {
        self.file.principals.iter().map(|principal| principal.name.as_str())
    }

    /// The reason an operator rule gives, if this is one and it gives any.
    pub(crate) fn rule_reason(&self, name: &str) -> Option<&str> {
        self.file.rules.iter().find(|rule| rule.name == name).and_then(|rule| rule.reason.as_deref())
    }

    /// The file's own mode, before hosts and principals.
    #[must_use]
    pub const fn default_mode(&self) -> Mode {
        self.file.mode
    }

    /// The policy's checked content as JSON, for `policy show`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.file).unwrap_or_default()
    }
}

/// Where an example stands in the file: behind its rule's head, unless it is spelt with escapes there.
fn place_of(text: &str, rule: std::ops::Range<usize>, example: &str) -> std::ops::Range<usize> {
    let start = rule.start.min(text.len());
    match text.get(start..).and_then(|rest| rest.find(example)) {
        Some(at) if !example.is_empty() => start + at..start + at + example.len(),
        _ => rule,
    }
}

#[cfg(test)]
mod tests;
