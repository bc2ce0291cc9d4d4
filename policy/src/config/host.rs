//! One entry of `hosts.toml`.

use serde::{Deserialize, Serialize};

use crate::subject::Subject;
use crate::verdict::{Confirmation, Mode};

/// One host of the inventory, every key read, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Real name or address, lower-case. Default: the alias.
    pub hostname: String,
    /// Login name; none when the vault decides.
    pub user: Option<String>,
    /// TCP port. Default 22.
    pub port: u16,
    /// Alias of the host to go through.
    pub jump: Option<String>,
    /// Tags that rules, principals and tools select by.
    pub tags: Vec<String>,
    /// Overrides the policy file's mode.
    pub mode: Option<Mode>,
    /// Overrides the policy file's confirmation.
    pub confirmation: Option<Confirmation>,
    /// What happens with a host key never seen before. Default strict.
    pub host_key: HostKey,
    /// Where keys come from, in the order they are tried. Default: the vault.
    pub identity: Vec<Identity>,
    /// Raw terminals; none means by mode.
    pub terminal: Option<Terminal>,
    /// What local forwards may reach, as (host, port). Default nothing.
    pub forward: Vec<(String, u16)>,
    /// Ports that may be exposed on the remote. Default none.
    pub remote_forward: Vec<u16>,
    /// Whether file tools may write here (subject to the mode). Default true.
    pub upload: bool,
    /// How a command line is wrapped. Default POSIX.
    pub login_shell: LoginShell,
    /// Whether keys and tokens that are not in the vault, but look the part, are masked in its output. Default
    /// true; what is in the vault is masked in any case.
    pub redact_shapes: bool,
}

/// Treatment of a host key that is not known yet. A changed key is always refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKey {
    /// Refuse and show the fingerprint.
    #[default]
    Strict,
    /// Pin the first key seen.
    AcceptNew,
}

/// A source of login keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The password store.
    Vault,
    /// The person's ssh-agent.
    Agent,
    /// A key file on this machine; its passphrase comes from the vault.
    File(String),
}

/// Whether raw terminals may be opened.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Terminal {
    /// At once.
    Allow,
    /// Once confirmed, per session.
    Confirm,
    /// Never.
    Deny,
}

impl Terminal {
    /// What holds in `mode` when the host says nothing: what is typed there cannot be judged.
    pub const fn by_mode(mode: Mode) -> Self {
        match mode {
            Mode::Readonly => Self::Deny,
            Mode::Guarded => Self::Confirm,
            Mode::Unrestricted => Self::Allow,
        }
    }
}

/// The remote account's login shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginShell {
    /// sh, bash, dash, zsh, busybox.
    #[default]
    Posix,
    /// fish.
    Fish,
    /// csh or tcsh.
    Csh,
    /// Windows PowerShell or pwsh.
    Powershell,
}

impl Host {
    /// A host that is in no inventory: the defaults, at a name or address and a port.
    #[must_use]
    pub fn unlisted(hostname: &str, port: u16) -> Self {
        Self {
            hostname: hostname.to_ascii_lowercase(),
            user: None,
            port,
            jump: None,
            tags: Vec::new(),
            mode: None,
            confirmation: None,
            host_key: HostKey::default(),
            identity: vec![Identity::Vault],
            terminal: None,
            forward: Vec::new(),
            remote_forward: Vec::new(),
            upload: true,
            login_shell: LoginShell::default(),
            redact_shapes: true,
        }
    }

    /// This host as the subject of a judgement asked for by `principal`.
    #[must_use]
    pub fn subject<'a>(&'a self, alias: &'a str, principal: &'a str) -> Subject<'a> {
        Subject { alias, tags: &self.tags, mode: self.mode, confirmation: self.confirmation, principal }
    }
}
