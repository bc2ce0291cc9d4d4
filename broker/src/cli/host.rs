//! `sallyport host`: the inventory.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Subcommand;
use sallyport_policy::{Host, HostKey, Identity, Mode};
use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest};
use sallyport_protocol::person::{Ask, StepEntry, Tell};
use sallyport_protocol::text::{TargetName, Word};
use serde_json::{Value, json};

use super::hosts_file::{HostsFile, NewHost};
use super::output::{Problem, json, line};
use super::scan::{self, Address, Vouch};
use super::{admin, ssh_config};
use crate::format::one_line;
use crate::link::Item;

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
    /// Log in step by step, and say where it stops.
    Test {
        /// Its alias, `user@alias`, or `[user@]host[:port]` with a record.
        alias: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add the hosts of an OpenSSH client configuration; says what cannot be carried over.
    ImportSshConfig {
        /// The file; `~/.ssh/config` without it.
        file: Option<PathBuf>,
        /// Only say what would be added.
        #[arg(long)]
        dry_run: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
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
                if as_json { json(&report(&alias, host))? } else { line(&description(&alias, host))? }
            }
            Action::Remove { alias } => {
                HostsFile::load()?.remove(&alias)?;
                line(&format!("Removed {alias}. Its records and pinned key are kept."))?;
            }
            Action::Test { alias, json } => return test(&alias, json).await,
            Action::ImportSshConfig { file, dry_run, json } => import(file, dry_run, json).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    async fn run(self) -> Result<(), Problem> {
        if self.hostname.matches(':').count() == 1 {
            return Err(Problem::usage(
                format!("{} is a host name with a port", self.hostname),
                "give the port apart: --hostname HOST --port N",
            ));
        }
        let mut file = HostsFile::load()?;
        let host = NewHost {
            hostname: self.hostname.to_ascii_lowercase(),
            user: self.user,
            port: self.port,
            jump: self.jump,
            tags: self.tags,
            mode: self.mode,
            identity: Vec::new(),
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

/// Walks the steps of a login.
async fn test(alias: &str, as_json: bool) -> Result<ExitCode, Problem> {
    let target = TargetName::new(alias).map_err(admin::usage)?;
    let mut operation = admin::link()?.start(AdminRequest::Person(Ask::TestHost { target })).await?;
    let mut steps = Vec::new();
    let problem = loop {
        match operation.next().await? {
            Item::Event(AdminEvent::Person(Tell::Step(step))) => {
                if !as_json {
                    line(&step_text(&step))?;
                }
                steps.push(step);
            }
            Item::Event(_) | Item::Data(..) => {}
            Item::Done(AdminOutcome::Failed(failure)) => break Some(Problem::from(failure)),
            Item::Done(_) => break None,
        }
    };
    if as_json {
        let all: Vec<Value> = steps
            .iter()
            .map(|step| json!({ "name": step.name.as_str(), "ok": step.done, "text": step.text.as_str() }))
            .collect();
        let stopped = steps.iter().find(|step| !step.done).map(|step| step.name.as_str());
        let failure = problem.as_ref().map(|problem| &problem.failure);
        json(&json!({
            "host": alias,
            "ok": problem.is_none(),
            "stopped_at": stopped,
            "steps": all,
            "code": failure.map(|failure| failure.code.as_str()),
            "message": failure.map(|failure| failure.message.as_str()),
            "hint": failure.map(|failure| failure.hint.as_str()),
        }))?;
        return Ok(if problem.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    match problem {
        Some(problem) => Err(problem),
        None => {
            line(&format!("{alias} works."))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn step_text(step: &StepEntry) -> String {
    let mark = if step.done { "ok" } else { "failed" };
    format!("{mark:<7} {:<8} {}", step.name.as_str(), one_line(step.text.as_str()))
}

/// Adds the hosts of an ssh_config file that are not there yet.
async fn import(file: Option<PathBuf>, dry_run: bool, as_json: bool) -> Result<(), Problem> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let path = file.unwrap_or_else(|| home.join(".ssh/config"));
    let import = ssh_config::read(&path, &home).map_err(|error| {
        Problem::usage(format!("{} cannot be read: {error}", path.display()), "name the file to import")
    })?;
    let mut hosts_file = HostsFile::load()?;
    let (mut left, mut added, mut kept) = (import.left, Vec::new(), Vec::new());
    let mut keys = Vec::new();
    for found in import.found {
        let alias = found.alias;
        if hosts_file.inventory().get(&alias).is_some() {
            kept.push(alias);
            continue;
        }
        left.extend(found.left.iter().map(|what| format!("{alias}: {what}")));
        let jumps_nowhere = |jump: &String| {
            hosts_file.inventory().get(jump).is_none() && !added.iter().any(|(known, _)| known == jump)
        };
        if found.host.jump.as_ref().is_some_and(jumps_nowhere) {
            left.push(format!("{alias}: its jump host is no host here; add it first"));
            continue;
        }
        let alone = NewHost { jump: None, ..found.host.clone() };
        if let Err(problem) = hosts_file.check(&alias, &alone) {
            left.push(format!("{alias}: {}", problem.failure.message));
            continue;
        }
        keys.extend(found.key_alias.map(|known| (alias.clone(), known, found.host.clone())));
        added.push((alias, found.host));
    }
    if !dry_run && !added.is_empty() {
        hosts_file.add_all(&added)?;
    }
    for (alias, known, host) in &keys {
        let lines = ssh_keys(known, &home);
        if lines.is_empty() {
            left.push(format!("{alias}: HostKeyAlias {known}: no key is known under that name; `sallyport hostkey accept {alias}`"));
        }
        for key in lines.iter().filter(|_| !dry_run) {
            let address =
                Address { hostname: host.hostname.clone(), port: host.port, jump: host.jump.clone() };
            scan::pin(&admin::link()?, &address, key).await?;
        }
    }
    if as_json {
        let entries: Vec<Value> = added.iter().map(|(alias, host)| added_report(alias, host)).collect();
        return json(
            &json!({ "dry_run": dry_run, "added": entries, "exists": kept, "not_carried_over": left }),
        );
    }
    for (alias, host) in &added {
        let user = host.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let verb = if dry_run { "would add" } else { "added" };
        line(&format!("{verb} {alias}  {user}{} port {}", host.hostname, host.port))?;
    }
    for alias in &kept {
        line(&format!("there is a host {alias} already; it stays as it is"))?;
    }
    for what in &left {
        line(&format!("not carried over: {}", one_line(what)))?;
    }
    if added.is_empty() {
        line("No host was added.")?;
    }
    Ok(())
}

fn added_report(alias: &str, host: &NewHost) -> Value {
    json!({
        "alias": alias,
        "hostname": host.hostname,
        "port": host.port,
        "user": host.user,
        "jump": host.jump,
        "identity": host.identity,
    })
}

/// The keys known to OpenSSH under a name, each as `TYPE BASE64`: for `HostKeyAlias`.
fn ssh_keys(name: &str, home: &Path) -> Vec<String> {
    let known_hosts = home.join(".ssh/known_hosts");
    let found = Command::new("ssh-keygen").arg("-F").arg(name).arg("-f").arg(known_hosts).output();
    let Ok(found) = found else { return Vec::new() };
    String::from_utf8_lossy(&found.stdout)
        .lines()
        .filter(|line| !line.starts_with(['#', '@']))
        .filter_map(|line| Some(line.split_once(' ')?.1.to_owned()))
        .collect()
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
        "confirmation": host.confirmation,
        "identity": host.identity.iter().map(identity).collect::<Vec<_>>(),
        "host_key": if host.host_key == HostKey::AcceptNew { "accept-new" } else { "strict" },
        "terminal": host.terminal,
        "forward": host.forward.iter().map(|(host, port)| format!("{host}:{port}")).collect::<Vec<_>>(),
        "remote_forward": host.remote_forward,
        "upload": host.upload,
        "login_shell": host.login_shell,
        "redact_shapes": host.redact_shapes,
    })
}

/// Everything about a host, a key of hosts.toml a line; what is not set is left out.
fn description(alias: &str, host: &Host) -> String {
    let report = report(alias, host);
    let lines = report.as_object().into_iter().flatten().filter_map(|(key, value)| {
        let text = match value {
            Value::Null => return None,
            Value::Array(all) if all.is_empty() => return None,
            Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
            value => plain(value),
        };
        Some(format!("{key:<14} {text}"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn identity(identity: &Identity) -> String {
    match identity {
        Identity::Vault => "vault".to_owned(),
        Identity::Agent => "agent".to_owned(),
        Identity::File(path) => format!("file:{path}"),
    }
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
        insta::assert_snapshot!(description("w", inventory.get("w").unwrap()), @r"
        alias          w
        host_key       strict
        hostname       h
        identity       vault
        jump           b
        login_shell    posix
        mode           readonly
        port           2
        redact_shapes  true
        tags           t
        upload         true
        user           u
        ");
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
