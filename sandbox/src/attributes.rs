//! Attributes of the process: prctl(2), setrlimit(2), mlockall(2).

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::prctl;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};

use super::SandboxError;

/// No core dumps, no debugger and no look into memory by the same user, no privileges by set-uid programs, and no
/// file that others may read.
///
/// # Errors
/// When one of these could not be had.
pub fn close() -> Result<(), SandboxError> {
    let refused = |what| move |errno: nix::Error| SandboxError::Refused(what, errno.to_string());
    umask(Mode::from_bits_truncate(0o077));
    // Not dumpable: no core, and no ptrace or /proc/PID/mem by the same user (prctl(2)).
    prctl::set_dumpable(false).map_err(refused("dumping"))?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(refused("core dumps"))?;
    prctl::set_no_new_privs().map_err(refused("new privileges"))
}

/// Keeps all memory out of swap, as it is touched. Only where the limit allows any amount: under a small limit the
/// process would fail to allocate later.
///
/// # Errors
/// When the limit is too small, or the kernel refuses.
pub fn lock_memory() -> Result<(), SandboxError> {
    let what = "locked memory";
    let refused = |errno: nix::Error| SandboxError::Refused(what, errno.to_string());
    let (_, hard) = getrlimit(Resource::RLIMIT_MEMLOCK).map_err(refused)?;
    if hard != RLIM_INFINITY {
        return Err(SandboxError::Refused(
            what,
            format!("the limit is {hard} bytes (ulimit -Hl, LimitMEMLOCK=)"),
        ));
    }
    setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard).map_err(refused)?;
    let flags =
        MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | MlockAllFlags::from_bits_retain(MCL_ONFAULT);
    mlockall(flags).map_err(refused)
}

/// `MCL_ONFAULT` (mlockall(2)): pages are locked when they are first touched, so nothing grows.
const MCL_ONFAULT: i32 = 4;
