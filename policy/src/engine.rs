//! From text to judgement: the walk over the tree, and what each command's arguments mean.
//!
//! [`Engine`] walks a text in execution order with what the shell knows at each point. Every simple command, however
//! it is reached, passes through `invoke`, which asks the tables and special readers of `facts` what it does.

mod arg;
mod expand;
mod facts;
mod filters;
pub(crate) mod forward;
mod hidden;
mod invoke;
mod jumps;
mod known;
mod listings;
mod params;
mod place;
mod requests;
mod shell;
mod simple;
mod verdict;
mod walk;

use crate::config::Rule;
use crate::judgement::{Judgement, Segment};
use crate::policy::Policy;
use crate::state::ShellState;
use crate::subject::{PathAction, Subject};
use crate::tables;
use crate::verdict::{Mode, Verdict};

use arg::Arg;
use jumps::Jumps;
use shell::{Source, Stdin};

/// Simple commands (and loop passes) looked at before a text is given up as opaque.
const MAX_STEPS: usize = 3000;
/// Bytes of code parsed in all, nested code counted again at each level.
const MAX_PARSED: usize = 256 * 1024;
/// Deepest nesting of compounds, substitutions, calls and code in code.
const MAX_DEPTH: usize = 48;
/// Passes over a loop's body before its variables must have settled.
const MAX_PASSES: usize = 8;
/// Segments kept in a judgement; later ones still count for the verdict.
const MAX_SEGMENTS: usize = 256;

/// One judgement in the making.
struct Engine<'p> {
    policy: &'p Policy,
    subject: &'p Subject<'p>,
    mode: Mode,
    shell: ShellState,
    segments: Vec<Segment>,
    steps: usize,
    parsed: usize,
    depth: usize,
    /// Functions being called, outermost first.
    calls: Vec<String>,
    /// Where `break`, `continue` and `return` may have left.
    jumps: Jumps,
    /// Take variables that nobody set for unset: their defaults are what they become.
    unset: bool,
    /// Some variable's default was not taken, because the environment may have set it.
    guessed: bool,
    /// Looking for a catastrophe in what could not be read.
    searching: bool,
    /// Inside a pipeline or a background job.
    forking: bool,
    /// What the command at hand reads.
    stdin: Stdin,
    /// Somebody needs to know what the command at hand prints.
    wanted: bool,
    /// Behind `sudo` or its like.
    more_rights: bool,
    /// In an environment of the project's own (`poetry run`, `. ./env.sh`), or a container made for the command.
    at_home: bool,
}

/// What a command prints, where that is known.
type Output = Option<String>;

impl<'p> Engine<'p> {
    fn new(policy: &'p Policy, subject: &'p Subject<'p>, state: &ShellState) -> Self {
        Self {
            policy,
            subject,
            mode: policy.effective(subject).mode,
            shell: state.clone(),
            segments: Vec::new(),
            steps: 0,
            parsed: 0,
            depth: 0,
            calls: Vec::new(),
            jumps: Jumps::default(),
            unset: false,
            guessed: false,
            searching: false,
            forking: false,
            stdin: Stdin::Outer,
            more_rights: false,
            at_home: false,
            wanted: false,
        }
    }

    /// `${x:-/}` is `/` unless somebody set `x`: a catastrophe by a default is one.
    fn catastrophe_if_unset(
        &mut self,
        policy: &'p Policy,
        subject: &'p Subject<'p>,
        state: &ShellState,
        command: &str,
    ) {
        let mut other = Self::new(policy, subject, state);
        other.unset = true;
        other.run(&Source::whole(command));
        other.segments.retain(|segment| {
            segment.verdict == Verdict::Block
                && segment
                    .rule
                    .as_deref()
                    .is_some_and(|rule| tables::is_catastrophe(rule) && rule != "root-move")
        });
        self.segments.append(&mut other.segments);
    }

    fn finish(mut self, command: &str) -> Judgement {
        let mode = self.mode;
        if mode == Mode::Unrestricted {
            for segment in &mut self.segments {
                (segment.verdict, segment.rule) = (Verdict::Allow, None);
            }
        }
        let verdict = self.segments.iter().map(|segment| segment.verdict).max().unwrap_or(Verdict::Allow);
        let mut rules: Vec<(Verdict, String)> = Vec::new();
        for segment in &self.segments {
            if let Some(rule) = &segment.rule
                && !rules.iter().any(|(_, known)| known == rule)
            {
                rules.push((segment.verdict, rule.clone()));
            }
        }
        rules.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
        let rules: Vec<String> = rules.into_iter().map(|(_, rule)| rule).collect();
        let reason = self.reason(verdict, rules.first(), command);
        self.segments.truncate(MAX_SEGMENTS);
        Judgement { verdict, mode, reason, rules, segments: self.segments, next: self.shell.bounded() }
    }

    fn reason(&self, verdict: Verdict, rule: Option<&String>, command: &str) -> String {
        let culprit = self.segments.iter().find(|segment| segment.verdict == verdict);
        match (verdict, rule) {
            (Verdict::Allow, _) if self.mode == Mode::Unrestricted => {
                "everything runs in this mode".to_owned()
            }
            (Verdict::Allow, _) if self.mode == Mode::Readonly => "it only reads".to_owned(),
            (Verdict::Allow, _) => "nothing in it is destructive".to_owned(),
            (_, Some(rule)) => {
                let name = culprit.and_then(|segment| segment.argv.first()).map_or(command, String::as_str);
                let name: String = name.chars().take(60).collect();
                match self.policy.rule_reason(rule) {
                    Some(reason) => format!("`{name}`: {reason}"),
                    None => format!("`{name}` {}", tables::reason(rule)),
                }
            }
            (_, None) => "it is not known to be harmless".to_owned(),
        }
    }
}

/// Judges a command text.
pub(crate) fn judge(policy: &Policy, subject: &Subject<'_>, state: &ShellState, command: &str) -> Judgement {
    let mut engine = Engine::new(policy, subject, state);
    engine.run(&Source::whole(command));
    if engine.guessed && engine.mode != Mode::Unrestricted {
        engine.catastrophe_if_unset(policy, subject, state, command);
    }
    engine.finish(command)
}

/// Judges a file tool's access as the same access by a shell command.
pub(crate) fn judge_path(
    policy: &Policy,
    subject: &Subject<'_>,
    action: PathAction,
    path: &str,
) -> Judgement {
    let state = ShellState::default();
    let mut engine = Engine::new(policy, subject, &state);
    let words: &[&str] = match action {
        PathAction::Read => &["cat", "--"],
        PathAction::Write => &["tee", "--"],
        PathAction::CreateDirectory => &["mkdir", "--"],
        PathAction::SetPermissions => &["chmod", "0644"],
        PathAction::Delete => &["rm", "--"],
        PathAction::DeleteTree => &["rm", "-r", "--"],
    };
    let mut args: Vec<Arg> = words.iter().map(|word| Arg::literal(word)).collect();
    args.push(Arg::literal(path));
    let source = Source::whole(path);
    // A write has content: it is not the emptying that `tee` would do with nothing to read.
    engine.stdin = if action == PathAction::Write { Stdin::Outer } else { Stdin::Null };
    engine.invoke(args, &source, source.all(), true);
    engine.finish(path)
}

/// Whether a rule matches one of the commands of a text.
pub(crate) fn rule_matches(rule: &Rule, text: &str) -> bool {
    let policy = Policy::builtin();
    let subject = Subject { mode: Some(Mode::Guarded), ..Subject::anywhere("local") };
    let mut engine = Engine::new(&policy, &subject, &ShellState::default());
    engine.run(&Source::whole(text));
    engine.segments.iter().any(|segment| {
        let words: Vec<Option<&str>> = segment
            .argv
            .iter()
            .map(|word| (!word.contains(arg::SHOWN_UNKNOWN)).then_some(word.as_str()))
            .collect();
        rule.matches(&words)
    })
}

#[cfg(test)]
mod tests;
