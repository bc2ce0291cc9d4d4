//! Hardening, by attacks: on the helper by a process of the same user, and from within a broker that was taken over.
//! A debugger of root's plays the part of the code that took it over.
use std::path::Path;

use nix::errno::Errno;
use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::takeover::{self, Call};
use sallyport_tests::world::{Finished, SshdOptions, World, account, eventually, memory, process};
use serde_json::{Value, json};

pub fn field(pid: i32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

pub fn attackers_tools() -> bool {
    let here = account::possible() && takeover::POSSIBLE;
    if !here {
        println!("skipped: needs root, and x86-64, of which we know the registers");
    }
    here
}

/// What becomes of a call that a process is made to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It succeeds: a control.
    Works,
    /// There is no such call.
    Absent,
    /// The file may not be opened.
    Shut,
}

/// Lets a process make system calls, one after another, and looks what becomes of each.
#[track_caller]
pub fn assert_fates(pid: i32, calls: &[(Call, Fate)]) {
    let made: Vec<Call> = calls.iter().map(|(call, _)| call.clone()).collect();
    for ((call, expected), said) in calls.iter().zip(takeover::make(pid, &made)) {
        let fate = match said {
            Ok(_) => Some(Fate::Works),
            Err(Errno::ENOSYS) => Some(Fate::Absent),
            Err(Errno::EACCES) => Some(Fate::Shut),
            Err(_) => None,
        };
        assert_eq!(fate, Some(*expected), "{call:?}: {said:?}");
    }
}

/// A system call.
pub fn call(number: i64, arguments: &[i64]) -> Call {
    Call::new(number, arguments.iter().map(|number| (*number).into()))
}

/// Opening a file.
pub fn opening(path: &Path, flags: i32) -> Call {
    let (here, path) = (i64::from(nix::libc::AT_FDCWD), path.to_str().unwrap());
    Call::new(nix::libc::SYS_openat, [here.into(), path.into(), i64::from(flags).into(), 0o600.into()])
}

/// A helper of root without its privileges, a user like any other, that may lock this much memory; and what `status`
/// says of it.
fn with_locked_memory(world: &World, limit: &str) -> Value {
    let mut command = world.command("prlimit");
    command.arg(format!("--memlock={limit}"));
    if account::possible() {
        command.args(["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]);
    }
    command.arg(process::built("sallyport")).args(["status", "--json"]);
    serde_json::from_str(&process::run(&mut command, b"").expect_success()).unwrap()
}

/// Whether the kernel has secret memory, and has it switched on.
fn has_secret_memory() -> bool {
    let here =
        std::fs::read_to_string("/sys/module/secretmem/parameters/enable").is_ok_and(|on| on.trim() == "Y");
    if !here {
        println!("skipped: this kernel has no secret memory (memfd_secret)");
    }
    here
}

#[test]
fn with_the_right_to_lock_all_memory_the_helper_reaches_level_five_and_none_of_it_can_be_swapped() {
    let ours = u64::from_str_radix(&field(std::process::id() as i32, "CapEff"), 16).unwrap();
    let may_lock = ours >> 14 & 1 == 1; // CAP_IPC_LOCK
    if !has_secret_memory() || !may_lock {
        return println!("skipped: all memory cannot be locked here (CAP_IPC_LOCK)");
    }
    let world = World::new();
    let status: Value = serde_json::from_str(&world.run(&["status", "--json"]).expect_success()).unwrap();
    assert_eq!(status["hardening"], 5, "{status:#}");
    let pid = world.helper().unwrap();
    assert_ne!(field(pid, "VmLck"), "0");
    // All that is resident is locked, but for what the kernel itself maps.
    let maps = std::fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap();
    let flags = maps.lines().filter(|line| line.starts_with("VmFlags:"));
    let unlocked = flags.filter(|line| line.contains(" wr ") && !line.contains(" lo")).count();
    assert_eq!(unlocked, 0, "writable memory that is not locked");
}

#[test]
fn the_helper_reaches_its_level_and_everybody_is_told() {
    let world = World::new();
    let status = with_locked_memory(&world, "8388608:8388608");
    let level = if has_secret_memory() { 4 } else { 3 };
    assert_eq!(status["hardening"], level, "{status:#}");
    let pid = world.helper().unwrap();
    assert_eq!((field(pid, "Seccomp"), field(pid, "NoNewPrivs")), ("2".into(), "1".into()));
    let log = std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(first["details"]["hardening"], status["hardening"]);
    for step in ["process", "files", "calls"] {
        assert_eq!(first["details"]["hardening_steps"][step], "done", "{first:#}");
    }
}

#[test]
fn without_room_for_secret_memory_the_level_is_lower_and_the_log_says_why() {
    let world = World::new();
    let status = with_locked_memory(&world, "65536:65536");
    assert_eq!(status["hardening"], 3, "{status:#}");
    let log = std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let why = first["details"]["hardening_steps"]["secrets"].as_str().unwrap();
    assert!(why.contains("limit of locked memory is 65536 bytes"), "{why}");
}

#[test]
fn a_helper_that_cannot_reach_the_level_that_is_wanted_does_not_run() {
    let world = World::new();
    world.settings("min_hardening = 9\n");
    let done = world.run(&["status"]);
    assert_eq!(done.code(), 1);
    assert!(done.stderr.contains("min_hardening is 9") && done.stderr.contains("hint: "), "{done:?}");
    assert!(world.helper().is_none());
}

#[test]
fn no_process_of_the_same_user_reads_either_programs_memory_or_makes_it_dump_core() {
    if !attackers_tools() {
        return;
    }
    // Root without its privileges: a user like any other, and the same one on both sides.
    let tame = |world: &World, program: &str| {
        // With no limit on cores, so that it is the program that sets one.
        let mut command = world.command("prlimit");
        command.args([
            "--core=unlimited:unlimited",
            "setpriv",
            "--bounding-set=-all",
            "--inh-caps=-all",
            "--",
        ]);
        command.arg(program);
        command
    };
    let world = World::new();
    let sallyport = process::built("sallyport").display().to_string();
    let mut serve = tame(&world, &sallyport);
    serve.arg("serve");
    let client = McpClient::initialize(serve);
    client.call("ssh_list_hosts", json!({})).expect_ok();
    let attack = |program: &str, arguments: &[&str]| -> Finished {
        process::run(tame(&world, program).args(arguments), b"")
    };
    let control = attack("sh", &["-c", "head -c 1 /proc/$$/environ"]);
    assert_eq!(control.code(), 0, "a process that is not hardened can be read: {control:?}");
    for pid in [world.helper().unwrap(), client.pid()] {
        assert_eq!(field(pid, "CapEff"), "0000000000000000");
        let number = pid.to_string();
        let gdb = attack("gdb", &["-nx", "-batch", "-p", &number, "-ex", "info registers"]);
        assert!(gdb.stderr.contains("not permitted") && !gdb.stdout.contains("rip"), "{gdb:?}");
        for file in ["mem", "maps", "environ", "auxv", "fd/0"] {
            let path = format!("/proc/{pid}/{file}");
            assert_ne!(attack("head", &["-c", "1", &path]).code(), 0, "{path}");
        }
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}

#[test]
fn the_helper_opens_no_file_but_those_it_needs() {
    if !attackers_tools() {
        return;
    }
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.run(&["status"]).expect_success();
    let outside = world.home().join("a-private-note");
    std::fs::write(&outside, "private").unwrap();
    use Fate::{Absent, Shut, Works};
    use nix::libc::*;
    let (netlink, raw) = (i64::from(AF_NETLINK), i64::from(SOCK_RAW));
    let in_a_new_space = i64::from(CLONE_NEWUSER | SIGCHLD);
    let mut calls = vec![
        (opening(&world.config().join("hosts.toml"), 0), Works),
        (opening(&outside, 0), Shut),
        (opening(&world.home().join("new"), O_CREAT | O_WRONLY), Shut),
        (opening(&world.config().join("new"), O_CREAT | O_WRONLY), Shut),
        (opening(Path::new("/root"), 0), Shut),
        (opening(Path::new("/var"), 0), Shut),
        (call(SYS_socket, &[netlink, raw, i64::from(NETLINK_ROUTE)]), Works),
        (call(SYS_socket, &[netlink, raw, i64::from(NETLINK_KOBJECT_UEVENT)]), Works),
        (call(SYS_socket, &[netlink, raw, i64::from(NETLINK_AUDIT)]), Absent),
        (call(SYS_socket, &[i64::from(AF_PACKET), raw, 0]), Absent),
        (call(SYS_socket, &[i64::from(AF_INET), raw, 1]), Absent),
        (call(SYS_socketpair, &[i64::from(AF_INET), i64::from(SOCK_STREAM), 0]), Absent),
        (call(SYS_ioctl, &[0, TIOCSTI as i64, 0]), Absent),
        (call(SYS_ioctl, &[0, 0x541c, 0]), Absent),
        (call(SYS_personality, &[0xffff_ffff]), Works),
        (call(SYS_personality, &[i64::from(ADDR_NO_RANDOMIZE)]), Absent),
        (call(SYS_clone, &[in_a_new_space]), Absent),
    ];
    let never = [
        (SYS_ptrace, "other processes"),
        (SYS_process_vm_readv, "other processes"),
        (SYS_io_uring_setup, "calls no filter sees"),
        (SYS_unshare, "name spaces"),
        (SYS_setns, "name spaces"),
        (SYS_mount, "mounts"),
        (SYS_keyctl, "the kernel's keyrings"),
        (SYS_memfd_secret, "the memory for secrets is there already"),
        (SYS_bpf, "programs in the kernel"),
        (SYS_perf_event_open, "looking into others"),
        (SYS_userfaultfd, "faults as a weapon"),
        (SYS_setuid, "another user"),
        (SYS_clone3, "flags no filter sees"),
    ];
    calls.extend(never.map(|(number, _)| (call(number, &[8]), Absent)));
    assert_fates(world.helper().unwrap(), &calls);
    assert!(!world.home().join("new").exists());
}

#[test]
fn a_broker_that_was_taken_over_reaches_no_secret_no_agent_no_person_and_starts_nothing() {
    if !attackers_tools() {
        return;
    }
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    let pid = client.pid();
    assert_eq!((field(pid, "Seccomp"), field(pid, "NoNewPrivs")), ("2".into(), "1".into()));
    let record = std::fs::read_dir(world.store().dir()).unwrap().next().unwrap().unwrap().path();
    use Fate::{Absent, Shut, Works};
    use nix::libc::*;
    let (stream, datagram) = (i64::from(SOCK_STREAM), i64::from(SOCK_DGRAM));
    let runs = i64::from(PROT_READ | PROT_EXEC);
    let helper = i64::from(world.helper().unwrap());
    let calls = [
        (opening(&world.config().join("hosts.toml"), 0), Works),
        (opening(&world.store().dir().join(".gpg-id"), 0), Shut),
        (opening(&record, 0), Shut),
        (opening(&world.gpg().home().join("pubring.kbx"), 0), Shut),
        (opening(&world.state().join("audit/audit.jsonl"), 0), Shut),
        (opening(Path::new("/etc/passwd"), 0), Shut),
        (opening(Path::new("/proc/1/status"), 0), Shut),
        (opening(&world.config().join("new"), O_CREAT | O_WRONLY), Shut),
        // A socket to go to gpg-agent, the admin socket or the network with; the ways to connect without one's saying so.
        (call(SYS_socket, &[i64::from(AF_UNIX), stream, 0]), Absent),
        (call(SYS_socket, &[i64::from(AF_INET), datagram, 0]), Absent),
        (call(SYS_socket, &[i64::from(AF_NETLINK), i64::from(SOCK_RAW), 0]), Absent),
        (call(SYS_socketpair, &[i64::from(AF_UNIX), stream, 0]), Absent),
        (call(SYS_sendto, &[0, 0, 0, i64::from(MSG_FASTOPEN), 0, 0]), Absent),
        (call(SYS_sendmsg, &[0]), Absent),
        (call(SYS_setsockopt, &[0, i64::from(SOL_SOCKET), i64::from(SO_ATTACH_FILTER), 0, 0]), Absent),
        (call(SYS_clone, &[i64::from(SIGCHLD)]), Absent),
        (Call::new(SYS_execve, ["/bin/true".into(), 0.into(), 0.into()]), Absent),
        (call(SYS_kill, &[helper, 15]), Absent),
        (call(SYS_ptrace, &[16, 1]), Absent),
        (call(SYS_mmap, &[0, 4096, runs, i64::from(MAP_PRIVATE | MAP_ANONYMOUS), -1, 0]), Absent),
        (call(SYS_mprotect, &[0, 0, runs]), Absent),
        (call(SYS_fcntl, &[0, i64::from(F_SETOWN), 1]), Absent),
        (call(SYS_ioctl, &[0, TIOCSTI as i64, 0]), Absent),
        (call(SYS_prctl, &[i64::from(PR_SET_DUMPABLE), 1]), Absent),
        (call(SYS_io_uring_setup, &[8]), Absent),
    ];
    assert_fates(pid, &calls);
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
}

#[test]
fn a_locked_in_broker_reaches_the_next_helper_all_the_same() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let works = || client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).status() == "ok";
    assert!(works());
    let first = world.helper().unwrap();
    process::signal(first, nix::sys::signal::Signal::SIGKILL);
    eventually("a new helper", || works().then_some(()));
    assert_ne!(world.helper(), Some(first));
    // The porter ends with its broker.
    client.close();
    eventually("the porter's end", || {
        (!process::marked(world.dir()).iter().any(|p| p.command.ends_with("porter"))).then_some(())
    });
}

#[test]
fn after_lock_no_password_is_left_in_the_helper() {
    if !account::possible() {
        return println!("skipped: only root can make accounts and read a hidden process");
    }
    let password = "Correct-horse-battery-9-staple";
    let world = World::new();
    world.settings("on_lock = \"close\"\n");
    let sshd = world.sshd_with(&SshdOptions { passwords: true, ..SshdOptions::default() });
    let account = world.account(password);
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &account.name, "password", format!("{password}\n").as_bytes());
    let client = world.mcp();
    let note = world.dir().join("note");
    std::fs::write(&note, format!("{password}\n")).unwrap();
    let reply =
        client.call("ssh_exec", json!({ "target": "web1", "command": format!("cat {}", note.display()) }));
    assert!(!reply.expect_ok().raw.to_string().contains(password));
    let helper = world.helper().unwrap();
    world.run(&["lock"]).expect_success();
    // The whole of it, and every run of bytes by which it was recognised.
    let pieces: Vec<&[u8]> = memory::runs(password.as_bytes()).collect();
    eventually("a helper without the password", || {
        memory::find(helper, &pieces).unwrap().is_empty().then_some(())
    });
}

#[test]
fn while_a_session_lives_not_even_root_finds_its_secrets_in_the_helpers_memory() {
    if !account::possible() || !has_secret_memory() {
        return println!("skipped: needs root, for accounts and to read a hidden process");
    }
    let (password, token) = ("Correct-horse-battery-9-staple", "tok-5f3a9c0e77b1d2-Zq8");
    let world = World::new();
    let sshd = world.sshd_with(&SshdOptions { passwords: true, ..SshdOptions::default() });
    let (account, own) = (world.account(password), own_name());
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.host("web1", &sshd, &format!("user = \"{}\"", account.name));
    world.host("web2", &sshd, &format!("user = \"{own}\""));
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &account.name, "password", format!("{password}\n").as_bytes());
    world.record("sudo", &sshd.place(), &account.name, "password", format!("{password}\n").as_bytes());
    world.record("ssh", &sshd.place(), &own, "key", key.private().as_bytes());
    world.store().insert(world.gpg(), "sallyport/env/app/dotenv", format!("TOKEN={token}\n").as_bytes());
    account.sudoers(&format!("{} ALL=(ALL:ALL) ALL", account.name));
    let client = world.mcp();
    let call = |tool: &str, arguments: Value| client.call(tool, arguments).expect_ok();
    let session = call("ssh_session_open", json!({ "target": "web1" })).text("session").to_owned();
    let shown = json!({ "session": session, "command": "echo \"$TOKEN\"", "secrets": ["app"] });
    assert_eq!(call("ssh_exec", shown).text("stdout"), "[redacted]\n");
    call("ssh_sudo_exec", json!({ "target": "web1", "command": "id" }));
    call("ssh_exec", json!({ "target": "web2", "command": "true" }));
    let note = world.dir().join("note");
    std::fs::write(&note, format!("{password}\n")).unwrap();
    call("ssh_exec", json!({ "session": session, "command": format!("cat {}", note.display()) }));
    let helper = world.helper().unwrap();
    // Of the key, a line of its file, and the number that it is.
    let file = key.private();
    let line = file.lines().rev().find(|line| !line.starts_with('-') && line.len() > 60).unwrap();
    let parsed = russh::keys::decode_secret_key(&file, None).unwrap();
    let seed = parsed.key_data().ed25519().unwrap().private.to_bytes();
    let secrets: [(&str, &[u8]); 4] = [
        ("the password", password.as_bytes()),
        ("the variable", token.as_bytes()),
        ("the key's file", line.as_bytes()),
        ("the key", &seed),
    ];
    let mut left = Vec::new();
    for (name, secret) in secrets {
        let runs: Vec<&[u8]> = memory::runs(secret).collect();
        left.extend(memory::find(helper, &runs).unwrap().iter().map(|at| format!("{name}, from byte {at}")));
    }
    assert!(left.is_empty(), "{left:#?}");
    // The control: the helper still knows them.
    let reply = call("ssh_exec", json!({ "session": session, "command": "cat", "stdin": token }));
    assert_eq!(reply.text("stdout"), "[redacted]");
}
