//! Asking a person for the passphrase, where that person is.
//!
//! The helper is a daemon: it has no terminal and no display of its own, and gpg-agent shows its dialog where
//! the asking gpg process says. gpgme passes on only what the daemon's own environment holds, so the question
//! is asked by a gpg process of our own that gets the person's terminal and display as its environment. What
//! it decrypts goes to `/dev/null`: it only makes gpg-agent remember the passphrase.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use gpgme::Error;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::oneshot;

use super::agent::Agent;
use super::error::VaultError;
use super::gpg::{GpgHome, explain};
use super::person::PersonEnv;
use super::record::RecordType;
use super::slug::Slug;

/// Most of gpg's status lines that are read, in bytes.
const MAX_STATUS: u64 = 64 * 1024;
/// How long a dialog may stay open.
const PATIENCE: Duration = Duration::from_secs(300);

/// Makes gpg-agent remember the passphrase of a record, asking the person if it must. When the caller stops
/// waiting, or after five minutes, the dialog is taken away again.
pub(super) async fn warm(
    home: GpgHome,
    person: PersonEnv,
    slug: Slug,
    kind: RecordType,
    cipher: Vec<u8>,
) -> Result<(), VaultError> {
    // A hanging agent would show no dialog, and look like a person who thinks.
    let looked = {
        let home = home.clone();
        tokio::task::spawn_blocking(move || home.agent())
    };
    if matches!(looked.await, Ok(Agent::Silent { .. })) {
        return Err(VaultError::Silent);
    }
    let question = Arc::new(Mutex::new(Question { gpg: start(&home, &person)?, pinentry: None }));
    let _end = EndQuestion(Arc::clone(&question));
    let (send, receive) = oneshot::channel();
    let meant = slug.clone();
    // A thread of its own: a person may take minutes, and gpg's other threads must go on.
    let asked = thread::Builder::new().name("gpg-ask".into()).spawn(move || {
        let heard = converse(&question, &cipher);
        let _ = send.send(heard.map(|heard| heard.outcome(&home, &slug, kind)));
    });
    asked.map_err(failed)?;
    match tokio::time::timeout(PATIENCE, receive).await {
        Ok(Ok(Ok(outcome))) => outcome,
        Ok(Ok(Err(error))) => Err(failed(error)),
        Ok(Err(_)) | Err(_) => Err(VaultError::Cancelled { slug: meant }),
    }
}

fn failed(error: io::Error) -> VaultError {
    VaultError::Gpg { reason: error.to_string() }
}

fn start(home: &GpgHome, person: &PersonEnv) -> Result<Child, VaultError> {
    let mut command = Command::new(home.program()?);
    // Not `--quiet`: with it gpg also leaves out the status line that says why a decryption failed.
    command.args(["--batch", "--no-tty", "--status-fd", "2", "--output", "/dev/null", "--decrypt"]);
    command.env_clear().envs(person.variables()).envs(own_environment(home.0.as_deref()));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().map_err(failed)
}

/// What gpg needs to find its home and gpg-agent.
fn own_environment(home: Option<&Path>) -> Vec<(&'static str, OsString)> {
    let mut variables: Vec<_> = ["HOME", "PATH", "GNUPGHOME", "XDG_RUNTIME_DIR"]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
        .collect();
    if let Some(home) = home {
        variables.push(("GNUPGHOME", home.as_os_str().to_owned()));
    }
    variables
}

/// A question on its way to a person.
struct Question {
    gpg: Child,
    /// The dialog's process, while it is open.
    pinentry: Option<Pid>,
}

fn lock(question: &Mutex<Question>) -> MutexGuard<'_, Question> {
    question.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Feeds gpg and follows its status lines to their end.
fn converse(question: &Mutex<Question>, cipher: &[u8]) -> io::Result<Judge> {
    let (stdin, stderr) = {
        let mut question = lock(question);
        (question.gpg.stdin.take(), question.gpg.stderr.take())
    };
    if let Some(mut stdin) = stdin {
        // gpg stops reading when it has found a fault; its status lines then tell more than the broken pipe.
        let _ = stdin.write_all(cipher);
    }
    let mut judge = Judge::default();
    let stderr = stderr.ok_or(io::ErrorKind::BrokenPipe)?;
    for line in BufReader::new(stderr.take(MAX_STATUS)).split(b'\n') {
        let line = line?;
        let status = std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix("[GNUPG:] "));
        if let Some(pinentry) = status.and_then(|status| judge.hear(status)) {
            lock(question).pinentry = Some(pinentry);
        }
    }
    lock(question).pinentry = None;
    Ok(judge)
}

/// Listens to gpg's status lines (`doc/DETAILS` of GnuPG).
#[derive(Default)]
struct Judge {
    decrypted: bool,
    error: Option<Error>,
    /// The ids of the keys that the record is encrypted to.
    keys: Vec<String>,
}

impl Judge {
    /// Takes in one line; returns the process id of a dialog that was opened.
    fn hear(&mut self, status: &str) -> Option<Pid> {
        let words: Vec<&str> = status.split(' ').collect();
        match words.as_slice() {
            ["DECRYPTION_OKAY", ..] => self.decrypted = true,
            // The most exact of all: the agent's own error code.
            ["ERROR", "pkdecrypt_failed", code, ..] => {
                self.error = code.parse().ok().map(Error::new).or(self.error)
            }
            ["ENC_TO", key, ..] if key.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                self.keys.push((*key).to_owned())
            }
            ["NODATA", ..] => self.error = self.error.or(Some(Error::NO_DATA)),
            ["NO_SECKEY", ..] => self.error = self.error.or(Some(Error::NO_SECKEY)),
            ["DECRYPTION_FAILED", ..] => self.error = self.error.or(Some(Error::DECRYPT_FAILED)),
            // The agent repeats what the pinentry says of itself; 0 and 1 would be signals to many.
            ["PINENTRY_LAUNCHED", pid, ..] => {
                return pid.parse().ok().filter(|pid| *pid > 1).map(Pid::from_raw);
            }
            _ => {}
        }
        None
    }

    /// What became of the question. What gpg never said is no success.
    fn outcome(self, home: &GpgHome, slug: &Slug, kind: RecordType) -> Result<(), VaultError> {
        if self.decrypted {
            return Ok(());
        }
        Err(match explain(self.error.unwrap_or(Error::GENERAL), slug, kind) {
            // With a person to ask, "no pinentry" is no locked agent but a dialog that cannot be shown.
            VaultError::AgentLocked { .. } => VaultError::NoPinentry,
            VaultError::Cancelled { slug } => match home.card_of(&self.keys) {
                Some(card) => VaultError::CardWanted { slug, card },
                None => VaultError::Cancelled { slug },
            },
            VaultError::NoSecretKey { .. } if home.lacks_agent() => VaultError::NoAgent,
            explained => explained,
        })
    }
}

/// Ends what is left of a question when it was answered or nobody waits for its answer any more.
struct EndQuestion(Arc<Mutex<Question>>);

impl Drop for EndQuestion {
    fn drop(&mut self) {
        let mut question = lock(&self.0);
        let _ = question.gpg.kill();
        let _ = question.gpg.wait();
        // gpg-agent does not notice that gpg is gone, and would keep the dialog open and others waiting.
        if let Some(pinentry) = question.pinentry.take() {
            let _ = kill(pinentry, Signal::SIGTERM);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Judge {
        let mut judge = Judge::default();
        for line in lines {
            judge.hear(line);
        }
        judge
    }

    fn outcome(lines: &[&str]) -> Result<(), VaultError> {
        let slug = "ssh://deploy@web1".parse().unwrap();
        heard(lines).outcome(&GpgHome::default(), &slug, RecordType::Password)
    }

    #[test]
    fn silence_from_gpg_is_never_success() {
        // A dialog that is answered without end fills what is read of gpg's lines, too.
        for lines in [[].as_slice(), &["BEGIN_DECRYPTION", "END_DECRYPTION"], &["PINENTRY_LAUNCHED 77"]] {
            assert!(matches!(outcome(lines), Err(VaultError::Gpg { .. })), "{lines:?}");
        }
        assert!(matches!(outcome(&["NODATA 2"]), Err(VaultError::NotGpg { .. })));
    }

    #[test]
    fn the_agents_own_error_outweighs_gpgs_general_one() {
        let heard = heard(&["ERROR pkdecrypt_failed 83886179", "DECRYPTION_FAILED"]);
        assert_eq!(heard.error.unwrap().code(), Error::CANCELED.code());
    }

    #[test]
    fn a_dialog_without_a_proper_process_id_is_not_signalled() {
        for line in
            ["PINENTRY_LAUNCHED", "PINENTRY_LAUNCHED 0", "PINENTRY_LAUNCHED 1", "PINENTRY_LAUNCHED -1"]
        {
            assert_eq!(Judge::default().hear(line), None);
        }
        assert_eq!(Judge::default().hear("PINENTRY_LAUNCHED 77 curses"), Some(Pid::from_raw(77)));
    }
}
