//! Attributes of the process: prctl(2), setrlimit(2), mlockall(2).

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::prctl;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
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

/// Ends this process when the thread that started it ends (prctl(2), `PR_SET_PDEATHSIG`).
///
/// # Errors
/// When the kernel refuses.
pub fn end_with_parent() -> Result<(), SandboxError> {
    prctl::set_pdeathsig(Signal::SIGKILL)
        .map_err(|errno| SandboxError::Refused("its parent's end", errno.to_string()))
}

/// How many bytes this process may lock into memory; raises its limit as far as it may be raised.
///
/// # Errors
/// When the limit cannot be read or set.
pub fn lockable_memory() -> Result<u64, SandboxError> {
    let refused = |errno: nix::Error| SandboxError::Refused("locked memory", errno.to_string());
    let (soft, hard) = getrlimit(Resource::RLIMIT_MEMLOCK).map_err(refused)?;
    if soft != hard {
        setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard).map_err(refused)?;
    }
    Ok(if is_unlimited() { RLIM_INFINITY } else { hard })
}

/// Whether no limit of locked memory binds this process (`CAP_IPC_LOCK`, capabilities(7)).
fn is_unlimited() -> bool {
    const IPC_LOCK: u32 = 14;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    held.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        .is_some_and(|held| held >> IPC_LOCK & 1 == 1)
}

/// Keeps all memory out of swap, as it is touched. Only where any amount may be locked: under a small limit the
/// process would fail to allocate later.
///
/// # Errors
/// When the limit is too small, or the kernel refuses.
pub fn lock_memory() -> Result<(), SandboxError> {
    let what = "locked memory";
    let limit = lockable_memory()?;
    if limit != RLIM_INFINITY {
        let why =
            format!("the limit is {limit} bytes (ulimit -Hl, LimitMEMLOCK=), and there is no CAP_IPC_LOCK");
        return Err(SandboxError::Refused(what, why));
    }
    let flags =
        MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | MlockAllFlags::from_bits_retain(MCL_ONFAULT);
    mlockall(flags).map_err(|errno| SandboxError::Refused(what, errno.to_string()))
}

/// `MCL_ONFAULT` (mlockall(2)): pages are locked when they are first touched, so nothing grows.
const MCL_ONFAULT: i32 = 4;
