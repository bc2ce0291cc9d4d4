//! `sallyport credential`: records of the vault. Secrets go in; none comes out.

mod import;
mod source;

use std::process::ExitCode;

use clap::Subcommand;
use sallyport_protocol::admin::{
    AdminEvent, AdminOutcome, AdminRequest, RecordEntry, RecordFilter, RecordKind,
};
use sallyport_protocol::person::Ask;
use sallyport_protocol::text::{SlugText, UserName};
use sallyport_protocol::{ErrorCode, Failure};
use serde_json::{Value, json};

use self::source::{DefaultSource, Kind, Source};
use super::admin::{ask, link, misplaced, usage, word};
use super::hosts_file::HostsFile;
use super::output::{Problem, json, line};
use super::{git, unlock};
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
                return import::from_bifrost(dry_run, as_json).await;
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
}
