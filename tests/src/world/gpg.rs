//! A GPG home with one key, its own agent, and a pinentry that answers as the test tells it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::card::Card;
use super::process;

/// Who the key belongs to.
const OWNER: &str = "Sallyport Test <test@sallyport.invalid>";

/// What a wrong answer to a passphrase looks like; never the right one.
const NONSENSE: &str = "this is not the passphrase";

/// A throwaway `GNUPGHOME`.
#[derive(Debug)]
pub struct Gpg {
    home: PathBuf,
    passphrase: Option<String>,
}

impl Gpg {
    /// Makes the home in `home` (a short path: the agent's socket must fit in 108 bytes), with one Ed25519 and
    /// Curve25519 key, protected by `passphrase` if there is one. The agent remembers nothing afterwards.
    pub fn make(home: &Path, passphrase: Option<&str>) -> Self {
        let gpg = Self::prepare(home, passphrase, "");
        gpg.generate(["future-default", "default"], passphrase.unwrap_or_default());
        gpg.lock();
        gpg
    }

    /// Makes the home with a key whose decryption key is on a [`Card`] that `pin` opens.
    pub fn make_on_card(home: &Path, pin: &str) -> Self {
        // A link: the helper lets gpg-agent run what the link leads to, wherever it is.
        let daemon = home.join("scdaemon");
        let gpg = Self::prepare(home, Some(pin), &format!("scdaemon-program {}\n", daemon.display()));
        std::os::unix::fs::symlink(process::built("sallyport-test-card"), daemon).expect("a fresh name");
        Card::make(home, pin).expect("the card's files");
        gpg.generate(["ed25519", "sign"], "");
        let keys = || -> BTreeSet<_> {
            let listed = fs::read_dir(home.join("private-keys-v1.d")).expect("gpg made it");
            listed.map(|entry| entry.expect("it is readable").path()).collect()
        };
        let before = keys();
        let learn = ["SCD SERIALNO", "READKEY --card OPENPGP.2", "/bye"];
        process::run(gpg.command("gpg-connect-agent").args(learn), b"").expect_success();
        let learned = keys().difference(&before).next().cloned().expect("gpg-agent notes the card's key");
        let grip = learned.file_stem().expect("it is named by its keygrip").to_string_lossy().into_owned();
        // The choice "existing key" (13), its uses as they are (Q), for ever (0).
        let answers = format!("addkey\n13\n{grip}\nQ\n0\ny\ny\nsave\n");
        let mut add = gpg.command("gpg");
        add.args(["--quiet", "--expert", "--no-tty", "--command-fd", "0", "--edit-key", gpg.recipient()]);
        process::run(&mut add, answers.as_bytes()).expect_success();
        gpg.lock();
        gpg
    }

    fn prepare(home: &Path, passphrase: Option<&str>, more: &str) -> Self {
        fs::create_dir(home).expect("a fresh directory");
        fs::set_permissions(home, fs::Permissions::from_mode(0o700)).expect("its mode can be set");
        let gpg = Self { home: home.to_owned(), passphrase: passphrase.map(str::to_owned) };
        gpg.write_pinentry();
        let agent = format!(
            "pinentry-program {}\ndefault-cache-ttl 3600\nmax-cache-ttl 3600\n{more}",
            gpg.pinentry_program().display()
        );
        fs::write(home.join("gpg-agent.conf"), agent).expect("agent configuration");
        gpg
    }

    fn generate(&self, [algorithm, usage]: [&str; 2], passphrase: &str) {
        let mut keygen = self.command("gpg");
        keygen.args(["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]);
        keygen.args(["--quick-generate-key", OWNER, algorithm, usage, "never"]);
        process::run(&mut keygen, passphrase.as_bytes()).expect_success();
    }

    /// Its card, where it has one.
    pub fn card(&self) -> Card {
        Card::at(&self.home)
    }

    /// Ends the agent, and with it what a card remembers; the next gpg starts another one.
    pub fn end_agent(&self) {
        process::run(self.command("gpgconf").args(["--kill", "gpg-agent"]), b"").expect_success();
    }

    /// The directory for `GNUPGHOME`.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Whether its key asks for a passphrase.
    pub fn has_passphrase(&self) -> bool {
        self.passphrase.is_some()
    }

    /// What to name as recipient.
    pub fn recipient(&self) -> &'static str {
        "test@sallyport.invalid"
    }

    /// A command with this home and the world's mark.
    pub fn command(&self, program: &str) -> Command {
        let mut command = process::bare(program);
        command.env("GNUPGHOME", &self.home).env("HOME", &self.home);
        command.env(process::MARK, self.home.parent().expect("the world's directory"));
        command
    }

    /// Makes the agent forget every passphrase it caches.
    pub fn lock(&self) {
        process::run(self.command("gpgconf").args(["--reload", "gpg-agent"]), b"").expect_success();
    }

    /// Lets the pinentry answer with the right passphrase from now on.
    pub fn person_types_the_passphrase(&self) {
        let passphrase = self.passphrase.as_deref().expect("a key with a passphrase");
        fs::write(self.home.join("pinentry.answer"), passphrase).expect("the answer");
    }

    /// Lets the pinentry answer with a wrong passphrase from now on.
    pub fn person_types_nonsense(&self) {
        fs::write(self.home.join("pinentry.answer"), NONSENSE).expect("the answer");
    }

    /// How often a pinentry was started since the home was made.
    pub fn pinentries_started(&self) -> usize {
        fs::read_to_string(self.home.join("pinentry.log")).unwrap_or_default().lines().count()
    }

    fn pinentry_program(&self) -> PathBuf {
        self.home.join("pinentry")
    }

    /// The pinentry: a line in the log for every start, the answer file's text as PIN, else "cancelled"; nobody
    /// has a card to insert.
    /// Speaks the Assuan protocol as far as gpg-agent asks for it.
    fn write_pinentry(&self) {
        let home = self.home.display();
        let script = format!(
            r#"#!/bin/sh
echo started >> '{home}/pinentry.log'
echo "OK ready"
while read -r verb rest; do
  case "$verb" in
    SETDESC)
      desc="$rest"; echo OK ;;
    CONFIRM)
      case "$desc" in
        *insert*card*) echo "ERR 83886179 Operation cancelled <Pinentry>" ;;
        *) echo OK ;;
      esac ;;
    GETPIN)
      if [ -f '{home}/pinentry.answer' ]; then echo "D $(cat '{home}/pinentry.answer')"; echo OK
      else echo "ERR 83886179 Operation cancelled <Pinentry>"; fi ;;
    BYE) echo OK; exit 0 ;;
    *) echo OK ;;
  esac
done
"#
        );
        let program = self.pinentry_program();
        fs::write(&program, script).expect("the pinentry");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("its mode can be set");
    }
}
