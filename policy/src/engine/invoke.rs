//! The gate every simple command passes: functions and aliases first, then what the tables say of its name.

use super::arg::{Arg, UNKNOWN};
use super::facts::{Facts, Finding, Reads};
use super::shell::{Source, Stdin};
use super::{Engine, MAX_DEPTH, MAX_STEPS, Output};
use crate::judgement::Segment;
use crate::state::Var;
use crate::tables;
use crate::verdict::Verdict;

impl Engine<'_> {
    /// Judges one command by its words. `external` words pass by functions and aliases (they come from a wrapper).
    pub(super) fn invoke(
        &mut self,
        args: Vec<Arg>,
        source: &Source<'_>,
        span: (usize, usize),
        external: bool,
    ) -> Output {
        self.steps += 1;
        let first = args.first()?;
        if self.depth >= MAX_DEPTH || self.steps > MAX_STEPS {
            self.opaque(source, span, "too-complex");
            return None;
        }
        let at = self.segments.len();
        self.segments.push(Segment {
            text: source.slice(span).to_owned(),
            argv: args.iter().map(Arg::shown).collect(),
            verdict: Verdict::Allow,
            rule: None,
            span: source.report(span),
        });
        self.depth += 1;
        let name = first.text.clone();
        let again = self.forking && source.slice(span).trim_start().starts_with("$0");
        let (facts, output) = if again {
            (Facts::of(Finding::block("fork-bomb")), None)
        } else if first.is_unknown() || first.glob || first.open {
            (self.unknown_command(&args), None)
        } else if let Some(found) = (!external).then(|| self.redefined(&name, &args, source, span)).flatten()
        {
            found
        } else {
            let base = base_name(&name);
            let mut facts = self.facts(base, &args, source, span);
            facts = self.judge_origin(&name, base, facts, source, span);
            let output = facts.output.take().or_else(|| self.output(base, &args));
            (facts, output)
        };
        self.depth -= 1;
        let base = base_name(&name);
        let (mut verdict, mut rule) = self.decide(base, &args, facts.finding, facts.reads);
        if verdict == Verdict::Confirm
            && let Some(stopped) = &rule
            && (self.says_catastrophe_somewhere(stopped, &args) || self.fed_catastrophe(stopped, source))
        {
            (verdict, rule) = (Verdict::Block, Some("root-delete".to_owned()));
        }
        self.segments[at].verdict = verdict;
        self.segments[at].rule = rule;
        output
    }

    /// Whether a shell is fed by a command whose output is not known, and a catastrophe stands in its words.
    fn fed_catastrophe(&mut self, rule: &str, source: &Source<'_>) -> bool {
        matches!(rule, "shell-on-stdin") && matches!(self.stdin, Stdin::Pipe { .. }) && {
            let text = source.text.clone().into_owned();
            self.hides_catastrophe(rule, &text)
        }
    }

    /// Whether the words of a command that was not read, or its known input, say a catastrophe.
    fn says_catastrophe_somewhere(&mut self, rule: &str, args: &[Arg]) -> bool {
        if self.hides_catastrophe(rule, &joined(args)) {
            return true;
        }
        match self.stdin.clone() {
            Stdin::Known(text) => self.hides_catastrophe(rule, &text),
            _ => false,
        }
    }

    /// A command word known only at run time: opaque, and a catastrophe if it may delete a root.
    fn unknown_command(&self, args: &[Arg]) -> Facts {
        let recursive = args.iter().skip(1).any(|arg| {
            arg.text.starts_with("--r") || (arg.text.starts_with('-') && arg.text.contains(['r', 'R', 'f']))
        });
        let root =
            args.iter().skip(1).any(|arg| arg.text.starts_with(['/', '\u{2}']) && self.is_root_tree(arg));
        let device = args.iter().skip(1).any(|arg| self.write_to(arg).rule == Some("raw-device"));
        if (recursive && root) || device {
            return Facts::of(Finding::block("runtime-command"));
        }
        Facts::of(Finding::confirm("runtime-command"))
    }

    /// What a function or alias of this name does.
    fn redefined(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Option<(Facts, Output)> {
        if self.shell.lost {
            return Some((Facts::of(Finding::confirm("redefined")), None));
        }
        if !args[0].quoted
            && let Some(alias) = self.shell.aliases.get(name).cloned()
        {
            let Some(alias) = alias.filter(|_| !self.calls.iter().any(|call| call == name)) else {
                return Some((Facts::of(Finding::confirm("redefined")), None));
            };
            let rest: Vec<String> = args[1..].iter().map(quote).collect();
            let code = format!("{alias} {}", rest.join(" "));
            self.calls.push(name.to_owned());
            let inner = source.inner(code.into(), None, span);
            let output = self.run(&inner);
            self.calls.pop();
            return Some((Facts::READS, output));
        }
        let body = self.shell.functions.get(name).cloned()?;
        let Some(body) = body else {
            return Some((Facts::of(Finding::confirm("redefined")), None));
        };
        if self.calls.iter().any(|call| call == name) {
            // What a second pass with other words and variables does was not walked.
            let rule =
                if self.forking { Finding::block("fork-bomb") } else { Finding::confirm("too-complex") };
            return Some((Facts::of(rule), None));
        }
        self.calls.push(name.to_owned());
        let outer = self.positional(args);
        let inner = source.inner(body.into(), None, span);
        let forking = std::mem::replace(&mut self.forking, false);
        let output = self.calling(|engine| engine.run(&inner));
        self.forking = forking;
        self.restore_positional(outer);
        self.calls.pop();
        Some((Facts::READS, output))
    }

    /// Sets `$1`, `$@`, ... from a call's words; gives back what they were.
    pub(super) fn positional(&mut self, args: &[Arg]) -> Vec<(String, Option<Var>)> {
        let mut outer = Vec::new();
        let mut set = |shell: &mut crate::state::ShellState, name: String, value: Var| {
            let old = shell.variables.insert(name.clone(), value);
            outer.push((name, old));
        };
        let known = !args.iter().any(|arg| arg.open);
        let list = || Var::List(args.iter().skip(1).map(|arg| arg.text.clone()).collect());
        for name in ["@", "*"] {
            set(&mut self.shell, name.to_owned(), if known { list() } else { Var::Unknown });
        }
        for index in 1..10 {
            let value = match args.get(index) {
                Some(arg) if known => Var::Text(arg.text.clone()),
                None if known => Var::Text(String::new()),
                _ => Var::Unknown,
            };
            set(&mut self.shell, index.to_string(), value);
        }
        outer
    }

    pub(super) fn restore_positional(&mut self, outer: Vec<(String, Option<Var>)>) {
        for (name, value) in outer {
            match value {
                Some(value) => self.shell.variables.insert(name, value),
                None => self.shell.variables.remove(&name),
            };
        }
    }

    /// Adds what follows from the path a command is named by: a file this session wrote, a place that is no
    /// program directory.
    fn judge_origin(
        &mut self,
        name: &str,
        base: &str,
        facts: Facts,
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        if name.starts_with("/proc/") {
            return Facts { finding: facts.finding.strictest(Finding::confirm("runtime-command")), ..facts };
        }
        if name == base && !self.wrote(name) {
            return facts;
        }
        if self.wrote(name) && (name != base || !tables::is_known(base)) {
            let finding = self.run_file(name, source, span);
            return Facts { finding: facts.finding.strictest(finding), reads: Reads::Unproven, ..facts };
        }
        let facts = Facts { finding: facts.finding.strictest(self.unseen_file(name)), ..facts };
        let standard = name.rsplit_once('/').is_none_or(|(dir, _)| tables::is_program_directory(dir));
        if standard { facts } else { Facts { reads: Reads::Unproven, ..facts } }
    }

    /// Running a file: judged by its content when this session wrote it.
    pub(super) fn run_file(&mut self, path: &str, source: &Source<'_>, span: (usize, usize)) -> Finding {
        if !self.wrote(path) {
            return self.unseen_file(path);
        }
        match self.file_content(path) {
            None => Finding::confirm("runs-written-file"),
            Some(text) => {
                let code = text
                    .strip_prefix("#!")
                    .map_or(text.as_str(), |rest| rest.split_once('\n').map_or("", |(_, body)| body));
                let shell =
                    !text.starts_with("#!") || text.lines().next().is_some_and(|line| line.contains("sh"));
                if !shell {
                    return Finding::confirm("runs-written-file");
                }
                let inner = source.inner(code.replace(UNKNOWN, "${_}").into(), None, span);
                self.isolated(Stdin::Outer, false, |engine| engine.run(&inner));
                Finding::ALLOW
            }
        }
    }
}

fn joined(args: &[Arg]) -> String {
    let words: Vec<String> = args.iter().map(Arg::shown).collect();
    words.join(" ")
}

/// The last component of a command's name.
pub(super) fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A word in quotes that the shell reads back as itself; unknown parts become an unset variable.
pub(super) fn quote(arg: &Arg) -> String {
    if arg.is_unknown() || arg.open {
        return "$_".to_owned();
    }
    if arg.glob || arg.text.starts_with('\u{2}') {
        return arg.text.replace('\u{2}', "~");
    }
    format!("'{}'", arg.text.replace('\'', "'\\''"))
}
