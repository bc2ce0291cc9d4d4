//! The audit log: it shows what was done, tells when it was touched, and when it cannot be written nothing runs.
use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use sallyport_tests::world::{World, account, eventually, process};
use serde_json::{Value, json};

fn log(world: &World) -> PathBuf {
    world.state().join("audit/audit.jsonl")
}

/// A world with a host, and three commands in its log; its helper runs on.
fn with_history() -> (World, sallyport_tests::world::Sshd) {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    for command in ["echo one", "echo two; exit 3", "true"] {
        client.call("ssh_exec", json!({ "target": "web1", "command": command })).expect_ok();
    }
    (world, sshd)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
}

/// Verifies, expecting findings of these kinds.
#[track_caller]
fn assert_found(world: &World, kinds: &[&str]) {
    let done = world.run(&["audit", "verify", "--json"]);
    let verdict = parsed(&done.stdout);
    let found: Vec<_> =
        verdict["findings"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(found, kinds, "{verdict:#}");
    assert_eq!(done.code(), i32::from(!kinds.is_empty()));
}

#[test]
fn what_was_done_is_shown_with_its_outcome_and_the_log_is_whole() {
    let (world, _sshd) = with_history();
    let shown = world.run(&["audit", "show", "--host", "web1"]).expect_success();
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(shown.contains("exited 3, 4 bytes  echo two; exit 3"), "{shown}");
    let records = parsed(&world.run(&["audit", "show", "--since", "1h", "--json"]).expect_success());
    assert!(records.as_array().unwrap().len() >= 7, "{records:#}");
    assert_eq!(world.run(&["audit", "show", "--since", "2999-01-01"]).expect_success(), "");
    let export = world.run(&["audit", "export"]).expect_success();
    assert_eq!(export, fs::read_to_string(log(&world)).unwrap());
    assert_found(&world, &[]);
    assert!(world.run(&["audit", "verify"]).expect_success().contains("head       "));
    assert_eq!(world.run(&["audit", "show", "--since", "soon"]).code(), 2);
}

#[test]
fn what_the_policy_blocked_is_in_the_log_with_the_host_and_the_rule() {
    let (world, _sshd) = with_history();
    world.policy(sallyport_tests::world::POLICY_THAT_FORBIDS);
    let client = world.mcp();
    let run = json!({ "target": "web1", "command": sallyport_tests::world::FORBIDDEN });
    client.call("ssh_exec", run).expect_code("policy_blocked");
    let shown = world.run(&["audit", "show", "--host", "web1"]).expect_success();
    let last = shown.lines().last().unwrap();
    assert!(last.ends_with("blocked  not-in-this-world  printf forbidden"), "{shown}");
    world.policy("mode = \"readonly\"\n");
    let write = json!({ "target": "web1", "path": "/tmp/never", "content": "x" });
    client.call("ssh_file_write", write).expect_code("policy_blocked");
    client
        .call("ssh_session_open", json!({ "target": "web1", "kind": "terminal" }))
        .expect_code("policy_blocked");
    let shown = world.run(&["audit", "show", "--host", "web1"]).expect_success();
    assert_eq!(shown.matches("  blocked  ").count(), 3, "{shown}");
    assert_found(&world, &[]);
}

#[test]
fn a_touched_log_is_found_out() {
    let (world, _sshd) = with_history();
    let sound = fs::read_to_string(log(&world)).unwrap();
    let lines: Vec<&str> = sound.lines().collect();
    let write = |lines: &[&str]| fs::write(log(&world), format!("{}\n", lines.join("\n"))).unwrap();

    let edited = lines[1].replace("echo one", "echo 1ne");
    write(&[&[lines[0], edited.as_str()], &lines[2..]].concat());
    assert_found(&world, &["edited"]);

    write(&[&lines[..3], &lines[5..]].concat());
    assert_found(&world, &["gap"]);

    // The running helper knows where the log ends.
    write(&lines[..5]);
    assert_found(&world, &["cut"]);
    fs::write(log(&world), &sound).unwrap();
    assert_found(&world, &[]);

    // Without one, a head noted before or a copy does.
    let head = parsed(&world.run(&["audit", "verify", "--json"]).expect_success());
    let head = format!("{}:{}", head["last"]["seq"], head["last"]["hash"].as_str().unwrap());
    let copy = world.fresh("copy");
    fs::write(&copy, &sound).unwrap();
    let copy = copy.to_str().unwrap();
    assert_eq!(world.run(&["audit", "verify", copy]).code(), 0, "an export can be checked elsewhere");
    process::signal(world.helper().unwrap(), Signal::SIGTERM);
    eventually("the helper's end", || world.helper().is_none().then_some(()));
    write(&lines[..5]);
    assert_found(&world, &[]);
    for known in [["--head", &head], ["--against", copy]] {
        let done = world.run(&[&["audit", "verify"], &known[..]].concat());
        assert_eq!(done.code(), 1, "{done:?}");
        assert!(done.stdout.contains("the log ends with record 5"), "{done:?}");
    }
}

#[test]
fn a_command_whose_helper_was_killed_is_an_intent_without_outcome() {
    let (world, _sshd) = with_history();
    let client = world.mcp();
    let running = client.start("ssh_exec", json!({ "target": "web1", "command": "sleep 600" }));
    eventually("the command", || (world.running("sleep 600") > 0).then_some(()));
    assert_found(&world, &[]);
    process::signal(world.helper().unwrap(), Signal::SIGKILL);
    running.wait().expect_code("helper_unavailable");
    assert_found(&world, &["no_outcome"]);
}

#[test]
fn a_helper_that_is_told_to_end_takes_along_what_runs_and_writes_every_outcome() {
    let (world, _sshd) = with_history();
    let client = world.mcp();
    let open = || {
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok().text("session").to_owned()
    };
    let [busy, waits] = [open(), open()];
    let sleep = |place: &str, name: &str| {
        let call = json!({ place: name, "command": "sleep 600", "background": true });
        assert_eq!(client.call("ssh_exec", call).status(), "running");
    };
    sleep("session", &busy);
    sleep("target", "web1");
    client.call("ssh_exec", json!({ "session": waits, "command": "sleep 600 &" })).expect_ok();
    eventually("three commands", || (world.running("sleep 600") == 3).then_some(()));
    let helper = world.helper().unwrap();
    process::signal(helper, Signal::SIGTERM);
    eventually("the helper's end", || (!process::alive(helper)).then_some(()));
    eventually("the end of all", || world.remote_processes().is_empty().then_some(()));
    assert_found(&world, &[]);
}

#[test]
fn a_full_file_is_put_aside_and_the_log_stays_whole() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.settings("audit_max_bytes = 4000\n");
    let client = world.mcp();
    for number in 0..12 {
        let command = format!("echo {number}");
        client.call("ssh_exec", json!({ "target": "web1", "command": command })).expect_ok();
    }
    let verdict = parsed(&world.run(&["audit", "verify", "--json"]).expect_success());
    assert!(verdict["files"].as_array().unwrap().len() > 2, "{verdict:#}");
    assert_eq!(world.run(&["audit", "show", "--host", "web1"]).expect_success().lines().count(), 12);
    let oldest = PathBuf::from(verdict["files"][0].as_str().unwrap());
    fs::remove_file(oldest).unwrap();
    assert_found(&world, &["gap"]);
}

/// A helper whose audit folder is a file system of its own, in a name space that ends with the helper.
pub fn helper_with_audit_on(world: &World, mount: &str) -> Child {
    let folder = world.state().join("audit");
    fs::create_dir_all(&folder).unwrap();
    let script = format!("{mount} && exec \"$1\"");
    let mut command = world.command("unshare");
    command.args(["--mount", "sh", "-c", &script, "sh"]);
    command.arg(process::built("sallyport-vault-helper")).env("AUDIT", &folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Fills the file system that `folder` is on, to the last byte; returns the file that does.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("filler");
    let mut file = fs::File::create(&path).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    path
}

#[test]
fn on_a_full_disk_new_commands_are_refused_running_ones_finish_and_room_heals_it() {
    if !account::possible() {
        return println!("skipped: only root can mount a small disk");
    }
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let mut helper = helper_with_audit_on(&world, "mount -t tmpfs -o size=64k,mode=700 none \"$AUDIT\"");
    let pid = eventually("the helper", || world.helper());
    let client = world.mcp();
    let go = world.dir().join("go");
    let command = format!("until [ -e {} ]; do sleep 0.02; done; echo finished", go.display());
    let running = client.start("ssh_exec", json!({ "target": "web1", "command": command, "confirm": true }));
    eventually("the command", || (!world.remote_processes().is_empty()).then_some(()));
    // The helper's disk, seen through its own root.
    let inside = PathBuf::from(format!("/proc/{pid}/root{}", world.state().join("audit").display()));
    let filler = fill(&inside);
    // What is left of the log's last page takes a few lines more.
    let refused = (0..50).find_map(|number| {
        let trace = world.dir().join(format!("ran-{number}"));
        let command = format!("touch {}", trace.display());
        let reply = client.call("ssh_exec", json!({ "target": "web1", "command": command, "confirm": true }));
        assert_eq!(reply.is_error(), !trace.exists(), "nothing runs unrecorded: {:#}", reply.raw);
        reply.is_error().then_some(reply)
    });
    let refused = refused.unwrap();
    assert!(refused.text("message").contains("audit log"), "{:#}", refused.raw);
    fs::write(&go, "").unwrap();
    assert_eq!(running.wait().expect_ok().text("stdout"), "finished\n");
    fs::remove_file(filler).unwrap();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    let copy = world.fresh("copy");
    fs::copy(inside.join("audit.jsonl"), &copy).unwrap();
    let verdict = world.run(&["audit", "verify", copy.to_str().unwrap()]);
    assert_eq!(verdict.code(), 0, "the outcome that had to wait is there too: {verdict:?}");
    process::signal(pid, Signal::SIGTERM);
    helper.wait().unwrap();
}

/// A disk in memory that can be broken: what is sealed takes no more writes (fcntl(2)), and the loop device on it tells
/// an input or output error. The file is the disk as long as it is open.
fn breakable_disk(world: &World) -> (fs::File, String) {
    let disk =
        fs::File::from(memfd_create("disk", MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC).unwrap());
    disk.set_len(8 << 20).unwrap();
    let path = format!("/proc/{}/fd/{}", std::process::id(), disk.as_raw_fd());
    let mut format = world.command("mkfs.ext4");
    process::run(format.args(["-q", "-F", "-O", "^has_journal", &path]), b"").expect_success();
    let mount = format!("mount -o loop,errors=continue {path} \"$AUDIT\" && chmod 700 \"$AUDIT\"");
    (disk, mount)
}

#[test]
fn on_a_disk_that_breaks_nothing_more_runs_and_what_ran_finishes() {
    if !account::possible() || !Path::new("/dev/loop-control").exists() {
        return println!("skipped: only root can mount a disk, and it takes a loop device");
    }
    for sync in ["disk", "written"] {
        let world = World::new();
        let _sshd = world.ready_host("web1");
        world.settings(&format!("audit_sync = \"{sync}\"\n"));
        let (disk, mount) = breakable_disk(&world);
        let mut helper = helper_with_audit_on(&world, &mount);
        let pid = eventually("the helper", || world.helper());
        let client = world.mcp();
        let go = world.dir().join("go");
        let command = format!("until [ -e {} ]; do sleep 0.02; done; echo finished", go.display());
        let running =
            client.start("ssh_exec", json!({ "target": "web1", "command": command, "confirm": true }));
        eventually("the command", || (!world.remote_processes().is_empty()).then_some(()));
        fcntl(&disk, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE)).unwrap();
        let attempt = |name: &str| {
            let trace = world.dir().join(name);
            let call =
                json!({ "target": "web1", "command": format!("touch {}", trace.display()), "confirm": true });
            let reply = client.call("ssh_exec", call);
            assert_eq!(reply.is_error(), !trace.exists(), "nothing runs that was refused: {:#}", reply.raw);
            drop(fs::remove_file(trace));
            reply.is_error().then_some(reply)
        };
        let refused = match sync {
            "disk" => attempt("first").unwrap(),
            // The kernel takes lines until a flush tells.
            _ => eventually("a flush that fails", || attempt("later")),
        };
        assert!(refused.text("message").contains("audit log"), "{:#}", refused.raw);
        assert!(attempt("again").is_some(), "nobody knows any more what the disk has");
        fs::write(&go, "").unwrap();
        assert_eq!(running.wait().expect_ok().text("stdout"), "finished\n");
        process::signal(pid, Signal::SIGTERM);
        helper.wait().unwrap();
    }
}

#[test]
fn on_a_read_only_disk_the_helper_does_not_start() {
    if !account::possible() {
        return println!("skipped: only root can mount a disk");
    }
    let world = World::new();
    let helper = helper_with_audit_on(&world, "mount -t tmpfs -o ro none \"$AUDIT\"");
    let done = helper.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && said.contains("audit log"), "{said}");
}

#[test]
fn another_users_log_is_refused_with_what_to_do() {
    if !account::possible() {
        return println!("skipped: only root can become another user");
    }
    let (world, _sshd) = with_history();
    let mut command = world.sallyport(&["audit", "show"]);
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    let done = process::run(&mut command, b"");
    assert_eq!(done.code(), 1, "{done:?}");
    assert!(done.stderr.contains("hint: it belongs to the helper's user"), "{done:?}");
}
