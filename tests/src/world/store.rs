//! A password store made and filled by `pass` itself: what Sallyport reads is what people's tools wrote.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Gpg, process};

/// A throwaway password store.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// Runs `pass init` in `dir` for the key of `gpg`.
    pub fn init(dir: &Path, gpg: &Gpg) -> Self {
        let store = Self { dir: dir.to_owned() };
        store.pass(gpg, &["init", gpg.recipient()], b"").expect_success();
        store
    }

    /// What `pass init` leaves in `dir`, made without `pass`.
    pub fn by_hand(dir: &Path, gpg: &Gpg) -> Self {
        fs::create_dir(dir).expect("a fresh directory");
        fs::write(dir.join(".gpg-id"), format!("{}\n", gpg.recipient())).expect("the recipient");
        Self { dir: dir.to_owned() }
    }

    /// The directory for `PASSWORD_STORE_DIR`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs `pass` with `arguments` and `input`.
    pub fn pass(&self, gpg: &Gpg, arguments: &[&str], input: &[u8]) -> process::Finished {
        let mut command = gpg.command("pass");
        process::run(command.env("PASSWORD_STORE_DIR", &self.dir).args(arguments), input)
    }

    /// Where the record of `kind` for `user` at `place` (a host, with `:port` when it is not 22) lies, as `pass` names it.
    pub fn entry(purpose: &str, place: &str, user: &str, kind: &str) -> String {
        format!("sallyport/{purpose}/{place}/{user}/{kind}")
    }

    /// Writes `secret` as `entry` by `pass insert`.
    pub fn insert(&self, gpg: &Gpg, entry: &str, secret: &[u8]) {
        self.pass(gpg, &["insert", "--multiline", "--force", entry], secret).expect_success();
    }

    /// Puts bytes that are not GPG's where a record belongs.
    pub fn insert_garbage(&self, entry: &str, bytes: &[u8]) {
        let path = self.file(entry);
        fs::create_dir_all(path.parent().expect("an entry has a folder")).expect("its folder");
        fs::write(path, bytes).expect("the record");
    }

    /// The file of `entry`.
    pub fn file(&self, entry: &str) -> PathBuf {
        self.dir.join(format!("{entry}.gpg"))
    }
}
