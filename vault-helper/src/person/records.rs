//! Records that people bring: looked at before they are stored, and taken over from Bifrost.

use sallyport_protocol::admin::{AdminOutcome, RecordKind};
use sallyport_protocol::list::List;
use sallyport_protocol::person::{PlannedEntry, Tell};
use sallyport_protocol::text::SecretBytes;
use sallyport_protocol::{ErrorCode, Failure, Text};

use super::tell;
use crate::helper::Helper;
use crate::redact::{Redactor, SecretKind, Strength};
use crate::serve::admin::{Answer, below, path, record_type};
use crate::serve::connection::Operation;
use crate::ssh::keeper::failure;
use crate::vault::{Ask, Fallback, Planned, RecordType, Secret, Slug, Step, VaultError, Written};

/// Looks at a secret and stores it.
///
/// # Errors
/// What is wrong with the secret, or keeps it from being stored.
pub async fn add(
    helper: &Helper,
    slug: &Slug,
    kind: RecordKind,
    secret: &SecretBytes,
    allow_weak: bool,
    ask: Ask,
) -> Answer {
    let kind = record_type(kind);
    if !RecordType::of(slug.purpose()).contains(&kind) {
        return Err(Failure::new(
            ErrorCode::InvalidArgument,
            format!("a {kind} record does not belong under {slug}"),
            "ssh:// takes a password, key, passphrase or certificate; sudo:// a password; env:// a dotenv file",
        ));
    }
    if helper.vault.store().has(slug, kind).map_err(failure)? {
        return Err(failure(VaultError::Exists { slug: slug.clone(), kind }));
    }
    let secret = Secret::copy_of(secret.expose_secret());
    // Enrolled while it is looked at and written: an error text must not repeat it. A weak one is refused or noted.
    let enrolled = helper.redactor.enroll(&slug.to_string(), secret.expose(), masked_as(kind));
    let mut notes = weakness(kind, &secret, allow_weak)?;
    match helper.vault.inspect(slug, kind, &secret, ask).await {
        Ok(inspection) => {
            let word = if kind == RecordType::Dotenv { "sets" } else { kind.as_str() };
            notes.extend(inspection.about.map(|about| Text::from(format!("{word} {about}"))));
            notes.extend(inspection.warnings.into_iter().map(Text::from));
        }
        // What it should have been compared with cannot be read now; that is no reason to refuse it.
        Err(error) if error.code() == "vault_locked" => {
            notes.push(Text::from(format!("it was not compared with the slug's other records: {error}")));
        }
        Err(error @ VaultError::Unusable { .. }) => {
            let kept = failure(error);
            return Err(Failure::new(ErrorCode::InvalidArgument, kept.message, kept.hint));
        }
        Err(error) => return Err(failure(error)),
    }
    let written = helper.vault.add(slug, kind, secret).await.map_err(failure)?;
    drop(enrolled);
    Ok(added(helper, slug, &written, notes))
}

fn added(helper: &Helper, slug: &Slug, written: &Written, notes: Vec<Text>) -> AdminOutcome {
    AdminOutcome::Added {
        slug: slug.to_string().into(),
        file: below(helper.vault.store().root(), &written.path),
        git: written.work_tree.as_deref().map(path),
        notes: List::clip(notes),
    }
}

/// Stores a record of a fallback account.
///
/// # Errors
/// When its patterns bind it to every host or to none; as [`add`].
pub async fn add_default(
    helper: &Helper,
    user: &str,
    hosts: &str,
    kind: RecordKind,
    secret: &SecretBytes,
    allow_weak: bool,
) -> Answer {
    let account = Fallback::new(user, hosts).map_err(|error| {
        Failure::new(
            ErrorCode::InvalidArgument,
            error.to_string(),
            "name the hosts it is for, such as --hosts 'db*.example,!db-lab.example'",
        )
    })?;
    add(helper, account.slug(), kind, secret, allow_weak, Ask::Never).await
}

fn masked_as(kind: RecordType) -> SecretKind {
    match kind {
        RecordType::Key => SecretKind::PrivateKey,
        RecordType::Passphrase => SecretKind::Passphrase,
        RecordType::Dotenv => SecretKind::Dotenv,
        RecordType::Password | RecordType::Certificate => SecretKind::Password,
    }
}

fn weakness(kind: RecordType, secret: &Secret, allow_weak: bool) -> Result<Vec<Text>, Failure> {
    if !matches!(kind, RecordType::Password | RecordType::Passphrase) {
        return Ok(Vec::new());
    }
    match Redactor::strength(secret.expose(), masked_as(kind)) {
        Strength::Good => Ok(Vec::new()),
        Strength::Weak(why) => Ok(vec![Text::from(format!("weak: {why}"))]),
        Strength::Refused if allow_weak => Ok(vec!["weak: this secret cannot be masked in output".into()]),
        Strength::Refused => Err(Failure::new(
            ErrorCode::InvalidArgument,
            "this secret is too short to be masked in output",
            "choose a longer one, or insist with --allow-weak",
        )),
    }
}

/// Tells what an import of Bifrost's records would do.
///
/// # Errors
/// When there is no store.
pub fn plan_bifrost(op: &Operation) -> Answer {
    for planned in op.helper.vault.store().plan_bifrost_import().map_err(failure)? {
        tell(op, Tell::Planned(entry(&planned, "import")));
    }
    Ok(AdminOutcome::Listed)
}

/// Imports what can be imported. One that fails is told and the others go on.
///
/// # Errors
/// When there is no store, or the vault stays locked.
pub async fn import_bifrost(op: &Operation, ask: Ask) -> Answer {
    let helper = &op.helper;
    for planned in helper.vault.store().plan_bifrost_import().map_err(failure)? {
        let mut told = entry(&planned, "imported");
        if let Step::Import(record) = &planned.step {
            match helper.vault.import_bifrost(record, ask.clone()).await {
                Ok(written) => told.file = below(helper.vault.store().root(), &written.path),
                // Every other record would be asked for again.
                Err(error) if error.code() == "vault_locked" => return Err(failure(error)),
                Err(error) => {
                    told.action = "failed".into();
                    told.reason = error.to_string().into();
                }
            }
        }
        tell(op, Tell::Planned(told));
    }
    Ok(AdminOutcome::Listed)
}

fn entry(planned: &Planned, import: &str) -> PlannedEntry {
    let (slug, kind, action, reason) = match &planned.step {
        Step::Import(record) => (record.slug.to_string(), record.kind.as_str(), import, ""),
        Step::Exists(slug, kind) => {
            (slug.to_string(), kind.as_str(), "exists", "the vault has that record already")
        }
        Step::Skip(why) => (String::new(), "", "skipped", *why),
    };
    PlannedEntry {
        name: planned.name.as_str().into(),
        slug: slug.into(),
        kind: kind.into(),
        action: action.into(),
        reason: reason.into(),
        file: Text::default(),
    }
}
