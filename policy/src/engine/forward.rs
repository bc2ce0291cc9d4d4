//! Judging a tunnel. What goes through one cannot be judged, so only the mode and the operator's rules speak.

use super::arg::Arg;
use super::facts::{Finding, Reads};
use super::{Engine, Judgement};
use crate::judgement::Segment;
use crate::policy::Policy;
use crate::state::ShellState;
use crate::subject::Subject;

/// The name forwards have in operator rules and lists.
const NAME: &str = "ssh_forward";

/// Judges a forward whose destination the host's entry lists: readonly blocks it, as nothing proves that it only
/// reads; else it may be opened, unless an operator rule for `["ssh_forward", DIRECTION, PLACE]` says otherwise.
pub(crate) fn judge(policy: &Policy, subject: &Subject<'_>, direction: &str, place: &str) -> Judgement {
    let mut engine = Engine::new(policy, subject, &ShellState::default());
    let words = [NAME, direction, place];
    let args: Vec<Arg> = words.iter().map(|word| Arg::literal(word)).collect();
    let (verdict, rule) = engine.decide(NAME, &args, Finding::ALLOW, Reads::Unproven);
    let text = words.join(" ");
    let span = (0, text.len());
    let argv = words.map(str::to_owned).to_vec();
    engine.segments.push(Segment { text: text.clone(), argv, verdict, rule, span });
    engine.finish(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Mode, Verdict};

    fn verdict(policy: &str, mode: Mode) -> Verdict {
        let policy = Policy::from_toml(policy).unwrap();
        let subject = Subject { mode: Some(mode), ..Subject::anywhere("local") };
        judge(&policy, &subject, "local", "db.internal:5432").verdict
    }

    #[test]
    fn a_tunnel_is_blocked_in_readonly_and_open_elsewhere() {
        assert_eq!(verdict("", Mode::Readonly), Verdict::Block);
        assert_eq!(verdict("", Mode::Guarded), Verdict::Allow);
        assert_eq!(verdict("", Mode::Unrestricted), Verdict::Allow);
    }

    #[test]
    fn operator_rules_name_tunnels_by_direction_and_place() {
        let rule = |decision: &str, place: &str| {
            format!(
                "[[rule]]\nname = \"r\"\ndecision = \"{decision}\"\ncommands = [[\"ssh_forward\", \"local\", \"{place}\"]]\n"
            )
        };
        assert_eq!(verdict(&rule("confirm", "db.*:5432"), Mode::Guarded), Verdict::Confirm);
        assert_eq!(verdict(&rule("block", "db.*:5432"), Mode::Guarded), Verdict::Block);
        assert_eq!(verdict(&rule("block", "web:80"), Mode::Guarded), Verdict::Allow);
        assert_eq!(verdict(&rule("allow", "db.*:5432"), Mode::Readonly), Verdict::Block);
    }
}
