use crate::policy::Policy;
use crate::state::ShellState;
use crate::subject::Subject;
use crate::verdict::Mode;

fn explain(mode: Mode, command: &str) -> String {
    let subject = Subject { mode: Some(mode), ..Subject::anywhere("local") };
    Policy::builtin().judge(&subject, &ShellState::default(), command).explain(command)
}

/// Every drawing, one after the other, under the command's name.
fn drawings(commands: &[(&str, Mode, &str)]) -> String {
    commands.iter().map(|(name, mode, command)| format!("--- {name}\n{}", explain(*mode, command))).collect()
}

#[test]
fn the_drawings_are_as_they_were_reviewed() {
    let long = format!("echo {} && rm -rf build && echo {}", "a".repeat(300), "b".repeat(300));
    let lines = "ls\n".repeat(24) + "rm x\nls";
    let drawn = drawings(&[
        ("allowed", Mode::Guarded, "ls -l"),
        ("asked for", Mode::Guarded, "cd build && rm -rf out"),
        ("a catastrophe in a wrapper", Mode::Guarded, "ls && sudo rm -rf / # é"),
        ("a catastrophe in readonly", Mode::Readonly, "rm -rf /"),
        ("readonly", Mode::Readonly, "ls; sort -o f f"),
        ("readonly, with a neighbour", Mode::Readonly, "systemctl restart nginx"),
        ("several lines", Mode::Guarded, "cd /srv\nfor f in *; do\n\trm \"$f\"\ndone\nls"),
        ("a span over two lines", Mode::Guarded, "rm \\\n  x"),
        ("two spans", Mode::Guarded, "rm a; ls; rm b"),
        ("wide characters", Mode::Guarded, "echo 你好 && rm 日本.txt && ls"),
        ("combining characters", Mode::Guarded, "echo e\u{301}e\u{301}; rm x"),
        ("bidi and hidden characters", Mode::Guarded, "echo \u{202e}cba\u{200b}; rm x"),
        ("a tab and a carriage return", Mode::Guarded, "ls\t-l;\trm x\r"),
        ("an escape", Mode::Guarded, "ls \u{1b}[2J; rm x"),
        ("a long line", Mode::Guarded, &long),
        ("many lines", Mode::Guarded, &lines),
        ("unparsable", Mode::Guarded, "echo \"unclosed"),
        ("known only at run time", Mode::Guarded, "$cmd -x"),
        ("empty", Mode::Guarded, ""),
    ]);
    insta::assert_snapshot!("drawings", drawn);
}

#[test]
fn nothing_a_terminal_acts_upon_is_drawn() {
    let hostile: String = (0..0x2100).filter_map(char::from_u32).filter(|c| *c != '\n').collect();
    for command in [format!("rm {hostile}"), format!("rm x; echo '{hostile}'"), format!("$'{hostile}'")] {
        let drawn = explain(Mode::Guarded, &command);
        let acts = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(!drawn.contains(acts), "{drawn:?}");
    }
}
