//! Running a command as another user: which program does it on the host, what is sent to it, the conversation
//! up to the command's start, stopping what then runs with other rights, and sudo's cache in a session.
//!
//! This part may write a `sudo://` password to a channel, once, after the random prompt of that very call was
//! seen there and before the mark that says the command has started. It must never put one anywhere else.
//!
//! A command with `session` runs on a channel of its own, in the session's directory: what the session's shell
//! was taught (functions, aliases, traps) never stands between us and sudo. Only [`cache`] works in the session's
//! shell, because sudo keeps its cache for the shell that started it.

pub mod begin;
pub mod cache;
pub mod stop;
pub mod talk;
pub mod text;
pub mod tool;

use std::sync::Arc;

use sallyport_protocol::{ErrorCode, Failure};

use crate::guard::target::Target;
use crate::helper::Helper;
use crate::redact::{Enrollment, SecretKind};
use crate::ssh::keeper::failure;
use crate::vault::{Ask, RecordType, Secret, Slug};

/// A command that is to run as another user, and what is needed to get there.
pub struct Elevation {
    helper: Arc<Helper>,
    /// The record that opens sudo.
    pub slug: Slug,
    /// The user to become.
    pub run_as: String,
    /// `user@alias`, for people.
    label: String,
}

impl Elevation {
    /// For the account of a target.
    ///
    /// # Errors
    /// When user or host cannot stand in a slug.
    pub fn new(helper: Arc<Helper>, target: &Target, run_as: &str) -> Result<Self, Failure> {
        let slug = Slug::sudo(&target.user, &target.host.hostname, target.host.port).map_err(|error| {
            Failure::new(
                ErrorCode::InvalidArgument,
                error.to_string(),
                "check the host's entry in hosts.toml",
            )
        })?;
        Ok(Self { helper, slug, run_as: run_as.to_owned(), label: target.label() })
    }

    /// The password, enrolled in the redactor; asked for when it is due and dropped when it was sent.
    async fn password(&self) -> Result<(Secret, Vec<Enrollment>), Failure> {
        let (helper, kind) = (&self.helper, RecordType::Password);
        if !helper.vault.store().has(&self.slug, kind).map_err(failure)? {
            return Err(Failure::new(
                ErrorCode::MissingCredential,
                format!("sudo asks for a password and there is no record {}", self.slug),
                format!("a person adds it: sallyport credential add {} --password", self.slug),
            ));
        }
        let password = helper.vault.decrypt(&self.slug, kind, Ask::Never).await.map_err(failure)?;
        let name = self.slug.to_string();
        let enroll = || helper.redactor.enroll(&name, password.expose(), SecretKind::Password);
        let enrolled = match (enroll(), enroll()) {
            (Ok(here), Ok(for_window)) => {
                helper.remembered.keep_all(&name, kind, vec![for_window]);
                vec![here]
            }
            (Err(weak), _) | (_, Err(weak)) => {
                tracing::warn!(slug = %self.slug, %weak, "a secret is too weak to be masked");
                Vec::new()
            }
        };
        Ok((password, enrolled))
    }
}
