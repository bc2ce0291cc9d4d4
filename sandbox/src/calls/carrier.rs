//! What a carrier calls, the process that speaks SSH with one host. It reads and writes the sockets it was handed, and waits.
//! It opens no file and no socket, connects to nothing, starts nothing, signals nobody, and maps no memory that could be run.

use libc::*;

use super::Holds::{Is, Without};
use super::Row;

/// On every machine.
pub(super) const CALLS: &[Row] = &[
    (&[SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close], &[], "the sockets it was handed"),
    (&[SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_shutdown], &[], "the same; connections are handed over"),
    (&[SYS_ioctl], &[Is(1, FIONBIO)], "making them not block"),
    (&[SYS_fcntl], &[Is(1, F_GETFL as u64)], "whether they block"),
    (&[SYS_fcntl], &[Is(1, F_GETFD as u64)], "checks of descriptors in the libraries"),
    (&[SYS_fcntl], &[Is(1, F_DUPFD_CLOEXEC as u64)], "cutting a connection that russh is waiting for"),
    (
        &[SYS_setsockopt],
        &[Is(1, SOL_TCP as u64), Is(2, TCP_QUICKACK as u64)],
        "acknowledging at once during a login",
    ),
    (&[SYS_epoll_ctl, SYS_epoll_pwait], &[], "waiting for all of these at once"),
    (&[SYS_brk, SYS_munmap, SYS_madvise, SYS_mremap], &[], "memory"),
    (&[SYS_mmap, SYS_mprotect], &[Without(2, PROT_EXEC as u64)], "memory, but none that can be run"),
    (&[SYS_getrandom], &[], "key exchange, padding, keys of hash tables"),
    (&[SYS_clock_gettime], &[], "the time, where the kernel's page for it is missing"),
    (&[SYS_futex, SYS_sched_yield], &[], "locks"),
    (&[SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack], &[], "the runtime's end"),
    (&[SYS_restart_syscall], &[], "a stopped program goes on"),
    (&[SYS_exit, SYS_exit_group], &[], "the end"),
];

/// Where old calls are still the C library's way.
#[cfg(target_arch = "x86_64")]
pub(super) const CALLS_HERE: &[Row] = &[(&[SYS_epoll_wait], &[], "as epoll_pwait")];
/// Where they were never there.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const CALLS_HERE: &[Row] = &[];
