//! How findings become a segment's verdict under mode and operator rules.

use super::facts::{Finding, Reads};
use super::{Engine, arg::Arg};
use crate::config::Decision;
use crate::verdict::{Mode, Verdict};

impl Engine<'_> {
    /// The verdict of one command: what the tables found, then the operator's lists and rules, then the mode.
    pub(super) fn decide(
        &self,
        name: &str,
        args: &[Arg],
        finding: Finding,
        reads: Reads,
    ) -> (Verdict, Option<String>) {
        let listed = |list: &[String]| !name.is_empty() && list.iter().any(|known| known == name);
        // A name on one of the operator's lists is known to the operator.
        let file = &self.policy.file;
        let known = finding.rule == Some("unknown-program")
            && (listed(&file.extra_readonly_allow) || listed(&file.extra_denylist));
        let finding = if known { Finding::ALLOW } else { finding };
        let (mut verdict, mut rule) = (finding.verdict, finding.rule.map(str::to_owned));
        if verdict < Verdict::Confirm && listed(&file.extra_denylist) {
            (verdict, rule) = (Verdict::Confirm, Some("extra-denylist".to_owned()));
        }
        if let Some((decided, by)) = self.operator(args)
            && (decided > verdict || (decided == Verdict::Allow && verdict == Verdict::Confirm))
        {
            (verdict, rule) = (decided, Some(by));
        }
        if self.mode == Mode::Readonly && verdict < Verdict::Block {
            let proven = finding.verdict == Verdict::Allow
                && verdict == Verdict::Allow
                && (reads == Reads::Proven || listed(&file.extra_readonly_allow));
            if !proven {
                let by =
                    rule.filter(|_| verdict == Verdict::Confirm).unwrap_or_else(|| "not-readonly".to_owned());
                return (Verdict::Block, Some(by));
            }
        }
        (verdict, rule)
    }

    /// The strictest operator rule that matches.
    fn operator(&self, args: &[Arg]) -> Option<(Verdict, String)> {
        if self.policy.file.rules.is_empty() {
            return None;
        }
        let words: Vec<Option<&str>> =
            args.iter().map(|arg| (!arg.is_unknown()).then_some(arg.text.as_str())).collect();
        self.policy
            .rules_for(self.subject)
            .filter(|rule| rule.matches(&words))
            .map(|rule| (rule.decision.verdict(), rule.name.clone()))
            .max_by_key(|(verdict, _)| *verdict)
    }
}

impl Decision {
    /// The verdict a decision stands for.
    pub(crate) const fn verdict(self) -> Verdict {
        match self {
            Self::Allow => Verdict::Allow,
            Self::Confirm => Verdict::Confirm,
            Self::Block => Verdict::Block,
        }
    }
}
