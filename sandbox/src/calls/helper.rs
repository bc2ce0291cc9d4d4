//! What the helper, gpg, gpg-agent and any pinentry call: they inherit its table, so it is long. It has no way to look
//! into or steer other processes, no io_uring, no name spaces, no mounts, no kernel keyrings, no modules, no BPF, no
//! clocks to set, no other users to become, and no kinds of sockets but those that are used. memfd_secret is
//! not among the calls: the memory for secrets is made before the table is in force.

use libc::*;

use super::Holds::{Is, Masked, Not, Without};
use super::Row;

/// The part of a socket's type that is not a flag.
const KIND: u64 = 0xf;
/// Name spaces: the way to most kernel bugs.
const NAMESPACES: u64 = (CLONE_NEWNS
    | CLONE_NEWCGROUP
    | CLONE_NEWUTS
    | CLONE_NEWIPC
    | CLONE_NEWUSER
    | CLONE_NEWPID
    | CLONE_NEWNET) as u64;

/// On every machine.
pub(super) const CALLS: &[Row] = &[
    (&[SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_lseek], &[], "what is open"),
    (&[SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev], &[], "kept output; gpg's keybox"),
    (&[SYS_sendfile, SYS_splice, SYS_copy_file_range], &[], "libraries copy with them"),
    (&[SYS_openat, SYS_openat2, SYS_close, SYS_close_range], &[], "files; Landlock says which"),
    (&[SYS_dup, SYS_dup3, SYS_pipe2, SYS_fcntl], &[], "the ends of a program that is started"),
    (
        &[SYS_newfstatat, SYS_fstat, SYS_statx, SYS_statfs, SYS_fstatfs],
        &[],
        "whose and of what mode a file is",
    ),
    (&[SYS_faccessat, SYS_faccessat2], &[], "whether a program is there"),
    (&[SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir, SYS_readlinkat], &[], "walking the store"),
    (
        &[SYS_mkdirat, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_linkat],
        &[],
        "records, logs, gpg's locks",
    ),
    (
        &[SYS_fchmod, SYS_fchmodat, SYS_fchmodat2, SYS_umask, SYS_utimensat],
        &[],
        "modes of sockets and records",
    ),
    (&[SYS_truncate, SYS_ftruncate, SYS_fallocate, SYS_flock], &[], "logs and recordings"),
    (&[SYS_fsync, SYS_fdatasync, SYS_msync], &[], "durable intents"),
    (&[SYS_fadvise64, SYS_readahead], &[], "hints of libraries"),
    (&[SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch], &[], "gpg-agent watches its home"),
    (&[SYS_memfd_create], &[], "what a graphical pinentry shows"),
    (
        &[SYS_ioctl],
        // TIOCLINUX is TIOCSTI's like on consoles; the libc crate does not name it.
        &[Not(1, TIOCSTI), Not(1, 0x541c)],
        "terminals of a pinentry; but no typing into the person's",
    ),
    (&[SYS_socket], &[Is(0, AF_UNIX as u64)], "gpg-agent, ssh-agent, systemd, the display"),
    (&[SYS_socket], &[Is(0, AF_INET as u64), Masked(1, KIND, SOCK_STREAM as u64)], "SSH"),
    (&[SYS_socket], &[Is(0, AF_INET as u64), Masked(1, KIND, SOCK_DGRAM as u64)], "looking up names"),
    (&[SYS_socket], &[Is(0, AF_INET6 as u64), Masked(1, KIND, SOCK_STREAM as u64)], "SSH"),
    (&[SYS_socket], &[Is(0, AF_INET6 as u64), Masked(1, KIND, SOCK_DGRAM as u64)], "looking up names"),
    (
        &[SYS_socket],
        &[Is(0, AF_NETLINK as u64), Is(2, NETLINK_ROUTE as u64)],
        "which addresses this machine has, for looking up names",
    ),
    (
        &[SYS_socket],
        // Without it the driver that scdaemon has built in finds no reader, and asks for a card that is there.
        &[Is(0, AF_NETLINK as u64), Is(2, NETLINK_KOBJECT_UEVENT as u64)],
        "a smartcard's reader comes and goes, for scdaemon",
    ),
    (&[SYS_socketpair], &[Is(0, AF_UNIX as u64)], "talking to a program that was started"),
    (&[SYS_bind, SYS_listen, SYS_accept4, SYS_accept], &[], "the two sockets; gpg-agent's"),
    (&[SYS_connect, SYS_shutdown], &[], "as socket"),
    (&[SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_setsockopt], &[], "who sits behind a socket"),
    (&[SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg], &[], "as socket"),
    (&[SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2], &[], "waiting for all at once"),
    (&[SYS_ppoll, SYS_pselect6], &[], "gpg and pinentry wait so"),
    (&[SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise], &[], "memory and libraries"),
    (
        &[SYS_mlock, SYS_mlock2, SYS_mlockall, SYS_munlock, SYS_munlockall],
        &[],
        "out of swap; libgcrypt's too",
    ),
    (
        &[SYS_landlock_create_ruleset, SYS_landlock_add_rule, SYS_landlock_restrict_self],
        &[],
        "a carrier, started here, takes more from itself",
    ),
    (&[SYS_seccomp], &[Is(0, SECCOMP_SET_MODE_FILTER as u64)], "as landlock"),
    (&[SYS_getrandom], &[], "keys"),
    (&[SYS_clone], &[Without(0, NAMESPACES)], "threads and programs, in the name spaces there are"),
    (&[SYS_execve], &[], "gpg and pinentry; Landlock says what may be executed"),
    (&[SYS_wait4, SYS_waitid, SYS_pidfd_open, SYS_pidfd_send_signal], &[], "their ends"),
    (&[SYS_kill, SYS_tgkill], &[], "ending them"),
    (
        &[SYS_prctl, SYS_set_tid_address, SYS_set_robust_list, SYS_rseq, SYS_membarrier],
        &[],
        "a program's start",
    ),
    (&[SYS_get_robust_list, SYS_sched_getaffinity, SYS_sched_yield, SYS_getcpu], &[], "threads"),
    (&[SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_get_priority_max], &[], "threads of a toolkit"),
    (&[SYS_sched_get_priority_min, SYS_sched_getattr, SYS_getpriority], &[], "threads of a toolkit"),
    (&[SYS_futex, SYS_futex_waitv], &[], "threads wait for one another"),
    (&[SYS_exit, SYS_exit_group], &[], "the end"),
    (&[SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending], &[], "signals to oneself"),
    (&[SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_sigaltstack, SYS_signalfd4], &[], "signals to oneself"),
    (&[SYS_restart_syscall], &[], "a stopped program goes on"),
    (&[SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep], &[], "the time"),
    (&[SYS_gettimeofday, SYS_times, SYS_getitimer, SYS_setitimer], &[], "the time"),
    (
        &[SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_delete],
        &[],
        "a pinentry's timeout",
    ),
    (&[SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime], &[], "a pinentry's timeout"),
    (&[SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getgroups], &[], "who one is"),
    (&[SYS_getresuid, SYS_getresgid, SYS_getpid, SYS_getppid, SYS_gettid], &[], "who one is"),
    (&[SYS_getpgid, SYS_getsid, SYS_setpgid, SYS_setsid], &[], "gpg-agent leaves its starter's session"),
    (&[SYS_capget, SYS_capset], &[], "pinentry gives up what it has; none can be had"),
    (&[SYS_prlimit64, SYS_getrlimit, SYS_setrlimit, SYS_getrusage], &[], "no cores; locked memory"),
    (&[SYS_uname, SYS_sysinfo], &[], "what the machine is, to libraries"),
    (&[SYS_personality], &[Is(0, 0xffff_ffff)], "asking for the address layout; not changing it"),
    (&[SYS_shmget, SYS_shmat, SYS_shmdt, SYS_shmctl], &[], "a pinentry's picture, on X"),
];

/// Where old calls are still the C library's way.
#[cfg(target_arch = "x86_64")]
pub(super) const CALLS_HERE: &[Row] = &[
    (&[SYS_arch_prctl], &[], "a program's start"),
    (&[SYS_fork, SYS_vfork], &[], "as clone"),
    (&[SYS_open, SYS_creat, SYS_stat, SYS_lstat, SYS_access, SYS_readlink], &[], "as openat and the like"),
    (&[SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename, SYS_link, SYS_chmod], &[], "as mkdirat and the like"),
    (&[SYS_utime, SYS_utimes, SYS_futimesat, SYS_getdents], &[], "as utimensat and the like"),
    (
        &[SYS_dup2, SYS_pipe, SYS_poll, SYS_select, SYS_epoll_wait, SYS_epoll_create],
        &[],
        "as dup3 and the like",
    ),
    (&[SYS_eventfd, SYS_inotify_init, SYS_signalfd], &[], "as eventfd2 and the like"),
    (&[SYS_time, SYS_alarm, SYS_pause, SYS_getpgrp], &[], "as the newer ones"),
];
/// Where they were never there.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const CALLS_HERE: &[Row] = &[];
