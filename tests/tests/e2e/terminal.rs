//! Terminals: real programs on a real pseudo-terminal, and everything that can go wrong with them.

mod programs;

use std::time::Duration;

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{Sshd, World, eventually, terminal};
use serde_json::{Value, json};

/// A host on which terminals are allowed at once.
fn allowing(world: &World) -> Sshd {
    let sshd = world.sshd();
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("web1", &sshd, "terminal = \"allow\"");
    world.trust(&sshd);
    sshd
}

/// A terminal, and a client that talks to it.
struct Term<'a> {
    client: &'a McpClient,
    session: String,
}

impl<'a> Term<'a> {
    /// Opens one that runs a plain shell with the prompt `ready> `.
    #[track_caller]
    fn open(client: &'a McpClient) -> Self {
        let term = Self::open_with(client, json!({ "target": "web1", "kind": "terminal" }));
        // Whatever the login shell is, the tests talk to this one. The prompt is quoted so that the echo is not it.
        let plain = "exec env -i PS1='ready''> ' TERM=xterm-256color HOME=/nonexistent LC_ALL=C.UTF-8 \
                     PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin /bin/sh -i";
        term.send(json!({ "text": plain, "until": "ready> ", "wait_s": 30 }));
        term
    }

    #[track_caller]
    fn open_with(client: &'a McpClient, arguments: Value) -> Self {
        let reply = client.call("ssh_session_open", arguments).expect_ok();
        assert_eq!((&reply["created"], &reply["kind"]), (&json!(true), &json!("terminal")));
        Self { client, session: reply.text("session").to_owned() }
    }

    fn with(&self, mut arguments: Value) -> Value {
        arguments["session"] = self.session.as_str().into();
        arguments
    }

    #[track_caller]
    fn send(&self, arguments: Value) -> Reply {
        let reply = self.client.call("ssh_session_send", self.with(arguments)).expect_ok();
        if reply.raw["result"]["structuredContent"]["matched"] == false {
            // A test that waits for something wants it.
            println!("not matched: {:#}", reply.raw);
        }
        reply
    }

    #[track_caller]
    fn read(&self, arguments: Value) -> Reply {
        self.client.call("ssh_session_read", self.with(arguments)).expect_ok()
    }

    /// Types a line and waits for a text on the screen.
    #[track_caller]
    fn screen(&self, arguments: Value, until: &str) -> Reply {
        let mut arguments = arguments;
        arguments["format"] = "screen".into();
        arguments["until"] = until.into();
        arguments["wait_s"] = 30.into();
        let reply = self.send(arguments);
        assert_eq!(reply["matched"], true, "{until}: {:#}", reply.raw);
        reply
    }
}

#[test]
fn a_terminal_answers_line_by_line_and_tells_nothing_twice() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    let reply = term.send(
        json!({ "text": "echo o\"\"ne; tty", "until": "/dev/pts/[0-9]+", "regex": true, "wait_s": 30 }),
    );
    assert_eq!(reply["matched"], true, "{:#}", reply.raw);
    assert!(reply.text("output").contains("one\n/dev/pts/"), "{:#}", reply.raw);
    let rest = term.read(json!({ "until": "ready> ", "wait_s": 30 }));
    assert!(!rest.text("output").contains("one"), "told twice: {:#}", rest.raw);
    let next = &rest["next_cursor"];
    let again = term.read(json!({ "cursor": reply["next_cursor"], "wait_s": 0 }));
    assert_eq!((again.text("output"), &again["next_cursor"]), (rest.text("output"), next));
    let nothing = term.read(json!({ "wait_s": 0 }));
    assert_eq!((nothing.text("output"), &nothing["next_cursor"], &nothing["dropped"]), ("", next, &json!(0)));
}

#[test]
fn a_terminal_has_the_size_directory_and_variables_it_was_opened_with_and_takes_another_size() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let arguments = json!({
        "target": "web1", "kind": "terminal", "cols": 100, "rows": 30, "cwd": "/usr/bin", "env": { "GREETING": "it's" },
    });
    let term = Term::open_with(&client, arguments);
    let text = "echo \"<$GREETING $PWD $(stty size)>\"";
    let reply = term.send(json!({ "text": text, "until": "<it's /usr/bin 30 100>", "wait_s": 30 }));
    assert_eq!(reply["matched"], true, "{:#}", reply.raw);
    let reply =
        term.send(json!({ "cols": 80, "rows": 25, "text": "stty size", "until": "25 80", "wait_s": 30 }));
    assert_eq!(reply["matched"], true, "{:#}", reply.raw);
    let screen = term.read(json!({ "format": "screen" }));
    assert_eq!((&screen["screen"]["cols"], &screen["screen"]["rows"]), (&json!(80), &json!(25)));
    let wrong = json!({ "target": "web1", "kind": "terminal", "cwd": "/no/such/place" });
    let refused = client.call("ssh_session_open", wrong).expect_code("invalid_argument");
    assert!(refused.text("message").contains("/no/such/place"), "{:#}", refused.raw);
    let wide = json!({ "target": "web1", "kind": "terminal", "cols": 5 });
    client.call("ssh_session_open", wide).expect_code("invalid_argument");
    let items = client.call("ssh_list_active", json!({ "kind": "session" })).expect_ok();
    assert_eq!(items["items"].as_array().map(Vec::len), Some(1), "{:#}", items.raw);
}

#[test]
fn a_password_prompt_is_shown_at_once_and_what_answers_it_is_not_in_the_audit_log() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    let ask = "stty -echo; printf 'Pass''word: '; read a; stty echo; echo \"[${#a}]\"";
    let asked = term.send(json!({ "text": ask, "until": "Password: $", "regex": true, "wait_s": 30 }));
    assert_eq!(asked["matched"], true, "{:#}", asked.raw);
    let answered = term.send(json!({ "text": "swordfish-from-the-user", "until": "[23]", "wait_s": 30 }));
    assert_eq!(answered["matched"], true, "{:#}", answered.raw);
    let log = std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
    assert!(log.contains("terminal_open") && log.contains("terminal_send"), "{log}");
    assert!(log.contains("24 bytes typed at a password prompt"), "{log}");
    assert!(!log.contains("swordfish"), "{log}");
}

#[test]
fn the_end_of_a_terminal_tells_why_and_its_last_words_stay_readable() {
    let world = World::new();
    let mut sshd = allowing(&world);
    let client = world.mcp();
    let ended = |term: &Term, arguments: Value, reason: &str| {
        term.send(arguments);
        let reply = eventually("its end", || {
            let reply = term.read(json!({ "wait_s": 5, "cursor": 0 }));
            (reply["running"] == false).then_some(reply)
        });
        assert!(reply.text("exit_reason").contains(reason), "{reason}: {:#}", reply.raw);
        reply
    };
    let term = Term::open(&client);
    let reply = ended(&term, json!({ "text": "echo last' 'words; exit 7" }), "exited with code 7");
    assert!(reply.text("output").contains("last words"), "{:#}", reply.raw);
    client.call("ssh_session_send", term.with(json!({ "text": "ls" }))).expect_code("session_not_found");
    client.call("ssh_session_close", json!({ "session": term.session })).expect_code("session_not_found");
    ended(&Term::open(&client), json!({ "text": "kill -KILL $$" }), "SIGKILL");
    let term = Term::open(&client);
    sshd.stop();
    let reply = eventually("its end", || {
        let reply = term.read(json!({ "wait_s": 5 }));
        (reply["running"] == false).then_some(reply)
    });
    assert!(!reply.text("exit_reason").is_empty(), "{:#}", reply.raw);
    let items = client.call("ssh_list_active", json!({ "kind": "session" })).expect_ok();
    assert_eq!(items["items"], json!([]));
}

#[test]
fn what_makes_no_sense_is_refused_by_code_and_types_nothing() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    let before = term.read(json!({ "wait_s": 0 }))["next_cursor"].clone();
    let s = term.session.as_str();
    for (what, tool, arguments, code) in [
        (
            "a bad expression",
            "ssh_session_read",
            json!({ "session": s, "until": "(", "regex": true }),
            "invalid_argument",
        ),
        (
            "one too large",
            "ssh_session_send",
            json!({ "session": s, "text": "x", "until": "(a{999}){999}", "regex": true }),
            "invalid_argument",
        ),
        (
            "no key",
            "ssh_session_send",
            json!({ "session": s, "text": "x", "keys": ["hyper-x"] }),
            "invalid_argument",
        ),
        ("nothing to send", "ssh_session_send", json!({ "session": s }), "invalid_argument"),
        ("half a size", "ssh_session_send", json!({ "session": s, "cols": 80 }), "invalid_argument"),
        (
            "a silly size",
            "ssh_session_send",
            json!({ "session": s, "cols": 80, "rows": 60000 }),
            "invalid_argument",
        ),
        (
            "a cursor in the future",
            "ssh_session_read",
            json!({ "session": s, "cursor": (1u64 << 40) }),
            "invalid_argument",
        ),
        (
            "the same when sending",
            "ssh_session_send",
            json!({ "session": s, "text": "x", "cursor": (1u64 << 40) }),
            "invalid_argument",
        ),
        ("a NUL", "ssh_session_send", json!({ "session": s, "text": "a\0b" }), "invalid_argument"),
        (
            "too much text",
            "ssh_session_send",
            json!({ "session": s, "text": "x".repeat(40_000) }),
            "too_large",
        ),
        (
            "a field nobody knows",
            "ssh_session_read",
            json!({ "session": s, "colour": 1 }),
            "invalid_argument",
        ),
        ("a wrong type", "ssh_session_read", json!({ "session": s, "wait_s": "long" }), "invalid_argument"),
        (
            "a time that is none",
            "ssh_session_read",
            json!({ "session": s, "wait_s": -1 }),
            "invalid_argument",
        ),
        (
            "an unknown format",
            "ssh_session_read",
            json!({ "session": s, "format": "html" }),
            "invalid_argument",
        ),
        ("no such session", "ssh_session_read", json!({ "session": "nope" }), "session_not_found"),
        (
            "a command in a terminal",
            "ssh_exec",
            json!({ "session": s, "command": "true" }),
            "unsupported_operation",
        ),
    ] {
        let reply = client.call(tool, arguments);
        assert_eq!(reply.code(), code, "{what}: {:#}", reply.raw);
    }
    let after = term.read(json!({ "wait_s": 0.3 }));
    assert_eq!(
        (after.text("output"), &after["next_cursor"]),
        ("", &before),
        "something was typed: {:#}",
        after.raw
    );
    let shell = client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok();
    let refused = client.call("ssh_session_read", json!({ "session": shell.text("session") }));
    refused.expect_code("unsupported_operation");
}

#[test]
fn a_named_terminal_is_found_again_and_an_unnamed_one_ends_with_its_client() {
    let world = World::new();
    let _sshd = allowing(&world);
    let mut first = world.mcp();
    let open = |client: &McpClient, name: Option<&str>| {
        let mut arguments = json!({ "target": "web1", "kind": "terminal" });
        if let Some(name) = name {
            arguments["name"] = name.into();
        }
        client.call("ssh_session_open", arguments)
    };
    let named = open(&first, Some("work")).expect_ok();
    assert_eq!((named.text("session"), &named["created"]), ("work", &json!(true)));
    let unnamed = open(&first, None).expect_ok().text("session").to_owned();
    let type_sleep = |session: &str, seconds: u32| {
        let text = format!("sleep {seconds}");
        first.call("ssh_session_send", json!({ "session": session, "text": text })).expect_ok();
    };
    type_sleep("work", 601);
    type_sleep(&unnamed, 602);
    let runs = |command: &str| world.remote_processes().iter().any(|process| process.command == command);
    eventually("both", || (runs("sleep 601") && runs("sleep 602")).then_some(()));
    first.kill();
    eventually("the end of the unnamed one", || (!runs("sleep 602")).then_some(()));
    let second = world.mcp();
    second.call("ssh_session_read", json!({ "session": unnamed })).expect_code("session_not_found");
    let again = open(&second, Some("work")).expect_ok();
    assert_eq!(again["created"], false);
    let wrong = json!({ "target": "web1", "name": "work" });
    second.call("ssh_session_open", wrong).expect_code("invalid_argument");
    let whole = second.call("ssh_session_read", json!({ "session": "work", "cursor": 0 })).expect_ok();
    assert!(whole.text("output").contains("sleep 601") && runs("sleep 601"), "{:#}", whole.raw);
    second.call("ssh_session_close", json!({ "session": "work" })).expect_ok();
    eventually("its end", || world.remote_processes().is_empty().then_some(()));
}

#[test]
fn the_mode_and_the_host_say_who_may_open_a_terminal() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let arguments = json!({ "target": "web1", "kind": "terminal", "name": "t" });
    world.policy("mode = \"readonly\"\n");
    let denied = client.call("ssh_session_open", arguments.clone());
    assert_eq!((denied.status(), denied.code()), ("blocked", "policy_blocked"), "{:#}", denied.raw);
    world.policy("mode = \"guarded\"\nconfirmation = \"operator\"\n");
    let held = client.call("ssh_session_open", arguments.clone());
    assert_eq!(held.status(), "needs_confirmation", "{:#}", held.raw);
    let id = held["confirmation"]["id"].as_str().unwrap().to_owned();
    let approve = terminal::run(&world.sallyport(&["approve", &id]), &[("[y/N]", "y\n")]).expect_success();
    assert!(approve.contains("interactive terminal"), "{approve}");
    let mut other = arguments.clone();
    other["confirmation_id"] = id.as_str().into();
    other["cols"] = 99.into();
    client.call("ssh_session_open", other.clone()).expect_code("confirmation_expired");
    other["cols"] = Value::Null;
    other.as_object_mut().unwrap().remove("cols");
    client.call("ssh_session_open", other).expect_ok();
    // Confirmed once a session: what is typed needs no other.
    let sent = client.call("ssh_session_send", json!({ "session": "t", "text": "rm -r /nonexistent" }));
    sent.expect_ok();
    world.policy("mode = \"readonly\"\n");
    let late = client.call("ssh_session_send", json!({ "session": "t", "text": "echo x" }));
    assert_eq!((late.status(), late.code()), ("blocked", "policy_blocked"), "{:#}", late.raw);
    world.policy("mode = \"unrestricted\"\n");
    client.call("ssh_session_open", json!({ "target": "web1", "kind": "terminal" })).expect_ok();
}

#[test]
fn a_secret_is_masked_in_every_format_however_it_is_printed() {
    let world = World::new();
    let sshd = world.sshd();
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    let user = own_name();
    world.record("ssh", &sshd.place(), &user, "key", key.private().as_bytes());
    world.host("web1", &sshd, "terminal = \"allow\"");
    world.trust(&sshd);
    let client = world.mcp();
    let term = Term::open(&client);
    let secret = key.private().lines().nth(2).unwrap().to_owned();
    let file = world.fresh("key");
    std::fs::write(&file, &secret).unwrap();
    let path = file.display();
    for (print, end) in [
        (format!("cat {path}; echo; echo e''nd1"), "end1"),
        // In pieces, with pauses, with colours in between, one character at a time.
        (
            format!(
                "for c in $(sed 's/./& /g' {path}); do printf '\\033[3%dm%s' 1 $c; sleep 0.002; done; echo; echo e''nd2"
            ),
            "end2",
        ),
        // Backwards over the line, by cursor moves.
        (
            format!(
                "n=$(wc -c <{path}); while [ $n -gt 0 ]; do printf '\\033[%dG%s' $((n % 70 + 1)) \"$(cut -c$n {path})\"; n=$((n-1)); done; echo; echo e''nd3"
            ),
            "end3",
        ),
    ] {
        let reply = term.send(json!({ "text": print, "until": end, "wait_s": 50 }));
        assert_eq!(reply["matched"], true, "{:#}", reply.raw);
    }
    let plain = term.read(json!({ "cursor": 0, "wait_s": 0, "max_chars": 200_000 }));
    let raw = term.read(json!({ "cursor": 0, "wait_s": 0, "format": "raw", "max_chars": 200_000 }));
    let screen = term.read(json!({ "format": "screen" }));
    for reply in [&plain, &raw, &screen] {
        let shown: String = reply
            .text("output")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c))
            .collect();
        for at in 0..secret.len() - 16 {
            assert!(
                !shown.contains(&secret[at..at + 16]),
                "{} is shown: {:#}",
                &secret[at..at + 16],
                reply.raw
            );
        }
    }
    assert!(plain.text("output").contains("[redacted]"), "{:#}", plain.raw);
}

#[test]
fn a_flood_nobody_reads_is_dropped_counted_and_slows_nobody() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    let text = "head -c 30000000 /dev/zero | tr '\\0' x; echo; echo flood''end";
    let reply = term.send(json!({ "text": text, "wait_s": 0 }));
    assert_eq!(reply["running"], true);
    let fine = client.call("ssh_exec", json!({ "target": "web1", "command": "echo fine" })).expect_ok();
    assert_eq!(fine.text("stdout"), "fine\n");
    let (mut dropped, mut found) = (0, false);
    while !found {
        let page = term.read(json!({ "until": "floodend", "wait_s": 40, "max_chars": 50_000 }));
        dropped += page["dropped"].as_u64().unwrap();
        found = page["matched"] == true;
        assert!(page.text("output").len() <= 50_200);
    }
    let last = term.read(json!({ "wait_s": 5, "until": "ready> " }));
    assert!(dropped > 20_000_000, "{dropped} bytes dropped: {:#}", last.raw);
    assert!(last["next_cursor"].as_u64().unwrap() > 30_000_000);
}

#[test]
fn a_character_cut_anywhere_arrives_whole_and_bytes_that_are_none_are_shown() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    let text = "printf 'A\\303'; sleep 0.4; printf '\\244B\\377C\\342\\202'; sleep 0.4; echo DON''E";
    let first = term.send(json!({ "text": text, "quiet_s": 0.15, "wait_s": 10 }));
    let rest = term.read(json!({ "until": "DONE", "wait_s": 30 }));
    let all = format!("{}{}", first.text("output"), rest.text("output"));
    assert!(all.contains("A\u{e4}B\\xffC\\xe2\\x82DONE"), "{all:?}");
    for format in ["plain", "raw"] {
        let (mut cursor, mut whole) = (0, String::new());
        loop {
            let page = term.read(json!({ "cursor": cursor, "wait_s": 0, "max_chars": 7, "format": format }));
            whole.push_str(page.text("output"));
            let next = page["next_cursor"].as_u64().unwrap();
            if next == cursor {
                break;
            }
            cursor = next;
        }
        assert!(whole.contains("A\u{e4}B\\xffC"), "{format}: {whole:?}");
    }
}

#[test]
fn a_cancelled_look_loses_nothing_and_a_terminal_of_another_kind_of_caller_is_not_there() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    term.read(json!({ "wait_s": 0 }));
    let pending = client.start("ssh_session_read", term.with(json!({ "until": "never", "wait_s": 40 })));
    term.send(json!({ "text": "echo o''ut", "cursor": 0, "wait_s": 0 }));
    client.cancel(pending.id);
    let found = term.read(json!({ "cursor": 0, "until": "out\n", "wait_s": 30 }));
    assert_eq!(found["matched"], true, "{:#}", found.raw);
    assert!(pending.ready().is_none());
}

#[test]
fn a_terminal_nobody_uses_ends_by_itself() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let arguments = json!({ "target": "web1", "kind": "terminal", "idle_timeout_s": 1 });
    let term = Term::open_with(&client, arguments);
    eventually("its end", || {
        // ssh_list_active is no use of it.
        let items = client.call("ssh_list_active", json!({ "kind": "session" })).expect_ok();
        (items["items"] == json!([])).then_some(())
    });
    let reply = term.read(json!({ "wait_s": 0 }));
    assert_eq!((&reply["running"], reply.text("exit_reason")), (&json!(false), "not used for 1 seconds"));
}

#[test]
fn what_is_waited_for_is_answered_when_it_comes_not_when_time_is_over() {
    let world = World::new();
    let _sshd = allowing(&world);
    let client = world.mcp();
    let term = Term::open(&client);
    let pending = client.start(
        "ssh_session_send",
        term.with(json!({ "text": "sleep 0.5; echo no''w; sleep 30", "until": "now\n", "wait_s": 40 })),
    );
    let reply = pending.wait_for(Duration::from_secs(25)).expect_ok();
    assert_eq!(reply["matched"], true, "{:#}", reply.raw);
}
