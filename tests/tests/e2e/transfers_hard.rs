//! Transfers when something goes wrong: secrets, full disks, races, processes killed at any moment.
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use sallyport_tests::world::{World, account, eventually, process, run};
use serde_json::{Value, json};

fn ask(local: &str, remote: &Path) -> Value {
    json!({ "target": "web1", "local_path": local, "remote_path": remote, "overwrite": true })
}

/// The files in a directory that are neither `known` nor hidden temporary ones.
fn strays(folder: &Path, known: &[&str]) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !known.contains(&name.as_str())).collect()
}

#[test]
fn a_transfer_with_a_token_is_told_of_while_it_lasts() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    fs::write(world.home().join("file"), vec![7; 1 << 20]).unwrap();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    let all =
        |signal| process::descendants(sshd.pid()).into_iter().for_each(|pid| process::signal(pid, signal));
    all(Signal::SIGSTOP);
    let remote = world.fresh("remote");
    let sending = client.start_with_progress("ssh_upload", ask("file", &remote), "how far");
    let told = || client.notifications("notifications/progress");
    let first = eventually("a notification", || told().into_iter().next());
    all(Signal::SIGCONT);
    assert_eq!(first["params"]["progressToken"], "how far");
    assert!(first["params"]["message"].as_str().unwrap().contains("bytes transferred"), "{first}");
    sending.wait().expect_ok();
    assert_eq!(fs::metadata(&remote).unwrap().len(), 1 << 20);
}

#[test]
fn a_download_with_a_vault_secret_is_refused_and_leaves_nothing() {
    let world = World::new();
    let sshd = world.sshd();
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record(
        "ssh",
        &sshd.place(),
        &sallyport_tests::world::sshd::own_name(),
        "key",
        key.private().as_bytes(),
    );
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    let remote = world.fresh("remote");
    fs::create_dir(&remote).unwrap();
    let client = world.mcp();
    let secret = key.private();
    let encoded = run(process::bare("base64").arg("-w0"), secret.as_bytes()).expect_success();
    let filler = |bytes: usize| "lorem ipsum dolor sit amet \n".repeat(bytes / 28 + 1)[..bytes].to_owned();
    let files = [
        ("raw", secret.clone()),
        ("encoded", format!("x={encoded}\n")),
        // Across the pieces of SFTP (255 KiB when read), SSH (32 KiB) and the socket.
        ("edge", format!("{}{secret}{}", filler(32 * 1024 - 70), filler(300_000))),
        ("far", format!("{}{secret}", filler(255 * 1024 * 3 - 100))),
    ];
    for (name, content) in &files {
        fs::write(remote.join(name), content).unwrap();
        client.call("ssh_download", ask("got", &remote.join(name))).expect_code("secret_in_file");
        assert_eq!(strays(&world.home(), &[]), [""; 0], "{name}");
    }
    fs::write(remote.join("fine"), filler(400_000)).unwrap();
    client.call("ssh_download", ask("fine", &remote.join("fine"))).expect_ok();
    // One bad file, and nothing of the directory stays.
    let mut all = ask("all", &remote);
    all["recursive"] = true.into();
    client.call("ssh_download", all).expect_code("secret_in_file");
    assert_eq!(strays(&world.home(), &["fine"]), [""; 0]);
    let copy = json!({ "from_target": "web1", "from_path": remote.join("far"), "to_target": "web1", "to_path": remote.join("copied") });
    client.call("ssh_copy", copy).expect_code("secret_in_file");
    assert_eq!(strays(&remote, &["raw", "encoded", "edge", "far", "fine"]), [""; 0]);
    let log = fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
    assert!(log.contains("secret_in_file") && log.contains("\"download\""), "{log}");
}

#[test]
fn a_full_disk_is_told_and_nothing_half_written_stays() {
    if !account::possible() {
        eprintln!("skipped: only root can mount");
        return;
    }
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let disk = Mounted::tmpfs(&world.fresh("disk"), "2m");
    let client = world.mcp();
    fs::write(world.home().join("large"), vec![b'x'; 6_000_000]).unwrap();
    let full = client.call("ssh_upload", ask("large", &disk.0.join("large"))).expect_code("quota_exceeded");
    assert!(full.text("message").contains("disk is full"), "{:#}", full.raw);
    assert_eq!(strays(&disk.0, &[]), [""; 0]);
    fs::write(world.fresh("source"), "").unwrap();
    let local = Mounted::tmpfs(&world.home().join("small"), "1m");
    let full = client.call("ssh_download", ask("small/large", &world.home().join("large")));
    assert!(full.expect_code("quota_exceeded").text("message").contains("local disk is full"));
    assert_eq!(strays(&local.0, &[]), [""; 0]);
}

/// A file system of a test's own.
pub struct Mounted(pub PathBuf);

impl Mounted {
    fn tmpfs(path: &Path, size: &str) -> Self {
        Self::try_at(path, &["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).unwrap()
    }

    /// Mounts what the words say; `None` where that cannot be.
    pub fn try_at(path: &Path, words: &[&str]) -> Option<Self> {
        fs::create_dir(path).unwrap();
        let done = run(process::bare("mount").args(words).arg(path), b"");
        (done.code() == 0).then(|| Self(path.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run(process::bare("umount").arg("-l").arg(&self.0), b"");
    }
}

#[test]
fn a_link_swapped_in_never_leads_outside() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let (outside, remote) = (world.fresh("outside"), world.fresh("remote"));
    fs::create_dir(&outside).unwrap();
    fs::create_dir(&remote).unwrap();
    fs::write(outside.join("file"), "TOP SECRET").unwrap();
    fs::write(remote.join("file"), "from the host").unwrap();
    let (real, swapped) = (world.home().join("real"), world.home().join("dir"));
    fs::create_dir(&real).unwrap();
    fs::write(real.join("file"), "inside").unwrap();
    let client = world.mcp();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // A directory, then a link to the outside, under one name.
                drop(fs::rename(&real, &swapped));
                std::thread::sleep(Duration::from_micros(300));
                drop(fs::rename(&swapped, &real));
                drop(symlink(&outside, &swapped));
                std::thread::sleep(Duration::from_micros(300));
                drop(fs::remove_file(&swapped));
            }
        });
        for round in 0..60 {
            let up = client.call("ssh_upload", ask("dir/file", &remote.join("up")));
            if up.status() == "ok" {
                assert_ne!(fs::read_to_string(remote.join("up")).unwrap(), "TOP SECRET", "round {round}");
            }
            client.call("ssh_download", ask("dir/down", &remote.join("file")));
            assert_eq!(strays(&outside, &["file"]), [""; 0], "round {round}");
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "TOP SECRET");
}

#[test]
fn whatever_is_killed_there_is_the_old_file_or_the_new_one_whole() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let remote = world.fresh("remote");
    fs::create_dir(&remote).unwrap();
    let (old, new) = (vec![b'o'; 3_000_000], vec![b'n'; 4_000_000]);
    fs::write(world.home().join("new"), &new).unwrap();
    fs::write(remote.join("new"), &new).unwrap();
    // `scripts/kill-matrix` asks for more rounds, at other moments each time.
    let asked = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let rounds = asked("SALLYPORT_KILL_ROUNDS").unwrap_or(16);
    let mut moment = asked("SALLYPORT_KILL_SEED").unwrap_or(1);
    let mut client = world.mcp();
    for round in 0..rounds {
        fs::write(remote.join("file"), &old).unwrap();
        fs::write(world.home().join("file"), &old).unwrap();
        eventually("a connection", || {
            let arguments = json!({ "target": "web1", "command": "true" });
            client.call("ssh_exec", arguments).status().eq("ok").then_some(())
        });
        let (tool, arguments, file) = match round % 2 {
            0 => ("ssh_upload", ask("new", &remote.join("file")), remote.join("file")),
            _ => ("ssh_download", ask("file", &remote.join("new")), world.home().join("file")),
        };
        let pending = client.start(tool, arguments);
        // Moments of a transfer that takes some tens of milliseconds, some of them after its end.
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((moment >> 33) % 90_000));
        let kill = |pid| process::signal(pid, Signal::SIGKILL);
        let broker = round / 2 % 4 == 0;
        match round / 2 % 4 {
            0 => client.kill(),
            1 => kill(world.helper().unwrap()),
            2 => world.carriers().into_iter().for_each(kill),
            _ => process::descendants(sshd.pid()).into_iter().for_each(kill),
        }
        // sshd's connection may be made again and the transfer go on: whatever it says must be true.
        let said = pending.wait_or_end();
        let content = fs::read(&file).unwrap();
        assert!(content == old || content == new, "round {round}: a file of {} bytes", content.len());
        if said.is_some_and(|said| said.status() == "ok") {
            assert!(content == new, "round {round}: said to be done");
        }
        if broker {
            client = world.mcp();
        }
        let strays = [strays(&remote, &["new", "file"]), strays(&world.home(), &["new", "file"])].concat();
        assert!(strays.iter().all(|name| name.starts_with(".sallyport-")), "round {round}: {strays:?}");
    }
    // What a killed process left behind locally goes with the next download.
    eventually("the sweep", || {
        client.call("ssh_download", ask("file", &remote.join("new"))).status().eq("ok").then_some(())
    });
    assert_eq!(strays(&world.home(), &["new", "file"]), [""; 0]);
}

#[test]
fn a_lost_connection_is_made_again_and_the_transfer_goes_on() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let remote = world.fresh("remote");
    fs::create_dir(&remote).unwrap();
    let content: Vec<u8> = (0..60_000_000_u32).map(|n| (n ^ (n >> 9)) as u8).collect();
    fs::write(world.home().join("large"), &content).unwrap();
    let client = world.mcp();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    let kill =
        || process::descendants(sshd.pid()).into_iter().for_each(|pid| process::signal(pid, Signal::SIGKILL));
    let part = |folder: &Path| {
        let names = fs::read_dir(folder).unwrap().map(Result::unwrap);
        names
            .filter(|e| e.file_name().to_string_lossy().ends_with(".part"))
            .find_map(|e| e.metadata().ok())
            .map(|m| m.len())
    };
    let up = client.start("ssh_upload", ask("large", &remote.join("large")));
    eventually("some of it", || {
        part(&remote)
            .filter(|bytes| *bytes > 1_000_000)
            .or_else(|| remote.join("large").exists().then_some(0))
    });
    kill();
    up.wait().expect_ok();
    assert!(fs::read(remote.join("large")).unwrap() == content);
    let down = client.start("ssh_download", ask("back", &remote.join("large")));
    eventually("some of it", || {
        part(&world.home())
            .filter(|bytes| *bytes > 1_000_000)
            .or_else(|| world.home().join("back").exists().then_some(0))
    });
    kill();
    down.wait().expect_ok();
    assert!(fs::read(world.home().join("back")).unwrap() == content);
}

#[test]
fn a_cancelled_transfer_leaves_no_temporary_file_on_either_side() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let remote = world.fresh("remote");
    fs::create_dir(&remote).unwrap();
    fs::write(world.home().join("large"), vec![b'x'; 80_000_000]).unwrap();
    let client = world.mcp();
    let begun = |folder: &Path| !strays(folder, &["large"]).is_empty();
    let up = client.start("ssh_upload", ask("large", &remote.join("up")));
    eventually("the upload's beginning", || begun(&remote).then_some(()));
    client.cancel(up.id);
    eventually("its end", || (strays(&remote, &["up"]).is_empty()).then_some(()));
    let down = client.start("ssh_download", ask("down", &world.home().join("large")));
    eventually("the download's beginning", || begun(&world.home()).then_some(()));
    client.cancel(down.id);
    eventually("its end", || strays(&world.home(), &["large", "down"]).is_empty().then_some(()));
}
