//! What would be allowed instead of what a rule stops.

use crate::verdict::Mode;

/// The advice holds in readonly too.
const READS: bool = true;
const WRITES: bool = false;

/// Rule, whether what is named only reads, and what to do instead; a rule that is not here has no harmless neighbour.
const INSTEAD: &[(&str, bool, &str)] = &[
    ("accounts", READS, "looking is allowed: `getent passwd`, `id`, `sudo -l`"),
    ("cluster-change", READS, "looking is allowed: `kubectl get`, `describe`, `logs`, `diff`"),
    ("container-change", READS, "looking is allowed: `docker ps`, `logs`, `inspect`"),
    ("database-change", READS, "statements that only read are allowed"),
    ("database-script", READS, "give the statements in the command (`psql -c`), so that they can be read"),
    ("delete", WRITES, "move it aside (`mv x x.old`)"),
    ("destroys", READS, "looking is allowed: its `list`, `show` or `status`, or a dry run"),
    ("download-and-run", WRITES, "download it to a file and read it first"),
    ("environment", READS, "name the program by its whole path"),
    ("firewall", READS, "looking is allowed: `iptables -S`, `nft list ruleset`, `ufw status`"),
    ("git-discard", WRITES, "keep the work first (`git stash`, a branch)"),
    ("git-force", WRITES, "push without force"),
    ("infrastructure-change", READS, "planning is allowed: `terraform plan`, and what lists or describes"),
    ("mount", READS, "looking is allowed: `findmnt`, `df`"),
    ("network-change", READS, "looking is allowed: `ip addr`, `ip route`, `ss`"),
    ("network-send", READS, "a plain GET is allowed"),
    ("opaque", READS, "write it plainly: one command a line, quotes closed"),
    ("overwrite", WRITES, "write to a new name"),
    ("package-change", READS, "looking is allowed: `apt list`, `pip list`, `apt-get -s install`"),
    ("process-kill", READS, "looking is allowed: `ps`, `pgrep`, `kill -0`"),
    ("runs-code", WRITES, "use a command for it, or code that only computes"),
    ("runtime-command", READS, "write the command out, with its name and paths in full"),
    ("service-change", READS, "looking is allowed: `systemctl status`, `journalctl -u`"),
    ("shell-on-stdin", READS, "give the code in the command (`sh -c '...'`), so that it can be read"),
    ("too-complex", READS, "split it into several commands"),
    ("truncate", WRITES, "write to a new name, or move the file aside"),
    ("unknown-as-root", WRITES, "run it without more rights: an unknown program may do what the account may"),
    ("unknown-path", WRITES, "name the file in full"),
    (
        "unknown-program",
        READS,
        "looking is allowed: its `--help`, `list` or `status`; whoever runs this host can name it in policy.toml",
    ),
    ("volume-change", READS, "looking is allowed: `lvs`, `zfs list`, `lsblk`"),
    ("wrapper-option", READS, "run the command without the wrapper, or with options that are known"),
];

/// What would be allowed instead: in readonly only what reads.
pub(crate) fn instead(rule: &str, mode: Mode) -> Option<&'static str> {
    INSTEAD
        .iter()
        .find(|(known, reads, _)| *known == rule && (*reads || mode != Mode::Readonly))
        .map(|(_, _, text)| *text)
}
