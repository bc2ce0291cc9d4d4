//! Variables of the environment that change what later commands are or load, and commands that stand in them.

use super::Finding;
use super::interpreters::is_interpreter;
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::invoke::base_name;
use crate::engine::shell::{Source, Stdin};
use crate::tables;

impl Engine<'_> {
    /// A command that another program is told to run: read, and asked for when no table knows its program.
    pub(in crate::engine) fn named_command(
        &mut self,
        value: &str,
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Finding {
        if value.is_empty() {
            return Finding::ALLOW;
        }
        let code = Arg { text: value.to_owned(), ..Arg::literal("") };
        let stdin = std::mem::replace(&mut self.stdin, Stdin::Null);
        self.code_argument(&code, source, span);
        self.stdin = stdin;
        let program = value.split_whitespace().next().unwrap_or_default();
        let name = base_name(program);
        if is_interpreter(name) || tables::wrappers::find(name).is_some() {
            // It runs whatever later commands hand to it.
            return Finding::confirm("environment");
        }
        if tables::is_known(name) || tables::is_editor(name) {
            Finding::ALLOW
        } else {
            Finding::confirm("environment")
        }
    }

    /// Findings of an environment variable: some load code into every later command.
    pub(in crate::engine) fn environment(
        &mut self,
        name: &str,
        value: Option<&str>,
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Finding {
        if name == "PYTHONPATH" && value.is_none_or(anyone_writes) {
            return Finding::confirm("environment");
        }
        if name == "ENV" && value.is_some_and(|value| STAGES.contains(&value)) {
            return Finding::ALLOW;
        }
        let Some(rule) = tables::variable_rule(name) else { return Finding::ALLOW };
        match (rule, value) {
            ("command-variable", Some(value)) => self.named_command(value, source, span),
            ("environment", Some(value)) if RUN_BY_PROMPT.contains(&name) => {
                if name == "PROMPT_COMMAND" {
                    self.code_argument(&Arg { text: value.to_owned(), ..Arg::literal("") }, source, span);
                } else {
                    self.expand_quoted(value, source);
                }
                Finding::confirm("environment")
            }
            ("command-variable", None) => Finding::confirm("environment"),
            ("option-variable", Some(value)) if !loads_code(value) => Finding::ALLOW,
            ("history-variable", _) => Finding::confirm("history"),
            _ => Finding::confirm("environment"),
        }
    }
}

/// What `ENV` says to programs; a shell takes it for the name of a file, which none of these is.
const STAGES: &[&str] =
    &["test", "testing", "dev", "development", "prod", "production", "staging", "stage", "local", "ci", "qa"];

/// Variables that an interactive shell runs or expands by itself.
const RUN_BY_PROMPT: &[&str] = &["PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS4"];

/// Whether a list of directories names one that anyone may write to.
fn anyone_writes(list: &str) -> bool {
    list.split(':').any(|folder| ["/tmp", "/var/tmp", "/dev/shm"].iter().any(|open| folder.starts_with(open)))
}

/// Options of interpreters that load code.
fn loads_code(value: &str) -> bool {
    value.contains('\0')
        || value.split_whitespace().any(|word| {
            [
                "-r",
                "--require",
                "--import",
                "--loader",
                "--experimental-loader",
                "-M",
                "-m",
                "-d",
                "-I",
                "-e",
                "-javaagent",
                "-agent",
            ]
            .iter()
            .any(|option| word.starts_with(option))
        }) && !value
            .split_whitespace()
            .all(|word| word.starts_with("--max") || word.starts_with("-Xm") || word.starts_with("-D"))
}
