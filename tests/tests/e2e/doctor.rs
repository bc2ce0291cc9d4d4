//! `doctor`: what is wrong is found, and what is well is left alone.

use sallyport_tests::world::{World, eventually, process, run};
use serde_json::Value;

/// The lines of `doctor --json` that need attention, as `level name: text`.
fn attention(world: &World, arguments: &[&str]) -> (i32, Vec<String>) {
    let done = world.run(&[&["doctor", "--json"], arguments].concat());
    read(&done.stdout, done.code())
}

fn read(stdout: &str, code: i32) -> (i32, Vec<String>) {
    let report: Value = serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
    let checks = report["checks"].as_array().unwrap();
    let bad: Vec<&Value> = checks.iter().filter(|check| check["level"] != "ok").collect();
    assert_eq!(report["ok"], bad.is_empty());
    assert!(bad.iter().all(|check| check["fix"] != ""), "each with its fix: {report:#}");
    let text = |check: &&Value| {
        format!(
            "{} {}: {}",
            check["level"].as_str().unwrap(),
            check["name"].as_str().unwrap(),
            check["text"].as_str().unwrap()
        )
    };
    (code, bad.iter().map(text).collect())
}

#[test]
fn a_world_in_order_needs_no_attention() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    assert_eq!(attention(&world, &[]), (0, vec![]));
    assert_eq!(attention(&world, &["--unlock"]), (0, vec![]));
    let text = world.run(&["doctor"]).expect_success();
    assert!(text.contains("all is well"), "{text}");
}

#[test]
fn each_fault_has_a_line_of_its_own() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    world.host("web2", &sshd, "identity = [\"agent\"]");
    let other = world.sshd();
    world.host("web3", &other, "");
    world.policy("mode = \"wild\"\n");
    world.store().insert_garbage("sallyport/ssh/cut.example/me/password", b"not gpg");
    let (code, lines) = attention(&world, &["--unlock"]);
    assert_eq!(code, 1);
    let has = |what: &str| assert!(lines.iter().any(|line| line.contains(what)), "{what}: {lines:#?}");
    has("policy.toml");
    has("web2 logs in by ssh-agent");
    has("web3 has no record");
    has("no key of web3 is known");
    has("ssh://me@cut.example is not a GPG file");
}

#[test]
fn weak_and_misfitting_secrets_are_named_by_slug_and_never_shown() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    world.record("ssh", "weak.example", "me", "password", b"abcde\n");
    let key = world.key("ed25519", Some("the right one"));
    world.record("ssh", "wrong.example", "me", "key", key.private().as_bytes());
    world.record("ssh", "wrong.example", "me", "passphrase", b"not the right one\n");
    let done = world.run(&["doctor", "--unlock", "--json"]);
    let (_, lines) = read(&done.stdout, done.code());
    assert!(
        lines.iter().any(|line| line.contains("weak secret") && line.contains("ssh://me@weak.example")),
        "{lines:#?}"
    );
    assert!(
        lines.iter().any(|line| line.contains("wrong.example") && line.contains("does not open")),
        "{lines:#?}"
    );
    assert!(!format!("{done:?}").contains("abcde") && !format!("{done:?}").contains("the right one"));
    assert_eq!(sshd.connections(), 0, "it connects to nobody");
    let (_, without) = attention(&world, &[]);
    assert!(
        !without.iter().any(|line| line.contains("weak")),
        "nothing is decrypted unless asked: {without:#?}"
    );
}

#[test]
fn a_helper_that_cannot_run_is_said_and_the_rest_is_still_looked_at() {
    let world = World::new();
    let done = run(world.sallyport(&["doctor", "--json"]).env("SALLYPORT_NO_AUTOSTART", "1"), b"");
    let (code, lines) = read(&done.stdout, done.code());
    assert_eq!(code, 1);
    assert!(lines[0].starts_with("problem helper:"), "{lines:#?}");
    assert!(done.stdout.contains("\"gpg\""), "{}", done.stdout);
}

#[test]
fn a_helper_that_started_before_there_was_a_store_is_to_be_started_again() {
    let world = World::new();
    let (store, aside) = (world.store().dir().to_owned(), world.fresh("aside"));
    std::fs::rename(&store, &aside).unwrap();
    world.run(&["status"]).expect_success();
    std::fs::rename(&aside, &store).unwrap();
    let (_, lines) = attention(&world, &[]);
    assert!(lines.iter().any(|line| line.contains("it started before there was a store")), "{lines:#?}");
}

#[test]
fn a_helper_that_a_client_started_with_a_home_of_its_own_is_found() {
    let world = World::new();
    let profile = world.fresh("profile");
    std::fs::create_dir(&profile).unwrap();
    let mut start = world.sallyport(&["status"]);
    run(start.env("HOME", &profile).env_remove("GNUPGHOME").env_remove("PASSWORD_STORE_DIR"), b"")
        .expect_success();
    let (code, lines) = attention(&world, &[]);
    assert_eq!(code, 1);
    let profile = profile.to_str().unwrap();
    assert!(lines.iter().any(|line| line.contains("home") && line.contains(profile)), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("a profile of its own")), "{lines:#?}");
}

#[test]
fn a_locked_vault_tells_how_many_records_wait_and_unlocking_reads_them() {
    let world = World::with_passphrase();
    let _sshd = world.ready_host("web1");
    let refused = world.run(&["doctor", "--unlock", "--json"]);
    let (code, lines) = read(&refused.stdout, refused.code());
    assert_eq!(code, 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("problem unlock:")), "{lines:#?}");
    world.gpg().person_types_the_passphrase();
    assert_eq!(attention(&world, &["--unlock"]), (0, vec![]));
}

#[test]
fn bifrosts_records_are_shown_first_and_then_taken_over() {
    let world = World::new();
    for (name, content) in [
        // base64url of ssh://deploy@web1.example and of winrm://x@y.
        (
            "c3NoOi8vZGVwbG95QHdlYjEuZXhhbXBsZQ/password",
            "{\"type\":\"password\",\"secret\":\"from bifrost\"}",
        ),
        ("d2lucm06Ly94QHk/password", "{\"type\":\"password\",\"secret\":\"for windows\"}"),
    ] {
        world.store().insert(world.gpg(), &format!("bifrost_mcp/{name}"), content.as_bytes());
    }
    let import = |more: &[&str]| {
        let text =
            world.run(&[&["credential", "import", "bifrost", "--json"], more].concat()).expect_success();
        let all: Vec<Value> = serde_json::from_str(&text).unwrap();
        all.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(import(&["--dry-run"]), ["import", "skipped"]);
    let entry = "sallyport/ssh/web1.example/deploy/password";
    assert!(!world.store().file(entry).exists());
    assert_eq!(import(&[]), ["imported", "skipped"]);
    assert_eq!(
        world.store().pass(world.gpg(), &["show", entry], b"").expect_success().trim(),
        "from bifrost"
    );
    assert_eq!(import(&[]), ["exists", "skipped"]);
}

#[test]
fn a_service_gets_its_key_from_the_service_manager() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let credentials = world.fresh("credentials");
    std::fs::create_dir(&credentials).unwrap();
    let mut export = world.gpg().command("gpg");
    let key = run(export.args(["--batch", "--armor", "--export-secret-keys"]), b"").expect_success();
    std::fs::write(credentials.join("gpg-key"), key).unwrap();
    let home = world.fresh("service-gpg");
    std::fs::create_dir(&home).unwrap();
    process::run(process::bare("chmod").arg("700").arg(&home), b"").expect_success();
    let serve = |command: &mut std::process::Command| {
        let done = run(command.env("GNUPGHOME", &home), b"");
        (done.code(), done.stdout)
    };
    let call = ["exec", "web1", "--", "echo in"];
    let (without, _) = serve(&mut world.sallyport(&call));
    assert_eq!(without, 255, "the home has no key");
    process::signal(world.helper().unwrap(), nix::sys::signal::Signal::SIGTERM);
    eventually("the helper's end", || world.helper().is_none().then_some(()));
    let with = serve(world.sallyport(&call).env("CREDENTIALS_DIRECTORY", &credentials));
    assert_eq!(with, (0, "in\n".to_owned()));
    process::run(process::bare("gpgconf").arg("--homedir").arg(&home).args(["--kill", "all"]), b"")
        .expect_success();
}
