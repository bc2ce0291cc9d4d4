//! What the process takes from itself before it sees an untrusted byte.
//!
//! The steps come in an order, and each that succeeds raises the level that the handshake, `status` and the audit log
//! report; the first that fails ends the count. gpg, gpg-agent and pinentry, where the helper starts them, inherit
//! what was taken.
//!
//! | level | what |
//! |---|---|
//! | 1 `process` | no core dumps, no debugger of the same user, no new privileges |
//! | 2 `files` | Landlock: no file but those of [`places`] |
//! | 3 `calls` | seccomp: no call but those of the table in `sandbox/src/calls/helper.rs` |
//! | 4 `secrets` | secrets rest in [`memory`] that nobody else can read, root included (memfd_secret) |
//! | 5 `memory` | nothing else is ever swapped out either (needs an unlimited `ulimit -l`, or CAP_IPC_LOCK) |
//!
//! Beside the levels, all memory is wiped when it is freed, whatever library held it.

pub mod memory;
pub mod places;
mod sys;

use sallyport_sandbox::files::Files;
use sallyport_sandbox::{SandboxError, attributes, calls, files};

/// The steps' names, in their order: a level's number is its place in this list, from 1.
pub const STEPS: [&str; 5] = ["process", "files", "calls", "secrets", "memory"];
/// The level that counts no longer once a secret did not fit into its memory.
const SECRETS: u8 = 4;

/// How far hardening went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hardening {
    /// One for every step that was tried: why it failed, if it did.
    outcomes: Vec<Option<String>>,
    /// What became of the memory for secrets, which is made before the steps that stand before it.
    secrets: Option<String>,
    /// Whether files stayed open because there was no store whose place could be named.
    without_store: bool,
}

impl Hardening {
    /// The first step, and the memory for secrets, for the very start of the program: later on the call for it is gone.
    pub fn begin() -> Self {
        let mut hardening = Self::default();
        hardening.record(attributes::close());
        hardening.secrets = failed("secrets", memory::open());
        hardening
    }

    /// The other steps, once it is known which files are needed.
    ///
    /// Without a password store yet its place cannot be named, and files stay open until a helper starts that has one.
    pub fn confine(&mut self, open: Option<&Files>) {
        self.without_store = open.is_none();
        let no_store = SandboxError::Refused("files", "there is no password store yet".into());
        self.record(open.map_or(Err(no_store), files::restrict));
        self.record(calls::keep_those_of_the_helper());
        let secrets = self.secrets.take();
        self.outcomes.push(secrets);
        self.record(attributes::lock_memory());
    }

    fn record(&mut self, outcome: Result<(), SandboxError>) {
        let step = STEPS.get(self.outcomes.len()).copied().unwrap_or_default();
        self.outcomes.push(failed(step, outcome));
    }

    /// The level reached: how many steps succeeded before the first that did not.
    pub fn number(&self) -> u8 {
        let reached = self.outcomes.iter().take_while(|outcome| outcome.is_none()).count() as u8;
        if memory::usage().spilled == 0 { reached } else { reached.min(SECRETS - 1) }
    }

    /// Whether the files that may be opened are not bounded only because there was no password store at the start.
    pub fn started_without_store(&self) -> bool {
        self.without_store
    }

    /// Each step with `done` or why it was not, for the audit log.
    pub fn report(&self) -> serde_json::Value {
        let said = |outcome: &Option<String>| outcome.clone().unwrap_or_else(|| "done".into());
        STEPS
            .iter()
            .zip(&self.outcomes)
            .map(|(step, outcome)| ((*step).to_owned(), said(outcome).into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// Whether the level that is wanted was reached.
    ///
    /// # Errors
    /// When it was not, with the step that failed.
    pub fn at_least(&self, wanted: u8) -> Result<(), String> {
        let reached = self.number();
        if reached >= wanted {
            return Ok(());
        }
        let failed = usize::from(reached);
        let step = STEPS.get(failed).copied().unwrap_or("no such step");
        let why = self.outcomes.get(failed).cloned().flatten().unwrap_or_else(|| "there is none".into());
        Err(format!(
            "hardening reached level {reached}, and min_hardening is {wanted}: the step `{step}` failed: {why}\n\
             hint: make that step possible (docs/deploy-service.md says how), or lower min_hardening in sallyport.toml"
        ))
    }
}

/// Why a step failed, if it did; the log is told.
fn failed(step: &str, outcome: Result<(), SandboxError>) -> Option<String> {
    let error = outcome.err()?;
    tracing::info!(step, %error, "the process could not be hardened further");
    Some(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hardening(outcomes: &[Option<&str>]) -> Hardening {
        Hardening {
            outcomes: outcomes.iter().map(|outcome| outcome.map(str::to_owned)).collect(),
            secrets: None,
            without_store: false,
        }
    }

    #[test]
    fn the_first_step_that_fails_ends_the_count() {
        assert_eq!(Hardening::default().number(), 0);
        assert_eq!(hardening(&[None, None, None]).number(), 3);
        assert_eq!(hardening(&[None, Some("no"), None]).number(), 1);
    }

    #[test]
    fn a_level_that_was_not_reached_is_refused_with_the_step_that_failed() {
        let reached = hardening(&[None, Some("this kernel does not offer Landlock"), None, None]);
        assert!(reached.at_least(1).is_ok());
        insta::assert_snapshot!(reached.at_least(3).unwrap_err(), @r"
        hardening reached level 1, and min_hardening is 3: the step `files` failed: this kernel does not offer Landlock
        hint: make that step possible (docs/deploy-service.md says how), or lower min_hardening in sallyport.toml
        ");
        assert!(hardening(&[None; 4]).at_least(5).is_err());
    }
}
