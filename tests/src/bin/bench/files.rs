//! How fast files go, against OpenSSH's `sftp` through an open master.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sallyport_tests::world::process;
use serde_json::json;

use crate::bed::Bed;
use crate::report::{Aim, Report, median};

/// One large file of `bytes`, both ways.
pub fn large(bed: &Bed, report: &mut Report, bytes: usize) {
    let (local, remote) = places(bed);
    let mut state = 1_u64;
    let content: Vec<u8> = (0..bytes / 8)
        .flat_map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_le_bytes()
        })
        .collect();
    fs::write(local.join("large"), &content).expect("the disk has room");
    let (up, their_up) = both(bed, "ssh_upload", "large", "put");
    assert!(fs::read(remote.join("large")).expect("it arrived") == content);
    let (down, their_down) = both(bed, "ssh_download", "large", "get");
    assert!(fs::read(local.join("ours")).expect("it arrived") == content);
    let rate = |time: Duration| bytes as f64 / time.as_secs_f64();
    report.rates("upload of one large file, against `sftp`", rate(up), rate(their_up), Aim::Part(1.0));
    report.rates("download of one large file, against `sftp`", rate(down), rate(their_down), Aim::Part(1.0));
    clear(&local, &remote);
}

/// `count` small files in one directory, both ways.
pub fn small(bed: &Bed, report: &mut Report, count: usize) {
    let (local, remote) = places(bed);
    fs::create_dir(local.join("many")).expect("a fresh directory");
    for number in 0..count {
        let content = format!("{number}\n").repeat(200 + number % 700);
        fs::write(local.join(format!("many/file-{number}")), content).expect("the disk has room");
    }
    let (up, their_up) = both(bed, "ssh_upload", "many", "put -r");
    assert_eq!(fs::read_dir(remote.join("many")).expect("it arrived").count(), count);
    let (down, their_down) = both(bed, "ssh_download", "many", "get -r");
    assert_eq!(fs::read_dir(local.join("ours")).expect("it arrived").count(), count);
    report.times("upload of many small files, against `sftp`", &[up], &[their_up], Aim::Faster(1.0));
    report.times("download of many small files, against `sftp`", &[down], &[their_down], Aim::Faster(1.0));
    clear(&local, &remote);
}

fn places(bed: &Bed) -> (std::path::PathBuf, std::path::PathBuf) {
    let (local, remote) = (bed.world.home(), bed.world.dir().join("there"));
    fs::create_dir_all(&remote).expect("a directory");
    (local, remote)
}

/// The same transfer three times by each, in turns; the medians.
fn both(bed: &Bed, tool: &str, name: &str, command: &str) -> (Duration, Duration) {
    let (local, remote) = places(bed);
    let there = remote.join(name);
    let upload = tool == "ssh_upload";
    // What is brought back goes beside what was sent.
    let here = if upload { name.to_owned() } else { "ours".to_owned() };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        remove(&if upload { there.clone() } else { local.join("ours") });
        let arguments =
            json!({ "target": "h1", "local_path": here, "remote_path": there, "recursive": true });
        ours.push(bed.call(tool, arguments).1);
        let (from, to) = match upload {
            true => (local.join(name), remote.join("theirs")),
            false => (there.clone(), local.join("theirs")),
        };
        remove(&to);
        let script = format!("{command} {} {}\n", from.display(), to.display());
        let start = Instant::now();
        process::run(&mut bed.sftp(), script.as_bytes()).expect_success();
        theirs.push(start.elapsed());
    }
    (median(&ours), median(&theirs))
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).expect("our own directory");
    } else if path.exists() {
        fs::remove_file(path).expect("our own file");
    }
}

fn clear(local: &Path, remote: &Path) {
    for name in ["large", "many", "ours", "theirs"] {
        remove(&local.join(name));
    }
    remove(remote);
}
