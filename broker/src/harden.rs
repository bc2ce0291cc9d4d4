//! What a serving broker takes from itself before it reads the first byte of a client.
//!
//! Afterwards it can start no program and no process, connect to no Unix socket (its porter does, and only to the
//! helper's broker socket), and open no file but those of the transfer roots and its configuration. So a broker that is taken
//! over while it serves reads no password store, reaches no gpg-agent, no ssh-agent and no admin socket, on a desktop
//! too, where it runs as the person it works for.

use std::path::{Path, PathBuf};

use sallyport_sandbox::files::Files;
use sallyport_sandbox::{SandboxError, attributes, calls, files};

/// Below a transfer root these stay shut, whatever the root: where secrets are.
const SECRET_PLACES: &[&str] = &[
    ".gnupg",
    ".ssh",
    ".password-store",
    ".local/share/gopass",
    ".local/share/keyrings",
    ".local/state/sallyport",
    ".aws",
    ".kube",
    ".netrc",
    ".config/gopass",
];
/// Entries of a root that are looked at, when it holds a secret place.
const ENTRIES: usize = 10_000;

/// What the broker still needs.
#[derive(Debug, Default)]
pub struct Needs {
    /// Read, with everything below.
    pub read: Vec<PathBuf>,
    /// Read and written, with everything below; secret places left out.
    pub roots: Vec<PathBuf>,
}

/// Locks the process in, as far as the kernel lets it; what could not be had is logged.
pub fn lock_in(needs: &Needs) {
    let write = open_places(&needs.roots);
    let mut read = needs.read.clone();
    // What the C library reads when it is asked for the time or a random number's fallback.
    read.extend(["/dev/null", "/dev/urandom", "/etc/localtime", "/usr/share/zoneinfo"].map(PathBuf::from));
    // The near end of a remote forward is a TCP connection of the broker's.
    let files = Files { read, write, connect: true, ..Files::default() };
    let steps: [(&str, Result<(), SandboxError>); 3] = [
        ("attributes", attributes::close()),
        ("files", files::restrict(&files)),
        ("system calls", calls::keep_those_of_a_broker()),
    ];
    for (step, result) in steps {
        if let Err(error) = result {
            tracing::warn!(step, %error, "the broker could not be locked in");
        }
    }
}

/// Where files below the roots may be made: all of them but the secret places.
pub fn open_places(roots: &[PathBuf]) -> Vec<PathBuf> {
    let secret = secret_places();
    roots.iter().flat_map(|root| without(root, &secret)).collect()
}

fn secret_places() -> Vec<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("HOME").unwrap_or_default();
    let mut places: Vec<PathBuf> = SECRET_PLACES.iter().map(|place| home.join(place)).collect();
    places.extend(["GNUPGHOME", "PASSWORD_STORE_DIR", "SALLYPORT_RUNTIME_DIR"].into_iter().filter_map(set));
    let state = crate::config::state_directory();
    places.extend(["audit", "transcripts", "known_hosts", "tokens.toml"].map(|name| state.join(name)));
    // A rule holds for what a link leads to.
    places.into_iter().filter_map(|place| place.canonicalize().ok()).collect()
}

/// `root`, or where a secret place lies below it, everything in it that is not on the way there.
fn without(root: &Path, secret: &[PathBuf]) -> Vec<PathBuf> {
    let Ok(root) = root.canonicalize() else { return Vec::new() };
    if secret.iter().any(|place| root.starts_with(place)) {
        return Vec::new();
    }
    if !secret.iter().any(|place| place.starts_with(&root)) {
        return vec![root];
    }
    let Ok(entries) = std::fs::read_dir(&root) else { return Vec::new() };
    let entries = entries.take(ENTRIES).filter_map(Result::ok);
    // A link leads elsewhere, and local paths through links are refused anyway.
    let own = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()));
    own.flat_map(|entry| without(&entry.path(), secret)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_holds_a_secret_place_is_opened_around_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        for folder in [".gnupg/private", "work/deep", ".local/share/gopass", ".local/share/fonts"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        std::fs::write(home.join("note"), "").unwrap();
        std::os::unix::fs::symlink(home.join(".gnupg"), home.join("link")).unwrap();
        let secret = [home.join(".gnupg"), home.join(".local/share/gopass")];
        let mut open = without(&home, &secret);
        open.sort();
        assert_eq!(open, [home.join(".local/share/fonts"), home.join("note"), home.join("work")]);
        assert_eq!(without(&home.join("work"), &secret), [home.join("work")]);
        assert!(without(&home.join(".gnupg/private"), &secret).is_empty());
    }
}
