//! Which files the helper, gpg and what gpg starts need; nothing else can be opened.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use sallyport_policy::{Identity, Inventory};
use sallyport_sandbox::files::{Files, nearest};

use crate::config::Paths;

/// Where programs, their libraries and the system's configuration are.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/opt",
    "/nix",
    "/proc",
    "/sys",
    "/run",
    "/var/lib/dbus",
];
/// What a graphical pinentry reads of a home, and programs installed there.
const OF_HOME: &[&str] = &[
    ".ssh",
    ".Xauthority",
    ".ICEauthority",
    ".config",
    ".cache/fontconfig",
    ".fonts",
    ".themes",
    ".icons",
    ".local/share/fonts",
    ".local/share/themes",
    ".local/share/icons",
    ".nix-profile",
];

/// What stays open. Makes the folders that are the helper's own, so that they are there to be named.
pub fn open(paths: &Paths, stores: &[PathBuf], inventory: &Inventory) -> Files {
    let home = paths.home.clone().unwrap_or_default();
    let gnupg = match std::env::var_os("GNUPGHOME").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => home.join(".gnupg"),
    };
    for own in [&paths.state, &paths.runtime, &gnupg] {
        // One that cannot be made is reported by whoever needs it.
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(own);
    }
    let mut execute: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    execute.extend(programs(&gnupg));
    // This program itself, wherever it is and whatever became of its name: carriers are started from it.
    execute.push("/proc/self/exe".into());
    let mut read: Vec<PathBuf> = OF_HOME.iter().map(|place| home.join(place)).collect();
    read.push(nearest(&paths.config));
    read.extend(identities(inventory));
    if let Some(credentials) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        read.push(credentials.into());
    }
    let mut write = vec![
        paths.state.clone(),
        paths.runtime.clone(),
        gnupg,
        // Terminals and /dev/null.
        PathBuf::from("/dev"),
        // gpg-agent's sockets, and the folder for them when gpg has to make it.
        nearest(Path::new(&format!("/run/user/{}/gnupg", Uid::effective()))),
    ];
    write.extend(stores.iter().cloned());
    Files { read, execute, write, all: Vec::new(), connect: true, others: true }
}

/// The programs that gpg-agent is told to use, wherever they are.
fn programs(gnupg: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(gnupg.join("gpg-agent.conf")).unwrap_or_default();
    let named = |line: &str| {
        let line = line.trim();
        let path = line.strip_prefix("pinentry-program").or_else(|| line.strip_prefix("scdaemon-program"))?;
        Some(PathBuf::from(path.trim()))
    };
    text.lines().filter_map(named).collect()
}

/// Key files that hosts name: their folders, because editors replace files.
fn identities(inventory: &Inventory) -> impl Iterator<Item = PathBuf> {
    inventory.iter().flat_map(|(_, host)| &host.identity).filter_map(|identity| match identity {
        Identity::File(path) => Some(Path::new(path).parent()?.to_owned()),
        _ => None,
    })
}
