//! `sallyport credential`: records of the vault. Secrets go in; none comes out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use sallyport_protocol::admin::{
    AdminEvent, AdminOutcome, AdminRequest, RecordEntry, RecordFilter, RecordKind,
};
use sallyport_protocol::person::{Ask, PlannedEntry, Tell};
use sallyport_protocol::text::{SecretBytes, SlugText, UserName};
use sallyport_protocol::{ErrorCode, Failure};
use serde_json::{Value, json};

use super::admin::{ask, link, misplaced, usage, word};
use super::hosts_file::HostsFile;
use super::output::{Problem, json, line};
use super::{git, secret, unlock};
use crate::format::one_line;

/// Manage the vault's records.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Store a secret; it comes from a hidden prompt, standard input or a file, never from an argument.
    Add {
        /// ssh://user@host[:port], sudo://user@host[:port] or env://name; host may be an alias.
        slug: String,
        #[command(flatten)]
        source: Source,
        /// Store it although it is weak.
        #[arg(long)]
        allow_weak: bool,
    },
    /// List records; decrypts nothing.
    List {
        #[command(flatten)]
        filter: Filter,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what is stored under a slug; decrypts nothing.
    Show {
        /// The slug.
        slug: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Store a fallback account: offered to hosts that match and have no record of their own.
    SetDefault {
        /// Its user.
        user: String,
        /// Host patterns, separated by commas; `!` excludes.
        #[arg(long, value_name = "GLOB,...")]
        hosts: String,
        #[command(flatten)]
        source: DefaultSource,
        /// Store it although it is weak.
        #[arg(long)]
        allow_weak: bool,
    },
    /// Take over the records of another program's store; what is imported stays where it was.
    Import {
        /// Which program's.
        #[arg(value_parser = ["bifrost"])]
        from: String,
        /// Only say what would be done; decrypts nothing.
        #[arg(long)]
        dry_run: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove a record.
    Remove {
        /// The slug.
        slug: String,
        #[command(flatten)]
        kind: Kind,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// A password.
    #[arg(long)]
    password: bool,
    /// A private key file; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The passphrase of the stored key.
    #[arg(long)]
    passphrase: bool,
    /// An OpenSSH user certificate file.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// A dotenv file, under env://.
    #[arg(long, value_name = "FILE")]
    dotenv: Option<PathBuf>,
}

impl Source {
    /// What kind of record.
    fn kind(&self) -> RecordKind {
        match self {
            Self { key: Some(_), .. } => RecordKind::Key,
            Self { certificate: Some(_), .. } => RecordKind::Certificate,
            Self { dotenv: Some(_), .. } => RecordKind::Dotenv,
            Self { passphrase: true, .. } => RecordKind::Passphrase,
            Self { .. } => RecordKind::Password,
        }
    }

    /// Its content.
    fn read(&self, slug: &str) -> Result<SecretBytes, Problem> {
        match self {
            Self { key: Some(path), .. } => {
                let key = secret::from_file(path)?;
                refuse_public(&key)?;
                Ok(key)
            }
            Self { certificate: Some(path), .. } | Self { dotenv: Some(path), .. } => secret::from_file(path),
            Self { passphrase: true, .. } => secret::typed(&format!("Passphrase of the key of {slug}")),
            Self { .. } => secret::typed(&format!("Password for {slug}")),
        }
    }
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct DefaultSource {
    /// Its password.
    #[arg(long)]
    password: bool,
    /// Its private key file; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl DefaultSource {
    fn read(&self, user: &str) -> Result<(RecordKind, SecretBytes), Problem> {
        match &self.key {
            Some(path) => {
                let key = secret::from_file(path)?;
                refuse_public(&key)?;
                Ok((RecordKind::Key, key))
            }
            None => Ok((RecordKind::Password, secret::typed(&format!("Password of {user}"))?)),
        }
    }
}

/// The commonest slip: the public half of a key.
fn refuse_public(key: &SecretBytes) -> Result<(), Problem> {
    let text = key.expose_secret();
    if text.starts_with(b"ssh-") || text.starts_with(b"ecdsa-") || text.starts_with(b"sk-") {
        return Err(Problem::usage(
            "this is a public key",
            "give the file without .pub: the private key is stored",
        ));
    }
    Ok(())
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Kind {
    /// The password.
    #[arg(long)]
    password: bool,
    /// The private key.
    #[arg(long)]
    key: bool,
    /// The key's passphrase.
    #[arg(long)]
    passphrase: bool,
    /// The certificate.
    #[arg(long)]
    certificate: bool,
    /// The dotenv file.
    #[arg(long)]
    dotenv: bool,
}

impl Kind {
    fn kind(&self) -> RecordKind {
        match self {
            Self { key: true, .. } => RecordKind::Key,
            Self { passphrase: true, .. } => RecordKind::Passphrase,
            Self { certificate: true, .. } => RecordKind::Certificate,
            Self { dotenv: true, .. } => RecordKind::Dotenv,
            Self { .. } => RecordKind::Password,
        }
    }
}

/// Which records a command is about.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Only records of this host or alias.
    #[arg(long)]
    host: Option<String>,
    /// Only records of this user.
    #[arg(long)]
    user: Option<String>,
    /// Only records of this purpose.
    #[arg(long, value_parser = ["ssh", "sudo", "env", "default"])]
    purpose: Option<String>,
}

impl Filter {
    /// The filter as the protocol carries it.
    pub fn with(&self, slug: Option<&str>) -> Result<RecordFilter, Problem> {
        let words = |value: &Option<String>| value.as_deref().map(word).transpose();
        Ok(RecordFilter {
            slug: slug.map(SlugText::new).transpose().map_err(usage)?,
            host: words(&self.host)?,
            user: words(&self.user)?,
            purpose: words(&self.purpose)?,
        })
    }
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        match self.action {
            Action::Add { slug, source, allow_weak } => add(&slug, &source, allow_weak).await?,
            Action::List { filter, json: true } => {
                json(&records(filter.with(None)?).await?.iter().map(entry).collect::<Vec<_>>())?
            }
            Action::List { filter, json: false } => {
                let found = records(filter.with(None)?).await?;
                if found.is_empty() {
                    line("No such records; `sallyport credential add` stores one.")?;
                }
                for record in found {
                    line(&sentence(&record))?;
                }
            }
            Action::Show { slug, json: as_json } => show(&slug, as_json).await?,
            Action::SetDefault { user, hosts, source, allow_weak } => {
                set_default(&user, &hosts, &source, allow_weak).await?;
            }
            Action::Import { from: _, dry_run, json: as_json } => {
                return import_bifrost(dry_run, as_json).await;
            }
            Action::Remove { slug, kind } => remove(&slug, kind.kind()).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn add(slug: &str, source: &Source, allow_weak: bool) -> Result<(), Problem> {
    let parsed = SlugText::new(slug).map_err(usage)?;
    // Nobody types a secret to be told then that it is not taken.
    let none = Filter { host: None, user: None, purpose: None };
    let there = records(none.with(Some(slug))?).await?;
    if let Some(record) = there.iter().find(|record| record.kinds.iter().any(|kind| *kind == source.kind())) {
        return Err(exists(record.slug.as_str(), source.kind()));
    }
    let (kind, secret) = (source.kind(), source.read(slug)?);
    let request = Ask::Add { slug: parsed, kind, secret, allow_weak, surroundings: unlock::surroundings() };
    added(request, kind).await
}

fn exists(slug: &str, kind: RecordKind) -> Problem {
    let kind = name(kind);
    Failure::new(
        ErrorCode::CredentialRecordExists,
        format!("the vault already has a {kind} record for {slug}"),
        format!("remove it first with `sallyport credential remove {slug} --{kind}`"),
    )
    .into()
}

/// Stores a record, commits it, and says so.
async fn added(request: Ask, kind: RecordKind) -> Result<(), Problem> {
    let (_, AdminOutcome::Added { slug, file, git: folder, notes }) =
        ask(&link()?, AdminRequest::Person(request)).await?
    else {
        return Err(misplaced());
    };
    if let Some(folder) = folder {
        git::commit(
            folder.as_str(),
            file.as_str(),
            &format!("Add the {} of {slug} with sallyport.", name(kind)),
        );
    }
    line(&format!("Stored the {} of {slug} as {file}.", name(kind)))?;
    for note in notes.iter() {
        line(&format!("note: {}", one_line(note.as_str())))?;
    }
    Ok(())
}

/// Stores the record and binds the account to its hosts: first looked at, then stored, then bound.
async fn set_default(
    user: &str,
    hosts: &str,
    source: &DefaultSource,
    allow_weak: bool,
) -> Result<(), Problem> {
    let mut file = HostsFile::load()?;
    file.check_default(user, hosts)?;
    let (kind, secret) = source.read(user)?;
    let request = Ask::AddDefault {
        user: UserName::new(user).map_err(usage)?,
        hosts: word(hosts)?,
        kind,
        secret,
        allow_weak,
    };
    added(request, kind).await?;
    file.set_default(user, hosts)?;
    line(&format!("{user} is offered to hosts that match {hosts} and have no record of their own."))
}

/// Takes over the records of Bifrost, or says what would be done.
async fn import_bifrost(dry_run: bool, as_json: bool) -> Result<ExitCode, Problem> {
    let request =
        if dry_run { Ask::PlanBifrost } else { Ask::ImportBifrost { surroundings: unlock::surroundings() } };
    let link = link()?;
    let (events, AdminOutcome::Listed) = ask(&link, AdminRequest::Person(request)).await? else {
        return Err(misplaced());
    };
    let planned: Vec<PlannedEntry> = events
        .into_iter()
        .filter_map(|event| match event {
            AdminEvent::Person(Tell::Planned(planned)) => Some(planned),
            _ => None,
        })
        .collect();
    if planned.iter().any(|entry| entry.action.as_str() == "imported")
        && let (_, AdminOutcome::Status(status)) = ask(&link, AdminRequest::Status).await?
        && std::path::Path::new(status.store.as_str()).join(".git").exists()
    {
        let files: Vec<&str> =
            planned.iter().map(|entry| entry.file.as_str()).filter(|f| !f.is_empty()).collect();
        git::commit_all(status.store.as_str(), &files, "Import the records of Bifrost with sallyport.");
    }
    if as_json {
        json(&planned.iter().map(planned_report).collect::<Vec<_>>())?;
    } else if planned.is_empty() {
        line("There are no records of Bifrost in this store.")?;
    } else {
        for entry in &planned {
            line(&planned_text(entry))?;
        }
    }
    let failed = planned.iter().any(|entry| entry.action.as_str() == "failed");
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn planned_text(entry: &PlannedEntry) -> String {
    let mut text = format!("{:<9} {}", entry.action.as_str(), one_line(entry.name.as_str()));
    if !entry.slug.as_str().is_empty() {
        text.push_str(&format!(" as the {} of {}", entry.kind, entry.slug));
    }
    if !entry.reason.as_str().is_empty() {
        text.push_str(&format!(": {}", one_line(entry.reason.as_str())));
    }
    text
}

fn planned_report(entry: &PlannedEntry) -> Value {
    json!({
        "name": entry.name.as_str(),
        "slug": entry.slug.as_str(),
        "type": entry.kind.as_str(),
        "action": entry.action.as_str(),
        "reason": entry.reason.as_str(),
    })
}

async fn remove(slug: &str, kind: RecordKind) -> Result<(), Problem> {
    let parsed = SlugText::new(slug).map_err(usage)?;
    let request = AdminRequest::RemoveRecord { slug: parsed, kind };
    let (_, AdminOutcome::Removed { file, git: folder }) = ask(&link()?, request).await? else {
        return Err(misplaced());
    };
    if let Some(folder) = folder {
        git::commit(
            folder.as_str(),
            file.as_str(),
            &format!("Remove the {} of {slug} with sallyport.", name(kind)),
        );
    }
    line(&format!("Removed the {} of {slug} ({file}).", name(kind)))
}

async fn show(slug: &str, as_json: bool) -> Result<(), Problem> {
    let none = Filter { host: None, user: None, purpose: None };
    let Some(record) = records(none.with(Some(slug))?).await?.into_iter().next() else {
        return Err(Failure::new(
            ErrorCode::MissingCredential,
            format!("there is no record {slug}"),
            "`sallyport credential list` shows what there is",
        )
        .into());
    };
    if as_json { json(&entry(&record)) } else { line(&sentence(&record)) }
}

async fn records(filter: RecordFilter) -> Result<Vec<RecordEntry>, Problem> {
    let (events, AdminOutcome::Listed) = ask(&link()?, AdminRequest::ListRecords { filter }).await? else {
        return Err(misplaced());
    };
    let record = |event| match event {
        AdminEvent::Record(record) => Some(record),
        _ => None,
    };
    Ok(events.into_iter().filter_map(record).collect())
}

fn sentence(record: &RecordEntry) -> String {
    let kinds: Vec<&str> = record.kinds.iter().map(|kind| name(*kind)).collect();
    format!("{}  {}", record.slug, kinds.join(", "))
}

fn entry(record: &RecordEntry) -> Value {
    let slug = record.slug.as_str();
    let (purpose, rest) = slug.split_once("://").unwrap_or(("", slug));
    let mut fields = json!({
        "slug": slug,
        "purpose": purpose,
        "types": record.kinds.iter().map(|kind| name(*kind)).collect::<Vec<_>>(),
    });
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            fields["user"] = user.into();
            fields["host"] = host.into();
        }
        None => fields["name"] = rest.into(),
    }
    fields
}

/// A record type's name.
pub fn name(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Password => "password",
        RecordKind::Key => "key",
        RecordKind::Passphrase => "passphrase",
        RecordKind::Certificate => "certificate",
        RecordKind::Dotenv => "dotenv",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_protocol::List;

    #[test]
    fn a_record_is_told_by_its_slug_and_what_is_there() {
        let kinds = List::clip([RecordKind::Key, RecordKind::Passphrase]);
        let record = RecordEntry { slug: "ssh://deploy@web1:2222".into(), kinds };
        assert_eq!(sentence(&record), "ssh://deploy@web1:2222  key, passphrase");
        let expected = json!({
            "slug": "ssh://deploy@web1:2222", "purpose": "ssh", "user": "deploy", "host": "web1:2222",
            "types": ["key", "passphrase"]
        });
        assert_eq!(entry(&record), expected);
        let env = RecordEntry { slug: "env://ci".into(), kinds: List::clip([RecordKind::Dotenv]) };
        assert_eq!(
            entry(&env),
            json!({ "slug": "env://ci", "purpose": "env", "name": "ci", "types": ["dotenv"] })
        );
    }

    #[test]
    fn an_import_says_what_becomes_of_each_record() {
        let entry = |name: &str, slug: &str, action: &str, reason: &str| PlannedEntry {
            name: name.into(),
            slug: slug.into(),
            kind: if slug.is_empty() { "".into() } else { "password".into() },
            action: action.into(),
            reason: reason.into(),
            file: "".into(),
        };
        let planned = [
            entry("ssh://deploy@web1", "ssh://deploy@web1", "import", ""),
            entry("sudo://deploy@web1", "sudo://deploy@web1", "exists", "the vault has that record already"),
            entry("winrm://x@y", "", "skipped", "WinRM is not spoken here"),
        ];
        insta::assert_snapshot!(planned.iter().map(planned_text).collect::<Vec<_>>().join("\n"), @r"
        import    ssh://deploy@web1 as the password of ssh://deploy@web1
        exists    sudo://deploy@web1 as the password of sudo://deploy@web1: the vault has that record already
        skipped   winrm://x@y: WinRM is not spoken here
        ");
    }

    #[test]
    fn a_public_key_is_refused_with_the_way_out() {
        let key = SecretBytes::new(b"ssh-ed25519 AAAA me".to_vec()).unwrap();
        let problem = refuse_public(&key).unwrap_err();
        insta::assert_snapshot!(problem.text(), @r"
        sallyport: this is a public key
        hint: give the file without .pub: the private key is stored
        ");
        assert!(refuse_public(&SecretBytes::new(b"-----BEGIN".to_vec()).unwrap()).is_ok());
    }
}
