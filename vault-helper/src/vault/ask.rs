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
    let question = Arc::new(Mutex::new(Question { gpg: start(&home, &person)?, pinentry: None }));
    let _end = EndQuestion(Arc::clone(&question));
    let (send, receive) = oneshot::channel();
    // A thread of its own: a person may take minutes, and gpg's other threads must go on.
    let asked = thread::Builder::new().name("gpg-ask".into()).spawn(move || {
        let _ = send.send(converse(&question, &cipher));
    });
    asked.map_err(failed)?;
    match tokio::time::timeout(PATIENCE, receive).await {
        Ok(Ok(Ok(Outcome::Decrypted))) => Ok(()),
        Ok(Ok(Ok(Outcome::Failed(error)))) => Err(match explain(error, &slug, kind) {
            // With a person to ask, "no pinentry" is no locked agent but a dialog that cannot be shown.
            VaultError::AgentLocked { .. } => VaultError::NoPinentry,
            explained => explained,
        }),
        Ok(Ok(Err(error))) => Err(failed(error)),
        Ok(Err(_)) | Err(_) => Err(VaultError::Cancelled { slug }),
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
fn converse(question: &Mutex<Question>, cipher: &[u8]) -> io::Result<Outcome> {
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
    Ok(judge.verdict())
}

enum Outcome {
    Decrypted,
    Failed(Error),
}

/// Listens to gpg's status lines (`doc/DETAILS` of GnuPG).
#[derive(Default)]
struct Judge {
    decrypted: bool,
    error: Option<Error>,
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

    fn verdict(self) -> Outcome {
        if self.decrypted {
            Outcome::Decrypted
        } else {
            Outcome::Failed(self.error.unwrap_or(Error::NO_DATA))
        }
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

    fn verdict(lines: &[&str]) -> Outcome {
        let mut judge = Judge::default();
        for line in lines {
            judge.hear(line);
        }
        judge.verdict()
    }

    #[test]
    fn silence_from_gpg_is_never_success() {
        assert!(matches!(verdict(&[]), Outcome::Failed(_)));
        assert!(matches!(verdict(&["BEGIN_DECRYPTION", "END_DECRYPTION"]), Outcome::Failed(_)));
    }

    #[test]
    fn the_agents_own_error_outweighs_gpgs_general_one() {
        let Outcome::Failed(error) = verdict(&["ERROR pkdecrypt_failed 83886179", "DECRYPTION_FAILED"])
        else {
            panic!("not a failure");
        };
        assert_eq!(error.code(), Error::CANCELED.code());
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
