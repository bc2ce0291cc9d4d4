//! Keys made by `ssh-keygen` in a temporary directory.
#![allow(dead_code, reason = "every test file includes this and uses its own part")]
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use sallyport_vault_helper::vault::Secret;

pub struct Dir(tempfile::TempDir);

impl Dir {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program).args(arguments).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn keygen(&self, name: &str, kind: &[&str], passphrase: &str) -> Secret {
        let base = ["-q", "-N", passphrase, "-C", "", "-f", name];
        self.run("ssh-keygen", &[&base[..], kind].concat());
        self.secret(name)
    }

    pub fn secret(&self, name: &str) -> Secret {
        Secret::copy_of(&fs::read(self.path(name)).unwrap())
    }

    pub fn fingerprint(&self, name: &str) -> String {
        let line = self.run("ssh-keygen", &["-l", "-f", name]);
        line.split(' ').nth(1).unwrap().to_owned()
    }
}

pub fn text(text: &str) -> Secret {
    Secret::copy_of(text.as_bytes())
}

pub const KINDS: [(&str, &[&str]); 5] = [
    ("ed25519", &["-t", "ed25519"]),
    ("ecdsa256", &["-t", "ecdsa", "-b", "256"]),
    ("ecdsa384", &["-t", "ecdsa", "-b", "384"]),
    ("ecdsa521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa", &["-t", "rsa", "-b", "2048"]),
];
