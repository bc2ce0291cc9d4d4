//! How results, questions and errors are printed.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use sallyport_protocol::{ErrorCode, Failure};
use serde::Serialize;

use crate::format::one_line;

/// Bad usage, as clap exits.
pub const USAGE: u8 = 2;

/// Why a command did not do its work, and the exit code that says so.
#[derive(Debug)]
pub struct Problem {
    /// What happened and what to do next.
    pub failure: Failure,
    /// The exit code.
    pub code: u8,
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let code = if failure.code == ErrorCode::InvalidArgument { USAGE } else { 1 };
        Self { failure, code }
    }
}

impl Problem {
    /// Bad usage.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure::new(ErrorCode::InvalidArgument, message.into(), hint.into()).into()
    }

    /// Prints the problem on stderr and gives the exit code.
    pub fn report(&self) -> ExitCode {
        eprint!("{}", self.text());
        ExitCode::from(self.code)
    }

    /// One sentence, and a line that says what to do next.
    pub fn text(&self) -> String {
        let Failure { message, hint, .. } = &self.failure;
        let mut text = format!("sallyport: {}\n", one_line(message.as_str()));
        if !hint.as_str().is_empty() {
            text.push_str(&format!("hint: {}\n", one_line(hint.as_str())));
        }
        text
    }
}

/// Prints a value as JSON on stdout.
///
/// # Errors
/// When stdout cannot be written.
pub fn json(value: &impl Serialize) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        Failure::new(ErrorCode::InternalError, format!("the answer is no JSON: {error}"), "")
    })?;
    line(&text)
}

/// Prints a line on stdout.
///
/// # Errors
/// When stdout cannot be written.
pub fn line(text: &str) -> Result<(), Problem> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| unwritable(&error))
}

/// stdout cannot be written.
pub fn unwritable(error: &std::io::Error) -> Problem {
    Failure::new(ErrorCode::InternalError, format!("standard output cannot be written: {error}"), "").into()
}

/// Asks a person on stderr and reads one line from stdin; only a clear yes is a
/// yes, and the end of stdin is a no.
pub fn agrees(question: &str) -> bool {
    matches!(reply(&format!("{question} [y/N]")).trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Asks a person on stderr and reads one line from stdin, its end included; empty when there is none.
pub fn reply(question: &str) -> String {
    eprint!("{question} ");
    let mut answer = String::new();
    // What cannot be read is no answer.
    let read = std::io::stdin().lock().read_line(&mut answer);
    if !std::io::stdin().is_terminal() {
        eprintln!();
    }
    if read.is_ok() { answer } else { String::new() }
}
