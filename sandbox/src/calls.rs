//! System calls, by seccomp.
//!
//! The tables are lists of what is refused (`EPERM`), each with its reason: gpg and what it starts inherit the
//! helper's, so a list of what is allowed would have to foresee every pinentry. What a broker may not do besides is
//! short, because Landlock and the tables together leave it no file, no program and no connection.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

use super::SandboxError;

/// When a call is refused.
#[derive(Debug, Clone, Copy)]
enum When {
    /// Always.
    Always,
    /// When an argument, masked, is this value: (argument, mask, value).
    Masked(u8, u64, u64),
    /// When an argument is none of these two.
    Neither(u8, u64, u64),
}

type Row = (c_long, When, &'static str);

use When::{Always, Masked, Neither};

/// Refused to both programs and to everything they start.
const NEVER: &[Row] = &[
    (libc::SYS_ptrace, Always, "reading and steering other processes"),
    (libc::SYS_process_vm_readv, Always, "reading another process's memory"),
    (libc::SYS_process_vm_writev, Always, "writing another process's memory"),
    (libc::SYS_process_madvise, Always, "steering another process's memory"),
    (libc::SYS_kcmp, Always, "comparing what processes share"),
    (libc::SYS_pidfd_getfd, Always, "taking another process's descriptors"),
    (libc::SYS_io_uring_setup, Always, "a second way to every call, past this filter"),
    (libc::SYS_io_uring_enter, Always, "as io_uring_setup"),
    (libc::SYS_io_uring_register, Always, "as io_uring_setup"),
    (libc::SYS_bpf, Always, "code in the kernel"),
    (libc::SYS_perf_event_open, Always, "watching other processes; many kernel bugs"),
    (libc::SYS_userfaultfd, Always, "stopping the kernel at a chosen access: the helper of kernel exploits"),
    (libc::SYS_add_key, Always, "kernel keyrings are shared between processes"),
    (libc::SYS_request_key, Always, "as add_key; may start programs"),
    (libc::SYS_keyctl, Always, "as add_key"),
    (libc::SYS_mount, Always, "changing what paths mean"),
    (libc::SYS_umount2, Always, "as mount"),
    (libc::SYS_pivot_root, Always, "as mount"),
    (libc::SYS_chroot, Always, "as mount"),
    (libc::SYS_move_mount, Always, "as mount"),
    (libc::SYS_open_tree, Always, "as mount"),
    (libc::SYS_fsopen, Always, "as mount"),
    (libc::SYS_fsmount, Always, "as mount"),
    (libc::SYS_fsconfig, Always, "as mount"),
    (libc::SYS_fspick, Always, "as mount"),
    (libc::SYS_mount_setattr, Always, "as mount"),
    (libc::SYS_unshare, Always, "new name spaces: the way to most kernel bugs"),
    (libc::SYS_setns, Always, "other name spaces"),
    (libc::SYS_open_by_handle_at, Always, "opening files past their folders"),
    (libc::SYS_name_to_handle_at, Always, "as open_by_handle_at"),
    (libc::SYS_init_module, Always, "code in the kernel"),
    (libc::SYS_finit_module, Always, "code in the kernel"),
    (libc::SYS_delete_module, Always, "code in the kernel"),
    (libc::SYS_kexec_load, Always, "another kernel"),
    (libc::SYS_kexec_file_load, Always, "another kernel"),
    (libc::SYS_reboot, Always, "no business of ours"),
    (libc::SYS_swapon, Always, "writes memory to a disk of one's choice"),
    (libc::SYS_swapoff, Always, "as swapon"),
    (libc::SYS_acct, Always, "writes a log of everybody's commands"),
    (libc::SYS_quotactl, Always, "no business of ours"),
    (libc::SYS_settimeofday, Always, "confirmations and the unlock window go by the clock"),
    (libc::SYS_clock_settime, Always, "as settimeofday"),
    (libc::SYS_clock_adjtime, Always, "as settimeofday"),
    (libc::SYS_adjtimex, Always, "as settimeofday"),
    (libc::SYS_sethostname, Always, "no business of ours"),
    (libc::SYS_setdomainname, Always, "no business of ours"),
    (libc::SYS_syslog, Always, "reads the kernel's log, with addresses"),
    (libc::SYS_lookup_dcookie, Always, "profiling"),
    (libc::SYS_fanotify_init, Always, "watching everybody's files"),
    (libc::SYS_vhangup, Always, "no business of ours"),
    (libc::SYS_nfsservctl, Always, "no business of ours"),
    (
        libc::SYS_personality,
        Neither(0, 0, 0xffff_ffff),
        "weakens address layout; asking which it is is allowed",
    ),
];

/// Refused to a locked-in broker besides.
const BROKER: &[Row] = &[
    (libc::SYS_execve, Always, "a broker starts no program"),
    (libc::SYS_execveat, Always, "as execve"),
    (libc::SYS_clone, Masked(0, libc::CLONE_THREAD as u64, 0), "threads, but no processes"),
    (
        libc::SYS_socket,
        Neither(0, libc::AF_INET as u64, libc::AF_INET6 as u64),
        "tunnels are TCP; without Unix sockets it reaches no gpg-agent, no ssh-agent and no admin socket",
    ),
    (libc::SYS_socket, Masked(1, 0xf, libc::SOCK_DGRAM as u64), "no datagrams: they need no connect"),
    (libc::SYS_socket, Masked(1, 0xf, libc::SOCK_RAW as u64), "as datagrams"),
    (
        libc::SYS_sendto,
        Masked(3, libc::MSG_FASTOPEN as u64, libc::MSG_FASTOPEN as u64),
        "connects while sending",
    ),
    (libc::SYS_sendmsg, Masked(2, libc::MSG_FASTOPEN as u64, libc::MSG_FASTOPEN as u64), "as sendto"),
    (libc::SYS_sendmmsg, Always, "as sendto"),
    (libc::SYS_kill, Neither(1, 0, 0), "no signals to others; asking whether one lives is allowed"),
    (libc::SYS_tkill, Always, "as kill"),
    (libc::SYS_rt_sigqueueinfo, Always, "as kill"),
    (libc::SYS_pidfd_open, Always, "no business with other processes"),
    (libc::SYS_pidfd_send_signal, Always, "as kill"),
    (libc::SYS_setuid, Always, "it stays who it is"),
    (libc::SYS_setgid, Always, "as setuid"),
    (libc::SYS_setreuid, Always, "as setuid"),
    (libc::SYS_setregid, Always, "as setuid"),
    (libc::SYS_setresuid, Always, "as setuid"),
    (libc::SYS_setresgid, Always, "as setuid"),
    (libc::SYS_setgroups, Always, "as setuid"),
    (libc::SYS_capset, Always, "as setuid"),
    (libc::SYS_shmget, Always, "memory shared with others"),
    (libc::SYS_shmat, Always, "as shmget"),
    (libc::SYS_msgget, Always, "as shmget"),
    (libc::SYS_semget, Always, "as shmget"),
    (libc::SYS_mq_open, Always, "as shmget"),
];

/// System calls of other machines that name what a table already says.
#[cfg(target_arch = "x86_64")]
const BROKER_HERE: &[Row] = &[(libc::SYS_fork, Always, "as clone"), (libc::SYS_vfork, Always, "as clone")];
#[cfg(not(target_arch = "x86_64"))]
const BROKER_HERE: &[Row] = &[];

/// Takes from every thread what neither program ever does.
///
/// # Errors
/// When the kernel refuses.
pub fn refuse_what_nobody_does() -> Result<(), SandboxError> {
    apply(NEVER.iter(), libc::EPERM)
}

/// Takes from every thread what a serving broker does not do.
///
/// # Errors
/// When the kernel refuses.
pub fn lock_broker_in() -> Result<(), SandboxError> {
    // The C library takes clone3, whose flags no filter can see; told that there is none, it takes clone.
    apply([(libc::SYS_clone3, Always, "flags in memory")].iter(), libc::ENOSYS)?;
    apply(NEVER.iter().chain(BROKER).chain(BROKER_HERE), libc::EPERM)
}

fn apply<'a>(rows: impl Iterator<Item = &'a Row>, errno: i32) -> Result<(), SandboxError> {
    let refused = |error: &dyn std::fmt::Display| SandboxError::Refused("seccomp", error.to_string());
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| refused(&error))?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (call, when, _) in rows {
        let rule = rule(*when).map_err(|error| refused(&error))?;
        // No rule at all means always.
        rules.entry(*call).or_default().extend(rule);
    }
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, architecture);
    let program: BpfProgram =
        filter.and_then(TryInto::try_into).map_err(|error: seccompiler::BackendError| refused(&error))?;
    apply_filter_all_threads(&program).map_err(|error| refused(&error))
}

fn rule(when: When) -> Result<Option<SeccompRule>, seccompiler::BackendError> {
    let dword =
        |argument, operator, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
    let conditions = match when {
        Always => return Ok(None),
        Masked(argument, mask, value) => vec![dword(argument, SeccompCmpOp::MaskedEq(mask), value)?],
        Neither(argument, one, other) => {
            vec![dword(argument, SeccompCmpOp::Ne, one)?, dword(argument, SeccompCmpOp::Ne, other)?]
        }
    };
    SeccompRule::new(conditions).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_reason_and_no_call_is_refused_both_always_and_sometimes() {
        let rows = || NEVER.iter().chain(BROKER).chain(BROKER_HERE);
        for (call, when, reason) in rows() {
            assert!(!reason.is_empty(), "{call}");
            let same: Vec<_> = rows().filter(|row| row.0 == *call).collect();
            // A rule beside an unconditional row would make it conditional.
            assert!(same.len() == 1 || !matches!(when, Always), "{call}");
        }
    }
}
