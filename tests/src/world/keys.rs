//! SSH keys, made by `ssh-keygen`.

use std::fs;
use std::path::{Path, PathBuf};

use super::process;

/// A key pair in files, as a person has them.
#[derive(Debug, Clone)]
pub struct KeyPair {
    path: PathBuf,
}

impl KeyPair {
    /// Makes a key of `kind` (`ed25519`, `rsa`, `ecdsa`) at `path`, encrypted when there is a `passphrase`.
    pub fn make(path: &Path, kind: &str, passphrase: Option<&str>) -> Self {
        let mut keygen = process::bare("ssh-keygen");
        keygen.args(["-q", "-t", kind, "-C", "sallyport test", "-N", passphrase.unwrap_or_default(), "-f"]);
        process::run(keygen.arg(path), b"").expect_success();
        Self { path: path.to_owned() }
    }

    /// A pair that is there already.
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The private key's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The private key as text.
    pub fn private(&self) -> String {
        fs::read_to_string(&self.path).expect("the private key")
    }

    /// The public key's line.
    pub fn public(&self) -> String {
        fs::read_to_string(self.path.with_extension("pub")).expect("the public key").trim_end().to_owned()
    }

    /// The fingerprint as `ssh-keygen -l` shows it: `SHA256:...`.
    pub fn fingerprint(&self) -> String {
        let mut keygen = process::bare("ssh-keygen");
        let line = process::run(keygen.arg("-lf").arg(self.path.with_extension("pub")), b"").expect_success();
        line.split_whitespace().nth(1).expect("bits, fingerprint, comment").to_owned()
    }
}
