//! `env://` records on their way into a remote process's environment.
//!
//! Values are decrypted for one request, enrolled in the redactor, and written to the channel as input: a shell that
//! is already running reads them line by line and makes them its environment. They are in no argument vector, no
//! file and no history, and a shell reads them one byte at a time, so that nothing behind them is lost. Their names
//! are no secret: the policy judges them as assignments, a confirmation and the audit log name them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use russh::Pty;
use sallyport_protocol::envelope::Stream;
use sallyport_protocol::text::SecretName;
use sallyport_protocol::{ErrorCode, Failure};
use zeroize::Zeroizing;

use super::compose::quote;
use super::dialect::Dialect;
use super::feed::Cue;
use super::marks::Mark;
use crate::harden::memory::secretly;
use crate::helper::Helper;
use crate::redact::{Enrollment, SecretKind};
use crate::ssh::keeper::failure;
use crate::vault::{Ask, RecordType, Slug, parse_dotenv};

/// The most bytes of assignments that are fed to a shell, which reads them one by one.
const MOST: usize = 256 * 1024;

/// Reads assignments up to a line that is the mark and makes them the shell's, `$2` and `$3` being the mark's
/// halves. A shell whose input ends before the mark runs nothing.
const READ: &str = "__l= __t=; while IFS= read -r __l || exit 125; [ \"$__l\" != \"$2$3\" ]; do __t=\"$__t$__l\n\"; \
    done; eval \"$__t\"; unset __l __t; ";

/// What `stty` gives back to a terminal that was opened with [`UNSEEN`].
const USUAL: &str = "echo icanon isig ixon icrnl";

/// Modes of a terminal on which nothing typed is shown, changed or acted upon (RFC 4254, 8).
pub const UNSEEN: [(Pty, u32); 5] =
    [(Pty::ECHO, 0), (Pty::ICANON, 0), (Pty::ISIG, 0), (Pty::IXON, 0), (Pty::ICRNL, 0)];

/// The variables of one or more records.
pub struct Injected {
    /// The variables' names, in order.
    pub names: Vec<String>,
    /// The records, as slugs.
    pub slugs: Vec<String>,
    /// Each record's name, and its variables.
    pub records: Vec<(String, Vec<String>)>,
    /// Keeps the values masked; to be held as long as something could print them.
    pub enrolled: Vec<Enrollment>,
    assignments: Zeroizing<Vec<u8>>,
}

impl Injected {
    /// Decrypts the records and enrols every value; nothing when no record is named.
    ///
    /// # Errors
    /// `missing_credential`, `vault_locked`, or what is wrong with a record; no error repeats a value.
    pub async fn load(helper: &Helper, names: &[SecretName]) -> Result<Option<Self>, Failure> {
        if names.is_empty() {
            return Ok(None);
        }
        let mut all = Self {
            names: Vec::new(),
            slugs: Vec::new(),
            records: Vec::new(),
            enrolled: Vec::new(),
            assignments: secretly(|| Zeroizing::new(Vec::with_capacity(MOST))),
        };
        for name in names {
            all.add(helper, name.as_str()).await?;
        }
        Ok(Some(all))
    }

    async fn add(&mut self, helper: &Helper, name: &str) -> Result<(), Failure> {
        let slug = Slug::env(name).map_err(|error| {
            Failure::new(ErrorCode::InvalidArgument, error.to_string(), "ssh_secrets action=list names them")
        })?;
        if !helper.vault.store().has(&slug, RecordType::Dotenv).map_err(failure)? {
            return Err(Failure::new(
                ErrorCode::MissingCredential,
                format!("there is no record {slug}"),
                format!("a person adds it: sallyport credential add {slug} --dotenv FILE"),
            ));
        }
        let record = helper.vault.decrypt(&slug, RecordType::Dotenv, Ask::Never).await.map_err(failure)?;
        let variables = parse_dotenv(&record).map_err(|error| {
            Failure::new(
                ErrorCode::CredentialBackendUnavailable,
                format!("the record {slug} cannot be used: {error}"),
                "a person corrects it in the password store; each line reads NAME=value",
            )
        })?;
        drop(record);
        let mut for_window = Vec::new();
        self.records.push((name.to_owned(), variables.iter().map(|v| v.name.clone()).collect()));
        for variable in variables {
            let value = variable.value.expose();
            let enroll = || helper.redactor.enroll(&slug.to_string(), value, SecretKind::Dotenv);
            match (enroll(), enroll()) {
                (Ok(here), Ok(window)) => {
                    self.enrolled.push(here);
                    for_window.push(window);
                }
                // Too short to be told from ordinary text: `true`, a port.
                (Err(_), _) | (_, Err(_)) => {}
            }
            self.assign(&variable.name, value)?;
            self.names.push(variable.name);
        }
        helper.remembered.keep_all(&slug.to_string(), RecordType::Dotenv, for_window);
        self.slugs.push(slug.to_string());
        Ok(())
    }

    /// `export NAME='value'`, with the quoting of [`quote`], into the one buffer that is wiped.
    fn assign(&mut self, name: &str, value: &[u8]) -> Result<(), Failure> {
        let quotes = value.iter().filter(|byte| **byte == b'\'').count();
        let needed = "export =''\n".len() + name.len() + value.len() + 3 * quotes;
        if self.assignments.len() + needed > MOST {
            return Err(Failure::new(
                ErrorCode::TooLarge,
                format!("the variables of env:// records have more than {MOST} bytes together"),
                "name fewer records, or upload what is large as a file",
            ));
        }
        let to = &mut *self.assignments;
        to.extend_from_slice(b"export ");
        to.extend_from_slice(name.as_bytes());
        to.extend_from_slice(b"='");
        for byte in value {
            match byte {
                b'\'' => to.extend_from_slice(br"'\''"),
                byte => to.push(*byte),
            }
        }
        to.extend_from_slice(b"'\n");
        Ok(())
    }

    /// What is judged: the names are assigned values nobody knows beforehand.
    pub fn judged(&self, command: &str) -> String {
        judged(&self.names, command)
    }

    /// What is written to the shell that runs [`READ`]: the assignments, then the mark, then `rest`.
    fn fed(&self, mark: &Mark, rest: &[u8]) -> Zeroizing<Vec<u8>> {
        let length = self.assignments.len() + rest.len() + 16;
        let mut bytes = secretly(|| Zeroizing::new(Vec::with_capacity(length)));
        bytes.extend_from_slice(&self.assignments);
        bytes.extend_from_slice(&mark.printed());
        bytes.push(b'\n');
        bytes.extend_from_slice(rest);
        bytes
    }

    /// A one-shot command that takes its variables from its input, and that input: `shell` runs the command.
    pub fn oneshot(&self, command: &str, shell: &str, mark: &Mark, input: &[u8]) -> (String, Vec<u8>) {
        let (first, second) = mark.halves();
        let text = format!(
            "exec /bin/sh -c {} sh {} {first} {second}",
            quote(&format!("{READ}exec {shell} -c \"$1\"")),
            quote(command)
        );
        let fed = self.fed(mark, input);
        (text, secretly(|| fed.to_vec()))
    }

    /// What a terminal runs before its shell, on a pseudo-terminal that neither shows nor interprets what is typed:
    /// it says `ready`, takes its variables, gives the terminal its usual modes, says `begun` and becomes the shell.
    pub fn in_terminal(&self, first: &str, ready: &Mark, begun: &Mark) -> (String, Zeroizing<Vec<u8>>) {
        let ((a, b), (c, d)) = (ready.halves(), begun.halves());
        let line = format!(
            "printf %s%s {a} {b}; {READ}stty {USUAL} || exit 125; {first}printf %s%s {c} {d} && exec \"${{SHELL:-/bin/sh}}\" -l"
        );
        (format!("exec /bin/sh -c {} sh - {c} {d}", quote(&line)), self.fed(begun, b""))
    }

    /// A line for a session's shell that asks for the variables, and the answer to it; `frame` follows at once.
    /// Tracing is off meanwhile.
    pub fn in_session(&self, ready: &Mark, mark: &Mark, frame: &str, dialect: Dialect) -> (String, Cue) {
        let ((a, b), word) = (mark.halves(), dialect.word());
        let read = READ.replace("$2$3", &format!("{a}{b}")).replace("exit 125", "break");
        let read =
            read.replace("read -r", &format!("{word}read -r")).replace("eval ", &format!("{word}eval "));
        let line = format!(
            "case $- in *[xv]*) __o=$-;; *) __o=;; esac; {{ set +xv; }} 2>/dev/null; {} >&8; \
             {read}case $__o in *x*) set -x;; esac; case $__o in *v*) set -v;; esac; unset __o\n",
            dialect.says(ready)
        );
        // One list: a shell reads it to its end before it runs any of it, and what comes then is the variables.
        let answer = self.fed(mark, frame.as_bytes());
        (line, Cue::new(Stream::Output, ready.printed(), answer, Arc::new(AtomicBool::new(false))))
    }
}

/// A command behind assignments of values that come from outside.
pub fn judged(names: &[String], command: &str) -> String {
    if names.is_empty() {
        return command.to_owned();
    }
    let mut text = String::from("export");
    for (at, name) in names.iter().enumerate() {
        text.push_str(&format!(" {name}=\"${{{}}}\"", at + 1));
    }
    format!("{text} && {{\n{command}\n}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injected(pairs: &[(&str, &str)]) -> Injected {
        let mut all = Injected {
            names: pairs.iter().map(|(name, _)| (*name).to_owned()).collect(),
            slugs: Vec::new(),
            records: Vec::new(),
            enrolled: Vec::new(),
            assignments: Zeroizing::new(Vec::new()),
        };
        for (name, value) in pairs {
            all.assign(name, value.as_bytes()).unwrap();
        }
        all
    }

    #[test]
    fn names_are_judged_as_assignments_of_what_nobody_knows() {
        let all = injected(&[("A", "x"), ("LD_PRELOAD", "y")]);
        assert_eq!(all.judged("id"), "export A=\"${1}\" LD_PRELOAD=\"${2}\" && {\nid\n}");
    }

    #[test]
    fn values_reach_a_process_whatever_is_in_them_and_its_input_follows() {
        let value = "it's $HOME `id`\n\nEND \\ \"quoted\" \u{fc}";
        let (text, input) = injected(&[("A", value), ("B", "")]).oneshot(
            "printf '%s|%s|' \"$A\" \"$B\"; cat",
            "/bin/sh",
            &Mark::random().unwrap(),
            b"in put",
        );
        for shell in ["dash", "bash", "zsh", "busybox"] {
            let mut command = std::process::Command::new(shell);
            if shell == "busybox" {
                command.arg("sh");
            }
            let child = command
                .args(["-c", &text])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn();
            let Ok(mut child) = child else {
                println!("skipped: no {shell} here");
                continue;
            };
            std::io::Write::write_all(child.stdin.as_mut().unwrap(), &input).unwrap();
            let out = child.wait_with_output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout), format!("{value}||in put"), "{shell}");
            assert!(!text.contains("quoted"));
        }
    }

    #[test]
    fn input_that_ends_before_the_mark_runs_nothing() {
        let (text, _) = injected(&[("A", "x")]).oneshot("echo ran", "/bin/sh", &Mark::random().unwrap(), b"");
        let out =
            std::process::Command::new("sh").args(["-c", &text]).stdin(std::process::Stdio::null()).output();
        let out = out.unwrap();
        assert_eq!((out.stdout.as_slice(), out.status.code()), (&b""[..], Some(125)));
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let mut all = injected(&[]);
        let code = all.assign("A", &vec![b'x'; MOST]).unwrap_err().code;
        assert_eq!(code, ErrorCode::TooLarge);
    }
}
