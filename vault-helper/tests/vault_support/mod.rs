//! A throwaway GPG home with a key, an agent, a test pinentry and a password store, all in one short-named
//! temporary directory (the agent's socket path has a limit), and gone when dropped.
#![allow(dead_code, reason = "every test file includes this and uses its own part")]
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sallyport_vault_helper::vault::{GpgHome, Locations, PersonEnv, Secret, Slug, Store, Vault};

pub const PASSPHRASE: &str = "correct horse";
/// The key's user id; also what `.gpg-id` says.
pub const OWNER: &str = "owner@test.example";

pub struct World {
    dir: tempfile::TempDir,
}

impl World {
    /// A world whose key has [`PASSPHRASE`].
    pub fn locked() -> Self {
        Self::with_passphrase(PASSPHRASE)
    }

    /// A world whose key has no passphrase.
    pub fn open() -> Self {
        Self::with_passphrase("")
    }

    fn with_passphrase(passphrase: &str) -> Self {
        let world = Self::empty();
        world.make_key(OWNER, passphrase);
        world.forget_passphrases();
        world
    }

    /// A world without any key.
    pub fn empty() -> Self {
        let dir = tempfile::Builder::new().prefix("sp").tempdir_in("/tmp").unwrap();
        let world = Self { dir };
        fs::create_dir(world.gnupg()).unwrap();
        fs::set_permissions(world.gnupg(), fs::Permissions::from_mode(0o700)).unwrap();
        world.set_pinentry("OK");
        fs::create_dir(world.store_dir()).unwrap();
        fs::write(world.store_dir().join(".gpg-id"), format!("{OWNER}\n")).unwrap();
        world
    }

    pub fn gnupg(&self) -> PathBuf {
        self.dir.path().join("g")
    }

    pub fn store_dir(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn make_key(&self, user: &str, passphrase: &str) {
        self.gpg(&[
            "--passphrase",
            passphrase,
            "--quick-gen-key",
            user,
            "future-default",
            "default",
            "never",
        ]);
    }

    pub fn gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let base = [
            "--homedir",
            self.gnupg().to_str().unwrap(),
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
        ]
        .map(str::to_owned);
        let output = Command::new("gpg").args(base).args(arguments).output().unwrap();
        assert!(output.status.success(), "gpg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Installs a pinentry that notes every question in a file and answers with this: `OK` gives the
    /// passphrase, `CANCEL` cancels, `HANG` waits for ever, anything else is given as the passphrase.
    pub fn set_pinentry(&self, answer: &str) {
        let pin = match answer {
            "OK" => format!("echo 'D {PASSPHRASE}'; echo OK"),
            "CANCEL" => "echo 'ERR 83886179 Operation cancelled <Pinentry>'".to_owned(),
            "HANG" => "exec sleep 1000000".to_owned(),
            other => format!("echo 'D {other}'; echo OK"),
        };
        let log = self.pinentry_log();
        let script = format!(
            "#!/bin/sh\necho 'OK ready'\nwhile read -r command rest; do\n  echo \"$command $rest\" >> {}\n  case $command in\n    GETINFO) [ \"$rest\" = pid ] && echo \"D $$\"; echo OK;;\n    GETPIN) {pin};;\n    BYE) echo OK; exit 0;;\n    *) echo OK;;\n  esac\ndone\n",
            log.display()
        );
        let program = self.gnupg().join("pinentry-test");
        // Written beside and renamed: an agent may be running the old one.
        let fresh = self.gnupg().join("pinentry-new");
        fs::write(&fresh, script).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o700)).unwrap();
        fs::rename(&fresh, &program).unwrap();
        // The count of hashings for a passphrase is else tuned to take a tenth of a second or more, each time.
        let config =
            format!("pinentry-program {}\nallow-loopback-pinentry\ns2k-count 65536\n", program.display());
        fs::write(self.gnupg().join("gpg-agent.conf"), config).unwrap();
    }

    fn pinentry_log(&self) -> PathBuf {
        self.gnupg().join("pinentry.log")
    }

    /// Everything the agent told the pinentry; empty when it was never started.
    pub fn pinentry_was_told(&self) -> String {
        fs::read_to_string(self.pinentry_log()).unwrap_or_default()
    }

    /// Ends the agent, and with it all it remembers. The next gpg starts another one.
    pub fn forget_passphrases(&self) {
        let status = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.gnupg())
            .args(["--kill", "all"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }

    pub fn store(&self) -> Store {
        Store::locate(Some(&self.store_dir()), &Locations::default())
    }

    pub fn vault(&self) -> Vault {
        self.vault_with_window(Duration::from_secs(1800))
    }

    pub fn vault_with_window(&self, window: Duration) -> Vault {
        Vault::new(self.store(), GpgHome(Some(self.gnupg())), window).unwrap()
    }

    /// Puts raw bytes where a record belongs, as somebody editing the store by hand.
    pub fn plant(&self, relative: &str, bytes: &[u8]) -> PathBuf {
        let path = self.store_dir().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Encrypts with the gpg command line, as `pass insert` does.
    pub fn encrypt(&self, recipient: &str, plain: &[u8]) -> Vec<u8> {
        let file = self.dir.path().join("plain");
        fs::write(&file, plain).unwrap();
        self.gpg(&["--trust-model", "always", "-r", recipient, "-o", "-", "-e", file.to_str().unwrap()])
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.forget_passphrases();
    }
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn secret(text: &str) -> Secret {
    Secret::copy_of(text.as_bytes())
}

pub fn person() -> PersonEnv {
    PersonEnv::from_variables([("GPG_TTY", "/dev/pts/77"), ("TERM", "vt220"), ("DISPLAY", ":42")])
}
