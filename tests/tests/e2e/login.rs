//! Logging in: which records are offered to whom, and what happens to bad ones.

use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{Sshd, SshdOptions, World, account};
use serde_json::{Value, json};

const TRUE: &str = "true";

fn exec(target: &str) -> Value {
    json!({ "target": target, "command": TRUE })
}

/// A host whose key is trusted and for which no record exists yet.
fn host_without_record(world: &World) -> Sshd {
    let sshd = world.sshd();
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    sshd
}

#[test]
fn keys_of_every_common_kind_log_in() {
    let world = World::new();
    let client = world.mcp();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let (sshd, key) = (world.sshd(), world.key(kind, None));
        sshd.authorize(&key);
        world.host(kind, &sshd, "");
        world.trust(&sshd);
        world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
        client.call("ssh_exec", exec(kind)).expect_ok();
        assert_eq!(sshd.logins(), [format!("{} publickey", own_name())]);
    }
}

#[test]
fn an_encrypted_key_logs_in_with_the_passphrase_of_the_vault_and_not_without() {
    let world = World::new();
    let sshd = host_without_record(&world);
    let (key, user) = (world.key("ed25519", Some("the key's own passphrase")), own_name());
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &user, "key", key.private().as_bytes());
    let client = world.mcp();
    let without = client.call("ssh_exec", exec("web1")).expect_code("credential_backend_unavailable");
    assert!(without.text("hint").contains("--passphrase"), "{:#}", without.raw);
    world.record("ssh", &sshd.place(), &user, "passphrase", b"not the passphrase");
    client.call("ssh_exec", exec("web1")).expect_code("credential_backend_unavailable");
    world.record("ssh", &sshd.place(), &user, "passphrase", b"the key's own passphrase");
    client.call("ssh_exec", exec("web1")).expect_ok();
}

#[test]
fn a_password_logs_in_and_a_wrong_one_is_an_authentication_failure() {
    if !account::possible() {
        println!("skipped: only root can make accounts");
        return;
    }
    let world = World::new();
    let few = "MaxAuthTries 2\n".to_owned();
    let sshd = world.sshd_with(&SshdOptions { passwords: true, extra: few, ..SshdOptions::default() });
    let account = world.account("correct horse battery");
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &account.name, "password", b"wrong horse battery\n");
    let client = world.mcp();
    client.call("ssh_exec", exec("web1")).expect_code("auth_failed");
    // Also where the host hangs up on it: a key was refused before (MaxAuthTries).
    let key = world.key("ed25519", None);
    world.record("ssh", &sshd.place(), &account.name, "key", key.private().as_bytes());
    client.call("ssh_exec", exec("web1")).expect_code("auth_failed");
    assert!(sshd.logins().is_empty());
    world.record(
        "ssh",
        &sshd.place(),
        &account.name,
        "password",
        b"correct horse battery\nurl: a second line\n",
    );
    let reply = client.call("ssh_exec", json!({ "target": "web1", "command": "id -un" })).expect_ok();
    assert_eq!(reply.text("stdout").trim(), account.name);
    assert_eq!(sshd.logins(), [account.login_by_password()]);
}

#[test]
fn a_record_for_another_port_or_user_is_never_offered() {
    let world = World::new();
    let (sshd, other) = (world.sshd(), world.sshd());
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.host("web1", &sshd, &format!("user = \"{}\"", own_name()));
    world.trust(&sshd);
    world.record("ssh", &other.place(), &own_name(), "key", key.private().as_bytes());
    world.record("ssh", "127.0.0.1", &own_name(), "key", key.private().as_bytes());
    world.record("ssh", &sshd.place(), "somebody-else", "key", key.private().as_bytes());
    world.record("sudo", &sshd.place(), &own_name(), "password", b"not for logging in");
    let client = world.mcp();
    client.call("ssh_exec", exec("web1")).expect_code("missing_credential");
    assert_eq!(sshd.attempts(), [""; 0], "nothing was offered");
    assert_eq!(other.connections(), 0);
}

#[test]
fn several_users_and_none_chosen_is_ambiguous_and_names_them() {
    let world = World::new();
    let sshd = host_without_record(&world);
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    for user in [own_name().as_str(), "somebody-else"] {
        world.record("ssh", &sshd.place(), user, "key", key.private().as_bytes());
    }
    let client = world.mcp();
    let reply = client.call("ssh_exec", exec("web1")).expect_code("ambiguous_user");
    assert!(
        reply.rendering().contains("somebody-else") && reply.rendering().contains(&own_name()),
        "{}",
        reply.rendering()
    );
    client.call("ssh_exec", exec(&format!("{}@web1", own_name()))).expect_ok();
}

#[test]
fn a_record_that_is_not_gpg_is_the_backends_fault_and_nothing_is_sent() {
    let world = World::new();
    let sshd = host_without_record(&world);
    let entry = format!("sallyport/ssh/{}/{}/key", sshd.place(), own_name());
    let client = world.mcp();
    for garbage in [b"this is not GPG".as_slice(), b"", &[0; 4096], &[0xff; 70_000]] {
        world.store().insert_garbage(&entry, garbage);
        client.call("ssh_exec", exec("web1")).expect_code("credential_backend_unavailable");
    }
    assert_eq!(sshd.attempts(), [""; 0]);
}

#[test]
fn a_corrupt_key_is_the_backends_fault_and_its_text_is_not_told() {
    let world = World::new();
    let sshd = host_without_record(&world);
    let good = world.key("ed25519", None).private();
    let body = good.lines().nth(1).unwrap().to_owned();
    let client = world.mcp();
    let broken = [
        good.replace(&body[10..20], "AAAAAAAAAA"),
        good[..good.len() / 2].to_owned(),
        "plain words".to_owned(),
    ];
    for text in broken {
        world.record("ssh", &sshd.place(), &own_name(), "key", text.as_bytes());
        let reply = client.call("ssh_exec", exec("web1")).expect_code("credential_backend_unavailable");
        assert!(
            !reply.raw.to_string().contains(&body[30..50]) && !reply.raw.to_string().contains("plain words")
        );
    }
    assert_eq!(sshd.attempts(), [""; 0]);
}

#[test]
fn a_server_that_is_down_fails_its_own_calls_alone() {
    let world = World::new();
    let mut down = world.ready_host("down");
    let _up = world.ready_host("up");
    let client = world.mcp();
    client.call("ssh_exec", exec("down")).expect_ok();
    let running = client.start("ssh_exec", json!({ "target": "down", "command": "sleep 600" }));
    sallyport_tests::world::eventually("the command", || {
        (!world.remote_processes().is_empty()).then_some(())
    });
    down.stop();
    running.wait().expect_code("ssh_connection_failed");
    client.call("ssh_exec", exec("down")).expect_code("ssh_connection_failed");
    client.call("ssh_exec", exec("up")).expect_ok();
}
