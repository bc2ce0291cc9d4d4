//! Stores as people have them: several recipients, folders of their own, git, gopass, edited while we run.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{Finished, Gpg, Store, World, account, eventually, run, terminal};
use serde_json::json;

fn exec(world: &World) -> sallyport_tests::mcp::Reply {
    world.mcp().call("ssh_exec", json!({ "target": "web1", "command": "true" }))
}

fn add_password(world: &World, slug: &str) -> Finished {
    world.run_with(&["credential", "add", slug, "--password"], b"a password to be kept\n")
}

/// A second person's GPG home, whose public key the world's knows and trusts.
fn colleague(world: &World) -> (Gpg, String) {
    let other = Gpg::make(&world.fresh("gpg"), None);
    let shown =
        run(other.command("gpg").args(["--batch", "--with-colons", "--fingerprint"]), b"").expect_success();
    let fingerprint =
        shown.lines().find(|line| line.starts_with("fpr:")).unwrap().split(':').nth(9).unwrap().to_owned();
    let public = run(other.command("gpg").args(["--batch", "--armor", "--export"]), b"").expect_success();
    run(world.gpg().command("gpg").args(["--batch", "--quiet", "--import"]), public.as_bytes())
        .expect_success();
    let trust = format!("{fingerprint}:6:\n");
    run(world.gpg().command("gpg").args(["--batch", "--quiet", "--import-ownertrust"]), trust.as_bytes())
        .expect_success();
    (other, fingerprint)
}

/// Whether the holder of a GPG home can read a file.
fn reads(gpg: &Gpg, file: &std::path::Path) -> bool {
    run(gpg.command("gpg").args(["--batch", "--quiet", "--decrypt"]).arg(file), b"").code() == 0
}

#[test]
fn records_are_encrypted_to_every_recipient_of_the_nearest_folder() {
    let world = World::new();
    let (other, fingerprint) = colleague(&world);
    let own = run(world.gpg().command("gpg").args(["--batch", "--with-colons", "--list-secret-keys"]), b"")
        .expect_success();
    let own =
        own.lines().find(|line| line.starts_with("fpr:")).unwrap().split(':').nth(9).unwrap().to_owned();
    let shared = world.store().dir().join("sallyport/ssh/shared.example");
    std::fs::create_dir_all(&shared).unwrap();
    std::fs::write(shared.join(".gpg-id"), format!("{own}\n{fingerprint} # a colleague\n")).unwrap();
    std::fs::write(world.store().dir().join(".gpg-id"), format!("{own}\n")).unwrap();
    add_password(&world, "ssh://me@shared.example").expect_success();
    add_password(&world, "ssh://me@mine.example").expect_success();
    let file = |host: &str| world.store().file(&Store::entry("ssh", host, "me", "password"));
    assert!(reads(world.gpg(), &file("shared.example")) && reads(&other, &file("shared.example")));
    assert!(reads(world.gpg(), &file("mine.example")) && !reads(&other, &file("mine.example")));
    run(other.command("gpgconf").args(["--kill", "all"]), b"").expect_success();
}

#[test]
fn a_store_in_git_gets_a_commit_for_every_change() {
    let world = World::new();
    let git = |arguments: &[&str]| {
        let mut git: Command = world.command("git");
        run(git.arg("-C").arg(world.store().dir()).args(arguments), b"").expect_success()
    };
    git(&["init", "--quiet"]);
    git(&["config", "user.email", "me@example.org"]);
    git(&["config", "user.name", "me"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "-m", "begin"]);
    add_password(&world, "ssh://me@web1.example").expect_success();
    world.run(&["credential", "remove", "ssh://me@web1.example", "--password"]).expect_success();
    let log = git(&["log", "--format=%s"]);
    assert_eq!(log.lines().count(), 3, "{log}");
    assert_eq!(git(&["status", "--porcelain"]), "");
}

#[test]
fn a_store_edited_by_hand_is_seen_at_once() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let entry = Store::entry("ssh", &sshd.place(), &own_name(), "key");
    exec(&world).expect_ok();
    let moved = world.store().dir().join("set-aside");
    std::fs::rename(world.store().file(&entry), &moved).unwrap();
    let client = world.mcp();
    let listed = client.call("ssh_list_hosts", json!({})).expect_ok();
    assert_eq!(listed["hosts"][0]["users"], json!([]), "{:#}", listed.raw);
    std::fs::rename(&moved, world.store().file(&entry)).unwrap();
    let listed = client.call("ssh_list_hosts", json!({})).expect_ok();
    assert_eq!(listed["hosts"][0]["users"][0]["ssh"], true);
}

#[test]
fn a_store_that_vanished_is_said_and_found_again() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.run(&["status"]).expect_success();
    let away = world.fresh("away");
    std::fs::rename(world.store().dir(), &away).unwrap();
    let refused = add_password(&world, "ssh://me@web1.example");
    assert!(refused.stderr.contains("there is no password store at"), "{refused:?}");
    std::fs::rename(&away, world.store().dir()).unwrap();
    exec(&world).expect_ok();
}

#[test]
fn a_store_that_cannot_be_written_is_read_and_nothing_is_lost() {
    if account::possible() {
        println!("skipped: root writes everywhere");
        return;
    }
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let folder = world.store().dir().join("sallyport");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).unwrap();
    let refused = add_password(&world, "sudo://me@web1.example");
    assert!(refused.code() != 0 && refused.stderr.contains("hint:"), "{refused:?}");
    exec(&world).expect_ok();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn debians_gopass_reads_our_records() {
    let world = World::new();
    let gopass = |arguments: &[&str], input: &[u8]| {
        let mut gopass = world.gpg().command("gopass");
        run(gopass.env("PASSWORD_STORE_DIR", world.store().dir()).args(arguments), input)
    };
    if !std::path::Path::new("/usr/bin/gopass").exists() {
        println!("skipped: gopass is not installed");
        return;
    }
    add_password(&world, "ssh://me@web1.example").expect_success();
    let entry = Store::entry("ssh", "web1.example", "me", "password");
    assert_eq!(gopass(&["show", &entry], b"").expect_success().trim(), "a password to be kept");
    let all = gopass(&["ls"], b"").expect_success();
    assert!(all.contains("web1.example"), "{all}");
}

#[test]
fn a_person_at_a_terminal_unlocks_with_pinentry_curses() {
    if !std::path::Path::new("/usr/bin/pinentry-curses").exists() {
        println!("skipped: pinentry-curses is not installed");
        return;
    }
    let world = World::with_passphrase();
    let _sshd = world.ready_host("web1");
    let configuration = world.gpg().home().join("gpg-agent.conf");
    std::fs::write(configuration, "pinentry-program /usr/bin/pinentry-curses\n").unwrap();
    world.gpg().lock();
    let typed = format!("{}\r", sallyport_tests::world::GPG_PASSPHRASE);
    let shown = terminal::run(&world.sallyport(&["unlock"]), &[("assphrase:", &typed)]).expect_success();
    assert!(shown.contains("Unlocked with"), "{shown}");
    exec(&world).expect_ok();
}

#[test]
fn locking_closes_sessions_only_where_it_is_set_and_so_does_the_end_of_the_window() {
    for (settings, by_hand, closed) in [
        ("on_lock = \"keep\"\n", true, false),
        ("on_lock = \"close\"\n", true, true),
        ("on_lock = \"close\"\nunlock_window_s = 2\n", false, true),
    ] {
        let world = World::with_passphrase();
        let _sshd = world.ready_host("web1");
        world.settings(settings);
        world.gpg().person_types_the_passphrase();
        world.run(&["unlock"]).expect_success();
        let client = world.mcp();
        let session = client
            .call("ssh_session_open", json!({ "target": "web1" }))
            .expect_ok()
            .text("session")
            .to_owned();
        if by_hand {
            world.run(&["lock"]).expect_success();
        }
        let call = || client.call("ssh_exec", json!({ "session": session, "command": "echo here" }));
        if closed {
            eventually("the session's end", || (call().code() == "session_not_found").then_some(()));
        } else {
            assert_eq!(call().expect_ok().text("stdout"), "here\n", "{settings}");
        }
    }
}
