//! `ssh_list_hosts` and `ssh_check_command`: looking before doing.

use std::time::Duration;

use sallyport_policy::Mode;
use sallyport_protocol::reply::{Checked, Event, HostEntry, Outcome, Segment, VaultState};
use sallyport_protocol::request::{HostFilter, Request};
use sallyport_protocol::text::{CommandText, HostAlias, TargetName, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Status, misplaced};
use super::call::{Call, Handled, bounds, gather, optional};
use crate::format::span;
use crate::link::{Broker, Link};

/// The arguments of `ssh_list_hosts`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListArgs {
    /// Only this alias or hostname.
    host: Option<String>,
    /// Only hosts with this tag.
    tag: Option<String>,
    /// Only hosts whose alias, hostname or tags hold this text.
    query: Option<String>,
}

/// The answer of `ssh_list_hosts`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListFields {
    /// The hosts.
    hosts: Vec<Host>,
    /// State of the vault.
    vault: Vault,
    /// What to do next.
    guidance: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Host {
    alias: String,
    hostname: String,
    port: u16,
    /// Accounts with credentials.
    users: Vec<User>,
    /// The policy mode: readonly, guarded or unrestricted.
    mode: String,
    tags: Vec<String>,
    /// The host to jump through.
    jump: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct User {
    user: String,
    /// Whether it can log in.
    ssh: bool,
    /// Whether its sudo password is stored.
    sudo: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Vault {
    /// Whether a person must run `sallyport unlock` first.
    locked: bool,
    /// Seconds until it locks itself; null when it does not.
    expires_in_s: Option<u32>,
}

/// Lists hosts.
pub async fn list(call: &Call) -> Handled {
    let args: ListArgs = call.arguments()?;
    let filter = HostFilter {
        host: optional(args.host, HostAlias::new)?,
        tag: optional(args.tag, Word::new)?,
        query: optional(args.query, Word::new)?,
    };
    let (events, outcome) = call.ask(Request::ListHosts(filter)).await?;
    let Outcome::Hosts { vault } = outcome else { return Err(misplaced("ssh_list_hosts")) };
    let hosts: Vec<Host> = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Host(entry) => Some(host(entry)),
            _ => None,
        })
        .collect();
    let fields = ListFields {
        guidance: guidance(&hosts, vault),
        vault: Vault { locked: vault.locked, expires_in_s: vault.expires_in_s },
        hosts,
    };
    let text = text(&fields);
    Ok(Answer::new(Status::Ok, &fields, text).into())
}

/// How long a list of tools waits for the helper.
const SOON: Duration = Duration::from_secs(3);

/// Whether there are hosts, and all of them are readonly to whoever asks. Where that cannot be learned they are not
/// taken to be: what is listed grants nothing.
pub async fn all_readonly(link: &Link<Broker>) -> bool {
    let asked = async { gather(link.start(Request::ListHosts(HostFilter::default())).await?).await };
    let Ok(Ok((events, _))) = tokio::time::timeout(SOON, asked).await else { return false };
    let mut modes = events.iter().filter_map(|event| match event {
        Event::Host(entry) => Some(entry.mode.as_str()),
        _ => None,
    });
    let readonly = Mode::Readonly.to_string();
    modes.next().is_some_and(|first| first == readonly) && modes.all(|mode| mode == readonly)
}

fn host(entry: HostEntry) -> Host {
    let strings = |list: &[sallyport_protocol::Text]| list.iter().map(|t| t.as_str().to_owned()).collect();
    Host {
        tags: strings(&entry.tags),
        users: entry
            .users
            .iter()
            .map(|user| User { user: user.user.as_str().to_owned(), ssh: user.ssh, sudo: user.sudo })
            .collect(),
        alias: entry.alias.into_string(),
        hostname: entry.hostname.into_string(),
        port: entry.port,
        mode: entry.mode.into_string(),
        jump: Some(entry.jump.into_string()).filter(|jump| !jump.is_empty()),
    }
}

fn guidance(hosts: &[Host], vault: VaultState) -> String {
    if vault.locked {
        return "The vault is locked: ask the user to run `sallyport unlock`, then go on.".into();
    }
    match hosts {
        [] => "No host fits. The user adds hosts with `sallyport host add`.".into(),
        _ => "Run commands with ssh_exec, target = an alias, or user@alias where several users are shown. \
              You never need a password or key: Sallyport logs in by itself."
            .into(),
    }
}

fn text(fields: &ListFields) -> String {
    let mut text = String::new();
    for host in &fields.hosts {
        let users: Vec<&str> =
            host.users.iter().filter(|user| user.ssh).map(|user| user.user.as_str()).collect();
        let users = if users.is_empty() { "no credential".to_owned() } else { users.join(", ") };
        text.push_str(&format!(
            "{}: {users} at {} port {}, {}",
            host.alias, host.hostname, host.port, host.mode
        ));
        if let Some(jump) = &host.jump {
            text.push_str(&format!(", through {jump}"));
        }
        if !host.tags.is_empty() {
            text.push_str(&format!(" [{}]", host.tags.join(", ")));
        }
        text.push('\n');
    }
    let vault = match (fields.vault.locked, fields.vault.expires_in_s) {
        (true, _) => "locked".to_owned(),
        (false, Some(seconds)) => format!("open for {}", span(seconds.into())),
        (false, None) => "open".to_owned(),
    };
    format!("{text}vault: {vault}\n{}", fields.guidance)
}

/// The arguments of `ssh_check_command`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckArgs {
    /// Where it would run.
    target: String,
    /// The command line.
    command: String,
}

/// The answer of `ssh_check_command`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckFields {
    /// allow, confirm or block.
    verdict: String,
    /// Why.
    reason: String,
    /// The rules that decided.
    rules: Vec<String>,
    /// The parts of the command, each judged.
    segments: Vec<Part>,
    /// The policy mode it was judged in.
    mode: String,
    /// The host's alias.
    host: String,
    /// SHA-256 of the policy in force.
    policy_digest: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Part {
    text: String,
    argv: Vec<String>,
    verdict: String,
    /// The rule that decided; null for none.
    rule: Option<String>,
    /// Where it stands in the command, in bytes: from, to.
    span: [u32; 2],
}

/// Says what the policy would say; runs nothing.
pub async fn check(call: &Call) -> Handled {
    let args: CheckArgs = call.arguments()?;
    let request = Request::Check {
        target: TargetName::new(args.target).map_err(bounds)?,
        command: CommandText::new(args.command).map_err(bounds)?,
    };
    let (events, outcome) = call.ask(request).await?;
    let Outcome::Checked(checked) = outcome else { return Err(misplaced("ssh_check_command")) };
    let segments = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Segment(segment) => Some(part(segment)),
            _ => None,
        })
        .collect();
    let Checked { verdict, reason, rules, mode, host, policy_digest } = checked;
    let fields = CheckFields {
        verdict: verdict.into_string(),
        reason: reason.into_string(),
        rules: rules.iter().map(|rule| rule.as_str().to_owned()).collect(),
        segments,
        mode: mode.into_string(),
        host: host.into_string(),
        policy_digest: policy_digest.into_string(),
    };
    let rules =
        if fields.rules.is_empty() { String::new() } else { format!(" ({})", fields.rules.join(", ")) };
    let text =
        format!("{} on {} in mode {}: {}{rules}", fields.verdict, fields.host, fields.mode, fields.reason);
    Ok(Answer::new(Status::Ok, &fields, text).into())
}

fn part(segment: Segment) -> Part {
    Part {
        argv: segment.argv.iter().map(|word| word.as_str().to_owned()).collect(),
        text: segment.text.into_string(),
        verdict: segment.verdict.into_string(),
        rule: Some(segment.rule.into_string()).filter(|rule| !rule.is_empty()),
        span: [segment.from, segment.to],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_reads_like_a_sentence_a_host() {
        let user = |name: &str| User { user: name.into(), ssh: true, sudo: false };
        let host = |alias: &str, users, jump| Host {
            alias: alias.into(),
            hostname: "203.0.113.10".into(),
            port: 22,
            users,
            mode: "guarded".into(),
            tags: vec!["web".into(), "prod".into()],
            jump,
        };
        let hosts = vec![
            host("web1", vec![user("deploy"), user("root")], Some("bastion".into())),
            host("db", vec![], None),
        ];
        let vault = VaultState { locked: false, expires_in_s: Some(1790) };
        let guidance = guidance(&hosts, vault);
        let fields = ListFields { hosts, vault: Vault { locked: false, expires_in_s: Some(1790) }, guidance };
        insta::assert_snapshot!(text(&fields), @r"
        web1: deploy, root at 203.0.113.10 port 22, guarded, through bastion [web, prod]
        db: no credential at 203.0.113.10 port 22, guarded [web, prod]
        vault: open for 30 min
        Run commands with ssh_exec, target = an alias, or user@alias where several users are shown. You never need a password or key: Sallyport logs in by itself.
        ");
    }

    #[test]
    fn a_locked_vault_is_the_first_thing_to_be_told() {
        assert!(guidance(&[], VaultState { locked: true, expires_in_s: None }).contains("sallyport unlock"));
    }
}
