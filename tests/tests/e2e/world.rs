//! The world itself: what the other tests stand on is real, counts rightly, and leaves nothing behind.

use std::process::Command;
use std::time::Duration;

use sallyport_tests::embedded::{Embedded, Place, fresh_key};
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{Finished, KeyPair, SshdOptions, World, account, eventually, process, run};

/// OpenSSH's client, told to use nothing of the caller's configuration.
fn ssh(world: &World, key: &KeyPair, user: &str, port: u16, command: &str) -> Finished {
    let mut ssh = world.command("ssh");
    ssh.args(["-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
    ssh.args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-i"])
        .arg(key.path());
    ssh.args(["-p", &port.to_string(), &format!("{user}@127.0.0.1"), command]);
    run(&mut ssh, b"given on stdin")
}

#[test]
fn a_locked_agent_asks_the_pinentry_once_and_counts_it() {
    let world = World::with_passphrase();
    world.record("ssh", "example.org", "me", "password", b"hunter2hunter2");
    let entry = "sallyport/ssh/example.org/me/password";
    assert_ne!(
        world.store().pass(world.gpg(), &["show", entry], b"").code(),
        0,
        "a cancelled pinentry opens nothing"
    );
    world.gpg().person_types_nonsense();
    assert_ne!(
        world.store().pass(world.gpg(), &["show", entry], b"").code(),
        0,
        "nor does a wrong passphrase"
    );
    let before = world.gpg().pinentries_started();
    world.gpg().person_types_the_passphrase();
    assert_eq!(world.store().pass(world.gpg(), &["show", entry], b"").expect_success(), "hunter2hunter2");
    assert_eq!(world.store().pass(world.gpg(), &["show", entry], b"").expect_success(), "hunter2hunter2");
    assert_eq!(world.gpg().pinentries_started(), before + 1, "the agent remembers");
    world.gpg().lock();
    assert_eq!(world.store().pass(world.gpg(), &["show", entry], b"").expect_success(), "hunter2hunter2");
    assert_eq!(world.gpg().pinentries_started(), before + 2, "until it is locked");
}

#[test]
fn the_server_tells_connections_attempts_and_logins_apart() {
    let world = World::new();
    let sshd = world.sshd();
    assert_eq!((sshd.connections(), sshd.attempts().len(), sshd.logins().len()), (0, 0, 0));
    let (stranger, friend) = (world.key("ed25519", None), world.key("ed25519", None));
    sshd.authorize(&friend);
    let user = own_name();
    assert_eq!(ssh(&world, &stranger, &user, sshd.port(), "true").code(), 255);
    assert_eq!(sshd.connections(), 1);
    assert!(sshd.attempts().contains(&format!("{user} publickey")), "{:?}", sshd.attempts());
    assert!(sshd.logins().is_empty());
    assert_eq!(
        ssh(&world, &friend, &user, sshd.port(), "echo $SALLYPORT_WORLD").stdout.trim(),
        world.dir().to_str().unwrap()
    );
    assert_eq!(sshd.logins(), [format!("{user} publickey")]);
}

#[test]
fn a_throwaway_account_logs_in_by_password_and_is_gone_afterwards() {
    if !account::possible() {
        println!("skipped: only root can make accounts");
        return;
    }
    let world = World::new();
    let sshd = world.sshd_with(&SshdOptions { passwords: true, ..SshdOptions::default() });
    let account = world.account("a password for one test");
    let askpass = world.fresh("askpass");
    std::fs::write(&askpass, "#!/bin/sh\necho 'a password for one test'\n").unwrap();
    process::run(world.command("chmod").arg("700").arg(&askpass), b"").expect_success();
    let mut ssh = world.command("ssh");
    ssh.env("SSH_ASKPASS", &askpass).env("SSH_ASKPASS_REQUIRE", "force");
    ssh.args(["-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
    ssh.args(["-p", &sshd.port().to_string(), &format!("{}@127.0.0.1", account.name), "id -un"]);
    assert_eq!(run(&mut ssh, b"").expect_success().trim(), account.name);
    assert_eq!(sshd.logins(), [account.login_by_password()]);
    drop((sshd, world));
    assert_eq!(run(Command::new("id").arg(&account.name), b"").code(), 1, "the account is removed");
}

#[test]
fn a_world_that_ends_leaves_no_process_and_no_file() {
    let world = World::new();
    let sshd = world.sshd();
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    let left =
        ssh(&world, &key, &own_name(), sshd.port(), "nohup sleep 600 >/dev/null 2>&1 </dev/null & echo $!");
    let pid: i32 = left.expect_success().trim().parse().unwrap();
    assert!(process::alive(pid));
    eventually("the process bears the mark", || {
        world.remote_processes().iter().any(|p| p.pid == pid).then_some(())
    });
    let dir = world.dir().to_owned();
    drop((sshd, world));
    assert!(!process::alive(pid));
    assert_eq!(process::marked(&dir), []);
    assert!(!dir.exists());
}

#[test]
fn a_test_that_panics_leaves_nothing_either() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let world = World::new();
        sender.send(world.dir().to_owned()).unwrap();
        // Not a panic!: the test's own output should not look like a failure.
        std::panic::resume_unwind(Box::new("as a failing test does"));
    });
    assert!(panicked.join().is_err());
    let dir = receiver.recv_timeout(Duration::from_secs(1)).unwrap();
    assert!(!dir.exists());
    assert_eq!(process::marked(&dir), []);
}

/// Not a test of its own: the next one runs it in a process that it kills.
#[test]
fn a_world_to_be_killed() {
    let Ok(note) = std::env::var("SALLYPORT_TEST_NOTE") else { return };
    let world = World::new();
    let sshd = world.sshd();
    std::fs::write(note, format!("{}\n{}", world.dir().display(), sshd.port())).unwrap();
    std::thread::park();
}

#[test]
fn a_test_that_is_killed_leaves_nothing_either() {
    let note = tempfile::NamedTempFile::new().unwrap();
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "world::a_world_to_be_killed"])
        .env("SALLYPORT_TEST_NOTE", note.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (dir, port) = eventually("the world", || {
        let text = std::fs::read_to_string(note.path()).unwrap();
        let (dir, port) = text.split_once('\n')?;
        Some((std::path::PathBuf::from(dir), port.parse::<u16>().ok()?))
    });
    assert!(dir.exists());
    test.kill().unwrap();
    test.wait().unwrap();
    eventually("the warden's work", || (!dir.exists()).then_some(()));
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "its server is gone");
}

#[test]
fn a_server_that_stops_takes_its_connections_along() {
    let world = World::new();
    let mut sshd = world.sshd();
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    let port = sshd.port();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| ssh(&world, &key, &own_name(), port, "echo up; sleep 600"));
        eventually("the command", || (world.running("sleep 600") > 0).then_some(()));
        sshd.stop();
        assert_eq!(running.join().unwrap().code(), 255);
    });
}

#[test]
fn the_embedded_server_runs_commands_with_separate_streams_and_exit_codes() {
    let world = World::new();
    let key = world.key("ed25519", None);
    let public = key.public().parse().unwrap();
    let environment =
        vec![("PATH".to_owned(), process::search_path()), ("HOME".to_owned(), "/nowhere".to_owned())];
    let server = Embedded::start("guest", &public, Place { home: world.home(), environment }).unwrap();
    let talk = |command: &str| ssh(&world, &key, "guest", server.port(), command);
    let both = talk("echo out; echo err >&2; pwd; exit 7");
    assert_eq!((both.code(), both.stderr.as_str()), (7, "err\n"));
    assert_eq!(both.stdout, format!("out\n{}\n", world.home().display()));
    assert_eq!(talk("cat").expect_success(), "given on stdin");
    assert_eq!(talk("kill -TERM $$").code(), 255, "OpenSSH's client has 255 for a signal");
    assert_eq!(talk("head -c 5000000 /dev/zero").expect_success().len(), 5_000_000);
    let stranger = KeyPair::make(&world.fresh("key"), "ed25519", None);
    assert_eq!(ssh(&world, &stranger, "guest", server.port(), "true").code(), 255);
    assert_eq!(ssh(&world, &key, "somebody", server.port(), "true").code(), 255);
    assert_ne!(fresh_key().public_key().key_data(), fresh_key().public_key().key_data());
}
