//! Two kinds of memory: secret (memfd_secret(2)), and ordinary that is never swapped out (mlock2(2)).
//!
//! A process that is started has neither of them, and no core dump holds them (madvise(2)).

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::NonNull;

use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, mmap_anonymous};
use nix::unistd::ftruncate;

/// Where a mapping begins.
pub(in crate::harden) type Start = NonNull<c_void>;

const BOTH: ProtFlags = ProtFlags::PROT_READ.union(ProtFlags::PROT_WRITE);

/// Maps `size` bytes that only this process's own instructions reach: they are in no map of the kernel's, so that
/// neither root, by `/proc/PID/mem` or ptrace, nor swap nor hibernation gets at them. Pages are taken when touched.
///
/// # Errors
/// `ENOSYS` where the kernel has it not, or has it switched off (`secretmem.enable=0`); `EAGAIN` beyond the limit
/// of locked memory.
pub(in crate::harden) fn secret(size: NonZeroUsize) -> nix::Result<Start> {
    // SAFETY: a system call that takes one flag and touches no memory of ours.
    let made = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let descriptor = libc::c_int::try_from(Errno::result(made)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made it, and nobody else knows it.
    let file = unsafe { OwnedFd::from_raw_fd(descriptor) };
    ftruncate(&file, i64::try_from(size.get()).map_err(|_| Errno::EINVAL)?)?;
    // SAFETY: a new mapping, at a place of the kernel's choice, of a file that nobody else can map: its only descriptor
    // is closed when this returns.
    let start = unsafe { mmap(None, size, BOTH, MapFlags::MAP_SHARED, &file, 0)? };
    keep_apart(start, size)?;
    Ok(start)
}

/// Maps `size` bytes that are never swapped out; root can read them. Pages are taken and locked when touched.
///
/// # Errors
/// `ENOMEM` beyond the limit of locked memory.
pub(in crate::harden) fn locked(size: NonZeroUsize) -> nix::Result<Start> {
    // SAFETY: a new mapping at a place of the kernel's choice.
    let start = unsafe { mmap_anonymous(None, size, BOTH, MapFlags::MAP_PRIVATE)? };
    // SAFETY: the mapping above; locking changes no byte of it.
    Errno::result(unsafe { libc::mlock2(start.as_ptr(), size.get(), libc::MLOCK_ONFAULT) })?;
    keep_apart(start, size)?;
    Ok(start)
}

fn keep_apart(start: Start, size: NonZeroUsize) -> nix::Result<()> {
    for advice in [MmapAdvise::MADV_DONTFORK, MmapAdvise::MADV_DONTDUMP] {
        // SAFETY: the whole of one of the mappings above. Neither advice changes what this process finds there.
        unsafe { madvise(start, size.get(), advice)? };
    }
    Ok(())
}
