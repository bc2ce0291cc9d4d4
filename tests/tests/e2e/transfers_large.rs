//! Transfers of files that are larger than memory should care about, and of more than an account may store.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::{World, account, process};
use serde_json::{Value, json};

use crate::transfers_hard::Mounted;

/// The most memory a process ever had, in bytes (proc(5), VmHWM).
fn peak(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A call that may take as long as it does.
fn patiently(client: &McpClient, tool: &str, arguments: Value) -> Reply {
    let pending = client.start(tool, arguments);
    loop {
        match pending.ready() {
            Some(reply) => return reply,
            None => assert!(process::alive(client.pid()), "the server ended"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `SALLYPORT_SPARSE_BYTES` asks for another size than a quarter of a GiB.
#[test]
fn a_large_sparse_file_goes_both_ways_in_constant_memory_and_stays_sparse() {
    const ROOM: u64 = 64 << 20;
    let asked = std::env::var("SALLYPORT_SPARSE_BYTES").ok().and_then(|text| text.parse().ok());
    let size: u64 = asked.unwrap_or(256 << 20);
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let remote = world.fresh("remote");
    fs::create_dir(&remote).unwrap();
    File::create(world.home().join("sparse")).unwrap().set_len(size).unwrap();
    let client = world.mcp();
    let ask =
        |local: &str| json!({ "target": "web1", "local_path": local, "remote_path": remote.join("sparse") });
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    let before = [client.pid(), world.helper().unwrap()].map(peak);
    let up = patiently(&client, "ssh_upload", ask("sparse")).expect_ok();
    let down = patiently(&client, "ssh_download", ask("back")).expect_ok();
    assert_eq!((&up["bytes"], &down["bytes"], &up["sha256"]), (&json!(size), &json!(size), &down["sha256"]));
    let after = [client.pid(), world.helper().unwrap()].map(peak);
    for (who, (before, after)) in ["broker", "helper"].into_iter().zip(before.into_iter().zip(after)) {
        println!("{who}: {} MiB at most before, {} MiB after", before >> 20, after >> 20);
        assert!(after < before + ROOM, "{who}: {before} bytes before, {after} after");
    }
    for file in [remote.join("sparse"), world.home().join("back")] {
        let about = fs::metadata(&file).unwrap();
        assert_eq!(about.len(), size);
        assert!(about.blocks() * 512 < size / 16, "{}: {} blocks", file.display(), about.blocks());
    }
}

#[test]
fn a_real_quota_is_told_apart_from_a_full_disk() {
    let world = World::new();
    let image = world.fresh("image");
    File::create(&image).unwrap().set_len(320 << 20).unwrap();
    let made = account::possible()
        && process::run(process::bare("mkfs.btrfs").arg("-q").arg(&image), b"").code() == 0;
    let words = ["-o", "loop", image.to_str().unwrap()];
    let Some(disk) = made.then(|| Mounted::try_at(&world.fresh("disk"), &words)).flatten() else {
        println!("skipped: needs root, btrfs and a loop device");
        return;
    };
    let remote = disk.0.join("limited");
    let btrfs = |words: &[&str]| {
        process::run(process::bare("btrfs").args(words), b"").expect_success();
    };
    let (disk_path, remote_path) = (disk.0.to_str().unwrap(), remote.to_str().unwrap());
    btrfs(&["quota", "enable", disk_path]);
    btrfs(&["subvolume", "create", remote_path]);
    btrfs(&["qgroup", "limit", "600K", remote_path]);
    let _sshd = world.ready_host("web1");
    let content: String = (0..2_000_000_u32).map(|n| char::from(b'a' + (n ^ (n >> 5)) as u8 % 26)).collect();
    fs::write(world.home().join("large"), &content).unwrap();
    let client = world.mcp();
    let upload = json!({ "target": "web1", "local_path": "large", "remote_path": remote.join("large") });
    let write = json!({ "target": "web1", "path": remote.join("large"), "content": content });
    for (tool, arguments) in [("ssh_upload", upload), ("ssh_file_write", write)] {
        let refused = client.call(tool, arguments).expect_code("quota_exceeded");
        assert!(refused.text("message").contains("its disk is not full"), "{:#}", refused.raw);
        assert!(refused.text("hint").contains("quota"), "{:#}", refused.raw);
        assert_eq!(fs::read_dir(&remote).unwrap().count(), 0, "nothing half written stays");
    }
    let download =
        json!({ "target": "web1", "local_path": "back", "remote_path": world.home().join("large") });
    drop(client);
    let mut serve = world.sallyport(&["serve"]);
    serve.current_dir(&remote);
    let client = McpClient::initialize(serve);
    let refused = client.call("ssh_download", download).expect_code("quota_exceeded");
    assert!(refused.text("message").contains("quota"), "{:#}", refused.raw);
    assert_eq!(fs::read_dir(&remote).unwrap().count(), 0, "nothing half downloaded stays");
}
