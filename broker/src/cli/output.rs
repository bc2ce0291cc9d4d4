//! How results, questions and errors are printed.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use nix::sys::termios::{FlushArg, tcflush};
use sallyport_protocol::{ErrorCode, Failure};
use serde::Serialize;

use crate::format::one_line;
use crate::mcp::table::TOOLS;

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
            text.push_str(&format!("hint: {}\n", one_line(&for_people(hint.as_str()))));
        }
        text
    }
}

/// What hints call things for agents, who are most of those that read them, and what people call the same.
const FOR_PEOPLE: [(&str, &str); 16] = [
    ("see the tool's input schema", "see the command's --help"),
    ("set overwrite = true", "give --overwrite"),
    ("set create_parents = true", "give --create-parents"),
    ("set recursive = true", "give --recursive"),
    ("with recursive = true", "with --recursive"),
    ("ssh_list_hosts", "`sallyport host list`"),
    ("ssh_check_command", "`sallyport policy check`"),
    ("ssh_list_active", "`sallyport session list`"),
    ("ssh_list_dir", "`sallyport ls`"),
    ("ssh_file_read", "`sallyport cat`"),
    ("ssh_upload", "`sallyport put`"),
    ("ssh_download", "`sallyport get`"),
    ("ssh_sudo_exec", "`sallyport exec --sudo`"),
    ("ssh_exec", "`sallyport exec`"),
    ("ssh_session_close", "`sallyport session close`"),
    ("ssh_transcript", "`sallyport transcript`"),
];

/// A hint that was written for agents, for those who use the command line. A tool that no command stands for is said to
/// be an agent's.
pub fn for_people(hint: &str) -> String {
    let mut text = hint.to_owned();
    for (tool, command) in FOR_PEOPLE {
        text = text.replace(tool, command);
    }
    for row in TOOLS.iter().filter(|row| !FOR_PEOPLE.iter().any(|(tool, _)| *tool == row.name)) {
        text = text.replace(row.name, &format!("an agent's {}", row.name));
    }
    text
}

/// What the command line made of its arguments: help and versions as they are, mistakes as one sentence and a hint.
pub fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Nothing can be told to who closed our output.
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
        }
        _ => {
            eprint!("{}", misuse(&error.to_string()));
            ExitCode::from(USAGE)
        }
    }
}

/// clap's paragraphs (what is wrong, tips, the usage) in our two lines.
fn misuse(said: &str) -> String {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let paragraphs: Vec<String> = said.split("\n\n").map(flat).collect();
    let first = paragraphs.first().map(String::as_str).unwrap_or_default();
    let wrong = first.trim_start_matches("error: ").replace(" [possible values: ", "; it is one of [");
    let tip = paragraphs.iter().find_map(|text| text.strip_prefix("tip: ").or(text.strip_prefix("Usage: ")));
    let hint = match tip {
        Some(tip) if tip.starts_with("sallyport") => format!("the usage is: {tip}"),
        Some(tip) => tip.to_owned(),
        None => "see the command's --help".to_owned(),
    };
    format!("sallyport: {wrong}\nhint: {hint}\n")
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

/// A number and what is counted.
pub fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Asks a person on stderr and reads one line from stdin; only a clear yes is a
/// yes, and the end of stdin is a no.
pub fn agrees(question: &str) -> bool {
    let answer = reply(&format!("{question} [y/N]")).unwrap_or_default();
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Asks a person on stderr and reads one line from stdin, its end included; nothing when nobody is there to answer.
/// What was typed at a terminal before the question stood there answers nothing: it was meant for another.
pub fn reply(question: &str) -> Option<String> {
    if std::io::stdin().is_terminal() {
        // A terminal that cannot do this is gone, and then nobody answers.
        let _ = tcflush(std::io::stdin(), FlushArg::TCIFLUSH);
    }
    eprint!("{question} ");
    let mut answer = String::new();
    // What cannot be read is no answer.
    let read = std::io::stdin().lock().read_line(&mut answer);
    if !std::io::stdin().is_terminal() {
        eprintln!();
    }
    read.is_ok_and(|bytes| bytes > 0).then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misuse_is_one_sentence_and_a_hint() {
        let missing = "error: the following required arguments were not provided:\n  <--password|--key <FILE>>\n\nUsage: sallyport credential add <--password|--key <FILE>> <SLUG>\n\nFor more information, try '--help'.\n";
        let value = "error: invalid value 'x' for '<CLIENT>'\n  [possible values: codex, zed]\n\nFor more information, try '--help'.\n";
        let command = "error: unrecognized subcommand 'unlok'\n\n  tip: a similar subcommand exists: 'unlock'\n\nUsage: sallyport <COMMAND>\n";
        let all: Vec<String> = [missing, value, command].into_iter().map(misuse).collect();
        insta::assert_snapshot!(all.join(""), @r"
        sallyport: the following required arguments were not provided: <--password|--key <FILE>>
        hint: the usage is: sallyport credential add <--password|--key <FILE>> <SLUG>
        sallyport: invalid value 'x' for '<CLIENT>'; it is one of [codex, zed]
        hint: see the command's --help
        sallyport: unrecognized subcommand 'unlok'
        hint: a similar subcommand exists: 'unlock'
        ");
    }

    #[test]
    fn a_hint_for_agents_names_commands_to_people() {
        let failure = Failure::new(
            ErrorCode::FileNotFound,
            "there is no such file",
            "check the path; ssh_list_dir shows what is there, ssh_download takes all of it with recursive = true",
        );
        insta::assert_snapshot!(Problem::from(failure).text(), @r"
        sallyport: there is no such file
        hint: check the path; `sallyport ls` shows what is there, `sallyport get` takes all of it with --recursive
        ");
    }

    #[test]
    fn there_is_a_word_for_people_for_every_tool() {
        for row in TOOLS {
            let name = row.name;
            let said = for_people(&format!("look with {name}"));
            let told = said.contains('`') || said == format!("look with an agent's {name}");
            assert!(told, "{said}");
        }
    }

    #[test]
    fn one_of_a_kind_has_no_plural() {
        assert_eq!([count(0, "host"), count(1, "host"), count(2, "host")], ["0 hosts", "1 host", "2 hosts"]);
    }
}
