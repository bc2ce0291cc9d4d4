//! `env://` records: their variables reach the process and nothing else.

use std::fs;

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::{Sshd, World, eventually, process};
use serde_json::{Value, json};

const TOKEN: &str = "tok-5f3a9c0e77b1d2";
const MULTI: &str = "line one of it's\nline two \"quoted\" $HOME";

/// A host and a record `env://app` with a token and a value of several lines.
fn ready() -> (World, Sshd, McpClient) {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let text = format!(
        "# what the deployment needs\nexport TOKEN={TOKEN}\nMULTI=\"{}\"\n",
        MULTI.replace('"', "\\\"")
    );
    world.store().insert(world.gpg(), "sallyport/env/app/dotenv", text.as_bytes());
    let client = world.mcp();
    (world, sshd, client)
}

fn exec(client: &McpClient, more: Value) -> sallyport_tests::mcp::Reply {
    let mut arguments = json!({ "target": "web1" });
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.call("ssh_exec", arguments)
}

#[test]
fn a_command_has_the_values_and_an_answer_never_shows_them() {
    let (_world, _sshd, client) = ready();
    let arguments = json!({ "command": "printf %s \"$TOKEN\" | wc -c; printf %s \"$MULTI\" | wc -l; echo \"$TOKEN\"; cat",
                            "secrets": ["app"], "stdin": "input" });
    let reply = exec(&client, arguments).expect_ok();
    let expected = format!("{}\n1\n[redacted]\ninput", TOKEN.len());
    assert_eq!(reply.text("stdout"), expected, "{:#}", reply.raw);
    assert_eq!(reply["redactions"], 1);
    let bare = exec(&client, json!({ "command": "echo \"<$TOKEN>\"" })).expect_ok();
    assert_eq!(bare.text("stdout"), "<>\n");
}

#[test]
fn the_values_are_in_no_argument_vector_and_no_file() {
    let (world, _sshd, client) = ready();
    let job = exec(&client, json!({ "command": "exec sleep 987", "secrets": ["app"], "background": true }));
    let job = job.text("job_id").to_owned();
    let sleeper =
        eventually("the command", || process::all().find(|pid| process::command_line(*pid) == "sleep 987"));
    let environ = fs::read(format!("/proc/{sleeper}/environ")).unwrap();
    assert!(String::from_utf8_lossy(&environ).contains(TOKEN), "it has them");
    for pid in process::all().filter(|pid| *pid != std::process::id() as i32) {
        assert!(!process::command_line(pid).contains(TOKEN), "{}", process::command_line(pid));
    }
    let grep = process::run(process::bare("grep").args(["-rlF", TOKEN]).arg(world.dir()), b"");
    assert_eq!(grep.stdout, "", "also the audit log, and whatever a shell left behind");
    client.call("ssh_stop", json!({ "id": job })).expect_ok();
}

#[test]
fn a_name_that_changes_what_runs_needs_a_confirmation_like_the_assignment_it_is() {
    let (world, _sshd, client) = ready();
    world.store().insert(world.gpg(), "sallyport/env/loader/dotenv", b"LD_PRELOAD=/tmp/evil-library.so\n");
    let reply = exec(&client, json!({ "command": "id", "secrets": ["loader"] }));
    assert_eq!(reply.status(), "needs_confirmation", "{:#}", reply.raw);
    assert!(!reply.raw.to_string().contains("evil-library"), "{:#}", reply.raw);
    let reply = exec(&client, json!({ "command": "$TOKEN", "secrets": ["app"] }));
    assert_eq!(reply.status(), "needs_confirmation", "a value is not known to the policy: {:#}", reply.raw);
}

#[test]
fn a_session_has_them_for_one_call_or_until_they_are_detached() {
    let (_world, _sshd, client) = ready();
    let session =
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok().text("session").to_owned();
    let run = |command: &str, secrets: &[&str]| {
        let arguments = json!({ "session": session, "command": command, "secrets": secrets });
        client.call("ssh_exec", arguments).expect_ok().text("stdout").to_owned()
    };
    assert_eq!(run("echo ${#TOKEN}; x=kept", &["app"]), format!("{}\n", TOKEN.len()));
    assert_eq!(run("echo ${#TOKEN} $x", &[]), "0 kept\n");
    let act = |action: &str| {
        client.call("ssh_secrets", json!({ "action": action, "name": "app", "session": session }))
    };
    let reply = act("attach").expect_ok();
    assert_eq!((&reply["names"], &reply["variables"]), (&json!(["app"]), &json!(["TOKEN", "MULTI"])));
    assert_eq!(run("echo ${#TOKEN}", &["app"]), format!("{}\n", TOKEN.len()));
    assert_eq!(run("set -x; echo $TOKEN; set +x; env | grep -c ^TOKEN=", &[]), "[redacted]\n1\n");
    assert_eq!(act("detach").expect_ok()["names"], json!([]));
    assert_eq!(run("echo ${#TOKEN}", &[]), "0\n");
    let said = run(&format!("printf 'tok-5f3a9%s\\n' {}", &TOKEN[9..]), &[]);
    assert_eq!(said, "[redacted]\n", "what was detached stays masked");
    act("detach").expect_code("missing_credential");
}

#[test]
fn a_session_can_begin_with_them() {
    let (_world, _sshd, client) = ready();
    let arguments = json!({ "target": "web1", "secrets": ["env://app"] });
    let session = client.call("ssh_session_open", arguments).expect_ok().text("session").to_owned();
    let reply =
        client.call("ssh_exec", json!({ "session": session, "command": "echo ${#TOKEN}" })).expect_ok();
    assert_eq!(reply.text("stdout"), format!("{}\n", TOKEN.len()));
    // They are attached like those that came later.
    let act =
        |action| client.call("ssh_secrets", json!({ "action": action, "session": session, "name": "app" }));
    assert_eq!(act("list").expect_ok()["names"], json!(["app"]));
    assert_eq!(act("detach").expect_ok()["names"], json!([]));
    let gone =
        client.call("ssh_exec", json!({ "session": session, "command": "echo ${#TOKEN}" })).expect_ok();
    assert_eq!(gone.text("stdout"), "0\n");
}

#[test]
fn records_are_named_and_a_missing_or_broken_one_is_told_without_its_text() {
    let (world, _sshd, client) = ready();
    world.store().insert(world.gpg(), "sallyport/env/broken/dotenv", b"A=fine\nthis is no assignment\n");
    let reply = client.call("ssh_secrets", json!({ "action": "list" })).expect_ok();
    assert_eq!(reply["names"], json!(["app", "broken"]));
    exec(&client, json!({ "command": "id", "secrets": ["none"] })).expect_code("missing_credential");
    let reply = exec(&client, json!({ "command": "id", "secrets": ["broken"] }))
        .expect_code("credential_backend_unavailable");
    assert!(reply.text("message").contains("line 2") && !reply.raw.to_string().contains("no assignment"));
    client.call("ssh_secrets", json!({ "action": "attach", "name": "app" })).expect_code("invalid_argument");
}

#[test]
fn a_terminal_has_them_and_neither_shows_nor_keeps_them_anywhere() {
    let (world, sshd, client) = ready();
    world.host("web2", &sshd, "terminal = \"allow\"");
    let known = json!({ "target": "web2", "command": "true" });
    eventually("the new host", || {
        (client.call("ssh_check_command", known.clone()).status() == "ok").then_some(())
    });
    // Longer than a line of a terminal may be, and with characters that a terminal acts upon.
    let awkward = format!("{}\u{3}\u{4}\u{11}\u{13}\u{1a}\rend", "x7".repeat(3000));
    let text = format!("TOKEN={TOKEN}\nAWKWARD=\"{awkward}\"\n");
    world.store().insert(world.gpg(), "sallyport/env/other/dotenv", text.as_bytes());
    let arguments = json!({ "target": "web2", "kind": "terminal", "secrets": ["other"], "cwd": "/usr", "env": { "PLAIN": "p" } });
    let session = client.call("ssh_session_open", arguments).expect_ok().text("session").to_owned();
    let send = |text: &str, until: &str| {
        let arguments = json!({ "session": session, "text": text, "until": until, "wait_s": 30 });
        let reply = client.call("ssh_session_send", arguments).expect_ok();
        assert_eq!(reply["matched"], true, "{:#}", reply.raw);
        reply.text("output").to_owned()
    };
    let counted = format!("<{} {} p /usr>", TOKEN.len(), awkward.len());
    send("printf '<%s %s %s %s>\\n' ${#TOKEN} ${#AWKWARD} $PLAIN \"$PWD\"", &counted);
    let shown = send("echo \"$TOKEN\"; stty -a; echo do''ne", "done");
    assert!(shown.contains("[redacted]") && !shown.contains(TOKEN), "{shown}");
    assert!(
        ["echo", "icanon", "isig", "ixon", "icrnl"]
            .iter()
            .all(|mode| shown.split_whitespace().any(|word| word == *mode)),
        "{shown}"
    );
    let raw = json!({ "session": session, "cursor": 0, "format": "raw", "max_chars": 200_000 });
    let all = client.call("ssh_session_read", raw).expect_ok();
    assert!(!all.raw.to_string().contains("x7x7"), "{:#}", all.raw);
    for pid in process::all().filter(|pid| *pid != std::process::id() as i32) {
        assert!(!process::command_line(pid).contains(TOKEN), "{}", process::command_line(pid));
    }
    let grep = process::run(process::bare("grep").args(["-rlF", TOKEN]).arg(world.dir()), b"");
    assert_eq!(grep.stdout, "", "also the audit log, and whatever a shell left behind");
    client.call("ssh_session_close", json!({ "session": session })).expect_ok();
}

#[test]
fn a_terminal_with_records_is_confirmed_with_their_names() {
    let (_world, _sshd, client) = ready();
    let arguments = json!({ "target": "web1", "kind": "terminal", "secrets": ["app"] });
    let reply = client.call("ssh_session_open", arguments);
    assert_eq!(reply.status(), "needs_confirmation", "{:#}", reply.raw);
    let missing = json!({ "target": "web1", "kind": "terminal", "secrets": ["none"] });
    client.call("ssh_session_open", missing).expect_code("missing_credential");
}
