//! Paths that matter: roots, system directories, devices, files that run later, files that hold secrets.
//!
//! Patterns are globs over the normal form of a path, without its leading slash; `\u{2}` is any home directory.

/// Top-level directories whose recursive delete is a catastrophe.
pub(crate) const ROOTS: &[&str] = &[
    "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt", "proc", "root", "run",
    "sbin", "srv", "sys", "usr", "var", "Users", "System", "Library", "Applications", "private", "nix", "snap",
];

/// Second-level directories of the same weight.
pub(crate) const SECOND: &[(&str, &str)] = &[
    ("usr", "bin"), ("usr", "sbin"), ("usr", "lib"), ("usr", "lib64"), ("usr", "lib32"), ("usr", "share"), ("usr", "local"),
    ("usr", "include"), ("usr", "libexec"), ("var", "lib"), ("var", "spool"), ("var", "run"), ("var", "www"), ("etc", "ssh"),
    ("etc", "pam.d"), ("etc", "systemd"), ("lib", "modules"), ("lib", "systemd"), ("boot", "grub"), ("boot", "efi"),
    ("sys", "firmware"),
];

/// Top-level directories that ordinary work does not write to.
pub(crate) const SYSTEM: &[&str] = &[
    "bin", "boot", "etc", "lib", "lib32", "lib64", "libx32", "run", "sbin", "usr", "var", "System", "Library", "nix", "snap",
    "root", "home", "lost+found",
];

/// Names under `/dev` that are disks, volumes or memory (prefixes).
pub(crate) const RAW_DEVICES: &[&str] = &[
    "sd", "hd", "vd", "xvd", "nvme", "mmcblk", "md", "dm-", "mapper", "disk", "loop", "sr", "nbd", "zd", "zvol", "bcache",
    "rdisk", "mem", "kmem", "port", "mtd", "ubi", "vg", "ram", "drbd", "rbd", "dasd", "root",
];

/// Files that run later, decide who may log in, or change what commands mean.
pub(crate) const SENSITIVE: &[(&str, &str)] = &[
    ("\u{2}/.bashrc", "startup-file"), ("\u{2}/.bash_profile", "startup-file"), ("\u{2}/.bash_login", "startup-file"),
    ("\u{2}/.bash_logout", "startup-file"), ("\u{2}/.bash_aliases", "startup-file"), ("\u{2}/.profile", "startup-file"),
    ("\u{2}/.zshrc", "startup-file"), ("\u{2}/.zshenv", "startup-file"), ("\u{2}/.zprofile", "startup-file"),
    ("\u{2}/.zlogin", "startup-file"), ("\u{2}/.kshrc", "startup-file"), ("\u{2}/.cshrc", "startup-file"),
    ("\u{2}/.tcshrc", "startup-file"), ("\u{2}/.login", "startup-file"), ("\u{2}/.inputrc", "startup-file"),
    ("\u{2}/.config/fish/*", "startup-file"), ("\u{2}/.xinitrc", "startup-file"), ("\u{2}/.xsession", "startup-file"),
    ("\u{2}/.xprofile", "startup-file"), ("\u{2}/.vimrc", "startup-file"), ("\u{2}/.config/nvim/*", "startup-file"),
    ("\u{2}/.vim/*", "startup-file"), ("\u{2}/.emacs", "startup-file"), ("\u{2}/.emacs.d/*", "startup-file"),
    ("\u{2}/.exrc", "startup-file"), ("\u{2}/.screenrc", "startup-file"), ("\u{2}/.tmux.conf", "startup-file"),
    ("\u{2}/.gdbinit", "startup-file"), ("\u{2}/.pythonrc*", "startup-file"), ("\u{2}/.psqlrc", "startup-file"),
    ("\u{2}/.my.cnf", "startup-file"), ("\u{2}/.npmrc", "startup-file"), ("\u{2}/.pypirc", "startup-file"),
    ("\u{2}/.config/pip/*", "startup-file"), ("\u{2}/.pip/*", "startup-file"), ("\u{2}/.cargo/config*", "startup-file"),
    ("\u{2}/.gitconfig", "startup-file"), ("\u{2}/.config/git/*", "startup-file"), ("\u{2}/.lessfilter", "startup-file"),
    ("\u{2}/.pam_environment", "startup-file"), ("\u{2}/.config/environment.d/*", "startup-file"),
    ("\u{2}/.config/autostart/*", "startup-file"), ("\u{2}/.config/systemd/*", "startup-file"),
    ("\u{2}/Library/LaunchAgents/*", "startup-file"), ("\u{2}/.selected_editor", "startup-file"),
    ("\u{2}/.docker/config.json", "startup-file"), ("\u{2}/.kube/config", "startup-file"), ("\u{2}/.aws/*", "startup-file"),
    ("\u{2}/.forward", "startup-file"), ("\u{2}/.procmailrc", "startup-file"), ("\u{2}/.config/sallyport/*", "startup-file"),
    ("\u{2}/bin", "path-directory"), ("\u{2}/bin/*", "path-directory"), ("\u{2}/.local/bin", "path-directory"),
    ("\u{2}/.local/bin/*", "path-directory"), ("\u{2}/.cargo/bin/*", "path-directory"), ("\u{2}/go/bin/*", "path-directory"),
    ("usr/local/bin*", "path-directory"), ("usr/local/sbin*", "path-directory"), ("usr/bin*", "path-directory"),
    ("usr/sbin*", "path-directory"), ("bin/*", "path-directory"), ("sbin/*", "path-directory"),
    ("\u{2}/.ssh", "login-keys"), ("\u{2}/.ssh/*", "login-keys"), ("*/.ssh/*", "login-keys"), ("*/authorized_keys", "login-keys"),
    ("*/authorized_keys2", "login-keys"), ("etc/ssh/*", "login-keys"), ("\u{2}/.gnupg/*", "login-keys"),
    ("\u{2}/.rhosts", "login-keys"), ("\u{2}/.shosts", "login-keys"), ("\u{2}/.netrc", "login-keys"),
    ("*/.password-store/*", "login-keys"),
    ("etc/passwd*", "accounts"), ("etc/shadow*", "accounts"), ("etc/group*", "accounts"), ("etc/gshadow*", "accounts"),
    ("etc/sudoers*", "accounts"), ("etc/doas.conf", "accounts"), ("etc/pam.d/*", "accounts"), ("etc/security/*", "accounts"),
    ("etc/polkit-1/*", "accounts"),
    ("etc/cron*", "scheduled"), ("etc/anacrontab", "scheduled"), ("var/spool/cron*", "scheduled"), ("var/spool/at*", "scheduled"),
    ("etc/systemd/*", "scheduled"), ("lib/systemd/*", "scheduled"), ("usr/lib/systemd/*", "scheduled"),
    ("run/systemd/*", "scheduled"), ("etc/init.d/*", "scheduled"), ("etc/rc*", "scheduled"), ("etc/profile*", "startup-file"),
    ("etc/bash*", "startup-file"), ("etc/zsh*", "startup-file"), ("etc/environment*", "startup-file"),
    ("etc/ld.so*", "startup-file"), ("etc/update-motd.d/*", "startup-file"), ("etc/udev/*", "startup-file"),
    ("*/.git/hooks/*", "git-hooks"), ("*/.git/config", "git-hooks"), ("*/.githooks/*", "git-hooks"), ("*/.husky/*", "git-hooks"),
    ("*/.envrc", "startup-file"), ("\u{2}/.bash_history", "history"), ("\u{2}/.zsh_history", "history"),
    ("\u{2}/.history", "history"), ("\u{2}/.*_history", "history"),
];

/// Files whose reading reveals secrets; allowed, but named in the verdict.
pub(crate) const SECRETS: &[&str] = &[
    "etc/shadow*", "etc/gshadow*", "etc/sudoers*", "*.ssh/id_*", "*.pem", "*.key", "*/.aws/credentials", "*.netrc", "*.pgpass",
    "*/.gnupg/*", "*/.kube/config", "*/.docker/config.json", "*/.git-credentials", "*.env", ".env*", "*/.env.*", "*/.npmrc", "*/.pypirc",
    "etc/ssh/ssh_host_*_key", "*.p12", "*.pfx", "*.kdbx", "proc/*/environ", "*/secrets/*", "*/.my.cnf", "*/.vault-token",
];
