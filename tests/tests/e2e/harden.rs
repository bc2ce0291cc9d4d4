//! Hardening, by attacks: on the helper by a process of the same user, and from within a broker that was taken over.
//! A debugger of root's plays the part of the code that took it over.
use std::path::Path;

use sallyport_tests::world::{Finished, SshdOptions, World, account, eventually, memory, process};
use serde_json::{Value, json};

fn field(pid: i32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

fn attackers_tools() -> bool {
    let here = account::possible() && Path::new("/usr/bin/gdb").exists();
    if !here {
        println!("skipped: needs root and gdb");
    }
    here
}

/// Lets a process call functions of the C library, one after another; gives what each returned.
#[track_caller]
fn made_to_call(pid: i32, calls: &[String]) -> Vec<i64> {
    let mut gdb = process::bare("gdb");
    gdb.args(["-nx", "-batch", "-iex", "set debuginfod enabled off", "-p", &pid.to_string()]);
    // Wherever it was stopped: Rust's strings are not C's.
    gdb.args(["-ex", "set language c"]);
    for call in calls {
        gdb.args(["-ex", &format!("print (long){call}")]);
    }
    let done = process::run(&mut gdb, b"");
    let values: Vec<i64> = done
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix('$')?.split_once(" = ")?.1.parse().ok())
        .collect();
    assert_eq!(values.len(), calls.len(), "{done:#?}");
    values
}

/// Opening a file, by the bare system call: names of functions mean something else in some frames.
fn opening(path: &Path, flags: i32) -> String {
    let (call, here) = (nix::libc::SYS_openat, nix::libc::AT_FDCWD);
    format!(
        "((long(*)(long,long,const char*,long,long))syscall)({call}, {here}, \"{}\", {flags}, 384)",
        path.display()
    )
}

/// A system call with nothing but its number.
fn bare(call: i64) -> String {
    format!("((long(*)(long,long,long,long,long))syscall)({call}, 8, 0, 0, 0)")
}

/// A helper that may lock this much memory, and what `status` says of it.
fn with_locked_memory(world: &World, limit: &str) -> Value {
    let mut command = world.command("prlimit");
    command.arg(format!("--memlock={limit}")).arg(process::built("sallyport")).args(["status", "--json"]);
    serde_json::from_str(&process::run(&mut command, b"").expect_success()).unwrap()
}

#[test]
fn with_unlimited_locked_memory_the_helper_reaches_level_four_and_none_of_it_can_be_swapped() {
    let raised = process::run(process::bare("prlimit").args(["--memlock=unlimited:unlimited", "true"]), b"");
    if raised.code() != 0 {
        return println!("skipped: the limit of locked memory cannot be raised here (CAP_SYS_RESOURCE)");
    }
    let world = World::new();
    let status = with_locked_memory(&world, "unlimited:unlimited");
    assert_eq!(status["hardening"], 4, "{status:#}");
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
    assert_eq!(status["hardening"], 3, "{status:#}");
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
fn a_helper_that_cannot_reach_the_level_that_is_wanted_does_not_run() {
    let world = World::new();
    world.settings("min_hardening = 9\n");
    let done = world.run(&["status"]);
    assert_eq!(done.code(), 1);
    assert!(done.stderr.contains("min_hardening is 9") && done.stderr.contains("hint: "), "{done:?}");
    assert!(world.helper().is_none());
}

#[test]
fn no_process_of_the_same_user_reads_the_helpers_memory_or_makes_it_dump_core() {
    if !attackers_tools() {
        return;
    }
    // Root without its privileges: a user like any other, and the same one on both sides.
    let tame = |world: &World, program: &str| {
        let mut command = world.command("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", "--"]).arg(program);
        command
    };
    let world = World::new();
    let sallyport = process::built("sallyport").display().to_string();
    process::run(tame(&world, &sallyport).arg("status"), b"").expect_success();
    let pid = world.helper().unwrap();
    assert_eq!(field(pid, "CapEff"), "0000000000000000");
    let attack = |program: &str, arguments: &[&str]| -> Finished {
        process::run(tame(&world, program).args(arguments), b"")
    };
    let number = pid.to_string();
    let gdb = attack("gdb", &["-nx", "-batch", "-p", &number, "-ex", "info registers"]);
    assert!(gdb.stderr.contains("not permitted") && !gdb.stdout.contains("rip"), "{gdb:?}");
    for file in ["mem", "maps", "environ", "auxv", "fd/0"] {
        let path = format!("/proc/{pid}/{file}");
        assert_ne!(attack("head", &["-c", "1", &path]).code(), 0, "{path}");
    }
    let control = attack("sh", &["-c", "head -c 1 /proc/$$/environ"]);
    assert_eq!(control.code(), 0, "a process that is not hardened can be read: {control:?}");
    assert_eq!(field(pid, "CoreDumping"), "0");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
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
    let calls = [
        opening(&world.config().join("hosts.toml"), 0),
        opening(&outside, 0),
        opening(&world.home().join("new"), nix::libc::O_CREAT | nix::libc::O_WRONLY),
        bare(nix::libc::SYS_ptrace),
        bare(nix::libc::SYS_io_uring_setup),
    ];
    let results = made_to_call(world.helper().unwrap(), &calls);
    assert!(results[0] >= 0, "the control: what it needs it can open: {results:?}");
    assert!(results[1..].iter().all(|result| *result == -1), "{results:?}");
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
    let calls = [
        opening(&world.config().join("hosts.toml"), 0),
        opening(&world.store().dir().join(".gpg-id"), 0),
        opening(&record, 0),
        opening(&world.gpg().home().join("pubring.kbx"), 0),
        opening(&world.state().join("audit/audit.jsonl"), 0),
        opening(Path::new("/etc/passwd"), 0),
        opening(Path::new("/proc/1/status"), 0),
        // A socket to go to gpg-agent, the admin socket or the network with.
        "((int(*)(int,int,int))socket)(1, 1, 0)".to_owned(),
        "((int(*)(int,int,int))socket)(2, 2, 0)".to_owned(),
        "((int(*)(int,void*,int))connect)(0, (void*)0, 0)".to_owned(),
        "((int(*)())fork)()".to_owned(),
        "((int(*)(const char*,void*))execv)(\"/bin/true\", (void*)0)".to_owned(),
        format!("((int(*)(int,int))kill)({}, 15)", world.helper().unwrap()),
        "((int(*)(int,int,int,int))ptrace)(16, 1, 0, 0)".to_owned(),
    ];
    let results = made_to_call(pid, &calls);
    assert!(results[0] >= 0, "the control: {results:?}");
    for (call, result) in calls.iter().zip(&results).skip(1) {
        assert_eq!(*result, -1, "{call}");
    }
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
