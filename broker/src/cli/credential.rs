//! `sallyport credential`: records of the vault. Secrets go in; none comes out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use sallyport_protocol::admin::{
    AdminEvent, AdminOutcome, AdminRequest, RecordEntry, RecordFilter, RecordKind,
};
use sallyport_protocol::text::{SecretBytes, SlugText};
use sallyport_protocol::{ErrorCode, Failure};
use serde_json::{Value, json};

use super::admin::{ask, link, misplaced, usage, word};
use super::output::{Problem, json, line};
use super::{git, secret};

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
    /// What kind of record, and its content.
    fn read(&self, slug: &str) -> Result<(RecordKind, SecretBytes), Problem> {
        let file = |kind, path| Ok((kind, secret::from_file(path)?));
        match self {
            Self { key: Some(path), .. } => {
                let (kind, key) = file(RecordKind::Key, path)?;
                refuse_public(&key)?;
                Ok((kind, key))
            }
            Self { certificate: Some(path), .. } => file(RecordKind::Certificate, path),
            Self { dotenv: Some(path), .. } => file(RecordKind::Dotenv, path),
            Self { passphrase: true, .. } => {
                Ok((RecordKind::Passphrase, secret::typed(&format!("Passphrase of the key of {slug}"))?))
            }
            Self { .. } => Ok((RecordKind::Password, secret::typed(&format!("Password for {slug}"))?)),
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
    #[arg(long, value_parser = ["ssh", "sudo", "env"])]
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
                for record in records(filter.with(None)?).await? {
                    line(&sentence(&record))?;
                }
            }
            Action::Show { slug, json: as_json } => show(&slug, as_json).await?,
            Action::Remove { slug, kind } => remove(&slug, kind.kind()).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn add(slug: &str, source: &Source, allow_weak: bool) -> Result<(), Problem> {
    let parsed = SlugText::new(slug).map_err(usage)?;
    let (kind, secret) = source.read(slug)?;
    let request = AdminRequest::AddRecord { slug: parsed, kind, secret, allow_weak };
    let (_, AdminOutcome::Added { slug, file, git: folder, notes }) = ask(&link()?, request).await? else {
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
        line(&format!("note: {note}"))?;
    }
    Ok(())
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
