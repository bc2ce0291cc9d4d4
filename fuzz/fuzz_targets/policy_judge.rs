//! Any text is judged without panic, and its laws hold: unrestricted allows, readonly allows no more than guarded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sallyport_policy::{Mode, Policy, ShellState, Subject, Verdict};

fuzz_target!(|text: &str| {
    let policy = Policy::builtin();
    let judge = |mode| {
        let subject = Subject { mode: Some(mode), ..Subject::anywhere("local") };
        policy.judge(&subject, &ShellState::default(), text)
    };
    let (readonly, guarded) = (judge(Mode::Readonly), judge(Mode::Guarded));
    assert_eq!(judge(Mode::Unrestricted).verdict, Verdict::Allow);
    assert!(readonly.verdict >= guarded.verdict);
    for segment in &guarded.segments {
        assert!(segment.span.0 <= segment.span.1 && segment.span.1 <= text.len());
    }
    // What the session would remember must itself be usable.
    let _ = policy.judge(&Subject::anywhere("local"), &guarded.next, text);
});
