//! What the process takes from itself before it sees an untrusted byte.
//!
//! Each step that succeeds raises the level that the handshake, `status` and
//! `doctor` report.

use std::io;

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};

/// How far hardening went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing worked.
    None,
    /// No core dumps, no debugger of the same user, no new privileges.
    Process,
}

impl Level {
    /// As a number for the handshake.
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// Hardens the process as far as the system lets it.
pub fn process() -> Level {
    umask(Mode::from_bits_truncate(0o077));
    match steps() {
        Ok(()) => Level::Process,
        Err(error) => {
            tracing::warn!(%error, "the process could not be hardened");
            Level::None
        }
    }
}

fn steps() -> io::Result<()> {
    // Not dumpable: no core, and no ptrace or /proc/PID/mem by the same user (prctl(2)).
    prctl::set_dumpable(false)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_no_new_privs()?;
    Ok(())
}
