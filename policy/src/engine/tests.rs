use super::*;

fn verdict(mode: Mode, command: &str) -> Verdict {
    let policy = Policy::builtin();
    let subject = Subject { mode: Some(mode), ..Subject::anywhere("local") };
    judge(&policy, &subject, &ShellState::default(), command).verdict
}

#[test]
fn a_catastrophe_is_blocked() {
    assert_eq!(verdict(Mode::Guarded, "rm -rf /"), Verdict::Block);
}
