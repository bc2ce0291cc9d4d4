//! What a broker that serves still calls. It starts no program and no process, connects by TCP only, signals nobody,
//! and maps no memory that it could run. `scripts/calls` holds the table against what the tests make a broker do.

use libc::*;

use super::Holds::{Is, Masked, With, Without};
use super::Row;

/// The part of a socket's type that is not a flag.
const KIND: u64 = 0xf;

/// On every machine.
pub(super) const CALLS: &[Row] = &[
    (
        &[SYS_read, SYS_write, SYS_writev, SYS_lseek, SYS_close],
        &[],
        "what is open already, and files of the roots",
    ),
    (&[SYS_openat, SYS_openat2], &[], "files of the transfer roots, settings, tokens; Landlock says which"),
    (&[SYS_newfstatat, SYS_statx], &[], "kind, size and times of local files"),
    (&[SYS_getdents64], &[], "directories to upload"),
    (&[SYS_getcwd], &[], "a relative local path"),
    (&[SYS_mkdirat, SYS_unlinkat], &[], "directories of a download, and clearing up after one that failed"),
    (&[SYS_renameat, SYS_renameat2, SYS_linkat], &[], "a download lands under its name in one step"),
    (&[SYS_ftruncate, SYS_fdatasync, SYS_fsync], &[], "a download is whole and on the disk before it lands"),
    (&[SYS_fchmod, SYS_utimensat], &[], "a download keeps mode and time where it was asked to"),
    (&[SYS_flock], &[], "two brokers and one unfinished download"),
    (&[SYS_fcntl], &[Is(1, F_GETFL as u64)], "whether a descriptor blocks"),
    (&[SYS_fcntl], &[Is(1, F_SETFL as u64)], "making it not block"),
    (&[SYS_fcntl], &[Is(1, F_GETFD as u64)], "checks of descriptors in the libraries"),
    (&[SYS_fcntl], &[Is(1, F_SETFD as u64)], "closed on exec"),
    (&[SYS_fcntl], &[Is(1, F_DUPFD_CLOEXEC as u64)], "a second handle of a pipe or directory"),
    (
        &[SYS_ioctl],
        &[Is(1, FIONBIO)],
        "making a socket not block; no other ioctl, so no terminal is typed into",
    ),
    (
        &[SYS_socket],
        &[Is(0, AF_INET as u64), Masked(1, KIND, SOCK_STREAM as u64)],
        "tunnels: their near ends",
    ),
    (&[SYS_socket], &[Is(0, AF_INET6 as u64), Masked(1, KIND, SOCK_STREAM as u64)], "as for IPv4"),
    (&[SYS_bind, SYS_listen, SYS_getsockname], &[], "a tunnel's local port"),
    (&[SYS_accept4], &[], "clients over HTTP and of tunnels"),
    (&[SYS_connect], &[], "a remote forward's near end; without Unix sockets no agent and no admin socket"),
    (
        &[SYS_setsockopt],
        &[Is(1, SOL_SOCKET as u64), Is(2, SO_REUSEADDR as u64)],
        "the port of a tunnel, again",
    ),
    (&[SYS_setsockopt], &[Is(1, SOL_TCP as u64), Is(2, TCP_NODELAY as u64)], "answers at once"),
    (&[SYS_getsockopt], &[], "who sits behind the helper's socket; whether a connection came about"),
    (
        &[SYS_sendto],
        &[Without(3, MSG_FASTOPEN as u64)],
        "to the helper, the porter and clients; never connects by sending",
    ),
    (&[SYS_recvfrom, SYS_recvmsg], &[], "from them; the porter hands over a connected socket"),
    (&[SYS_shutdown], &[], "one direction of a tunnel ends"),
    (&[SYS_epoll_ctl], &[], "waiting for all of these at once"),
    (&[SYS_brk, SYS_munmap, SYS_madvise, SYS_mremap], &[], "memory"),
    (&[SYS_mmap, SYS_mprotect], &[Without(2, PROT_EXEC as u64)], "memory, but none that can be run"),
    (&[SYS_getrandom], &[], "names of unfinished downloads, keys of hash tables"),
    (&[SYS_clock_gettime, SYS_clock_nanosleep], &[], "the time, where the kernel's page for it is missing"),
    (&[SYS_geteuid], &[], "whose helper is believed"),
    (&[SYS_clone], &[With(0, CLONE_THREAD as u64)], "threads for local files, but no processes"),
    (&[SYS_prctl], &[Is(0, PR_SET_NAME as u64)], "a thread's name"),
    (
        &[SYS_gettid, SYS_rseq, SYS_set_robust_list, SYS_sched_getaffinity, SYS_sigaltstack],
        &[],
        "a thread's start",
    ),
    (&[SYS_futex, SYS_sched_yield], &[], "threads wait for one another"),
    (
        &[SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall],
        &[],
        "being told to stop",
    ),
    (&[SYS_exit, SYS_exit_group], &[], "the end"),
];

/// Where old calls are still the C library's way.
#[cfg(target_arch = "x86_64")]
pub(super) const CALLS_HERE: &[Row] =
    &[(&[SYS_epoll_wait], &[], "as epoll_ctl"), (&[SYS_readlink], &[], "where a relative local path leads")];
/// Where they were never there.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const CALLS_HERE: &[Row] = &[
    (&[SYS_epoll_pwait], &[], "as epoll_ctl"),
    (&[SYS_readlinkat], &[], "where a relative local path leads"),
];
