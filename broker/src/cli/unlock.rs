//! `sallyport unlock` and `sallyport lock`.

use std::process::ExitCode;

use nix::unistd::ttyname;
use sallyport_protocol::admin::{AdminOutcome, AdminRequest, SURROUNDINGS, Surroundings};
use sallyport_protocol::request::{EnvValue, EnvVar};
use sallyport_protocol::text::{EnvName, Text};

use super::admin::{ask, link, misplaced};
use super::credential::Filter;
use super::output::{Problem, line};
use crate::format::span;

/// Decrypt one record, so that gpg-agent is warm and agents can log in.
#[derive(Debug, clap::Args)]
pub struct UnlockArgs {
    /// Which record; the first that fits without it.
    slug: Option<String>,
    #[command(flatten)]
    filter: Filter,
}

impl UnlockArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let filter = self.filter.with(self.slug.as_deref())?;
        let request = AdminRequest::Unlock { filter, surroundings: surroundings() };
        let (_, AdminOutcome::Unlocked { slug, expires_in_s }) = ask(&link()?, request).await? else {
            return Err(misplaced());
        };
        line(&unlocked(&slug, expires_in_s))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn unlocked(slug: &Text, expires_in_s: Option<u32>) -> String {
    match expires_in_s {
        Some(seconds) => format!("Unlocked with {slug}, for {}.", span(seconds.into())),
        None => format!("Unlocked with {slug}, for as long as gpg-agent remembers."),
    }
}

/// Forget everything decrypted now.
#[derive(Debug, clap::Args)]
pub struct LockArgs {}

impl LockArgs {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let (_, AdminOutcome::Done) = ask(&link()?, AdminRequest::Lock).await? else {
            return Err(misplaced());
        };
        line("Locked.")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Where this person sits, so that pinentry finds them: the helper may have
/// been started from another terminal, or from none.
pub fn surroundings() -> Surroundings {
    let own_tty = || Some(ttyname(std::io::stdin()).ok()?.to_str()?.to_owned());
    let value = |name: &str| match name {
        "GPG_TTY" => own_tty().or_else(|| std::env::var(name).ok()),
        _ => std::env::var(name).ok(),
    };
    let variable = |name: &&str| {
        let value = value(name).filter(|value| !value.is_empty())?;
        Some(EnvVar { name: EnvName::new(*name).ok()?, value: EnvValue::new(value).ok()? })
    };
    Surroundings::clip(SURROUNDINGS.iter().filter_map(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlocked_vault_says_until_when() {
        let slug = Text::from("ssh://deploy@web1");
        assert_eq!(unlocked(&slug, Some(1800)), "Unlocked with ssh://deploy@web1, for 30 min.");
        assert_eq!(
            unlocked(&slug, None),
            "Unlocked with ssh://deploy@web1, for as long as gpg-agent remembers."
        );
    }
}
