//! Asking a person for the passphrase, where that person is.
//!
//! The helper is a daemon: it has no terminal and no display of its own, and gpg-agent shows its dialog where
//! the asking gpg process says. gpgme passes on only what the daemon's own environment holds, so the question
//! is asked by a gpg process of our own that gets the person's terminal and display as its environment. What
//! it decrypts goes to `/dev/null`: it only makes gpg-agent remember the passphrase.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use gpgme::Error;
use tokio::sync::oneshot;

use super::error::VaultError;
use super::gpg::{GpgHome, explain};
use super::record::RecordType;
use super::slug::Slug;

/// The environment variables by which gpg tells gpg-agent where to show a dialog (`session-env.c` of GnuPG),
/// with the locale. Nothing else is taken from the person's environment.
pub const PERSON_VARIABLES: [&str; 16] = [
    "GPG_TTY",
    "TERM",
    "DISPLAY",
    "XAUTHORITY",
    "XMODIFIERS",
    "WAYLAND_DISPLAY",
    "XDG_SESSION_TYPE",
    "QT_QPA_PLATFORM",
    "GTK_IM_MODULE",
    "QT_IM_MODULE",
    "DBUS_SESSION_BUS_ADDRESS",
    "INSIDE_EMACS",
    "PINENTRY_USER_DATA",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
];
/// Longest value that is passed on, in bytes.
const MAX_VALUE: usize = 1024;
/// Most of gpg's status lines that are read, in bytes.
const MAX_STATUS: u64 = 64 * 1024;

/// Where a person is: their terminal and display.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonEnv(BTreeMap<&'static str, String>);

impl PersonEnv {
    /// Takes the variables of [`PERSON_VARIABLES`] from a list; others, empty ones, overlong ones and those
    /// with control characters are left out.
    pub fn from_variables<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut taken = BTreeMap::new();
        for (name, value) in variables {
            let known = PERSON_VARIABLES.into_iter().find(|known| *known == name);
            let fits = !value.is_empty() && value.len() <= MAX_VALUE && !value.contains(char::is_control);
            if let (Some(known), true) = (known, fits) {
                taken.insert(known, value.to_owned());
            }
        }
        Self(taken)
    }
}

/// Makes gpg-agent remember the passphrase of a record, asking the person if it must. Ends the question when
/// the caller stops waiting.
pub(super) async fn warm(
    home: GpgHome,
    person: PersonEnv,
    slug: Slug,
    kind: RecordType,
    cipher: Vec<u8>,
) -> Result<(), VaultError> {
    let child = Arc::new(Mutex::new(start(&home, &person)?));
    let _end = EndChild(Arc::clone(&child));
    let (send, receive) = oneshot::channel();
    // A thread of its own: a person may take minutes, and gpg's other threads must go on.
    let asked = thread::Builder::new().name("gpg-ask".into()).spawn(move || {
        let _ = send.send(converse(&child, &cipher));
    });
    asked.map_err(failed)?;
    match receive.await {
        Ok(Ok(Outcome::Decrypted)) => Ok(()),
        Ok(Ok(Outcome::Failed(error))) => Err(match explain(error, &slug, kind) {
            // With a person to ask, "no pinentry" is no locked agent but a dialog that cannot be shown.
            VaultError::AgentLocked { .. } => VaultError::NoPinentry,
            explained => explained,
        }),
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Err(VaultError::Cancelled { slug }),
    }
}

fn failed(error: io::Error) -> VaultError {
    VaultError::Gpg { reason: error.to_string() }
}

fn start(home: &GpgHome, person: &PersonEnv) -> Result<Child, VaultError> {
    let mut command = Command::new(home.program()?);
    // Not `--quiet`: with it gpg also leaves out the status line that says why a decryption failed.
    command.args(["--batch", "--no-tty", "--status-fd", "2", "--output", "/dev/null", "--decrypt"]);
    command.env_clear().envs(&person.0).envs(own_environment(home.0.as_deref()));
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

enum Outcome {
    Decrypted,
    Failed(Error),
}

fn converse(child: &Mutex<Child>, cipher: &[u8]) -> io::Result<Outcome> {
    let (stdin, stderr) = {
        let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
        (child.stdin.take(), child.stderr.take())
    };
    if let Some(mut stdin) = stdin {
        // gpg stops reading when it has found a fault; its status lines then tell more than the broken pipe.
        let _ = stdin.write_all(cipher);
    }
    let mut status = Vec::new();
    if let Some(stderr) = stderr {
        stderr.take(MAX_STATUS).read_to_end(&mut status)?;
    }
    Ok(judge(&String::from_utf8_lossy(&status)))
}

/// Reads gpg's status lines (`doc/DETAILS` of GnuPG).
fn judge(status: &str) -> Outcome {
    let lines = status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "));
    let mut error = Error::NO_DATA;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["DECRYPTION_OKAY", ..] => return Outcome::Decrypted,
            ["ERROR", "pkdecrypt_failed", code, ..] => {
                if let Ok(code) = code.parse() {
                    return Outcome::Failed(Error::new(code));
                }
            }
            ["NO_SECKEY", ..] => error = Error::NO_SECKEY,
            ["DECRYPTION_FAILED", ..] if error.code() == Error::NO_DATA.code() => {
                error = Error::DECRYPT_FAILED;
            }
            _ => {}
        }
    }
    Outcome::Failed(error)
}

/// Ends and reaps the gpg process when the question is over or nobody waits for its answer any more.
struct EndChild(Arc<Mutex<Child>>);

impl Drop for EndChild {
    fn drop(&mut self) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_places_a_dialog_is_taken_from_a_persons_environment() {
        let person = PersonEnv::from_variables([
            ("GPG_TTY", "/dev/pts/3"),
            ("LD_PRELOAD", "/tmp/x.so"),
            ("GNUPGHOME", "/tmp/other"),
            ("TERM", ""),
            ("DISPLAY", ":0\nOPTION x"),
        ]);
        assert_eq!(person, PersonEnv::from_variables([("GPG_TTY", "/dev/pts/3")]));
    }

    #[test]
    fn silence_from_gpg_is_never_success() {
        assert!(matches!(judge(""), Outcome::Failed(_)));
        assert!(matches!(judge("gpg: [GNUPG:] DECRYPTION_OKAY"), Outcome::Failed(_)));
    }
}
