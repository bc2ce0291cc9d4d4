//! Laws that hold for every command.

use proptest::prelude::*;
use sallyport_policy::{Mode, Policy, ShellState, Subject, Verdict};

const COMMANDS: &[&str] = &[
    "ls -la",
    "rm -rf /",
    "rm x",
    "git status",
    "touch a",
    "cat /etc/passwd",
    "reboot",
    "$x y",
    "dd if=/dev/zero of=/dev/sda",
    "echo hi",
    "curl -s u",
    "sort -o f f",
    "systemctl restart x",
    "./run.sh",
    "chmod -R 000 /",
    "find . -delete",
    "kill 1",
    "psql -c 'drop table x'",
];

fn judge(mode: Mode, command: &str) -> Verdict {
    let subject = Subject { mode: Some(mode), ..Subject::anywhere("local") };
    Policy::builtin().judge(&subject, &ShellState::default(), command).verdict
}

fn command() -> impl Strategy<Value = &'static str> {
    prop::sample::select(COMMANDS)
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Readonly, Mode::Guarded])
}

/// A word spelt another way that a shell reads as the same word.
fn quoted(word: &str, style: usize) -> String {
    let (first, rest) = word.split_at(1);
    match style {
        0 => format!("'{word}'"),
        1 => format!("\"{word}\""),
        2 => format!("\\{word}"),
        3 => format!("{first}''{rest}"),
        4 => format!("$'{word}'"),
        _ => format!("\"{first}\"'{rest}'"),
    }
}

proptest! {
    #[test]
    fn a_list_is_as_strict_as_its_strictest_part(a in command(), b in command(), mode in mode(), by in prop::sample::select(vec!["; ", " && ", " || ", " | ", " & ", "\n"])) {
        prop_assert_eq!(judge(mode, &format!("{a}{by}{b}")), judge(mode, a).max(judge(mode, b)));
    }

    #[test]
    fn a_wrapper_never_weakens_a_verdict(a in command(), mode in mode(), wrapper in prop::sample::select(vec!["sudo ", "env A=1 ", "nohup ", "timeout 5 ", "nice ", "command ", "exec ", "time ", "busybox ", "setsid ", "sudo -u bob env X=1 "])) {
        let wrapped = format!("{wrapper}{a}");
        prop_assert!(judge(mode, &wrapped) >= judge(mode, a));
    }

    #[test]
    fn nesting_never_weakens_a_verdict(a in command(), mode in mode(), depth in 1_usize..8, shape in prop::sample::select(vec![("( ", " )"), ("(", ")"), ("{ ", "; }"), ("if true; then ", "; fi"), ("$(", ")"), ("eval \"", "\""), ("! ", "")])) {
        let nested = format!("{}{a}{}", shape.0.repeat(depth), shape.1.repeat(depth));
        prop_assert!(judge(mode, &nested) >= judge(mode, a), "{}", nested);
    }

    #[test]
    fn quoting_any_word_never_changes_a_verdict(a in command(), mode in mode(), at in 0_usize..8, style in 0_usize..6) {
        let mut words: Vec<String> = a.split(' ').map(str::to_owned).collect();
        let at = at % words.len();
        prop_assume!(!words[..=at].concat().contains(['$', '\'', '"']));
        words[at] = quoted(&words[at], style);
        let text = words.join(" ");
        prop_assert_eq!(judge(mode, &text), judge(mode, a), "{}", text);
    }

    #[test]
    fn readonly_allows_nothing_that_guarded_would_not(text in "[a-z $(){};|&<>'\"/*~=-]{0,40}") {
        prop_assert!(judge(Mode::Readonly, &text) >= judge(Mode::Guarded, &text));
    }

    #[test]
    fn any_text_ends_in_a_verdict(text in any::<String>()) {
        prop_assert_eq!(judge(Mode::Unrestricted, &text), Verdict::Allow);
        let _ = judge(Mode::Guarded, &text);
    }
}
