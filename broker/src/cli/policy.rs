//! `sallyport policy`: the guardrail policy for people and auditors.
//!
//! Reads files, asks nobody: no helper, no vault, no network. What it says is
//! advice; the helper judges again, by the same crate, before anything runs.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use sallyport_policy::{
    ConfigError, Inventory, Judgement, Mode, Policy, Report, ShellState, Subject, Verdict,
};
use sallyport_protocol::{ErrorCode, Failure};
use serde::Deserialize;
use serde_json::json;

use super::output::{self, Problem, USAGE};
use crate::config::config_directory;
use crate::format::hex;

/// Ask the guardrail policy what it says about a command.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge a command. Exits 0 for allow, 10 for confirm, 20 for block.
    Check(Check),
    /// Run a file of expectations, one JSON object a line.
    Test(Test),
    /// Show the effective policy and its digest.
    Show(Show),
}

/// Which policy and hosts are read.
#[derive(Debug, clap::Args)]
struct Files {
    /// The policy file; default: policy.toml of the configuration directory.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The inventory; default: hosts.toml of the configuration directory.
    #[arg(long, value_name = "FILE")]
    hosts: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Check {
    #[command(flatten)]
    files: Files,
    /// Judge for this host of the inventory.
    #[arg(long, value_name = "ALIAS")]
    host: Option<String>,
    /// Judge in this mode, whatever host and policy say.
    #[arg(long)]
    mode: Option<Mode>,
    /// Judge as this principal.
    #[arg(long, default_value = "local", value_name = "NAME")]
    principal: String,
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
    /// Draw the command with what gave the verdict underlined.
    #[arg(long, conflicts_with = "json")]
    explain: bool,
    /// Read a command or a JSON object a line, answer a JSON verdict a line.
    #[arg(long, conflicts_with_all = ["command", "explain"])]
    stdin: bool,
    /// The command.
    #[arg(required_unless_present = "stdin", allow_hyphen_values = true)]
    command: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Test {
    #[command(flatten)]
    files: Files,
    /// The file: {"command", "mode"?, "host"?, "expect"} a line.
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    files: Files,
    /// Show what holds for this host.
    #[arg(long, value_name = "ALIAS")]
    host: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One line of `--stdin` or of a file of expectations. Unknown keys are notes.
#[derive(Deserialize)]
struct Line {
    command: String,
    mode: Option<Mode>,
    host: Option<String>,
    expect: Option<String>,
}

/// The policy and inventory in force.
struct Ground {
    policy: Policy,
    hosts: Inventory,
}

impl Args {
    /// Runs the command.
    ///
    /// # Errors
    /// Bad usage or an unreadable file, with exit code 2.
    pub fn run(self) -> Result<ExitCode, Problem> {
        match self.command {
            Command::Check(check) => check.run(),
            Command::Test(test) => test.run(),
            Command::Show(show) => show.run(),
        }
    }
}

impl Check {
    fn run(self) -> Result<ExitCode, Problem> {
        let ground = Ground::load(&self.files)?;
        if let Some(host) = &self.host {
            ground.known(host)?;
        }
        let Some(command) = self.command.as_deref() else { return self.stream(&ground) };
        let judgement = ground.judge(command, self.host.as_deref(), self.mode, &self.principal)?;
        let verdict = judgement.verdict;
        if self.explain {
            output::line(judgement.explain(command).trim_end())?;
        } else if self.json {
            output::json(&ground.report(command, self.host.as_deref(), judgement))?;
        } else {
            output::line(&format!("{verdict}: {}", judgement.reason))?;
        }
        Ok(ExitCode::from(code(verdict)))
    }

    /// A line in, a line out, in order, until the input ends.
    fn stream(&self, ground: &Ground) -> Result<ExitCode, Problem> {
        let (mut input, mut out) =
            (std::io::stdin().lock(), std::io::BufWriter::new(std::io::stdout().lock()));
        let input_is_file = fs::metadata("/dev/stdin").is_ok_and(|meta| meta.is_file());
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            if input.read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&bytes);
            let text = text.trim_end_matches(['\n', '\r']);
            if text.is_empty() {
                continue;
            }
            let line = read_line(text);
            let host = line.host.as_deref().or(self.host.as_deref());
            let report = match ground.judge(&line.command, host, line.mode.or(self.mode), &self.principal) {
                Ok(judgement) => serde_json::to_string(&ground.report(&line.command, host, judgement)),
                Err(problem) => {
                    let message = problem.failure.message.as_str();
                    serde_json::to_string(&json!({"command": line.command, "verdict": "block", "host": host,
                        "reason": message, "rules": ["unknown-host"], "segments": []}))
                }
            };
            let report = report.map_err(|error| broken(&error.to_string()))?;
            writeln!(out, "{report}").map_err(unreadable)?;
            // A waiting caller gets each answer; a file's lines go out in blocks.
            if !input_is_file {
                out.flush().map_err(unreadable)?;
            }
        }
        out.flush().map_err(unreadable)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Test {
    fn run(self) -> Result<ExitCode, Problem> {
        let ground = Ground::load(&self.files)?;
        let text = fs::read_to_string(&self.file).map_err(|error| cannot_read(&self.file, &error))?;
        let (mut told, mut wrong, mut seen) = (String::new(), 0_usize, 0_usize);
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let bad = |what: String| {
                Problem::usage(
                    format!("{}: line {}: {what}", self.file.display(), number + 1),
                    "write {\"command\", \"expect\"} a line",
                )
            };
            let line: Line = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            let expect = line.expect.ok_or_else(|| bad("`expect` is missing".to_owned()))?;
            let judgement = ground.judge(&line.command, line.host.as_deref(), line.mode, "local")?;
            let holds = match expect.as_str() {
                "stop" => judgement.verdict != Verdict::Allow,
                expect => judgement.verdict == expect.parse().map_err(|error| bad(format!("{error}")))?,
            };
            seen += 1;
            if !holds {
                wrong += 1;
                let (verdict, reason) = (judgement.verdict, &judgement.reason);
                let _ = writeln!(
                    told,
                    "line {}: {verdict}, not {expect}: {:?} ({reason})",
                    number + 1,
                    line.command
                );
            }
        }
        output::line(&format!("{told}{} of {seen} hold", seen - wrong))?;
        Ok(ExitCode::from(u8::from(wrong > 0)))
    }
}

impl Show {
    fn run(self) -> Result<ExitCode, Problem> {
        let ground = Ground::load(&self.files)?;
        let subject = ground.subject(self.host.as_deref(), "local")?;
        let effective = ground.policy.effective(&subject);
        let digest = ground.digest();
        if self.json {
            let policy = ground.policy.to_json();
            output::json(
                &json!({"host": self.host, "mode": effective.mode, "confirmation": effective.confirmation,
                "policy_digest": digest, "policy": policy}),
            )?;
        } else {
            let (timeout, bytes) = (ground.policy.default_timeout_s(), ground.policy.max_output_bytes());
            output::line(&format!(
                "mode           {}\nconfirmation   {}\ntimeout        {timeout} s\noutput         {bytes} bytes\ndigest         {digest}",
                effective.mode, effective.confirmation
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Ground {
    fn load(files: &Files) -> Result<Self, Problem> {
        let policy = read(files.policy.as_deref(), "policy.toml", Policy::from_toml)?;
        let hosts = read(files.hosts.as_deref(), "hosts.toml", Inventory::from_toml)?;
        Ok(Self { policy, hosts })
    }

    fn known(&self, alias: &str) -> Result<(), Problem> {
        self.subject(Some(alias), "local").map(|_| ())
    }

    fn subject<'a>(&'a self, alias: Option<&'a str>, principal: &'a str) -> Result<Subject<'a>, Problem> {
        let Some(alias) = alias else { return Ok(Subject::anywhere(principal)) };
        match self.hosts.get(alias) {
            Some(host) => Ok(host.subject(alias, principal)),
            None => Err(Problem::usage(format!("there is no host {alias:?}"), "see `sallyport host list`")),
        }
    }

    fn judge(
        &self,
        command: &str,
        host: Option<&str>,
        mode: Option<Mode>,
        principal: &str,
    ) -> Result<Judgement, Problem> {
        let subject = self.subject(host, principal)?;
        // A mode on the command line is a question about that mode.
        let subject = Subject { mode: mode.or(subject.mode), ..subject };
        Ok(self.policy.judge(&subject, &ShellState::default(), command))
    }

    fn report(&self, command: &str, host: Option<&str>, judgement: Judgement) -> Report {
        Report::new(command, host, judgement, &self.policy.digest())
    }

    fn digest(&self) -> String {
        hex(&self.policy.digest())
    }
}

/// Reads one of the two files. A missing one means defaults, unless it was named.
fn read<T>(
    named: Option<&Path>,
    name: &str,
    parse: fn(&str) -> Result<T, ConfigError>,
) -> Result<T, Problem> {
    let path = named.map_or_else(|| config_directory().join(name), Path::to_path_buf);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => String::new(),
        Err(error) => return Err(cannot_read(&path, &error)),
    };
    parse(&text).map_err(|error| Problem::usage(format!("{}: {error}", path.display()), "correct the file"))
}

/// A line of `--stdin`: an object with a command, or the command itself.
fn read_line(text: &str) -> Line {
    let bare = || Line { command: text.to_owned(), mode: None, host: None, expect: None };
    if text.starts_with('{') { serde_json::from_str(text).unwrap_or_else(|_| bare()) } else { bare() }
}

/// The exit code of a verdict.
const fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Confirm => 10,
        Verdict::Block => 20,
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Problem {
    Problem {
        code: USAGE,
        ..Problem::usage(format!("{} cannot be read: {error}", path.display()), "check the path")
    }
}

fn unreadable(error: std::io::Error) -> Problem {
    broken(&error.to_string())
}

fn broken(what: &str) -> Problem {
    Failure::new(ErrorCode::InternalError, format!("input or output failed: {what}"), "run it again").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground() -> Ground {
        let policy = Policy::from_toml("").unwrap();
        let hosts = Inventory::from_toml("[hosts.ro]\nmode = \"readonly\"\n").unwrap();
        Ground { policy, hosts }
    }

    #[test]
    fn a_host_of_the_inventory_brings_its_mode() {
        let ground = ground();
        assert_eq!(ground.judge("touch a", Some("ro"), None, "local").unwrap().verdict, Verdict::Block);
        assert_eq!(ground.judge("touch a", None, None, "local").unwrap().verdict, Verdict::Allow);
        assert_eq!(
            ground.judge("touch a", Some("ro"), Some(Mode::Guarded), "local").unwrap().verdict,
            Verdict::Allow
        );
    }

    #[test]
    fn an_unknown_host_is_bad_usage() {
        let problem = ground().judge("ls", Some("nowhere"), None, "local").unwrap_err();
        assert_eq!(problem.code, USAGE);
        insta::assert_snapshot!(problem.text(), @r#"
        sallyport: there is no host "nowhere"
        hint: see `sallyport host list`
        "#);
    }

    #[test]
    fn a_line_is_an_object_or_a_bare_command() {
        assert_eq!(read_line("{\"command\":\"ls\",\"mode\":\"readonly\"}").mode, Some(Mode::Readonly));
        assert_eq!(read_line("{ ls; }").command, "{ ls; }");
        assert_eq!(read_line("{\"cmd\":1}").command, "{\"cmd\":1}");
    }

    #[test]
    fn the_explanation_underlines_what_gave_the_verdict() {
        let command = "ls && sudo rm -rf / # é";
        let judgement = ground().judge(command, None, None, "local").unwrap();
        insta::assert_snapshot!(judgement.explain(command), @r"
        block: `rm` deletes a root directory and all below it
          | ls && sudo rm -rf / # é
          |       ^^^^^^^^^^^^^
          root-delete: rm -rf /
        instead: no confirmation lifts this; a person must run it outside Sallyport
        ");
    }

    #[test]
    fn a_named_file_that_is_missing_or_wrong_is_bad_usage() {
        let missing = read(Some(Path::new("/nonexistent/policy.toml")), "policy.toml", Policy::from_toml);
        assert_eq!(missing.unwrap_err().code, USAGE);
    }
}
