//! Stores as people have them: several recipients, folders of their own, git, gopass, edited while we run.

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

/// Starts the world's helper in a mount namespace of its own, after `mounts`, shell lines that know the store as `$1`.
/// False where mounting is not allowed, as for ordinary users.
fn helper_after(world: &World, mounts: &str) -> bool {
    if !account::possible() {
        return false;
    }
    let script = format!("set -e\n{mounts}\nexec \"$2\" status");
    let mut start = world.command("unshare");
    start.args(["--mount", "sh", "-c", &script, "sh"]).arg(world.store().dir());
    start.arg(sallyport_tests::world::process::built("sallyport"));
    let done = run(&mut start, b"");
    if done.code() != 0 {
        println!("skipped: no mounts here: {}", done.stderr.trim());
    }
    done.code() == 0
}

#[test]
fn a_read_only_store_is_read_and_a_refused_change_leaves_it_as_it_was() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    if !helper_after(&world, "mount --bind \"$1\" \"$1\"\nmount -o remount,ro,bind \"$1\"") {
        return println!("skipped: only root mounts");
    }
    let slug = format!("ssh://{}@web1", own_name());
    for refused in
        [add_password(&world, "sudo://me@web1.example"), world.run(&["credential", "remove", &slug, "--key"])]
    {
        assert_eq!(refused.code(), 1, "{refused:?}");
        assert!(refused.stderr.contains("Read-only file system") && refused.stderr.contains("hint:"));
    }
    assert!(world.store().file(&Store::entry("ssh", &sshd.place(), &own_name(), "key")).exists());
    exec(&world).expect_ok();
    assert!(world.run(&["doctor"]).stdout.contains("read-only"));
}

#[test]
fn a_full_disk_refuses_a_record_and_loses_none() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let full = "cp -a \"$1\" \"$1.copy\"\nmount -t tmpfs -o size=256k tmpfs \"$1\"\ncp -a \"$1.copy/.\" \"$1\"\n\
                dd if=/dev/zero of=\"$1/ballast\" bs=1k 2>/dev/null || true";
    if !helper_after(&world, full) {
        return println!("skipped: only root mounts");
    }
    // As the helper sees it: the mount is its own.
    let seen = format!("/proc/{}/root{}", world.helper().unwrap(), world.store().dir().display());
    let files =
        || run(world.command("find").args([&seen, "-name", "*.gpg", "-o", "-name", "*.tmp"]), b"").stdout;
    let before = files();
    let refused = add_password(&world, "ssh://me@web9.example");
    assert!(refused.code() == 1 && refused.stderr.contains("No space left"), "{refused:?}");
    assert_eq!(files(), before, "neither a part of it nor less than there was");
    exec(&world).expect_ok();
    std::fs::remove_file(format!("{seen}/ballast")).unwrap();
    add_password(&world, "ssh://me@web9.example").expect_success();
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
        ("on_lock = \"close\"\nunlock_window_s = 8\n", false, true),
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
        let sleep = json!({ "target": "web1", "command": "sleep 600", "background": true });
        assert_eq!(client.call("ssh_exec", sleep).status(), "running");
        if by_hand {
            world.run(&["lock"]).expect_success();
        }
        let call = || client.call("ssh_exec", json!({ "session": session, "command": "echo here" }));
        if closed {
            eventually("the session's end", || (call().code() == "session_not_found").then_some(()));
            eventually("the end of all", || world.remote_processes().is_empty().then_some(()));
        } else {
            assert_eq!(call().expect_ok().text("stdout"), "here\n", "{settings}");
        }
    }
}
