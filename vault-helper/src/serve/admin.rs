//! What a person may ask over the admin socket, and who answers it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{PublicKey, PublicKeyOrCertificate};
use sallyport_protocol::admin::{
    AdminEvent, AdminOutcome, AdminRequest, HostKeyEntry, RecordEntry, RecordFilter, RecordKind, Status,
    Surroundings,
};
use sallyport_protocol::envelope::{Caller, FromHelper};
use sallyport_protocol::handshake;
use sallyport_protocol::list::List;
use sallyport_protocol::text::Word;
use sallyport_protocol::{ErrorCode, Failure, Text};

use super::broker::vault_state;
use super::connection::{Operation, Role, came_true};
use crate::guard::approvals::Verdict;
use crate::guard::target;
use crate::helper::Helper;
use crate::hostkeys::{HostKeyVerdict, fingerprint, randomart};
use crate::person;
use crate::ssh::connect;
use crate::ssh::keeper::failure;
use crate::ssh::trust::Endpoint;
use crate::vault::{Ask, Filter, PersonEnv, Purpose, RecordType, Slug, VaultError};

/// The admin's role.
pub struct Admin;

/// What a request ends with.
pub type Answer = Result<AdminOutcome, Failure>;

impl Role for Admin {
    const ROLE: handshake::Role = handshake::Role::Admin;
    type Request = AdminRequest;

    async fn run(mut op: Operation, caller: Caller, request: AdminRequest) {
        let mut cancelled = op.cancelled.clone();
        let answer = tokio::select! {
            answer = answer(&mut op, &caller, request) => answer,
            () = came_true(&mut cancelled) => Ok(AdminOutcome::Done),
        };
        let outcome = answer.unwrap_or_else(AdminOutcome::Failed);
        op.out.done(op.id, FromHelper::<AdminEvent, AdminOutcome>::Done { op: op.id, outcome });
    }

    fn gone(_: &Arc<Helper>, _: &[Caller]) {}
}

/// Tells something on the way.
pub fn event(op: &Operation, event: AdminEvent) {
    op.out.message(FromHelper::<AdminEvent, AdminOutcome>::Event { op: op.id, event });
}

async fn answer(op: &mut Operation, caller: &Caller, request: AdminRequest) -> Answer {
    let helper = op.helper.clone();
    match request {
        AdminRequest::Status => Ok(status(op)),
        AdminRequest::Unlock { filter, surroundings } => unlock(&helper, &filter, &surroundings).await,
        AdminRequest::Lock => {
            helper.vault.lock();
            helper.approvals.revoke_all();
            helper.forget();
            Ok(AdminOutcome::Done)
        }
        AdminRequest::AddRecord { slug, kind, secret, allow_weak } => {
            let slug = read_slug(&helper, slug.as_str())?;
            person::records::add(&helper, &slug, kind, &secret, allow_weak, Ask::Never).await
        }
        AdminRequest::ListRecords { filter } => {
            for (slug, kinds) in find(&helper, &filter)? {
                let kinds = List::clip(kinds.into_iter().map(record_kind));
                event(op, AdminEvent::Record(RecordEntry { slug: slug.to_string().into(), kinds }));
            }
            Ok(AdminOutcome::Listed)
        }
        AdminRequest::RemoveRecord { slug, kind } => {
            let slug = read_slug(&helper, slug.as_str())?;
            let removed = helper.vault.remove(&slug, record_type(kind)).await;
            let written = removed.map_err(|error| match error {
                VaultError::Missing { .. } => Failure::new(
                    ErrorCode::MissingCredential,
                    error.to_string(),
                    "`sallyport credential list` shows what there is",
                ),
                error => failure(error),
            })?;
            Ok(AdminOutcome::Removed {
                file: below(helper.vault.store().root(), &written.path),
                git: written.work_tree.as_deref().map(path),
            })
        }
        AdminRequest::ScanHostKey { hostname, port, jump } => {
            let entry = scan(op, caller, &Endpoint::new(hostname.as_str(), port), jump.as_ref()).await?;
            event(op, AdminEvent::HostKey(entry));
            Ok(AdminOutcome::Listed)
        }
        AdminRequest::PinHostKey { hostname, port, key } => {
            let key = PublicKey::from_openssh(key.as_str()).map_err(|error| {
                Failure::new(
                    ErrorCode::InvalidArgument,
                    format!("not a public key: {error}"),
                    "give the key as the scan showed it",
                )
            })?;
            helper.trust.pins.pin(hostname.as_str(), port, &key).map_err(pin_failure)?;
            Ok(AdminOutcome::Done)
        }
        AdminRequest::ListHostKeys { host } => {
            list_host_keys(op, host)?;
            Ok(AdminOutcome::Listed)
        }
        AdminRequest::RemoveHostKey { hostname, port } => {
            match helper.trust.pins.remove(hostname.as_str(), port).map_err(pin_failure)? {
                0 => Err(Failure::new(
                    ErrorCode::HostKeyUnknown,
                    format!("no key of {} is pinned here", Endpoint::new(hostname.as_str(), port)),
                    "keys in ~/.ssh/known_hosts are removed with ssh-keygen -R",
                )),
                _ => {
                    // What was accepted on this key's word ends with it.
                    helper.pool.close_host(&Endpoint::new(hostname.as_str(), port));
                    Ok(AdminOutcome::Done)
                }
            }
        }
        AdminRequest::ListApprovals => {
            for (id, asked, left, _) in helper.approvals.waiting() {
                let entry = person::watch::approval(id, asked, left);
                event(op, AdminEvent::Approval(entry));
            }
            Ok(AdminOutcome::Listed)
        }
        AdminRequest::AuditHead => {
            let (sequence, hash) = helper.audit.head();
            Ok(AdminOutcome::AuditHead { sequence, hash: hash.into() })
        }
        AdminRequest::Approve { id } => person::watch::settle(&helper, id.as_str(), Verdict::Once).await,
        AdminRequest::Deny { id } => person::watch::settle(&helper, id.as_str(), Verdict::No).await,
        AdminRequest::Person(ask) => person::answer(op, ask).await,
        AdminRequest::Terminal(ask) => super::oversight::answer(op, ask).await,
    }
}

fn status(op: &Operation) -> AdminOutcome {
    let helper = &op.helper;
    for doubt in &helper.audit.in_doubt {
        let (time, target, command) = (doubt.time.as_str(), doubt.target.as_str(), doubt.command.as_str());
        event(op, AdminEvent::InDoubt { time: time.into(), target: target.into(), command: command.into() });
    }
    let now = helper.live.now();
    let vault = vault_state(helper);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (sessions, jobs) = helper.registry.counts();
    AdminOutcome::Status(Status {
        locked: vault.locked,
        expires_in_s: vault.expires_in_s,
        sessions: count(sessions),
        jobs: count(jobs),
        connections: count(helper.pool.count()),
        approvals: count(helper.approvals.waiting().len() + helper.questions.waiting().len()),
        hardening: helper.hardening.number(),
        policy_digest: helper.policy_digest(&now).into(),
        store: path(helper.vault.store().root()),
        audit: path(helper.audit.path()),
        pid: std::process::id(),
        problems: List::clip(now.problems.into_iter().map(Text::clip)),
    })
}

/// Warms gpg-agent with one record and opens the window.
pub async fn unlock(helper: &Helper, filter: &RecordFilter, surroundings: &Surroundings) -> Answer {
    let variables = surroundings.iter().map(|variable| (variable.name.as_str(), variable.value.as_str()));
    let person = PersonEnv::from_variables(variables);
    helper.sits_at(person.clone());
    let found = find(helper, filter)?;
    let first = found.iter().find(|(slug, _)| slug.purpose() == Purpose::Ssh).or(found.first());
    let Some((slug, kinds)) = first else {
        return Err(Failure::new(
            ErrorCode::MissingCredential,
            "there is no record to unlock",
            "add one: sallyport credential add ssh://USER@HOST --key FILE",
        ));
    };
    let kind = kinds.first().copied().unwrap_or(RecordType::Key);
    let window = helper.vault.unlock(slug, kind, person).await.map_err(failure)?;
    Ok(AdminOutcome::Unlocked { slug: slug.to_string().into(), expires_in_s: window.expires_in.map(seconds) })
}

async fn scan(
    op: &Operation,
    caller: &Caller,
    endpoint: &Endpoint,
    jump: Option<&Word>,
) -> Result<HostKeyEntry, Failure> {
    let helper = &op.helper;
    let through = match jump {
        None => None,
        Some(alias) => {
            let target = target::jump(helper, alias.as_str())?;
            Some(helper.pool.lease(helper, caller.principal.as_str(), &target).await?)
        }
    };
    let key = connect::scan(helper, endpoint, through.as_ref()).await?;
    let shown = PublicKeyOrCertificate::PublicKey { key: key.clone(), hash_alg: None };
    let verdict = helper.trust.known()?.check(endpoint.host(), endpoint.port(), &shown);
    let (known_in, changed) = match verdict {
        HostKeyVerdict::Known { source } => (path(&source.file), false),
        HostKeyVerdict::Unknown => (Text::default(), false),
        HostKeyVerdict::Changed { source, .. }
        | HostKeyVerdict::Revoked { source }
        | HostKeyVerdict::BadCertificate { source, .. } => (path(&source.file), true),
    };
    Ok(HostKeyEntry { randomart: randomart(&key).into(), changed, ..key_entry(endpoint, &key, known_in) })
}

fn key_entry(endpoint: &Endpoint, key: &PublicKey, known_in: Text) -> HostKeyEntry {
    HostKeyEntry {
        host: endpoint.to_string().into(),
        algorithm: key.algorithm().to_string().into(),
        fingerprint: fingerprint(key).into(),
        randomart: Text::default(),
        key: key.to_openssh().unwrap_or_default().into(),
        known_in,
        changed: false,
    }
}

fn list_host_keys(op: &Operation, host: Option<(Word, u16)>) -> Result<(), Failure> {
    let known = op.helper.trust.known()?;
    let now = op.helper.live.now();
    // Without a name: those of the inventory, and whatever else is pinned here; each once.
    let endpoints: Vec<Endpoint> = match host {
        Some((name, port)) => vec![Endpoint::new(name.as_str(), port)],
        None => {
            let listed = now.inventory.iter().map(|(_, host)| (host.hostname.clone(), host.port));
            let all: BTreeSet<(String, u16)> = listed.chain(op.helper.trust.pins.hosts()).collect();
            all.iter().map(|(host, port)| Endpoint::new(host, *port)).collect()
        }
    };
    for endpoint in endpoints {
        for found in known.keys_of(endpoint.host(), endpoint.port()) {
            event(op, AdminEvent::HostKey(key_entry(&endpoint, &found.key, path(&found.source.file))));
        }
    }
    Ok(())
}

/// Reads a slug; an alias in it stands for the alias's real name and port.
pub fn read_slug(helper: &Helper, text: &str) -> Result<Slug, Failure> {
    let invalid = |error: &dyn std::fmt::Display| {
        Failure::new(
            ErrorCode::InvalidArgument,
            error.to_string(),
            "write ssh://USER@HOST[:PORT], sudo://USER@HOST[:PORT] or env://NAME",
        )
    };
    let now = helper.live.now();
    let expanded = text.split_once("://").and_then(|(purpose, rest)| {
        let (user, place) = rest.rsplit_once('@')?;
        let endpoint = match now.inventory.get(place) {
            Some(host) => Endpoint::new(&host.hostname, host.port),
            // An alias with a port of its own: still the alias's real name.
            None => {
                let named = target::endpoint(place)?;
                Endpoint::new(&now.inventory.get(named.host())?.hostname, named.port())
            }
        };
        Some(format!("{purpose}://{user}@{endpoint}"))
    });
    expanded.as_deref().unwrap_or(text).parse().map_err(|error: crate::vault::SlugError| invalid(&error))
}

/// A host's name as records have it, without the brackets of an address.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

/// The records a person means.
fn find(helper: &Helper, filter: &RecordFilter) -> Result<Vec<(Slug, Vec<RecordType>)>, Failure> {
    let slug = filter.slug.as_ref().map(|slug| read_slug(helper, slug.as_str())).transpose()?;
    let now = helper.live.now();
    // An alias and a name with a port mean that port; a bare name means the host, whatever the port.
    let wanted_host = filter.host.as_ref().map(|host| match now.inventory.get(host.as_str()) {
        Some(host) => (host.hostname.clone(), Some(host.port)),
        None => match target::endpoint(host.as_str()) {
            Some(named) if named.host() != bare(host.as_str()) => {
                (named.host().to_owned(), Some(named.port()))
            }
            _ => (bare(host.as_str()), None),
        },
    });
    let purpose =
        filter.purpose.as_ref().map(|p| p.as_str().parse::<Purpose>()).transpose().map_err(|error| {
            Failure::new(ErrorCode::InvalidArgument, error.to_string(), "purposes are ssh, sudo and env")
        })?;
    let wanted = Filter {
        purpose,
        host: wanted_host.as_ref().map(|(host, _)| host.clone()),
        user: filter.user.as_ref().map(|user| user.as_str().to_owned()),
    };
    let listing = helper.vault.store().list(&wanted).map_err(failure)?;
    let fits = |found: &Slug| {
        slug.as_ref().is_none_or(|slug| slug == found)
            && wanted_host
                .as_ref()
                .and_then(|(_, port)| *port)
                .is_none_or(|port| found.port().unwrap_or(22) == port)
    };
    Ok(listing
        .entries
        .into_iter()
        .filter(|entry| fits(&entry.slug))
        .map(|entry| (entry.slug, entry.types))
        .collect())
}

/// The vault's word for a record type.
pub fn record_type(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::Password => RecordType::Password,
        RecordKind::Key => RecordType::Key,
        RecordKind::Passphrase => RecordType::Passphrase,
        RecordKind::Certificate => RecordType::Certificate,
        RecordKind::Dotenv => RecordType::Dotenv,
    }
}

fn record_kind(kind: RecordType) -> RecordKind {
    match kind {
        RecordType::Password => RecordKind::Password,
        RecordType::Key => RecordKind::Key,
        RecordType::Passphrase => RecordKind::Passphrase,
        RecordType::Certificate => RecordKind::Certificate,
        RecordType::Dotenv => RecordKind::Dotenv,
    }
}

fn pin_failure(error: crate::hostkeys::PinError) -> Failure {
    Failure::new(ErrorCode::InternalError, error.to_string(), "check the state directory")
}

/// A file's name below the store.
pub fn below(root: &std::path::Path, file: &std::path::Path) -> Text {
    path(file.strip_prefix(root).unwrap_or(file))
}

/// A path, for people.
pub fn path(path: &std::path::Path) -> Text {
    path.display().to_string().into()
}

/// Whole seconds.
pub fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
