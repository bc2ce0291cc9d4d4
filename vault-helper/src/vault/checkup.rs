//! The vault's part of `doctor`: every check a line, and every line that is not well with its fix.

use std::collections::BTreeSet;
use std::path::Path;

use nix::unistd::{AccessFlags, access};

use crate::config::{is_trusted_owner, others_may_change};

use super::error::VaultError;
use super::locate::Origin;
use super::pubkeys::Readable;
use super::record::{RecordType, Secret};
use super::service::Vault;
use super::slug::Slug;
use super::walk::{Filter, Listing};

/// Most records that are tried one by one.
const MAX_TRIED: usize = 500;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and not as one might expect.
    Warning,
    /// Something will not work.
    Problem,
}

/// One line of the report. Holds nothing secret; names from the store have their control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// What to do about it; none when it is well.
    pub fix: Option<String>,
}

impl Check {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, level: Level::Ok, text: text.into(), fix: None }
    }

    fn bad(name: &'static str, level: Level, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, level, text: text.into(), fix: Some(fix.into()) }
    }

    fn error(name: &'static str, error: &VaultError) -> Self {
        Self::bad(name, Level::Problem, error.to_string(), error.hint())
    }
}

impl Vault {
    /// Looks at store, gpg, recipients and records. Asks nobody: what needs a passphrase shows as locked.
    /// `each_record` also tries to decrypt every record, up to 500, and forgets at once what came out.
    pub async fn checkup(&self, each_record: bool) -> Vec<Check> {
        let mut checks = vec![self.check_gpg()];
        let listing = match self.store.list(&Filter::default()) {
            Ok(listing) => listing,
            Err(error) => {
                checks.push(Check::error("store", &error));
                return checks;
            }
        };
        checks.push(self.check_store());
        checks.extend(self.check_recipients(&listing).await);
        checks.push(check_listing(&listing));
        if each_record {
            checks.extend(self.try_records(&listing).await);
        }
        checks
    }

    fn check_gpg(&self) -> Check {
        match self.home.program() {
            Ok(path) => Check::ok("gpg", path.display().to_string()),
            Err(error) => Check::bad("gpg", Level::Problem, error.to_string(), "install gnupg"),
        }
    }

    fn check_store(&self) -> Check {
        let why = match self.store.origin() {
            Origin::Setting => "named in sallyport.toml",
            Origin::Environment => "named by PASSWORD_STORE_DIR",
            Origin::GopassConfig => "named in gopass's configuration",
            Origin::GopassDefault => "gopass's usual place",
            Origin::PassDefault => "the usual place of pass",
        };
        let git = if self.store.is_git() { ", kept in git" } else { "" };
        // A store of somebody else's is no fault; that nothing can be added should be no surprise either.
        let root = self.store.root();
        let read_only = if access(root, AccessFlags::W_OK).is_err() { ", read-only" } else { "" };
        let text = format!("{} ({why}{git}{read_only})", root.display());
        match std::fs::metadata(root.join(".gpg-id")).or_else(|_| std::fs::metadata(root)) {
            Ok(about) if !is_trusted_owner(&about) || others_may_change(&about) => {
                let fix = format!(
                    "share it only with people you trust with its secrets; else chown -R and chmod -R go-w {}",
                    root.display()
                );
                let text = format!("{text}: others may change for whom new records are encrypted");
                Check::bad("store", Level::Warning, text, fix)
            }
            _ => Check::ok("store", text),
        }
    }

    /// One check for each set of recipients in use.
    async fn check_recipients(&self, listing: &Listing) -> Vec<Check> {
        let mut seen = BTreeSet::new();
        let mut checks = Vec::new();
        let records =
            listing.entries.iter().flat_map(|entry| entry.types.iter().map(move |kind| (&entry.slug, *kind)));
        let mut found: Vec<_> = records.map(|(slug, kind)| self.store.recipients(slug, kind)).collect();
        if found.is_empty() {
            found.push(self.store.recipients_of_root());
        }
        for recipients in found {
            match recipients {
                Ok(recipients) if !seen.insert(recipients.clone()) => {}
                Ok(recipients) => checks.push(self.check_recipient_set(recipients).await),
                Err(error) => checks.push(Check::error("recipients", &error)),
            }
        }
        checks.dedup();
        checks
    }

    async fn check_recipient_set(&self, recipients: Vec<String>) -> Check {
        let names = plain(&recipients.join(", "));
        let home = self.home.clone();
        match self.pool.run(move || home.check_recipients(&recipients)).await {
            Ok(Readable::Here) => Check::ok("recipients", names),
            Ok(Readable::OnCard(card)) => {
                Check::ok("recipients", format!("{names}, whose secret key is on the smartcard {card}"))
            }
            Ok(Readable::No) => Check::bad(
                "recipients",
                Level::Problem,
                format!("none of {names} has its secret key in this GPG home"),
                "check HOME and GNUPGHOME: a client may start the server with a home of its own; else `gpg --import` the secret key",
            ),
            Err(error) => Check::error("recipients", &error),
        }
    }

    /// Tries every record, and tells those that could not be read however unlocked the vault is.
    async fn try_records(&self, listing: &Listing) -> Vec<Check> {
        let mut records = Vec::new();
        for entry in &listing.entries {
            records.extend(entry.types.iter().map(|kind| (&entry.slug, *kind)));
        }
        let (mut readable, mut locked) = (0, 0);
        let mut checks = Vec::new();
        for (slug, kind) in records.into_iter().take(MAX_TRIED) {
            match self.probe(slug, kind).await {
                Ok(()) => readable += 1,
                Err(error) if error.code() == "vault_locked" => locked += 1,
                // It is the same for all of them.
                Err(error @ (VaultError::NoAgent | VaultError::Silent)) => {
                    checks.push(Check::error("decryption", &error));
                    return checks;
                }
                Err(error) => checks.push(Check::error("record", &error)),
            }
        }
        checks.push(match (readable, locked) {
            (readable, 0) => Check::ok("decryption", format!("{readable} records can be read")),
            (readable, locked) => Check::bad(
                "decryption",
                Level::Warning,
                format!("{readable} records can be read, {locked} need the passphrase first"),
                "run `sallyport unlock`",
            ),
        });
        checks
    }

    /// Decrypts a record without asking anybody and without regard to the window, and drops what came out.
    async fn probe(&self, slug: &Slug, kind: RecordType) -> Result<(), VaultError> {
        let (store, home, slug) = (self.store.clone(), self.home.clone(), slug.clone());
        let probe = self.pool.run(move || {
            let plain = home.decrypt(&slug, kind, &store.read(&slug, kind)?)?;
            match Secret::from_record(kind, plain) {
                Some(_) => Ok(()),
                None => Err(VaultError::Empty { slug, kind }),
            }
        });
        probe.await
    }
}

fn check_listing(listing: &Listing) -> Check {
    let count = listing.entries.iter().map(|entry| entry.types.len()).sum::<usize>();
    if listing.truncated {
        let fix = "keep fewer records below sallyport/ in this store";
        return Check::bad("records", Level::Warning, format!("more than the {count} that are shown"), fix);
    }
    match listing.ignored {
        0 => Check::ok("records", format!("{count} found")),
        ignored => {
            let names: Vec<String> = listing.examples.iter().map(|path| shown(path)).collect();
            let fix = "name them as `sallyport credential add` does: sallyport/<purpose>/<host[:port]>/<user>/<type>";
            let text = format!("{count} found; not the name of a record ({ignored}): {}", names.join(", "));
            Check::bad("records", Level::Warning, text, fix)
        }
    }
}

fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy())
}

fn plain(text: &str) -> String {
    text.chars()
        .flat_map(
            |sign| if sign.is_control() { sign.escape_default().collect::<Vec<_>>() } else { vec![sign] },
        )
        .collect()
}
