//! Which host and account a target names.
//!
//! A target is an alias, `user@alias`, or `[user@]host[:port]` for which the
//! vault has a record. Nothing else is reachable, and a principal learns nothing
//! about hosts that are not its own.

use std::sync::Arc;

use sallyport_policy::{DefaultAccount, Host, HostKey, Subject};
use sallyport_protocol::text::TargetName;
use sallyport_protocol::{ErrorCode, Failure};

use crate::config::Snapshot;
use crate::helper::Helper;
use crate::ssh::trust::Endpoint;
use crate::vault::{Fallback, Filter, Purpose, Slug, fallback_for};

/// A host and an account on it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The alias, or `host[:port]` when it is in no inventory.
    pub alias: String,
    /// What the inventory says about it.
    pub host: Arc<Host>,
    /// The account.
    pub user: String,
    /// The fallback accounts of the inventory, for hosts without records of their own.
    defaults: Arc<[DefaultAccount]>,
}

impl Target {
    /// The same account of something that was opened before, with what the inventory says of its host by now. A host that
    /// went, or whose name stands for another one now, is what it was.
    ///
    /// # Errors
    /// `unknown_host` when it is no longer the principal's.
    pub fn by_now(&self, now: &Snapshot, principal: &str) -> Result<Self, Failure> {
        let mut target = self.clone();
        let listed = now.inventory.get(&self.alias);
        let same = |host: &&Host| host.hostname == self.host.hostname && host.port == self.host.port;
        if let Some(host) = listed.filter(same) {
            target.host = Arc::new(host.clone());
        }
        match now.policy.permits_host(principal, &target.alias, &target.host.tags) {
            true => Ok(target),
            false => Err(unknown(&self.alias)),
        }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.host.hostname, self.host.port)
    }

    /// The slug of its login records.
    ///
    /// # Errors
    /// When user or host cannot stand in a slug.
    pub fn slug(&self) -> Result<Slug, Failure> {
        Slug::ssh(&self.user, &self.host.hostname, self.host.port).map_err(|error| {
            Failure::new(
                ErrorCode::InvalidArgument,
                error.to_string(),
                "check the host's entry in hosts.toml",
            )
        })
    }

    /// `user@alias`, for people.
    pub fn label(&self) -> String {
        format!("{}@{}", self.user, self.alias)
    }

    /// The fallback account whose records may log in here. One that is not acceptable is none.
    pub fn fallback(&self) -> Option<Fallback> {
        let own = |account: &&DefaultAccount| account.user == self.user;
        let accounts = self.defaults.iter().filter(own);
        let accounts: Vec<Fallback> =
            accounts.filter_map(|account| Fallback::new(&account.user, &account.hosts).ok()).collect();
        fallback_for(&accounts, &self.host.hostname).cloned()
    }

    /// Whether a first host key is accepted.
    pub fn accepts_new_keys(&self) -> bool {
        self.host.host_key == HostKey::AcceptNew
    }

    /// The subject of a judgement.
    pub fn subject<'a>(&'a self, principal: &'a str) -> Subject<'a> {
        self.host.subject(&self.alias, principal)
    }
}

/// Finds what a principal means by a target.
///
/// # Errors
/// `unknown_host`, `ambiguous_user`, `missing_credential`.
pub fn resolve(
    helper: &Helper,
    now: &Snapshot,
    principal: &str,
    target: &TargetName,
) -> Result<Target, Failure> {
    let permits = |alias: &str, host: &Host| now.policy.permits_host(principal, alias, &host.tags);
    find(helper, now, target, permits)
}

/// Finds what a person means by a target: every host is theirs.
///
/// # Errors
/// As [`resolve`].
pub fn named(helper: &Helper, now: &Snapshot, target: &TargetName) -> Result<Target, Failure> {
    find(helper, now, target, |_, _| true)
}

fn find(
    helper: &Helper,
    now: &Snapshot,
    target: &TargetName,
    permits: impl Fn(&str, &Host) -> bool,
) -> Result<Target, Failure> {
    let (user, place) = match target.as_str().rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, target.as_str()),
    };
    let (alias, host) = match now.inventory.get(place) {
        Some(host) => (place.to_owned(), host.clone()),
        None => unlisted(helper, place)?,
    };
    if !permits(&alias, &host) {
        return Err(unknown(place));
    }
    let user = match user.map(str::to_owned).or_else(|| host.user.clone()) {
        Some(user) => user,
        None => only_user(helper, &alias, &host)?,
    };
    Ok(Target { alias, host: Arc::new(host), user, defaults: now.inventory.default_accounts() })
}

/// The jump host of an alias; the chain was checked when the inventory was read.
///
/// # Errors
/// When it went away meanwhile, or its account cannot be told.
pub fn jump(helper: &Helper, alias: &str) -> Result<Target, Failure> {
    let now = helper.live.now();
    let host = now.inventory.get(alias).ok_or_else(|| unknown(alias))?.clone();
    let user = match host.user.clone() {
        Some(user) => user,
        None => only_user(helper, alias, &host)?,
    };
    let defaults = now.inventory.default_accounts();
    Ok(Target { alias: alias.to_owned(), host: Arc::new(host), user, defaults })
}

/// The accounts with login records on a host.
pub fn users(helper: &Helper, host: &Host) -> Vec<String> {
    records(helper, host).into_iter().filter_map(|slug| slug.user().map(str::to_owned)).collect()
}

fn records(helper: &Helper, host: &Host) -> Vec<Slug> {
    let filter =
        Filter { purpose: Some(Purpose::Ssh), host: Some(host.hostname.to_ascii_lowercase()), user: None };
    let listing = helper.vault.store().list(&filter).unwrap_or_default();
    listing
        .entries
        .into_iter()
        .map(|entry| entry.slug)
        .filter(|slug| slug.port().unwrap_or(22) == host.port)
        .collect()
}

fn only_user(helper: &Helper, alias: &str, host: &Host) -> Result<String, Failure> {
    let mut users = users(helper, host);
    users.sort();
    match users.as_slice() {
        [only] => Ok(only.clone()),
        [] if default_user(helper, host).is_some() => Ok(default_user(helper, host).unwrap_or_default()),
        [] => Err(Failure::new(
            ErrorCode::MissingCredential,
            format!("no user is set for {alias} and no record exists for it"),
            format!("a person adds one: sallyport credential add ssh://USER@{alias} --key FILE"),
        )),
        several => Err(Failure::new(
            ErrorCode::AmbiguousUser,
            format!("{alias} has records for several users: {}", several.join(", ")),
            format!("name one: {}@{alias}", several[0]),
        )),
    }
}

/// The user of the first fallback account that is bound to a host.
fn default_user(helper: &Helper, host: &Host) -> Option<String> {
    let accounts = helper.live.now().inventory.default_accounts();
    let accounts: Vec<Fallback> =
        accounts.iter().filter_map(|account| Fallback::new(&account.user, &account.hosts).ok()).collect();
    fallback_for(&accounts, &host.hostname).map(|account| account.user().to_owned())
}

/// A host that is in no inventory counts only when a record exists for it.
fn unlisted(helper: &Helper, place: &str) -> Result<(String, Host), Failure> {
    let endpoint = endpoint(place).ok_or_else(|| unknown(place))?;
    let host = Host::unlisted(endpoint.host(), endpoint.port());
    if records(helper, &host).is_empty() {
        return Err(unknown(place));
    }
    Ok((endpoint.to_string(), host))
}

/// Reads `host`, `host:port`, `[v6]` or `[v6]:port`.
pub fn endpoint(place: &str) -> Option<Endpoint> {
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        (host, after.strip_prefix(':').map_or(Some(22), |port| port.parse().ok())?)
    } else if let Some((host, port)) = place.split_once(':') {
        if port.contains(':') { (place, 22) } else { (host, port.parse().ok()?) }
    } else {
        (place, 22)
    };
    (!host.is_empty() && port > 0).then(|| Endpoint::new(host, port))
}

fn unknown(place: &str) -> Failure {
    Failure::new(
        ErrorCode::UnknownHost,
        format!("there is no host {place:?}"),
        "ssh_list_hosts shows the hosts there are; a person adds one with `sallyport host add`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_with_and_without_ports_and_brackets() {
        let read = |place: &str| endpoint(place).map(|e| (e.host().to_owned(), e.port()));
        assert_eq!(read("Web1"), Some(("web1".into(), 22)));
        assert_eq!(read("web1:2222"), Some(("web1".into(), 2222)));
        assert_eq!(read("[::1]:2222"), Some(("::1".into(), 2222)));
        assert_eq!(read("fe80::1"), Some(("fe80::1".into(), 22)));
        for bad in ["", ":22", "web1:", "web1:0", "web1:99999", "[::1", "web1:ssh"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
