//! How fast much output goes, and what it does to memory and to others.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sallyport_tests::world::process::resident;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{SshdOptions, World, eventually};
use serde_json::json;

use crate::bed::{Bed, timed};
use crate::report::{Aim, Report, median};

/// Growth of a process's memory, the times of a session's `echo`.
struct Company {
    growth: u64,
    echoes: Vec<Duration>,
}

/// The rate of `bytes` of text, with a secret of every host enrolled.
pub fn rate(bed: &Bed, report: &mut Report, bytes: usize) {
    let file = bed.world.dir().join("text");
    write_text(&file, bytes);
    let command = format!("cat {}", file.display());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        ours.push(bed.exec(1, &command));
        theirs.push(timed(&mut bed.ssh(&command)));
    }
    let per_second = |times: &[_]| bytes as f64 / median(times).as_secs_f64();
    report.rates(
        "output with 32 secrets enrolled, against `ssh`",
        per_second(&ours),
        per_second(&theirs),
        Aim::Part(0.8),
    );
    std::fs::remove_file(file).expect("our own file");
}

/// The rate of `bytes` of text in a world of its own where nothing is enrolled, for the key is an ssh-agent's, and
/// then the same with a secret in the vault's use: what redaction costs.
pub fn redaction(report: &mut Report, bytes: usize) {
    let world = World::new();
    let sshd = world.sshd_with(&SshdOptions { quiet: true, ..SshdOptions::default() });
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    let socket = world.dir().join("agent");
    let mut agent = world.command("ssh-agent");
    let mut agent =
        agent.args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn().expect("ssh-agent is there");
    eventually("the agent's socket", || socket.exists().then_some(()));
    timed(world.command("ssh-add").env("SSH_AUTH_SOCK", &socket).arg("-q").arg(key.path()));
    world.settings(&format!("ssh_auth_sock = \"{}\"\n", socket.display()));
    let entry = |alias: &str, identity: &str| {
        format!(
            "[hosts.{alias}]\nhostname = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\nidentity = [\"{identity}\"]\n",
            sshd.port(),
            own_name()
        )
    };
    world.write_hosts(&(entry("free", "agent") + &entry("kept", "vault")));
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    let file = world.dir().join("text");
    write_text(&file, bytes);
    let client = world.mcp();
    let call = |target: &str| {
        let command = format!("cat {}", file.display());
        let arguments = json!({ "target": target, "command": command, "timeout_s": 600 });
        let start = Instant::now();
        client.start("ssh_exec", arguments).wait_for(Duration::from_secs(600)).expect_ok();
        start.elapsed()
    };
    // A login of the vault's key enrols it for as long as the login lasts: all without it come first.
    let without: Vec<_> = (0..3).map(|_| call("free")).collect();
    let with: Vec<_> = (0..3).map(|_| call("kept")).collect();
    let per_second = |times: &[_]| bytes as f64 / median(times).as_secs_f64();
    report.rates(
        "output with a secret enrolled, against none",
        per_second(&with),
        per_second(&without),
        Aim::Part(0.9),
    );
    let _ = agent.kill();
    let _ = agent.wait();
}

fn write_text(file: &Path, bytes: usize) {
    let line = "The quick brown fox jumps over the lazy dog, 0123456789 times.\n";
    std::fs::write(file, line.repeat(bytes / line.len())).expect("the disk has room");
}

/// A flood of `bytes` beside a session on the same login that says `echo` all the time.
pub fn company(bed: &Bed, report: &mut Report, bytes: usize) {
    let (session, _) = bed.call("ssh_session_open", json!({ "target": "h1" }));
    let echo = json!({ "session": session.text("session"), "command": "echo here" });
    let alone: Vec<_> = (0..50).map(|_| bed.call("ssh_exec", echo.clone()).1).collect();
    let memory = || [resident(bed.client.pid()), bed.world.helper_memory()];
    let before = memory();
    let ended = AtomicBool::new(false);
    let company = thread::scope(|scope| {
        scope.spawn(|| {
            bed.exec(1, &format!("head -c {bytes} /dev/zero"));
            ended.store(true, Ordering::SeqCst);
        });
        let mut company = Company { growth: 0, echoes: Vec::new() };
        while !ended.load(Ordering::SeqCst) {
            company.echoes.push(bed.call("ssh_exec", echo.clone()).1);
            for (now, before) in memory().into_iter().zip(before) {
                company.growth = company.growth.max(now.saturating_sub(before));
            }
        }
        company
    });
    report.memory("growth of either side during a flood", company.growth, Aim::Under(30.0));
    let delay = median(&company.echoes).saturating_sub(median(&alone));
    report.time("delay of a session's `echo` beside a flood", delay, 50.0);
}
