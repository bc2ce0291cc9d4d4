//! From text to judgement.

use crate::config::Rule;
use crate::judgement::{Judgement, Segment};
use crate::policy::Policy;
use crate::state::ShellState;
use crate::subject::{PathAction, Subject};
use crate::verdict::{Mode, Verdict};

/// Judges a command text.
pub(crate) fn judge(policy: &Policy, subject: &Subject<'_>, state: &ShellState, command: &str) -> Judgement {
    let mode = policy.effective(subject).mode;
    let verdict = opaque(mode);
    let segment = Segment {
        text: command.to_owned(),
        argv: vec![command.to_owned()],
        verdict,
        rule: Some("opaque".to_owned()),
        span: (0, command.len()),
    };
    let _ = policy.rules_for(subject).count();
    Judgement {
        verdict,
        mode,
        reason: "this command cannot be read".to_owned(),
        rules: vec!["opaque".to_owned()],
        segments: vec![segment],
        next: state.clone(),
    }
}

/// Judges a file tool's access.
pub(crate) fn judge_path(
    policy: &Policy,
    subject: &Subject<'_>,
    action: PathAction,
    path: &str,
) -> Judgement {
    let _ = action;
    judge(policy, subject, &ShellState::default(), path)
}

/// Whether a rule matches one of the commands of a text.
pub(crate) fn rule_matches(rule: &Rule, text: &str) -> bool {
    let quoted = text.replace('\'', "");
    let words: Vec<Option<&str>> =
        quoted.split_whitespace().skip_while(|word| *word == "sudo").map(Some).collect();
    rule.matches(&words)
}

/// What a mode says about a text that cannot be understood.
fn opaque(mode: Mode) -> Verdict {
    match mode {
        Mode::Readonly => Verdict::Block,
        Mode::Guarded => Verdict::Confirm,
        Mode::Unrestricted => Verdict::Allow,
    }
}
