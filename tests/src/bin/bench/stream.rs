//! How fast much output goes, and what it does to memory and to others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sallyport_tests::world::process::resident;
use serde_json::json;

use crate::bed::{Bed, timed};
use crate::report::{Aim, Report, median};

/// Growth of a process's memory, the times of a session's `echo`.
struct Company {
    growth: u64,
    echoes: Vec<std::time::Duration>,
}

/// The rate of `bytes` of text, with a secret of every host enrolled.
pub fn rate(bed: &Bed, report: &mut Report, bytes: usize) {
    let file = bed.world.dir().join("text");
    let line = "The quick brown fox jumps over the lazy dog, 0123456789 times.\n";
    std::fs::write(&file, line.repeat(bytes / line.len())).expect("the disk has room");
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

/// A flood of `bytes` beside a session on the same login that says `echo` all the time.
pub fn company(bed: &Bed, report: &mut Report, bytes: usize) {
    let (session, _) = bed.call("ssh_session_open", json!({ "target": "h1" }));
    let echo = json!({ "session": session.text("session"), "command": "echo here" });
    let alone: Vec<_> = (0..50).map(|_| bed.call("ssh_exec", echo.clone()).1).collect();
    let pids = [Some(bed.client.pid()), bed.world.helper()].map(|pid| pid.expect("both live"));
    let before = pids.map(resident);
    let ended = AtomicBool::new(false);
    let company = thread::scope(|scope| {
        scope.spawn(|| {
            bed.exec(1, &format!("head -c {bytes} /dev/zero"));
            ended.store(true, Ordering::SeqCst);
        });
        let mut company = Company { growth: 0, echoes: Vec::new() };
        while !ended.load(Ordering::SeqCst) {
            company.echoes.push(bed.call("ssh_exec", echo.clone()).1);
            for (pid, before) in pids.iter().zip(before) {
                company.growth = company.growth.max(resident(*pid).saturating_sub(before));
            }
        }
        company
    });
    report.memory("growth of either process during a flood", company.growth, Aim::Under(30.0));
    let delay = median(&company.echoes).saturating_sub(median(&alone));
    report.time("delay of a session's `echo` beside a flood", delay, Aim::Under(50.0));
}
