//! Which program of the host gives a command other rights.

use std::fmt::Write as _;

use sallyport_protocol::{ErrorCode, Failure};

use crate::ssh::transport::Lease;

/// Where sudo and doas are installed, first the one that is preferred. Nothing is ever looked for in `PATH`, which
/// the login account can point anywhere.
const PLACES: &[&str] = &[
    "/usr/bin/sudo",
    "/bin/sudo",
    "/usr/local/bin/sudo",
    // NixOS keeps its setuid programs here.
    "/run/wrappers/bin/sudo",
    "/opt/local/bin/sudo",
    "/usr/pkg/bin/sudo",
    "/usr/bin/doas",
    "/usr/local/bin/doas",
    "/bin/doas",
    "/run/wrappers/bin/doas",
];

/// A program that runs commands as other users, at its place on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// sudo, or sudo-rs in its place.
    Sudo(&'static str),
    /// doas: it asks on a terminal only, with a prompt of its own, so it is never given a password.
    Doas(&'static str),
}

impl Tool {
    /// The first of the known places that holds a setuid program, as the host says. `label` is the account there.
    ///
    /// # Errors
    /// When there is none, or the host does not say.
    pub async fn find(lease: &Lease, label: &str) -> Result<Self, Failure> {
        if let Some(known) = lease.transport().sudo.get() {
            return Ok(*known);
        }
        // Read by any login shell, whatever its quoting: it holds no quote, dollar or newline of its own.
        let mut probe = String::from("exec /bin/sh -c 'for p in");
        for place in PLACES {
            let _ = write!(probe, " {place}");
        }
        probe.push_str("; do test -u $p && echo $p; done; echo .'");
        let said = lease.ask_aside(&probe).await;
        let said = String::from_utf8_lossy(&said);
        match Self::among(&said) {
            Some(found) => Ok(*lease.transport().sudo.get_or_init(|| found)),
            None if said.lines().any(|line| line.trim() == ".") => Err(Failure::new(
                ErrorCode::UnsupportedOperation,
                format!("{label} has neither sudo nor doas at a place where they are installed"),
                "log in as the account that may do it, or install sudo",
            )),
            None => Err(Failure::new(
                ErrorCode::SshConnectionFailed,
                format!("{label} did not say whether it has sudo"),
                "nothing was run; try again. An account whose commands are forced has no sudo here",
            )),
        }
    }

    /// What the host names is only ever one of our own places.
    fn among(said: &str) -> Option<Self> {
        let place = PLACES.iter().find(|place| said.lines().any(|line| line.trim() == **place))?;
        Some(if place.ends_with("doas") { Self::Doas(place) } else { Self::Sudo(place) })
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sudo(_) => "sudo",
            Self::Doas(_) => "doas",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_places_count_and_sudo_before_doas() {
        assert_eq!(Tool::among("/usr/bin/doas\n/usr/bin/sudo\n"), Some(Tool::Sudo("/usr/bin/sudo")));
        assert_eq!(Tool::among("Welcome!\r\n/usr/bin/doas\r\n"), Some(Tool::Doas("/usr/bin/doas")));
        for said in ["", "/tmp/sudo\n", "/home/x/bin/../usr/bin/sudo", "sudo"] {
            assert_eq!(Tool::among(said), None, "{said:?}");
        }
    }
}
