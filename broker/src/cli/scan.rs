//! Looking at a host's key, and letting a person decide about it.

use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest, HostKeyEntry, KeyLine};
use sallyport_protocol::text::Word;
use sallyport_protocol::{ErrorCode, Failure};

use super::admin::{ask, misplaced, usage, word};
use super::output::{Problem, agrees, line};
use crate::link::{Admin, Link};

/// A host whose key is looked at.
#[derive(Debug, Clone)]
pub struct Address {
    /// Name or address.
    pub hostname: String,
    /// Port.
    pub port: u16,
    /// The alias to jump through.
    pub jump: Option<String>,
}

impl Address {
    /// The hostname as the protocol carries it.
    pub fn name(&self) -> Result<Word, Problem> {
        word(&self.hostname)
    }
}

/// How a person vouches for a key.
#[derive(Debug, Clone, clap::Args)]
pub struct Vouch {
    /// Accept only a key with this fingerprint, without asking.
    #[arg(long, value_name = "SHA256:...", conflicts_with = "yes")]
    fingerprint: Option<String>,
    /// Accept whatever key the host shows, without asking.
    #[arg(short, long)]
    yes: bool,
}

/// The key a host shows now.
///
/// # Errors
/// When it cannot be reached.
pub async fn look(link: &Link<Admin>, address: &Address) -> Result<HostKeyEntry, Problem> {
    let request = AdminRequest::ScanHostKey {
        hostname: address.name()?,
        port: address.port,
        jump: address.jump.as_deref().map(word).transpose()?,
    };
    let (events, _) = ask(link, request).await?;
    let key = |event| match event {
        AdminEvent::HostKey(key) => Some(key),
        _ => None,
    };
    events.into_iter().find_map(key).ok_or_else(misplaced)
}

/// Shows the key a host shows now and pins it once it is vouched for.
///
/// # Errors
/// `host_key_changed` when another key is known, `host_key_unknown` when nobody
/// vouches for this one; nothing is changed then.
pub async fn accept(link: &Link<Admin>, address: &Address, vouch: &Vouch) -> Result<(), Problem> {
    let key = look(link, address).await?;
    line(&shown(&key))?;
    if key.changed {
        return Err(Failure::new(
            ErrorCode::HostKeyChanged,
            format!("another key is known for {} (in {})", key.host, key.known_in),
            format!(
                "if you know why it changed, forget the old one first: sallyport hostkey remove {}",
                key.host
            ),
        )
        .into());
    }
    let matching = vouch.fingerprint.as_ref().map(|wanted| wanted == key.fingerprint.as_str());
    if matching == Some(false) {
        return Err(refused("the host shows another key than the one given by --fingerprint", &key));
    }
    if !key.known_in.as_str().is_empty() {
        return line(&format!("This key is known already (in {}).", key.known_in));
    }
    if !(vouch.yes || matching == Some(true) || agrees("Is this the host's key?")) {
        return Err(refused("the host key was not accepted; nothing was changed", &key));
    }
    pin(link, address, key.key.as_str()).await?;
    line(&format!("Pinned the host key of {}.", key.host))
}

/// Pins a key that a person vouches for.
///
/// # Errors
/// When it is no key, or cannot be written.
pub async fn pin(link: &Link<Admin>, address: &Address, key: &str) -> Result<(), Problem> {
    let pin = AdminRequest::PinHostKey {
        hostname: address.name()?,
        port: address.port,
        key: KeyLine::try_from(key.to_owned()).map_err(usage)?,
    };
    let (_, AdminOutcome::Done) = ask(link, pin).await? else { return Err(misplaced()) };
    Ok(())
}

fn refused(what: &str, key: &HostKeyEntry) -> Problem {
    Failure::new(
        ErrorCode::HostKeyUnknown,
        what,
        format!(
            "compare the fingerprint with what the host's owner says, then answer yes or give --fingerprint {}",
            key.fingerprint
        ),
    )
    .into()
}

/// A key as a person compares it.
pub fn shown(key: &HostKeyEntry) -> String {
    let mut text = format!("{} shows this {} key:\n{}", key.host, key.algorithm, key.fingerprint);
    if !key.randomart.as_str().is_empty() {
        text.push('\n');
        text.push_str(key.randomart.as_str().trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_by_its_fingerprint_and_picture() {
        let key = HostKeyEntry {
            host: "[203.0.113.10]:2222".into(),
            algorithm: "ED25519".into(),
            fingerprint: "SHA256:abc".into(),
            randomart: "+--[ED25519 256]--+\n|  o.             |\n+----[SHA256]-----+\n".into(),
            key: "ssh-ed25519 AAAA".into(),
            known_in: "".into(),
            changed: false,
        };
        insta::assert_snapshot!(shown(&key), @r"
        [203.0.113.10]:2222 shows this ED25519 key:
        SHA256:abc
        +--[ED25519 256]--+
        |  o.             |
        +----[SHA256]-----+
        ");
        insta::assert_snapshot!(refused("the host key was not accepted; nothing was changed", &key).text(), @r"
        sallyport: the host key was not accepted; nothing was changed
        hint: compare the fingerprint with what the host's owner says, then answer yes or give --fingerprint SHA256:abc
        ");
    }
}
