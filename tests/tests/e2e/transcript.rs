//! Recordings of sessions, and people who watch.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use sallyport_tests::world::{World, eventually, process};
use serde_json::{Value, json};

#[test]
fn a_recorded_shell_is_kept_as_an_asciicast_and_read_back_by_model_and_person() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let open = json!({ "target": "web1", "name": "work", "record": true });
    client.call("ssh_session_open", open).expect_ok();
    client
        .call("ssh_exec", json!({ "session": "work", "command": "echo recorded; echo too >&2" }))
        .expect_ok();
    let got = client.call("ssh_transcript", json!({ "session": "work", "action": "get" })).expect_ok();
    assert!(got.text("text").contains("$ echo recorded; echo too >&2\n"), "{:#}", got.raw);
    assert!(got.text("text").contains("recorded\n") && got.text("text").contains("too\n"), "{:#}", got.raw);
    assert!(got["entries"].as_u64() >= Some(2) && got["recording"] == true, "{:#}", got.raw);
    let stopped = client.call("ssh_transcript", json!({ "session": "work", "action": "stop" })).expect_ok();
    assert_eq!(stopped["recording"], false);
    client.call("ssh_exec", json!({ "session": "work", "command": "echo unseen" })).expect_ok();
    let id = got.text("transcript").to_owned();
    let file = world.state().join(format!("transcripts/{id}.cast"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let cast = std::fs::read_to_string(&file).unwrap();
    let header: Value = serde_json::from_str(cast.lines().next().unwrap()).unwrap();
    assert_eq!(header["version"], 2);
    assert!(!cast.contains("unseen"), "{cast}");
    let listed = world.run(&["transcript", "list", "--json"]).expect_success();
    assert!(listed.contains(&id), "{listed}");
    assert!(world.run(&["transcript", "show", &id]).expect_success().contains("recorded"));
    let played = world.run(&["transcript", "play", &id, "--idle", "0"]).expect_success();
    assert!(played.contains("recorded\r\n"), "{played:?}");
    let missing = world.run(&["transcript", "show", "no-such-one"]);
    assert!(missing.code() != 0 && missing.stderr.contains("no transcript"), "{missing:?}");
}

#[test]
fn what_was_never_recorded_is_refused_and_a_closed_sessions_transcript_is_still_there() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    client.call("ssh_session_open", json!({ "target": "web1", "name": "work" })).expect_ok();
    let ask = |action: &str| client.call("ssh_transcript", json!({ "session": "work", "action": action }));
    ask("get").expect_code("invalid_argument");
    assert_eq!(ask("stop").expect_ok()["recording"], false);
    client
        .call("ssh_transcript", json!({ "session": "nope", "action": "start" }))
        .expect_code("session_not_found");
    client
        .call("ssh_transcript", json!({ "session": "work", "action": "erase" }))
        .expect_code("invalid_argument");
    ask("start").expect_ok();
    client.call("ssh_exec", json!({ "session": "work", "command": "echo kept" })).expect_ok();
    client.call("ssh_session_close", json!({ "session": "work" })).expect_ok();
    assert!(ask("get").expect_ok().text("text").contains("kept"));
    ask("start").expect_code("session_not_found");
}

#[test]
fn a_person_lists_watches_and_closes_a_session() {
    let world = World::new();
    world.policy("mode = \"unrestricted\"\n");
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let open = json!({ "target": "web1", "kind": "terminal", "name": "t" });
    client.call("ssh_session_open", open).expect_ok();
    let listed = world.run(&["session", "list", "--json"]).expect_success();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["kind"]), (&json!("t"), &json!("terminal")));
    let shown = world.fresh("shown");
    let mut watch = world.sallyport(&["session", "watch", "t"]);
    watch.stdin(Stdio::null()).stdout(std::fs::File::create(&shown).unwrap()).stderr(Stdio::null());
    let mut watch = watch.spawn().unwrap();
    let send = json!({ "session": "t", "text": "printf '\\033]0;title\\007'; echo se''en", "until": "seen" });
    client.call("ssh_session_send", send).expect_ok();
    let text = || std::fs::read_to_string(&shown).unwrap_or_default();
    eventually("the watcher sees it", || text().contains("seen\r\n").then_some(()));
    assert!(!text().contains("\x1b]0;"), "{:?}", text());
    assert!(world.run(&["session", "close", "nope"]).stderr.contains("no session nope"));
    world.run(&["session", "close", "t"]).expect_success();
    assert!(
        process::wait(&mut watch).is_some_and(|status| status.success()),
        "watching ends with the session"
    );
    assert_eq!(world.run(&["session", "list", "--json"]).expect_success().trim(), "[]");
}
