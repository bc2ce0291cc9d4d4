//! Keys and certificates made by `ssh-keygen` in a temporary directory, and known_hosts files over them.
#![allow(dead_code, reason = "every test file includes this and uses its own part")]
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use russh::keys::{Certificate, PublicKey, PublicKeyOrCertificate};
use sallyport_vault_helper::hostkeys::{HostKeyVerdict, KnownHosts};

pub struct Dir(tempfile::TempDir);

impl Dir {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn keygen(&self, arguments: &[&str]) -> String {
        let output = Command::new("ssh-keygen").args(arguments).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A new key's public half.
    pub fn key(&self, name: &str, kind: &str) -> PublicKey {
        self.keygen(&["-q", "-N", "", "-C", "", "-t", kind, "-f", name]);
        self.read(name)
    }

    pub fn read(&self, name: &str) -> PublicKey {
        PublicKey::from_openssh(&fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()).unwrap()
    }

    /// A certificate of `ca` for the key, made by `ssh-keygen` with more arguments.
    pub fn certify(&self, name: &str, arguments: &[&str]) -> PublicKeyOrCertificate {
        let file = format!("{name}.pub");
        self.keygen(&[&["-q", "-s", "ca", "-I", "id"], arguments, &[&file]].concat());
        let text = fs::read_to_string(self.path(&format!("{name}-cert.pub"))).unwrap();
        Certificate::from_openssh(text.trim()).unwrap().into()
    }

    pub fn known(&self, text: &str) -> KnownHosts {
        fs::write(self.path("known_hosts"), text).unwrap();
        KnownHosts::read([self.path("known_hosts").as_path()]).unwrap()
    }
}

pub fn line(hosts: &str, key: &PublicKey) -> String {
    format!("{hosts} {}\n", key.to_openssh().unwrap())
}

pub fn plain(key: &PublicKey) -> PublicKeyOrCertificate {
    key.clone().into()
}

pub fn is_known(verdict: &HostKeyVerdict) -> bool {
    matches!(verdict, HostKeyVerdict::Known { .. })
}
