//! `hosts.toml`: the inventory, by alias.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::error::ConfigError;
use super::host::{Host, HostKey, Identity, LoginShell, Terminal};
use crate::verdict::{Confirmation, Mode};

/// Longest chain of jump hosts.
const MAX_JUMPS: usize = 8;

/// The hosts that may be named, by alias.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    hosts: BTreeMap<String, Host>,
    defaults: Vec<DefaultAccount>,
}

/// An account whose records are offered to hosts that match and have no record of their own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultAccount {
    /// Its user.
    pub user: String,
    /// Host patterns, separated by commas; `!` excludes. Whether they bind to something is the vault's to judge.
    pub hosts: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    hosts: BTreeMap<Spanned<String>, Entry>,
    #[serde(default)]
    default_account: Vec<Spanned<DefaultAccount>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    hostname: Option<Spanned<String>>,
    user: Option<Spanned<String>>,
    port: Option<Spanned<u16>>,
    jump: Option<Spanned<String>>,
    #[serde(default)]
    tags: Vec<Spanned<String>>,
    mode: Option<Mode>,
    confirmation: Option<Confirmation>,
    #[serde(default)]
    host_key: HostKey,
    identity: Option<Vec<Spanned<String>>>,
    terminal: Option<Terminal>,
    #[serde(default)]
    forward: Vec<Spanned<String>>,
    #[serde(default)]
    remote_forward: Vec<Spanned<u16>>,
    upload: Option<bool>,
    #[serde(default)]
    login_shell: LoginShell,
    redact_shapes: Option<bool>,
}

impl Inventory {
    /// Reads a `hosts.toml`. An empty text is an empty inventory.
    ///
    /// # Errors
    /// An unknown key, a value out of range, a jump to an alias that is not there or that comes back to itself.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| ConfigError::from_toml(text, &error))?;
        let mut hosts = BTreeMap::new();
        let mut jumps = Vec::new();
        for (alias, entry) in file.hosts {
            if !is_name(alias.get_ref()) {
                return Err(ConfigError::at(
                    text,
                    alias.span(),
                    "an alias is 1 to 64 letters, digits, `.`, `_`, `-`",
                ));
            }
            if let Some(jump) = &entry.jump {
                jumps.push((alias.get_ref().clone(), jump.clone()));
            }
            let host = entry.check(text, alias.get_ref())?;
            hosts.insert(alias.into_inner(), host);
        }
        let mut defaults = Vec::new();
        for account in file.default_account {
            if !is_user(&account.get_ref().user) || account.get_ref().hosts.trim().is_empty() {
                return Err(ConfigError::at(
                    text,
                    account.span(),
                    "a default account has a login name as `user` and host patterns as `hosts`",
                ));
            }
            defaults.push(account.into_inner());
        }
        let inventory = Self { hosts, defaults };
        for (alias, jump) in jumps {
            inventory.check_jump(&alias).map_err(|message| ConfigError::at(text, jump.span(), message))?;
        }
        Ok(inventory)
    }

    /// The host with this alias.
    #[must_use]
    pub fn get(&self, alias: &str) -> Option<&Host> {
        self.hosts.get(alias)
    }

    /// All hosts, by alias, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Host)> {
        self.hosts.iter().map(|(alias, host)| (alias.as_str(), host))
    }

    /// The accounts to fall back to, in their order.
    #[must_use]
    pub fn default_accounts(&self) -> Arc<[DefaultAccount]> {
        self.defaults.as_slice().into()
    }

    /// How many hosts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether there is no host.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The aliases to pass through on the way to `alias`, the first hop first, `alias` itself not included.
    #[must_use]
    pub fn jump_chain(&self, alias: &str) -> Vec<&str> {
        let mut chain = Vec::new();
        let mut at = self.hosts.get(alias);
        while let Some(jump) = at.and_then(|host| host.jump.as_deref()) {
            chain.push(jump);
            at = self.hosts.get(jump).filter(|_| chain.len() < MAX_JUMPS);
        }
        chain.reverse();
        chain
    }

    fn check_jump(&self, alias: &str) -> Result<(), String> {
        let mut seen = vec![alias];
        let mut at = alias;
        while let Some(jump) = self.hosts.get(at).and_then(|host| host.jump.as_deref()) {
            if !self.hosts.contains_key(jump) {
                return Err(format!("there is no host {jump:?}; add [hosts.{jump}] or correct the name"));
            }
            if seen.contains(&jump) {
                return Err(format!("jump hosts go round in a circle: {} -> {jump}", seen.join(" -> ")));
            }
            if seen.len() > MAX_JUMPS {
                return Err(format!("more than {MAX_JUMPS} jump hosts in a row"));
            }
            seen.push(jump);
            at = jump;
        }
        Ok(())
    }
}

impl Entry {
    fn check(self, text: &str, alias: &str) -> Result<Host, ConfigError> {
        let bad = |span, message: &str| Err(ConfigError::at(text, span, message));
        if let Some(name) = self.hostname.as_ref().filter(|name| !is_hostname(name.get_ref())) {
            return bad(name.span(), "a host name or address without spaces, user or port is needed");
        }
        if let Some(user) = self.user.as_ref().filter(|user| !is_user(user.get_ref())) {
            return bad(user.span(), "a login name without spaces, `:`, `/` or `@` is needed");
        }
        if let Some(port) = self.port.as_ref().filter(|port| *port.get_ref() == 0) {
            return bad(port.span(), "a port is 1 to 65535");
        }
        if let Some(tag) = self.tags.iter().find(|tag| !is_name(tag.get_ref())) {
            return bad(tag.span(), "a tag is 1 to 64 letters, digits, `.`, `_`, `-`");
        }
        if let Some(port) = self.remote_forward.iter().find(|port| *port.get_ref() == 0) {
            return bad(port.span(), "a port is 1 to 65535");
        }
        let mut identity = Vec::new();
        for source in self.identity.iter().flatten() {
            identity.push(match source.get_ref().as_str() {
                "vault" => Identity::Vault,
                "agent" => Identity::Agent,
                other => match other.strip_prefix("file:").filter(|path| !path.is_empty()) {
                    Some(path) => Identity::File(path.to_owned()),
                    None => return bad(source.span(), "an identity is `vault`, `agent` or `file:PATH`"),
                },
            });
        }
        if self.identity.is_none() {
            identity.push(Identity::Vault);
        }
        let mut forward = Vec::new();
        for pair in &self.forward {
            match host_and_port(pair.get_ref()) {
                Some(found) => forward.push(found),
                None => return bad(pair.span(), "a forward is `host:port`"),
            }
        }
        Ok(Host {
            hostname: self
                .hostname
                .map_or_else(|| alias.to_owned(), Spanned::into_inner)
                .to_ascii_lowercase(),
            user: self.user.map(Spanned::into_inner),
            port: self.port.map_or(22, Spanned::into_inner),
            jump: self.jump.map(Spanned::into_inner),
            tags: self.tags.into_iter().map(Spanned::into_inner).collect(),
            mode: self.mode,
            confirmation: self.confirmation,
            host_key: self.host_key,
            identity,
            terminal: self.terminal,
            forward,
            remote_forward: self.remote_forward.into_iter().map(Spanned::into_inner).collect(),
            upload: self.upload.unwrap_or(true),
            login_shell: self.login_shell,
            redact_shapes: self.redact_shapes.unwrap_or(true),
        })
    }
}

/// Aliases and tags: short, printable, never mistaken for an option, a path or a glob.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_hostname(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:%".contains(&b))
}

fn is_user(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('-')
        && text.chars().all(|c| !c.is_control() && !c.is_whitespace() && !":/@".contains(c))
}

/// `host:port`, an IPv6 address in brackets.
fn host_and_port(pair: &str) -> Option<(String, u16)> {
    let (host, port) = pair.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    is_hostname(bare).then(|| (bare.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests;
