//! `find` and `fd`: what their actions run, delete and write.

use super::interpreters::is_interpreter;
use super::{Facts, Finding, Reads};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::invoke::base_name;
use crate::engine::shell::Source;
use crate::judgement::Segment;
use crate::verdict::{Mode, Verdict};

/// Tests that take no filter off: with only these, an action reaches everything below the start.
const NO_FILTER: &[&str] = &[
    "-delete",
    "-exec",
    "-execdir",
    "-depth",
    "-xdev",
    "-mount",
    "-print",
    "-print0",
    "-maxdepth",
    "-mindepth",
    "-type",
    "-H",
    "-L",
    "-P",
    "-o",
    "-true",
    "-ignore_readdir_race",
    "-ls",
    "-ok",
];

impl Engine<'_> {
    /// Facts of `find` and `fd`.
    pub(super) fn find(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        if matches!(name, "fd" | "fdfind") {
            return self.fd(args, source, span);
        }
        let starts: Vec<Arg> = args[1..]
            .iter()
            .skip_while(|arg| matches!(arg.text.as_str(), "-H" | "-L" | "-P"))
            .take_while(|arg| !arg.text.starts_with(['-', '(', '!']))
            .cloned()
            .collect();
        let starts = if starts.is_empty() { vec![Arg::literal(".")] } else { starts };
        let root = starts.iter().any(|arg| self.is_root_tree(arg));
        let whole =
            starts.iter().any(|arg| arg.text.starts_with('/') && self.path(&arg.text).parts.is_empty());
        let filtered = filters(args, whole);
        let mut facts = Facts::READS;
        let mut at = 1;
        while let Some(arg) = args.get(at) {
            at += 1;
            match arg.text.as_str() {
                "-delete" => {
                    let finding = if root && !filtered {
                        Finding::block("root-delete")
                    } else {
                        Finding::confirm("delete")
                    };
                    facts = Facts::of(facts.finding.strictest(finding));
                }
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let end = args[at..]
                        .iter()
                        .position(|arg| arg.text == ";" || arg.text == "+")
                        .unwrap_or(args.len() - at);
                    let inner: Vec<Arg> = args[at..at + end].to_vec();
                    at += end + 1;
                    let everything = root && !filtered;
                    let devices = starts.iter().find(|arg| arg.text.trim_end_matches('/') == "/dev");
                    let target = match devices {
                        _ if everything => starts[0].clone(),
                        Some(_) => Arg { glob: true, ..Arg::literal("/dev/*") },
                        None => self.found_below(&starts[0]),
                    };
                    if inner.first().is_some_and(|arg| arg.text == "{}") || runs_found(&inner) {
                        facts = Facts::of(facts.finding.strictest(Finding::confirm("runtime-command")));
                    }
                    let placed = inner.into_iter().map(|arg| place_file(arg, &target)).collect();
                    let seen = self.segments.len();
                    self.inner(placed, source, span);
                    if everything && self.segments[seen..].iter().any(destroys) {
                        facts = Facts::of(facts.finding.strictest(Finding::block("root-delete")));
                    }
                }
                "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                    let target = args.get(at).cloned().unwrap_or_else(Arg::unknown);
                    facts = Facts::of(facts.finding.strictest(self.write_to(&target)));
                }
                text if text.starts_with('\0') && self.mode == Mode::Readonly => {
                    facts.reads = Reads::Unproven
                }
                _ if hides_action(args, at - 1) => {
                    facts = Facts::of(facts.finding.strictest(Finding::confirm("runtime-command")));
                }
                _ => {}
            }
        }
        let prints =
            !args.iter().any(|arg| matches!(arg.text.as_str(), "-exec" | "-execdir" | "-printf" | "-ls"));
        if facts.reads == Reads::Proven && self.wanted && !filtered && prints {
            let text: Vec<String> = starts.iter().map(|arg| format!("{}\n", arg.text)).collect();
            facts.output = Some(text.concat());
        }
        facts
    }

    /// Some file below a directory; where the system is written there, the directory is named.
    fn found_below(&self, start: &Arg) -> Arg {
        let inside = Arg { text: format!("{}/found", start.text), ..start.clone() };
        let system = !start.is_unknown() && self.write_to(&inside).rule == Some("system-path");
        if system { inside } else { Arg::some_file() }
    }

    fn fd(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let action =
            args.iter().position(|arg| matches!(arg.text.as_str(), "-x" | "-X" | "--exec" | "--exec-batch"));
        match action {
            None => Facts::READS.reading(!args.iter().any(|arg| arg.text.starts_with('\0'))),
            Some(at) => {
                let words: Vec<&Arg> = args[1..at].iter().filter(|arg| !arg.text.starts_with('-')).collect();
                let everything =
                    words.first().is_some_and(|arg| matches!(arg.text.as_str(), "." | "" | ".*"));
                let root = words.iter().skip(1).find(|arg| everything && self.is_root_tree(arg));
                let target = root.map_or_else(Arg::some_file, |arg| (*arg).clone());
                let end = args[at + 1..]
                    .iter()
                    .position(|arg| arg.text == ";")
                    .map_or(args.len(), |end| at + 1 + end);
                let mut inner: Vec<Arg> =
                    args[at + 1..end].iter().map(|arg| place_file(arg.clone(), &target)).collect();
                if !args[at + 1..end].iter().any(|arg| arg.text.contains('{')) {
                    inner.push(target);
                }
                self.inner(inner, source, span);
                Facts::READS
            }
        }
    }
}

/// Puts a found file's name where `{}` stands. Inside code it is text that the code's author does not control.
pub(super) fn place_file(arg: Arg, file: &Arg) -> Arg {
    if arg.text == "{}" {
        return file.clone();
    }
    if !arg.text.contains("{}") {
        return arg;
    }
    let code = arg.text.contains([' ', ';', '|', '&']);
    Arg { text: arg.text.replace("{}", if code { "./found" } else { &file.text }), ..arg }
}

/// Whether a segment destroys what it was given.
fn destroys(segment: &Segment) -> bool {
    segment.verdict == Verdict::Block
        || segment.rule.as_deref().is_some_and(|rule| {
            matches!(rule, "delete" | "truncate" | "permissions" | "overwrite" | "system-path")
        })
}

/// Whether an action's command runs the found file itself: `-exec sh {} \;`.
fn runs_found(inner: &[Arg]) -> bool {
    match inner {
        [shell, file, ..] => file.text == "{}" && is_interpreter(base_name(&shell.text)),
        _ => false,
    }
}

/// Whether a word that is known only at run time may be an action: not a start, and no test's value.
fn hides_action(args: &[Arg], at: usize) -> bool {
    let arg = &args[at];
    if !(arg.open || arg.text.starts_with('\0'))
        || args[1..at].iter().all(|before| before.text.starts_with('\0'))
    {
        return false;
    }
    let valued = |text: &str| text.starts_with('-') && !NO_VALUE.contains(&text);
    !valued(&args[at - 1].text)
}

/// Words of find after which no value stands.
const NO_VALUE: &[&str] = &[
    "-delete",
    "-depth",
    "-d",
    "-xdev",
    "-mount",
    "-print",
    "-print0",
    "-H",
    "-L",
    "-P",
    "-o",
    "-or",
    "-a",
    "-and",
    "-not",
    "-true",
    "-false",
    "-ls",
    "-empty",
    "-executable",
    "-readable",
    "-writable",
    "-nouser",
    "-nogroup",
    "-prune",
    "-quit",
    "-daystart",
    "-follow",
    "-noleaf",
];

/// Whether any test outside the actions' own commands narrows what is found.
fn filters(args: &[Arg], whole: bool) -> bool {
    let mut inside = false;
    let all = |pattern: Option<&Arg>| pattern.is_some_and(|arg| arg.text.chars().all(|c| c == '*'));
    args[1..].iter().enumerate().any(|(at, arg)| {
        let text = arg.text.as_str();
        // What is left out leaves nearly everything; a pattern of stars leaves all.
        let negated = matches!(args[at].text.as_str(), "!" | "-not");
        if negated || matches!(text, "-not" | "-prune") {
            return false;
        }
        if matches!(text, "-name" | "-iname" | "-path" | "-wholename") && all(args.get(at + 2)) {
            return false;
        }
        if inside {
            inside = !matches!(text, ";" | "+");
            return false;
        }
        inside = matches!(text, "-exec" | "-execdir" | "-ok" | "-okdir");
        let value = args.get(at + 2).map_or("", |arg| arg.text.as_str());
        text.starts_with('-') && !NO_FILTER.contains(&text) && !leaves_system(text, value, whole)
    })
}

/// Whether a test lets through what a system consists of: what is root's, or most of what is old or large.
fn leaves_system(test: &str, value: &str, whole: bool) -> bool {
    match test {
        "-user" | "-group" => value == "root",
        "-uid" | "-gid" => value == "0",
        "-readable" | "-writable" | "-executable" | "-links" | "-fstype" => true,
        "-regex" | "-iregex" => matches!(value, ".*" | ".+" | "/.*"),
        "-mtime" | "-atime" | "-ctime" | "-mmin" | "-amin" | "-cmin" | "-size" => whole,
        _ => whole && test.starts_with("-newer"),
    }
}

/// Whether a finding stops a command.
pub(super) fn stops(finding: Finding) -> bool {
    finding.verdict != Verdict::Allow
}
