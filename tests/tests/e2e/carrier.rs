//! The processes that speak SSH: one for each account on a host, with nothing to lose.
use std::path::Path;

use nix::sys::signal::Signal;
use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{SshdOptions, World, account, eventually, memory, process};
use serde_json::{Value, json};

use crate::harden::{Fate, assert_fates, attackers_tools, call, field, opening};

fn open(client: &McpClient, target: &str) -> String {
    client.call("ssh_session_open", json!({ "target": target })).expect_ok().text("session").to_owned()
}

fn echo(session: &str) -> Value {
    json!({ "session": session, "command": "echo here" })
}

#[test]
fn a_host_has_one_process_for_all_its_connections_and_another_host_another() {
    let world = World::new();
    let (_one, _two) = (world.ready_host("web1"), world.ready_host("web2"));
    let client = world.mcp();
    // More than one connection carries.
    let sessions: Vec<String> = (0..12).map(|_| open(&client, "web1")).collect();
    assert_eq!(world.carriers().len(), 1);
    client.call("ssh_exec", json!({ "target": "web2", "command": "true" })).expect_ok();
    assert_eq!(world.carriers().len(), 2);
    for session in sessions {
        assert_eq!(client.call("ssh_exec", echo(&session)).expect_ok().text("stdout"), "here\n");
    }
}

#[test]
fn one_that_dies_takes_its_own_hosts_sessions_along_and_nothing_else() {
    let world = World::new();
    let (_one, _two) = (world.ready_host("web1"), world.ready_host("web2"));
    let client = world.mcp();
    let doomed = open(&client, "web1");
    let carrier = world.carriers()[0];
    let other = open(&client, "web2");
    process::signal(carrier, Signal::SIGKILL);
    // A command that is on its way at that very moment may only be told that it did not end.
    eventually("the session's end, with the reason", || {
        let failure = client.call("ssh_exec", echo(&doomed));
        assert!(failure.is_error(), "{:#}", failure.raw);
        failure.raw.to_string().contains("the process that spoke to the host is gone").then_some(())
    });
    assert_eq!(client.call("ssh_exec", echo(&other)).expect_ok().text("stdout"), "here\n");
    let again = client.call("ssh_exec", json!({ "target": "web1", "command": "echo back" })).expect_ok();
    assert_eq!(again.text("stdout"), "back\n");
    assert!(!world.carriers().contains(&carrier), "it is reaped");
}

#[test]
fn none_outlives_its_connections_or_the_helper() {
    let world = World::new();
    world.settings("on_lock = \"close\"\n");
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    assert_eq!(world.carriers().len(), 1);
    world.run(&["lock"]).expect_success();
    eventually("no process without a connection", || world.carriers().is_empty().then_some(()));
    world.run(&["unlock"]).expect_success();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    let carrier = world.carriers()[0];
    process::signal(world.helper().unwrap(), Signal::SIGKILL);
    eventually("none without the helper", || (!process::alive(carrier)).then_some(()));
}

#[test]
fn one_that_is_stopped_is_ended_all_the_same() {
    let world = World::new();
    world.settings("on_lock = \"close\"\n");
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    let carrier = world.carriers()[0];
    // It hears of nothing any more, as one that was taken over need not.
    process::signal(carrier, Signal::SIGSTOP);
    world.run(&["lock"]).expect_success();
    eventually("it is killed", || (!process::alive(carrier)).then_some(()));
}

#[test]
fn one_that_was_taken_over_opens_no_file_connects_nowhere_and_starts_nothing() {
    if !attackers_tools() {
        return;
    }
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    let carrier = world.carriers()[0];
    assert_eq!((field(carrier, "Seccomp"), field(carrier, "NoNewPrivs")), ("2".into(), "1".into()));
    let environment = std::fs::read(format!("/proc/{carrier}/environ")).unwrap();
    assert!(environment.is_empty(), "{}", String::from_utf8_lossy(&environment));
    for entry in std::fs::read_dir(format!("/proc/{carrier}/fd")).unwrap() {
        let open = std::fs::read_link(entry.unwrap().path()).unwrap().display().to_string();
        let kinds = ["socket:", "pipe:", "anon_inode:", "/dev/null"];
        assert!(kinds.iter().any(|kind| open.starts_with(kind)), "{open} is open");
    }
    use Fate::{Absent, Works};
    use nix::libc::*;
    let (stream, runs) = (i64::from(SOCK_STREAM), i64::from(PROT_READ | PROT_EXEC));
    let private = i64::from(MAP_PRIVATE | MAP_ANONYMOUS);
    let helper = i64::from(world.helper().unwrap());
    let mut calls = vec![
        (call(SYS_mmap, &[0, 4096, i64::from(PROT_READ), private, -1, 0]), Works),
        (call(SYS_mmap, &[0, 4096, runs, private, -1, 0]), Absent),
        (call(SYS_fcntl, &[0, i64::from(F_GETFL)]), Works),
        (call(SYS_fcntl, &[0, i64::from(F_DUPFD)]), Absent),
        (call(SYS_ioctl, &[0, TIOCSTI as i64, 0]), Absent),
        (opening(Path::new("/etc/passwd"), 0), Absent),
        (opening(&world.config().join("hosts.toml"), 0), Absent),
        (call(SYS_socket, &[i64::from(AF_UNIX), stream, 0]), Absent),
        (call(SYS_socket, &[i64::from(AF_INET), stream, 0]), Absent),
        (call(SYS_kill, &[helper, 0]), Absent),
    ];
    let never = [
        SYS_connect,
        SYS_bind,
        SYS_accept4,
        SYS_sendmsg,
        SYS_execve,
        SYS_clone,
        SYS_clone3,
        SYS_ptrace,
        SYS_process_vm_readv,
        SYS_prctl,
        SYS_unlinkat,
        SYS_memfd_create,
        SYS_io_uring_setup,
        SYS_landlock_create_ruleset,
    ];
    calls.extend(never.map(|number| (call(number, &[8]), Absent)));
    assert_fates(carrier, &calls);
}

#[test]
fn none_holds_a_key_or_keeps_a_password() {
    if !account::possible() {
        return println!("skipped: only root can make accounts and read a hidden process");
    }
    let password = "Correct-horse-battery-9-staple";
    let world = World::new();
    let sshd = world.sshd_with(&SshdOptions { passwords: true, ..SshdOptions::default() });
    let (account, own) = (world.account(password), own_name());
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.host("web1", &sshd, &format!("user = \"{}\"", account.name));
    world.host("web2", &sshd, &format!("user = \"{own}\""));
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &account.name, "password", format!("{password}\n").as_bytes());
    world.record("ssh", &sshd.place(), &own, "key", key.private().as_bytes());
    let client = world.mcp();
    for target in ["web1", "web2"] {
        let session = open(&client, target);
        client.call("ssh_exec", echo(&session)).expect_ok();
    }
    let file = key.private();
    let line = file.lines().rev().find(|line| !line.starts_with('-') && line.len() > 60).unwrap();
    let parsed = russh::keys::decode_secret_key(&file, None).unwrap();
    let seed = parsed.key_data().ed25519().unwrap().private.to_bytes();
    let pieces: Vec<&[u8]> =
        [password.as_bytes(), line.as_bytes(), &seed].into_iter().flat_map(memory::runs).collect();
    let carriers = world.carriers();
    assert_eq!(carriers.len(), 2);
    for carrier in carriers {
        let left: Vec<_> = memory::find(carrier, &pieces)
            .unwrap()
            .iter()
            .map(|at| String::from_utf8_lossy(pieces[*at]).into_owned())
            .collect();
        assert!(left.is_empty(), "{left:#?}");
        // The control: the host's own words are found there.
        let known = memory::find(carrier, &[b"SSH-2.0-OpenSSH"]).unwrap();
        assert!(!known.is_empty(), "the search finds what a process holds");
    }
}

#[test]
fn keys_exchanged_anew_in_the_middle_of_everything_hold_up_nothing() {
    let world = World::new();
    let often = SshdOptions { extra: "RekeyLimit 1M none\n".into(), ..SshdOptions::default() };
    let _sshd = world.ready_host_on(&often, "web1", "terminal = \"allow\"");
    let content: Vec<u8> = (0..40_000_000_u32).map(|n| (n ^ (n >> 9)) as u8).collect();
    std::fs::write(world.home().join("large"), &content).unwrap();
    let remote = world.fresh("remote");
    let client = world.mcp();
    let request = json!({ "target": "web1", "local_path": "large", "remote_path": remote });
    let upload = client.start("ssh_upload", request);
    let opened = client.call("ssh_session_open", json!({ "target": "web1", "kind": "terminal" })).expect_ok();
    let terminal = opened.text("session").to_owned();
    let session = open(&client, "web1");
    for round in 0..30 {
        let sized = json!({ "session": terminal, "cols": 80 + round, "rows": 24, "text": "x" });
        client.call("ssh_session_send", sized).expect_ok();
        assert_eq!(client.call("ssh_exec", echo(&session)).expect_ok().text("stdout"), "here\n");
        let alone = json!({ "target": "web1", "command": "echo alone" });
        assert_eq!(client.call("ssh_exec", alone).expect_ok().text("stdout"), "alone\n");
    }
    upload.wait().expect_ok();
    assert!(std::fs::read(&remote).unwrap() == content, "every byte arrived");
}

#[test]
fn one_that_stands_still_in_the_middle_of_an_upload_is_ended_by_lock() {
    let world = World::new();
    world.settings("on_lock = \"close\"\n");
    let _sshd = world.ready_host("web1");
    std::fs::write(world.home().join("large"), vec![b'x'; 200_000_000]).unwrap();
    let folder = world.fresh("remote");
    std::fs::create_dir(&folder).unwrap();
    let client = world.mcp();
    let request = json!({ "target": "web1", "local_path": "large", "remote_path": folder.join("large") });
    let upload = client.start("ssh_upload", request);
    eventually("bytes arrive", || {
        let written = std::fs::read_dir(&folder).unwrap().flatten().filter_map(|entry| entry.metadata().ok());
        written.map(|about| about.len()).any(|bytes| bytes > 0).then_some(())
    });
    let carrier = world.carriers()[0];
    process::signal(carrier, Signal::SIGSTOP);
    world.run(&["lock"]).expect_success();
    assert!(upload.wait().is_error());
    eventually("it is killed", || (!process::alive(carrier)).then_some(()));
}
