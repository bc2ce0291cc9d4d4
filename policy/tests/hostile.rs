//! Hostile texts are judged within bounded steps and stack, and never allowed for being unreadable.

use sallyport_policy::{Policy, ShellState, Subject, Verdict};

#[expect(clippy::unwrap_used, reason = "a helper of tests; a thread that cannot start fails the test")]
fn judged(text: String) -> Verdict {
    // The stack of an ordinary worker thread.
    let work =
        move || Policy::builtin().judge(&Subject::anywhere("local"), &ShellState::default(), &text).verdict;
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap()
}

#[test]
fn nesting_bombs_end_in_a_verdict() {
    for (open, close) in [
        ("(", ")"),
        ("{ ", ";}"),
        ("$(", ")"),
        ("\"$(", ")\""),
        ("`", "`"),
        ("if ", ";then :;fi"),
        ("while :;do ", ";done"),
        ("for i in 1 2 3; do ", ";done"),
        ("eval ", ""),
        ("sudo ", ""),
        ("sh -c ", ""),
        ("env ", ""),
        ("! ", ""),
        ("time ", ""),
        ("f() { ", ";}"),
        ("x=", ""),
        ("${x:-", "}"),
        ("$((", "))"),
        ("{a,", "}"),
        ("case a in a) ", ";; esac"),
        ("case a in a) ", " esac"),
        ("case a in a) ", ""),
        ("for ((", ""),
        ("( a; ", ")"),
        ("( ')'; ", ")"),
        ("[[ a =~ (", ""),
        ("coproc ", ""),
        ("<(", ")"),
        ("[[ ( ", " ) ]]"),
        ("xargs ", ""),
        ("a && ", ""),
        ("a | ", ""),
        ("${x[", "]}"),
    ] {
        for depth in [8, 35, 300, 3000] {
            let text = format!("{}rm{}", open.repeat(depth), close.repeat(depth));
            let text: String = text.chars().take(32 * 1024).collect();
            let _ = judged(text);
        }
    }
}

#[test]
fn floods_of_one_token_end_in_a_verdict() {
    for token in [
        "a ",
        "a;",
        "a|",
        "$",
        "\"a\"",
        "<<a ",
        "<",
        "a & ",
        "\n",
        "`",
        "\\",
        "$(a) ",
        "{a,b}",
        "if a; then b; ",
        "a=(",
        "x=1 ",
        "'",
        "$x",
        "${",
        "~",
        "*",
        "[",
        "#",
        "a=b;",
        "f(){ f;};",
        "{1..99999}",
        ">a ",
        "<<<a ",
        "$'\\x41'",
        "é",
        "trap a b;",
    ] {
        let text: String = token.repeat(32 * 1024 / token.len());
        let _ = judged(text);
    }
}

#[test]
fn definitions_that_double_do_not_run_away() {
    let mut text = String::from("x=aaaaaaaa;");
    for _ in 0..60 {
        text.push_str("x=$x$x;");
    }
    let _ = judged(text + "echo $x");
    let mut text = String::from("f0() { ls; };");
    for index in 1..40 {
        text.push_str(&format!("f{index}() {{ f{0}; f{0}; }};", index - 1));
    }
    assert_ne!(judged(text + "f39"), Verdict::Allow);
    assert_ne!(
        judged("for a in 1 2 3 4 5 6 7 8 9; do ".repeat(8) + "ls" + &"; done".repeat(8)),
        Verdict::Allow
    );
}

#[test]
fn a_number_no_descriptor_has_is_opaque() {
    assert_eq!(judged("ls 99999999999999>x".into()), Verdict::Confirm);
}

/// Found by fuzzing: the tokenizer went past the end of the text.
#[test]
fn here_documents_that_end_nowhere_are_opaque() {
    for text in [
        "; $(rm -rf cat <<EOF; $(rm -rf /)\nEOF",
        "$(a <<E; $(b)\nE",
        "${x:-$(a <<E; $(b)\nE",
        "echo `a <<E; $(b)\nE",
        "echo \"$(a <<E <<F; $(b) $(c)\nE\nF",
    ] {
        assert_ne!(judged(text.into()), Verdict::Allow, "{text}");
    }
}

/// Found by fuzzing: the name before `=` was cut in the middle of a character.
#[test]
fn arithmetic_takes_letters_beyond_ascii_for_no_part_of_a_name() {
    for text in ["let 'ӡx=1'", "let 'a[ӡ=2'", "echo $(( ӡ = 1 ))", "((äö=rm))"] {
        let _ = judged(text.into());
    }
}
