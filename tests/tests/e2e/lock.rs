//! The locked vault: a model never makes a passphrase prompt appear, a person opens it.

use sallyport_tests::world::{World, eventually};
use serde_json::json;

#[test]
fn a_locked_agent_is_said_at_once_and_no_pinentry_starts_until_a_person_unlocks() {
    let world = World::with_passphrase();
    let sshd = world.ready_host("web1");
    world.gpg().person_types_the_passphrase();
    let client = world.mcp();
    let exec = || client.call("ssh_exec", json!({ "target": "web1", "command": "echo in" }));
    let reply = exec().expect_code("vault_locked");
    assert!(reply.text("hint").contains("sallyport unlock"), "{:#}", reply.raw);
    assert_eq!(client.call("ssh_list_hosts", json!({})).expect_ok()["vault"]["locked"], true);
    assert_eq!(world.gpg().pinentries_started(), 0, "no pinentry for a model");
    assert_eq!(sshd.attempts(), [""; 0]);
    world.run(&["unlock"]).expect_success();
    assert_eq!(world.gpg().pinentries_started(), 1);
    assert_eq!(exec().expect_ok().text("stdout"), "in\n");
    assert_eq!(world.gpg().pinentries_started(), 1);
}

#[test]
fn a_wrong_passphrase_or_a_cancelled_prompt_leaves_the_vault_locked() {
    let world = World::with_passphrase();
    let _sshd = world.ready_host("web1");
    let exec = || world.mcp().call("ssh_exec", json!({ "target": "web1", "command": "true" }));
    let cancelled = world.run(&["unlock"]);
    assert_ne!(cancelled.code(), 0, "{cancelled:?}");
    exec().expect_code("vault_locked");
    world.gpg().person_types_nonsense();
    let wrong = world.run(&["unlock"]);
    assert_ne!(wrong.code(), 0, "{wrong:?}");
    assert!(wrong.stderr.contains("hint:"), "{}", wrong.stderr);
    exec().expect_code("vault_locked");
}

/// Whether a login to `alias`, to which no connection is open yet, is refused because the vault is locked.
fn locked(world: &World, alias: &str) -> bool {
    let reply = world.mcp().call("ssh_exec", json!({ "target": alias, "command": "true" }));
    assert!(reply.status() == "ok" || reply.code() == "vault_locked", "{:#}", reply.raw);
    reply.code() == "vault_locked"
}

#[test]
fn a_locked_agent_is_said_at_once_when_all_channels_of_a_connection_are_taken() {
    let world = World::with_passphrase();
    let _sshd = world.ready_host("web1");
    world.gpg().person_types_the_passphrase();
    world.run(&["unlock"]).expect_success();
    let client = world.mcp();
    for _ in 0..9 {
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok();
    }
    world.gpg().lock();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_code("vault_locked");
}

#[test]
fn the_window_ends_although_the_agent_still_remembers() {
    let world = World::with_passphrase();
    let hosts = [world.ready_host("web1"), world.ready_host("web2")];
    world.settings("unlock_window_s = 8\n");
    world.gpg().person_types_the_passphrase();
    world.run(&["unlock"]).expect_success();
    assert!(!locked(&world, "web1"));
    let client = world.mcp();
    let window = || client.call("ssh_list_hosts", json!({})).expect_ok()["vault"]["locked"] == true;
    eventually("the end of the window", || window().then_some(()));
    assert!(locked(&world, "web2"));
    assert_eq!(hosts[1].attempts(), [""; 0]);
    assert_eq!(world.gpg().pinentries_started(), 1, "the agent was not asked again");
}

#[test]
fn locking_forgets_at_once() {
    let world = World::with_passphrase();
    let _hosts = [world.ready_host("web1"), world.ready_host("web2")];
    world.gpg().person_types_the_passphrase();
    world.run(&["unlock"]).expect_success();
    assert!(!locked(&world, "web1"));
    world.run(&["lock"]).expect_success();
    assert!(locked(&world, "web2"));
}

#[test]
fn locking_takes_logins_back_that_nothing_uses_and_leaves_open_sessions_alone() {
    let world = World::with_passphrase();
    let _hosts = [world.ready_host("web1"), world.ready_host("web2")];
    world.gpg().person_types_the_passphrase();
    world.run(&["unlock"]).expect_success();
    let client = world.mcp();
    let exec =
        |place: &str, name: &str| client.call("ssh_exec", json!({ place: name, "command": "echo on" }));
    let open = client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok();
    exec("target", "web2").expect_ok();
    world.run(&["lock"]).expect_success();
    assert_eq!(exec("session", open.text("session")).expect_ok().text("stdout"), "on\n");
    exec("target", "web2").expect_code("vault_locked");
}

#[test]
fn unlocking_prints_no_secret() {
    let world = World::with_passphrase();
    let sshd = world.sshd();
    world.host("web1", &sshd, "");
    world.record("ssh", &sshd.place(), "deploy", "password", b"never to be printed\n");
    world.gpg().person_types_the_passphrase();
    let done = world.run(&["unlock"]);
    assert!(!format!("{done:?}").contains("never to be printed"), "{done:?}");
    let shown = world.run(&["credential", "list", "--json"]).expect_success();
    assert!(shown.contains("deploy") && !shown.contains("never to be printed"), "{shown}");
}
