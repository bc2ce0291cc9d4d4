//! Host keys: no authentication byte leaves before the key is accepted.

use sallyport_tests::mcp::Reply;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{Sshd, World, eventually, process};
use serde_json::json;

/// A host with a record that would log in, whose key nobody vouched for yet.
fn stranger(world: &World, more: &str) -> Sshd {
    let sshd = world.sshd();
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("web1", &sshd, more);
    sshd
}

fn exec(world: &World) -> Reply {
    world.mcp().call("ssh_exec", json!({ "target": "web1", "command": "true" }))
}

#[test]
fn an_unknown_key_stops_before_any_login_and_is_shown() {
    let world = World::new();
    let sshd = stranger(&world, "");
    let reply = exec(&world).expect_code("host_key_unknown");
    assert!(reply.rendering().contains(&sshd.host_key().fingerprint()), "{}", reply.rendering());
    assert!(reply.text("hint").contains("sallyport hostkey accept"), "{:#}", reply.raw);
    assert_eq!(sshd.attempts(), [""; 0]);
}

#[test]
fn a_changed_key_stops_before_any_login() {
    let world = World::new();
    let sshd = stranger(&world, "");
    world.known_hosts(&sshd.known_hosts_line(&world.key("ed25519", None)));
    exec(&world).expect_code("host_key_changed");
    assert!(sshd.connections() >= 1);
    assert_eq!(sshd.attempts(), [""; 0], "the server saw no authentication attempt");
}

#[test]
fn a_changed_key_is_not_accepted_as_a_new_one() {
    let world = World::new();
    let sshd = stranger(&world, "host_key = \"accept-new\"");
    world.known_hosts(&sshd.known_hosts_line(&world.key("ed25519", None)));
    exec(&world).expect_code("host_key_changed");
    assert_eq!(sshd.attempts(), [""; 0]);
}

#[test]
fn a_revoked_key_is_refused_even_where_it_is_also_listed() {
    let world = World::new();
    let sshd = stranger(&world, "");
    let line = sshd.known_hosts_line(sshd.host_key());
    world.known_hosts(&format!("{line}@revoked {line}"));
    exec(&world).expect_code("host_key_changed");
    assert_eq!(sshd.attempts(), [""; 0]);
}

#[test]
fn a_certificate_authority_line_vouches_for_no_plain_key() {
    let world = World::new();
    let sshd = stranger(&world, "");
    world.known_hosts(&format!("@cert-authority {}", sshd.known_hosts_line(sshd.host_key())));
    exec(&world).expect_code("host_key_unknown");
    assert_eq!(sshd.attempts(), [""; 0]);
}

#[test]
fn a_line_for_another_port_vouches_for_nothing() {
    let world = World::new();
    let sshd = stranger(&world, "");
    world.known_hosts(&format!("127.0.0.1 {}\n", sshd.host_key().public()));
    exec(&world).expect_code("host_key_unknown");
    assert_eq!(sshd.attempts(), [""; 0]);
}

#[test]
fn what_was_opened_on_a_keys_word_is_closed_when_the_key_is_forgotten() {
    let world = World::new();
    let (gate, sshd) = (world.ready_host("gate"), world.ready_host("other"));
    let key = world.key("ed25519", None);
    gate.authorize(&key);
    let behind = world.sshd();
    behind.authorize(&key);
    world.record("ssh", &behind.place(), &own_name(), "key", key.private().as_bytes());
    world.host("behind", &behind, "jump = \"gate\"");
    world.trust(&behind);
    let client = world.mcp();
    let open = |target: &str| {
        let opened = client.call("ssh_session_open", json!({ "target": target })).expect_ok();
        opened.text("session").to_owned()
    };
    let sessions = ["gate", "behind", "other"].map(open);
    world.run(&["hostkey", "remove", "gate"]).expect_success();
    let connected = |sshd: &Sshd| !process::descendants(sshd.pid()).is_empty();
    eventually("the end of what leads to it or through it", || {
        (!connected(&gate) && !connected(&behind)).then_some(())
    });
    assert!(connected(&sshd), "another host's stay");
    let exec = |session: &str| client.call("ssh_exec", json!({ "session": session, "command": "true" }));
    let codes: Vec<String> = sessions.iter().map(|session| exec(session).code().to_owned()).collect();
    assert_eq!(codes, ["session_not_found", "session_not_found", ""]);
    client.call("ssh_exec", json!({ "target": "gate", "command": "true" })).expect_code("host_key_unknown");
}

#[test]
fn a_new_key_is_accepted_and_kept_where_the_host_says_so() {
    let world = World::new();
    let sshd = stranger(&world, "host_key = \"accept-new\"");
    exec(&world).expect_ok();
    let kept = std::fs::read_to_string(world.state().join("known_hosts")).unwrap();
    let key = sshd.host_key().public();
    let blob = key.split_whitespace().nth(1).unwrap();
    assert!(kept.contains(blob), "{kept}");
}

#[test]
fn a_hashed_line_in_the_persons_own_file_vouches() {
    let world = World::new();
    let sshd = stranger(&world, "");
    let file = world.home().join(".ssh/known_hosts");
    std::fs::create_dir(world.home().join(".ssh")).unwrap();
    std::fs::write(&file, sshd.known_hosts_line(sshd.host_key())).unwrap();
    process::run(process::bare("ssh-keygen").arg("-H").arg("-f").arg(&file), b"").expect_success();
    let hashed = std::fs::read_to_string(&file).unwrap();
    assert!(hashed.starts_with("|1|"), "{hashed}");
    exec(&world).expect_ok();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), hashed, "it is read, never written");
}

#[test]
fn a_host_nobody_added_is_unknown_and_nothing_is_connected() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    for target in
        ["web2", "example.org", "127.0.0.1", "127.0.0.1:1", "root@web2", "-oProxyCommand=true", "web1;true"]
    {
        let reply = client.call("ssh_exec", json!({ "target": target, "command": "true" }));
        assert!(["unknown_host", "invalid_argument"].contains(&reply.code()), "{target}: {:#}", reply.raw);
    }
    client.call("ssh_exec", json!({ "target": "web2", "command": "true" })).expect_code("unknown_host");
    assert_eq!(sshd.connections(), 0);
}
