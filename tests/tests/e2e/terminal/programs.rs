//! What people run in terminals: editors, pagers, interpreters, questions.

use sallyport_tests::world::{World, eventually, process};
use serde_json::json;

use super::{Term, allowing};

#[test]
fn vim_is_usable() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    let file = world.fresh("note");
    let path = file.display();
    term.screen(json!({ "text": format!("vim -u NONE -N {path}") }), "[New]");
    term.send(json!({ "text": "ifirst line\nsecond", "enter": false }));
    term.send(json!({ "keys": ["escape", "up", "home", "delete"] }));
    let typed = term.screen(json!({ "text": ":set ruler", "enter": true }), "irst line");
    assert_eq!(typed["screen"]["full_screen"], true);
    assert!(typed.text("output").contains("irst line\nsecond\n~"), "{:#}", typed.raw);
    let left = term.send(json!({ "text": ":wq", "until": "ready> ", "wait_s": 30 }));
    assert_eq!(left["matched"], true, "{:#}", left.raw);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "irst line\nsecond\n");
    let shell = term.read(json!({ "format": "screen" }));
    assert_eq!(shell["screen"]["full_screen"], false);
}

#[test]
fn less_pages_and_searches() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    term.screen(json!({ "text": "seq 1 1000 | sed s/^/number/ | less" }), "number1\n");
    term.screen(json!({ "keys": ["page-down"] }), "number60");
    term.screen(json!({ "text": "/number777" }), "number777");
    term.screen(json!({ "keys": ["up"] }), "number776");
    let left = term.send(json!({ "text": "q", "enter": false, "until": "ready> ", "wait_s": 30 }));
    assert_eq!(left["matched"], true, "{:#}", left.raw);
}

#[test]
fn python_and_top_and_a_question_with_yes_or_no_are_usable() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    if process::run(process::bare("sh").args(["-c", "command -v /usr/bin/python3"]), b"").code() == 0 {
        term.send(json!({ "text": "/usr/bin/python3 -q", "until": ">>> ", "wait_s": 30 }));
        let reply = term.send(
            json!({ "text": "for i in range(3): print('row', i * i)\n", "until": "row 4", "wait_s": 30 }),
        );
        assert_eq!(reply["matched"], true, "{:#}", reply.raw);
        term.send(json!({ "keys": ["ctrl-d"], "until": "ready> ", "wait_s": 30 }));
    }
    let question = "printf 'Do you want to continue? [Y/n] '; read a; echo \"answer:$a:\"";
    let asked = term.send(json!({ "text": question, "until": "continue? [Y/n] ", "wait_s": 30 }));
    assert_eq!(asked["matched"], true, "{:#}", asked.raw);
    // The echo of the line holds the question too; the question itself is what ends the output.
    let asked = term.read(json!({ "quiet_s": 0.2, "wait_s": 30, "cursor": 0 }));
    assert!(asked.text("output").ends_with("[Y/n] "), "{:#}", asked.raw);
    let answered = term.send(json!({ "text": "y", "until": "answer:y:", "wait_s": 30 }));
    assert_eq!(answered["matched"], true, "{:#}", answered.raw);
    term.screen(json!({ "text": "top -d 1" }), "load average");
    let left = term.send(json!({ "text": "q", "enter": false, "until": "ready> ", "wait_s": 30 }));
    assert_eq!(left["matched"], true, "{:#}", left.raw);
}

#[test]
fn what_is_waited_for_is_seen_when_half_a_sequence_had_come_before_it_was_typed() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    let half = "printf 'A\\033[?2004'; read x; printf 'hDON''E\\n'";
    let before = term.send(json!({ "text": half, "quiet_s": 0.1, "wait_s": 10 }));
    eventually("the half of it", || {
        let raw = term.read(json!({ "cursor": 0, "format": "raw", "wait_s": 0 }));
        raw.text("output").contains("A\u{1b}[?2004").then_some(())
    });
    let cursor = &before["next_cursor"];
    let whole = term.send(json!({ "text": "go", "until": "DONE", "wait_s": 10, "cursor": cursor }));
    assert_eq!(whole["matched"], true, "{:#}", whole.raw);
}
