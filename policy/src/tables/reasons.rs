//! What each rule says to people.

/// Rule, and the sentence that follows the command's name.
const REASONS: &[(&str, &str)] = &[
    ("accounts", "changes who may log in or what they may do"),
    ("boot", "changes how the machine starts"),
    ("clock", "sets the clock"),
    ("cluster-change", "changes a cluster"),
    ("container-change", "changes containers, images or volumes"),
    ("container-host", "opens the host to a container"),
    ("database-change", "changes a database"),
    ("database-script", "runs database statements that cannot be seen here"),
    ("delete", "deletes files"),
    ("destroys", "says that it deletes, stops or takes back something"),
    ("device", "writes to a device"),
    ("download-and-run", "runs what it downloads"),
    ("environment", "changes where later commands load code from"),
    ("extra-denylist", "is on this policy's own list"),
    ("firewall", "changes the firewall"),
    ("fork-bomb", "starts itself without end"),
    ("format", "makes a file system over what is there"),
    ("git-discard", "discards work that git may not get back"),
    ("git-force", "rewrites or deletes what others have fetched"),
    ("git-hooks", "changes what git runs later"),
    ("git-rewrite", "rewrites history"),
    ("history", "changes the shell's history"),
    ("infrastructure-change", "changes infrastructure"),
    ("kernel-module", "changes the kernel's modules"),
    ("kernel-setting", "changes a kernel setting"),
    ("kill-all", "ends every process"),
    ("login-keys", "changes keys or who may log in"),
    ("logs", "changes logs"),
    ("mount", "changes what is mounted"),
    ("network-change", "changes the network"),
    ("network-listen", "listens on the network"),
    ("network-send", "sends data or changes something over the network"),
    ("network-shell", "gives a shell to the network"),
    ("network-socket", "opens a raw network connection"),
    ("network-tunnel", "opens a tunnel"),
    ("not-readonly", "is not known to only read with these arguments"),
    ("opaque", "cannot be read"),
    ("overwrite", "overwrites what is there"),
    ("package-change", "changes installed packages"),
    ("path-directory", "changes a directory that commands are found in"),
    ("permissions", "changes permissions or owners"),
    ("power", "stops or restarts the machine"),
    ("privileged-edit", "edits files with other rights"),
    ("privileged-shell", "opens a shell with other rights"),
    ("process-kill", "ends processes"),
    ("process-setting", "changes how a running process is scheduled or limited"),
    ("raw-device", "writes to a disk past its file system"),
    ("redefined", "changes what a command's name means"),
    ("remote-shell", "opens a shell on another host"),
    ("remote-write", "writes to another host"),
    ("repository-change", "changes a shared repository"),
    ("root-delete", "deletes a root directory and all below it"),
    ("root-move", "moves a root directory away"),
    ("root-permissions", "changes permissions of a root directory"),
    ("runs-code", "runs code that reaches beyond computing"),
    ("runs-option", "has an option that runs or loads something"),
    ("runs-written-file", "runs a file whose content was not seen"),
    ("runtime-command", "runs a command known only at run time"),
    ("scheduled", "changes what runs later"),
    ("secret-change", "works with stored secrets"),
    ("security-setting", "changes the system's protection"),
    ("service-change", "changes a service or deploys"),
    ("shell-on-stdin", "runs code from its input, which cannot be seen here"),
    ("startup-file", "changes a file that runs or is read later"),
    ("sysrq", "commands the kernel directly"),
    ("system-path", "writes to a system directory"),
    ("system-setting", "changes a system setting"),
    ("too-complex", "is too long or too deeply nested to be read"),
    ("trap", "runs code around every later command"),
    ("truncate", "empties files"),
    ("types-into-terminal", "types into a terminal where nothing is judged"),
    ("unknown-as-root", "runs a program of which nothing is known with more rights"),
    ("unknown-path", "writes to a path known only at run time"),
    ("unknown-program", "is a program of which nothing is known"),
    ("vital-account", "takes away the account without which nobody can put the system right"),
    ("vital-file", "takes away a file without which the system does not start or lets nobody in"),
    ("volume-change", "changes volumes or file systems"),
    ("wrapper-option", "has an option that hides what it runs"),
];

/// Rules that hold whatever anyone confirms.
const CATASTROPHES: &[&str] = &[
    "fork-bomb",
    "format",
    "kill-all",
    "raw-device",
    "root-delete",
    "root-move",
    "root-permissions",
    "runtime-command",
    "sysrq",
    "vital-account",
    "vital-file",
];

/// The sentence of a rule.
pub(crate) fn reason(rule: &str) -> &'static str {
    REASONS.iter().find(|(known, _)| *known == rule).map_or("is not allowed by this rule", |(_, text)| text)
}

/// Whether the rule is a hard block.
pub(crate) fn is_catastrophe(rule: &str) -> bool {
    CATASTROPHES.contains(&rule)
}

#[cfg(test)]
mod tests;
