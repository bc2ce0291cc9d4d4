//! `sallyport hostkey`: which host keys are believed.

use std::process::ExitCode;

use clap::Subcommand;
use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest, HostKeyEntry};
use serde_json::{Value, json};

use super::admin::{ask, link, misplaced};
use super::host::resolve;
use super::output::{Problem, json, line};
use super::scan::{self, Vouch};

/// Manage the host keys that are believed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List known keys.
    List {
        /// An alias or host[:port]; all without it.
        host: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the key a host shows now, and whether it is known.
    Show {
        /// An alias or host[:port].
        host: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look at a host's key and pin it once you agree.
    Accept {
        /// An alias or host[:port].
        host: String,
        #[command(flatten)]
        vouch: Vouch,
    },
    /// Forget the keys pinned here for a host.
    Remove {
        /// An alias or host[:port].
        host: String,
    },
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        match self.action {
            Action::List { host, json: as_json } => list(host.as_deref(), as_json).await?,
            Action::Show { host, json: as_json } => {
                let key = scan::look(&link()?, &resolve(&host)?).await?;
                if as_json {
                    json(&report(&key))?;
                } else {
                    line(&scan::shown(&key))?;
                    line(&standing(&key))?;
                }
            }
            Action::Accept { host, vouch } => scan::accept(&link()?, &resolve(&host)?, &vouch).await?,
            Action::Remove { host } => {
                let address = resolve(&host)?;
                let request = AdminRequest::RemoveHostKey { hostname: address.name()?, port: address.port };
                let (_, AdminOutcome::Done) = ask(&link()?, request).await? else { return Err(misplaced()) };
                line(&format!("Forgot the keys pinned for {host}."))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(host: Option<&str>, as_json: bool) -> Result<(), Problem> {
    let host = match host {
        Some(name) => {
            let address = resolve(name)?;
            Some((address.name()?, address.port))
        }
        None => None,
    };
    let (events, AdminOutcome::Listed) = ask(&link()?, AdminRequest::ListHostKeys { host }).await? else {
        return Err(misplaced());
    };
    let key = |event| match event {
        AdminEvent::HostKey(key) => Some(key),
        _ => None,
    };
    let keys: Vec<HostKeyEntry> = events.into_iter().filter_map(key).collect();
    if as_json {
        return json(&keys.iter().map(report).collect::<Vec<_>>());
    }
    for key in &keys {
        line(&format!("{}  {}  {}  {}", key.host, key.algorithm, key.fingerprint, key.known_in))?;
    }
    Ok(())
}

fn standing(key: &HostKeyEntry) -> String {
    match (key.changed, key.known_in.as_str()) {
        (true, file) => format!("It is NOT the key that is known (in {file})."),
        (false, "") => "It is not known yet.".to_owned(),
        (false, file) => format!("It is known (in {file})."),
    }
}

fn report(key: &HostKeyEntry) -> Value {
    json!({
        "host": key.host.as_str(),
        "algorithm": key.algorithm.as_str(),
        "fingerprint": key.fingerprint.as_str(),
        "key": key.key.as_str(),
        "known_in": Some(key.known_in.as_str()).filter(|file| !file.is_empty()),
        "changed": key.changed,
    })
}
