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
//! | 4 `memory` | nothing is ever swapped out (needs an unlimited `ulimit -l`) |
//!
//! Beside the levels, all memory is wiped when it is freed (`main.rs`), whatever library held it.

pub mod places;

use sallyport_sandbox::files::Files;
use sallyport_sandbox::{SandboxError, attributes, calls, files};

/// The steps' names, in their order: a level's number is its place in this list, from 1.
pub const STEPS: [&str; 4] = ["process", "files", "calls", "memory"];

/// How far hardening went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hardening {
    /// One for every step that was tried: why it failed, if it did.
    outcomes: Vec<Option<String>>,
}

impl Hardening {
    /// The first step, for the very start of the program.
    pub fn begin() -> Self {
        let mut hardening = Self::default();
        hardening.record(attributes::close());
        hardening
    }

    /// The other steps, once it is known which files are needed.
    ///
    /// Without a password store yet its place cannot be named, and files stay open until a helper starts that has one.
    pub fn confine(&mut self, open: Option<&Files>) {
        let no_store = SandboxError::Refused("files", "there is no password store yet".into());
        self.record(open.map_or(Err(no_store), files::restrict));
        self.record(calls::keep_those_of_the_helper());
        self.record(attributes::lock_memory());
    }

    fn record(&mut self, outcome: Result<(), SandboxError>) {
        if let Err(error) = &outcome {
            let step = STEPS.get(self.outcomes.len()).copied().unwrap_or_default();
            tracing::info!(step, %error, "the process could not be hardened further");
        }
        self.outcomes.push(outcome.err().map(|error| error.to_string()));
    }

    /// The level reached: how many steps succeeded before the first that did not.
    pub fn number(&self) -> u8 {
        self.outcomes.iter().take_while(|outcome| outcome.is_none()).count() as u8
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

#[cfg(test)]
mod tests {
    use super::*;

    fn hardening(outcomes: &[Option<&str>]) -> Hardening {
        Hardening { outcomes: outcomes.iter().map(|outcome| outcome.map(str::to_owned)).collect() }
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
