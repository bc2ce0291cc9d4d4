//! Programs that run another command: how to find it behind their own options.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Verdict;
use super::short::{A, C};

/// How the command stands in a wrapper's arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The remaining words are its argv.
    Argv,
    /// The remaining words are joined with spaces and given to a shell.
    Joined,
    /// A shell is started; a command stands only in the option that takes code.
    Shell,
}

/// A wrapper's option grammar. An option that is not listed makes the invocation opaque.
pub(crate) struct Wrapper {
    /// Names, separated by spaces.
    pub(crate) names: &'static str,
    /// Short options without a value.
    pub(crate) flags: &'static str,
    /// Short options with a value.
    pub(crate) values: &'static str,
    /// Long options without a value, separated by spaces, without dashes.
    pub(crate) long_flags: &'static str,
    /// Long options with a value.
    pub(crate) long_values: &'static str,
    /// Operands before the command.
    pub(crate) operands: usize,
    /// `NAME=value` words may stand before the command.
    pub(crate) assigns: bool,
    /// Options whose value is shell code.
    pub(crate) code: &'static str,
    /// Options whose value is the directory the command starts in.
    pub(crate) chdir: &'static str,
    /// Options whose value is a file the wrapper writes.
    pub(crate) output: &'static str,
    pub(crate) tail: Tail,
    /// What it means without a command.
    pub(crate) bare: (Verdict, &'static str),
    /// Whether a read-only command stays one behind it.
    pub(crate) reads: bool,
    /// Whether it gives the command more rights: a program in no table is ordinary without them, but not with them.
    pub(crate) rights: bool,
}

const BASE: Wrapper = Wrapper {
    names: "",
    flags: "",
    values: "",
    long_flags: "",
    long_values: "",
    operands: 0,
    assigns: false,
    code: "",
    chdir: "",
    output: "",
    tail: Tail::Argv,
    bare: (A, ""),
    reads: true,
    rights: false,
};

const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        names: "sudo",
        flags: "ABbEHnkKPSlvVis",
        values: "CDghpRrTtUu",
        long_flags: "askpass bell background preserve-env set-home non-interactive reset-timestamp remove-timestamp \
            preserve-groups stdin list validate login shell",
        long_values: "close-from chdir group host prompt chroot role command-timeout type other-user user preserve-env",
        assigns: true,
        chdir: "-D --chdir",
        bare: (C, "privileged-shell"),
        rights: true,
        ..BASE
    },
    Wrapper {
        names: "doas",
        flags: "nsL",
        values: "aCu",
        bare: (C, "privileged-shell"),
        rights: true,
        ..BASE
    },
    Wrapper {
        names: "pkexec",
        flags: "",
        long_flags: "disable-internal-agent keep-cwd",
        long_values: "user",
        bare: (C, "privileged-shell"),
        rights: true,
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "su",
        flags: "lmpPf-",
        values: "cgGsw",
        long_flags: "login preserve-environment pty fast",
        long_values: "command group supp-group shell whitelist-environment session-command",
        code: "-c --command --session-command",
        operands: 1,
        tail: Tail::Shell,
        bare: (C, "privileged-shell"),
        ..BASE
    },
    Wrapper {
        names: "runuser",
        flags: "lmpPf-",
        values: "cgGsuw",
        long_flags: "login preserve-environment pty fast",
        long_values: "command user group supp-group shell whitelist-environment session-command",
        code: "-c --command --session-command",
        operands: 0,
        bare: (C, "privileged-shell"),
        ..BASE
    },
    Wrapper {
        names: "env genv",
        flags: "i0v",
        values: "uCaS",
        long_flags: "ignore-environment null debug block-signal default-signal ignore-signal list-signal-handling",
        long_values: "unset chdir argv0 split-string",
        assigns: true,
        code: "-S --split-string",
        chdir: "-C --chdir",
        ..BASE
    },
    // Its output goes to a file where nothing else takes it.
    Wrapper { names: "nohup", reads: false, ..BASE },
    Wrapper { names: "setsid", flags: "cfw", long_flags: "ctty fork wait", ..BASE },
    Wrapper {
        names: "run0",
        flags: "",
        values: "ugD",
        long_flags: "no-ask-password machine slice-inherit pipe pty",
        long_values: "unit property description slice user group nice chdir setenv background",
        bare: (C, "privileged-shell"),
        chdir: "-D --chdir",
        reads: false,
        rights: true,
        ..BASE
    },
    Wrapper {
        names: "timeout gtimeout",
        flags: "vfp",
        values: "ks",
        long_flags: "verbose foreground preserve-status",
        long_values: "kill-after signal",
        operands: 1,
        ..BASE
    },
    Wrapper { names: "nice gnice", flags: "0123456789", values: "n", long_values: "adjustment", ..BASE },
    Wrapper {
        names: "ionice",
        flags: "t",
        values: "cnpPu",
        long_flags: "ignore",
        long_values: "class classdata pid pgid uid",
        ..BASE
    },
    Wrapper {
        names: "chrt",
        flags: "abdefimoRrpv",
        values: "TPD",
        long_flags: "all-tasks batch deadline fifo idle other rr reset-on-fork",
        long_values: "sched-runtime sched-period sched-deadline",
        operands: 1,
        reads: false,
        ..BASE
    },
    Wrapper { names: "taskset", flags: "acp", long_flags: "all-tasks cpu-list pid", operands: 1, ..BASE },
    Wrapper {
        names: "stdbuf unbuffer",
        flags: "p",
        values: "ioe",
        long_values: "input output error",
        ..BASE
    },
    Wrapper {
        names: "time gtime",
        flags: "pvaqV",
        values: "fo",
        long_flags: "portability verbose append quiet",
        long_values: "format output",
        output: "-o --output",
        ..BASE
    },
    Wrapper {
        names: "watch",
        flags: "bcdegprtwxq",
        values: "nq",
        long_flags: "beep color differences errexit chgexit no-title no-wrap precise exec",
        long_values: "interval equexit",
        tail: Tail::Joined,
        ..BASE
    },
    Wrapper {
        names: "flock",
        flags: "sxenuoFv",
        values: "wEc",
        long_flags: "shared exclusive nonblock nb unlock close no-fork verbose",
        long_values: "wait timeout conflict-exit-code command",
        code: "-c --command",
        operands: 1,
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "script",
        flags: "aefqrt",
        values: "cBIOTmoE",
        long_flags: "append return flush force quiet",
        long_values: "command log-in log-out log-io log-timing logging-format output-limit echo",
        code: "-c --command",
        operands: 1,
        tail: Tail::Shell,
        bare: (C, "shell-on-stdin"),
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "unshare",
        flags: "cfimnprTuUC",
        values: "wRSGl",
        long_flags: "fork map-root-user map-current-user mount uts ipc net pid user cgroup time keep-caps mount-proc kill-child",
        long_values: "wd root setuid setgid propagation setgroups map-user map-group map-users map-groups",
        bare: (C, "shell-on-stdin"),
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "nsenter",
        flags: "aFmuinpUCTrwZe",
        values: "tGS",
        long_flags: "all no-fork mount uts ipc net pid user cgroup time preserve-credentials root wd follow-context",
        long_values: "target setgid setuid",
        bare: (C, "privileged-shell"),
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "chroot",
        flags: "",
        long_flags: "skip-chdir",
        long_values: "userspec groups",
        operands: 1,
        bare: (C, "shell-on-stdin"),
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "systemd-run",
        flags: "GPqtdrS",
        values: "pMuHE",
        long_flags: "user system scope remain-after-exit send-sighup no-block wait pty pipe quiet collect shell same-dir no-ask-password",
        long_values: "host machine unit property description slice uid gid nice working-directory setenv on-active on-boot on-startup on-unit-active on-calendar timer-property service-type path-property socket-property",
        bare: (C, "shell-on-stdin"),
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "systemd-inhibit",
        flags: "",
        long_flags: "no-pager no-legend list",
        long_values: "what who why mode",
        reads: false,
        ..BASE
    },
    Wrapper { names: "busybox toybox", ..BASE },
    Wrapper {
        names: "ltrace",
        flags: "bcCfhiLrStTV",
        values: "aADeFlnopsuwx",
        long_flags: "demangle no-signals",
        long_values: "output align config library indent",
        output: "-o --output",
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "strace",
        flags: "cCdDfFhiknNqrtTvVwxyYz",
        values: "abeEIoOpPsSuX",
        long_flags: "follow-forks summary-only summary",
        long_values: "trace output attach",
        output: "-o --output",
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "setarch linux32 linux64 i386 x86_64",
        flags: "vRFZLXBISc3T",
        long_flags: "addr-no-randomize verbose 32bit",
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "setpriv",
        flags: "d",
        long_flags: "clear-groups keep-groups init-groups no-new-privs reset-env",
        long_values: "reuid regid groups ruid euid rgid egid inh-caps ambient-caps bounding-set securebits pdeathsig selinux-label apparmor-profile",
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "numactl",
        flags: "alH",
        values: "CNmip",
        long_flags: "all localalloc show hardware",
        long_values: "interleave membind cpunodebind physcpubind preferred",
        ..BASE
    },
    Wrapper {
        names: "fakeroot proot firejail eatmydata catchsegv torsocks proxychains proxychains4 dbus-run-session caffeinate rlwrap chronic pseudo",
        flags: "qdimsu",
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "xvfb-run",
        flags: "al",
        values: "efnpsw",
        long_flags: "auto-servernum listen-tcp",
        long_values: "server-num server-args error-file",
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "prlimit",
        flags: "",
        values: "po",
        long_flags: "verbose raw noheadings",
        long_values: "pid output nofile nproc core cpu as",
        reads: false,
        ..BASE
    },
    Wrapper {
        names: "sg",
        flags: "",
        values: "c",
        code: "-c",
        operands: 1,
        tail: Tail::Joined,
        bare: (C, "shell-on-stdin"),
        reads: false,
        ..BASE
    },
    Wrapper { names: "cgexec", flags: "", values: "g", long_flags: "sticky", reads: false, ..BASE },
    Wrapper { names: "chpst softlimit", flags: "vP012", values: "uUbe/nmdofpcra", reads: false, ..BASE },
    Wrapper { names: "setuidgid envdir s6-setuidgid gosu su-exec", operands: 1, reads: false, ..BASE },
    Wrapper { names: "entr", flags: "acdnprsxz", tail: Tail::Joined, reads: false, ..BASE },
    Wrapper { names: "coproc", ..BASE },
];

/// The wrapper of this name.
pub(crate) fn find(name: &str) -> Option<&'static Wrapper> {
    BY_NAME.get(name).copied()
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Wrapper>> = LazyLock::new(|| {
    WRAPPERS.iter().flat_map(|wrapper| wrapper.names.split(' ').map(move |name| (name, wrapper))).collect()
});
