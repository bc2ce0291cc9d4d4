//! `sallyport host`: the inventory.

use std::process::ExitCode;

use clap::Subcommand;
use sallyport_policy::{Host, Mode};
use sallyport_protocol::text::Word;
use serde_json::{Value, json};

use super::hosts_file::{HostsFile, NewHost};
use super::output::{Problem, json, line};
use super::scan::{self, Address, Vouch};
use super::{admin, exec};

/// Manage the hosts that can be reached.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a host; shows its key and pins it once you agree.
    Add(Add),
    /// List the hosts.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a host.
    Show {
        /// Its alias.
        alias: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove a host; its records and pinned key stay.
    Remove {
        /// Its alias.
        alias: String,
    },
    /// Log in and run `true`, as an agent would.
    Test {
        /// Its alias.
        alias: String,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    /// The name agents use.
    alias: String,
    /// Its real name or address.
    #[arg(long)]
    hostname: String,
    /// The account; not needed when exactly one has a record.
    #[arg(long)]
    user: Option<String>,
    /// Its SSH port.
    #[arg(long, default_value_t = 22, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The alias of a host to jump through.
    #[arg(long, value_name = "ALIAS")]
    jump: Option<String>,
    /// A tag; may be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// The policy mode, when not the policy file's.
    #[arg(long, value_parser = ["readonly", "guarded", "unrestricted"])]
    mode: Option<String>,
    /// Do not look at the host's key now; the first login will need `sallyport hostkey accept`.
    #[arg(long, conflicts_with_all = ["yes", "fingerprint"])]
    no_scan: bool,
    #[command(flatten)]
    vouch: Vouch,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        match self.action {
            Action::Add(add) => add.run().await?,
            Action::List { json: true } => {
                let file = HostsFile::load()?;
                json(&file.inventory().iter().map(|(alias, host)| report(alias, host)).collect::<Vec<_>>())?;
            }
            Action::List { json: false } => {
                let file = HostsFile::load()?;
                if file.inventory().is_empty() {
                    line("No hosts yet; `sallyport host add` adds one.")?;
                }
                for (alias, host) in file.inventory().iter() {
                    line(&sentence(alias, host))?;
                }
            }
            Action::Show { alias, json: as_json } => {
                let file = HostsFile::load()?;
                let host = file.get(&alias)?;
                if as_json { json(&report(&alias, host))? } else { line(&sentence(&alias, host))? }
            }
            Action::Remove { alias } => {
                HostsFile::load()?.remove(&alias)?;
                line(&format!("Removed {alias}. Its records and pinned key are kept."))?;
            }
            Action::Test { alias } => {
                HostsFile::load()?.get(&alias)?;
                return exec::test(&alias).await;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    async fn run(self) -> Result<(), Problem> {
        let mut file = HostsFile::load()?;
        let host = NewHost {
            hostname: self.hostname.to_ascii_lowercase(),
            user: self.user,
            port: self.port,
            jump: self.jump,
            tags: self.tags,
            mode: self.mode,
        };
        // Before anybody is asked anything.
        file.check(&self.alias, &host)?;
        if !self.no_scan {
            let address =
                Address { hostname: host.hostname.clone(), port: host.port, jump: host.jump.clone() };
            scan::accept(&admin::link()?, &address, &self.vouch).await?;
        }
        file.add(&self.alias, &host)?;
        line(&format!("Added {}.", self.alias))?;
        let account = host.user.as_deref().unwrap_or("USER");
        line(&format!(
            "Store a login for it with: sallyport credential add ssh://{account}@{} --key FILE",
            self.alias
        ))
    }
}

/// The address behind an alias, or behind `host[:port]`.
///
/// # Errors
/// When it is neither.
pub fn resolve(name: &str) -> Result<Address, Problem> {
    let file = HostsFile::load()?;
    if let Some(host) = file.inventory().get(name) {
        return Ok(Address { hostname: host.hostname.clone(), port: host.port, jump: host.jump.clone() });
    }
    let (hostname, port) = split_port(name).ok_or_else(|| {
        Problem::usage(
            format!("{name} is neither an alias nor host[:port]"),
            "an IPv6 address with a port is [address]:port",
        )
    })?;
    Word::new(hostname).map_err(admin::usage)?;
    Ok(Address { hostname: hostname.to_ascii_lowercase(), port, jump: None })
}

/// `host`, `host:port`, `[host]:port` or a bare IPv6 address.
fn split_port(name: &str) -> Option<(&str, u16)> {
    let port = |text: &str| text.parse().ok().filter(|port| *port != 0);
    if let Some(rest) = name.strip_prefix('[') {
        return match rest.split_once(']')? {
            (host, "") => Some((host, 22)),
            (host, tail) => Some((host, port(tail.strip_prefix(':')?)?)),
        };
    }
    match name.split_once(':') {
        None => Some((name, 22)).filter(|(host, _)| !host.is_empty()),
        Some((_, tail)) if tail.contains(':') => Some((name, 22)),
        Some((host, tail)) => Some((host, port(tail)?)).filter(|(host, _)| !host.is_empty()),
    }
}

fn report(alias: &str, host: &Host) -> Value {
    json!({
        "alias": alias,
        "hostname": host.hostname,
        "port": host.port,
        "user": host.user,
        "jump": host.jump,
        "tags": host.tags,
        "mode": host.mode.map(Mode::name),
        "upload": host.upload,
    })
}

fn sentence(alias: &str, host: &Host) -> String {
    let user = host.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let mut text = format!("{alias}  {user}{} port {}", host.hostname, host.port);
    if let Some(jump) = &host.jump {
        text.push_str(&format!(", through {jump}"));
    }
    if let Some(mode) = host.mode {
        text.push_str(&format!(", {}", mode.name()));
    }
    if !host.tags.is_empty() {
        text.push_str(&format!(" [{}]", host.tags.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_policy::Inventory;

    #[test]
    fn a_host_reads_as_one_line() {
        let text = "[hosts.b]\n[hosts.w]\nhostname = \"H\"\nuser = \"u\"\nport = 2\njump = \"b\"\ntags = [\"t\"]\nmode = \"readonly\"";
        let inventory = Inventory::from_toml(text).unwrap();
        let lines: Vec<String> = inventory.iter().map(|(alias, host)| sentence(alias, host)).collect();
        assert_eq!(lines, ["b  b port 22", "w  u@h port 2, through b, readonly [t]"]);
        assert_eq!(report("w", inventory.get("w").unwrap())["mode"], "readonly");
    }

    #[test]
    fn a_host_may_be_named_with_its_port() {
        assert_eq!(split_port("h"), Some(("h", 22)));
        assert_eq!(split_port("h:2222"), Some(("h", 2222)));
        assert_eq!(split_port("[h]:2222"), Some(("h", 2222)));
        assert_eq!(split_port("::1"), Some(("::1", 22)));
        assert_eq!(split_port("[::1]:2222"), Some(("::1", 2222)));
        for wrong in ["", "h:", "h:0", "h:99999", "[h", "[h]2222", ":22"] {
            assert_eq!(split_port(wrong), None, "{wrong}");
        }
    }
}
