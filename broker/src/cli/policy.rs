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

/// Longest line of `--stdin`, in bytes: the longest command, every character of it escaped, and room for the keys.
const MAX_LINE_BYTES: usize = 6 * sallyport_policy::MAX_COMMAND_BYTES + 4096;

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

    /// A line in, a line out, in order, until the input ends. A line that cannot be judged is answered too.
    fn stream(&self, ground: &Ground) -> Result<ExitCode, Problem> {
        let (mut input, mut out) =
            (std::io::stdin().lock(), std::io::BufWriter::new(std::io::stdout().lock()));
        let input_is_file = fs::metadata("/dev/stdin").is_ok_and(|meta| meta.is_file());
        let mut bytes = Vec::new();
        while read_bounded_line(&mut input, &mut bytes).map_err(unreadable)? {
            let report = self.answer(ground, &bytes);
            let report = serde_json::to_string(&report).map_err(|error| broken(&error.to_string()))?;
            writeln!(out, "{report}").map_err(unreadable)?;
            // A waiting caller gets each answer; a file's lines go out in blocks.
            if !input_is_file {
                out.flush().map_err(unreadable)?;
            }
        }
        out.flush().map_err(unreadable)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The report of one line of `--stdin`; of one that cannot be judged, a block that says why.
    fn answer(&self, ground: &Ground, bytes: &[u8]) -> Report {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(['\n', '\r']);
        let refused = |rule: &str, reason: String, host: Option<&str>, mode: Option<Mode>| Report {
            command: text.to_owned(),
            verdict: Verdict::Block,
            mode: mode.unwrap_or_else(|| ground.policy.default_mode()),
            host: host.map(str::to_owned),
            reason,
            rules: vec![rule.to_owned()],
            segments: Vec::new(),
            policy_digest: ground.digest(),
        };
        if bytes.len() > MAX_LINE_BYTES {
            let reason = format!("the line is longer than {MAX_LINE_BYTES} bytes and was not judged");
            return refused("bad-line", reason, self.host.as_deref(), self.mode);
        }
        if std::str::from_utf8(bytes).is_err() {
            let reason = "the line is not UTF-8 and was not judged".to_owned();
            return refused("bad-line", reason, self.host.as_deref(), self.mode);
        }
        let line = match read_line(text) {
            Ok(line) => line,
            Err(error) => {
                let reason = format!("the line is no object with a `command` and was not judged: {error}");
                return refused("bad-line", reason, self.host.as_deref(), self.mode);
            }
        };
        let (host, mode) = (line.host.as_deref().or(self.host.as_deref()), line.mode.or(self.mode));
        match ground.judge(&line.command, host, mode, &self.principal) {
            Ok(judgement) => ground.report(&line.command, host, judgement),
            Err(problem) => {
                let reason = problem.failure.message.as_str().to_owned();
                Report { command: line.command.clone(), ..refused("unknown-host", reason, host, mode) }
            }
        }
    }
}

impl Test {
    fn run(self) -> Result<ExitCode, Problem> {
        let ground = Ground::load(&self.files)?;
        let text = fs::read_to_string(&self.file).map_err(|error| cannot_read(&self.file, &error))?;
        let (told, holds) = self.try_all(&ground, &text)?;
        output::line(&told)?;
        Ok(ExitCode::from(u8::from(!holds)))
    }

    /// What is said of a file of expectations, and whether all of them hold.
    fn try_all(&self, ground: &Ground, text: &str) -> Result<(String, bool), Problem> {
        let (mut told, mut wrong, mut seen) = (String::new(), 0_usize, 0_usize);
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let number = number + 1;
            let bad = |what: String| {
                Problem::usage(
                    format!("{}: line {number}: {what}", self.file.display()),
                    "write {\"command\", \"expect\"} a line; \"mode\" and \"host\" may follow",
                )
            };
            let line: Line = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            let expect = line.expect.ok_or_else(|| bad("`expect` is missing".to_owned()))?;
            let judgement = ground
                .judge(&line.command, line.host.as_deref(), line.mode, "local")
                .map_err(|problem| bad(problem.failure.message.as_str().to_owned()))?;
            let holds = match expect.as_str() {
                "stop" => judgement.verdict != Verdict::Allow,
                expect => judgement.verdict == expect.parse().map_err(|error| bad(format!("{error}")))?,
            };
            seen += 1;
            if !holds {
                wrong += 1;
                let (verdict, reason) = (judgement.verdict, &judgement.reason);
                let _ =
                    writeln!(told, "line {number}: {verdict}, not {expect}: {:?} ({reason})", line.command);
            }
        }
        Ok((format!("{told}{} of {seen} hold", seen - wrong), wrong == 0))
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
            output::line(&self.text(&ground, &subject))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The policy as people read it: one line a value, the rules that hold here by name.
    fn text(&self, ground: &Ground, subject: &Subject<'_>) -> String {
        let (policy, effective) = (&ground.policy, ground.policy.effective(subject));
        let mut text =
            format!("mode           {}\nconfirmation   {}\n", effective.mode, effective.confirmation);
        let _ = writeln!(text, "timeout        {} s", policy.default_timeout_s());
        let _ = writeln!(text, "output         {} bytes", policy.max_output_bytes());
        let json = policy.to_json();
        for (key, title) in [("extra_denylist", "asked for"), ("extra_readonly_allow", "reading")] {
            let names: Vec<&str> =
                json[key].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
            if !names.is_empty() {
                let _ = writeln!(text, "{title:<15}{}", names.join(" "));
            }
        }
        for (name, decision) in policy.rule_names(self.host.as_ref().map(|_| subject)) {
            let _ = writeln!(text, "rule           {name} ({decision})");
        }
        for name in policy.principal_names() {
            let _ = writeln!(text, "principal      {name}");
        }
        text + "digest         " + &ground.digest()
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

/// A line of `--stdin`: an object with a command, or the command itself. No shell takes `{"` for the start of a group,
/// so a line that begins with it is meant as an object.
fn read_line(text: &str) -> Result<Line, serde_json::Error> {
    let bare = || Line { command: text.to_owned(), mode: None, host: None, expect: None };
    if !text.starts_with('{') {
        return Ok(bare());
    }
    match serde_json::from_str(text) {
        Err(error) if text.starts_with("{\"") => Err(error),
        found => Ok(found.unwrap_or_else(|_| bare())),
    }
}

/// Reads a line into `bytes`, of an overlong one its beginning; false at the end of the input.
fn read_bounded_line(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    bytes.clear();
    let mut seen = false;
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(seen);
        }
        seen = true;
        let end = chunk.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let taken = end.unwrap_or(chunk.len());
        // One byte more than the bound shows that it was passed.
        let room = (MAX_LINE_BYTES + 1).saturating_sub(bytes.len());
        bytes.extend_from_slice(&chunk[..taken.min(room)]);
        input.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
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
mod tests;
