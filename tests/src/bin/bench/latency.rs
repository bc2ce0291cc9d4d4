//! How long one small thing takes: a login, a command, a command in an open shell, fifty commands at once.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::bed::{Bed, HOSTS, timed};
use crate::report::{Aim, Report, median};

/// Connect, log in, run `true`: each of ours on a host nobody logged in to yet.
pub fn logins(bed: &Bed, report: &mut Report) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 1..=HOSTS {
        ours.push(bed.exec(number, "true"));
        theirs.push(timed(&mut bed.ssh("true")));
    }
    report.times("login and `true`", &ours, &theirs, Aim::Faster(4.0));
}

/// Samples of the machine's pace.
const PACES: usize = 20;

/// What `ssh -S` takes for `true` on this machine, at this moment.
pub fn pace(bed: &Bed) -> Duration {
    let one = || timed(&mut bed.ssh_through_master("true"));
    one();
    median(&(0..PACES).map(|_| one()).collect::<Vec<_>>())
}

/// Calls of one kind before the next kind's turn.
const TURN: usize = 10;

/// One `true` at a time, in a shell session and as a command of its own, against `ssh -S`.
pub fn commands(bed: &Bed, report: &mut Report, samples: usize) {
    let (session, _) = bed.call("ssh_session_open", json!({ "target": "h1" }));
    let inside = json!({ "session": session.text("session"), "command": "true" });
    let (mut shell, mut single, mut master) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=samples.div_ceil(TURN) {
        let times = |one: &dyn Fn() -> Duration| (0..TURN).map(|_| one()).collect::<Vec<_>>();
        let turns = [
            times(&|| bed.call("ssh_exec", inside.clone()).1),
            times(&|| bed.exec(1, "true")),
            times(&|| timed(&mut bed.ssh_through_master("true"))),
        ];
        // The first turn warms all three up.
        if turn > 0 {
            for (list, times) in [&mut shell, &mut single, &mut master].into_iter().zip(turns) {
                list.extend(times);
            }
        }
    }
    report.times("`true` in a shell session, against `ssh -S`", &shell, &master, Aim::Faster(20.0));
    report.times("`true` by ssh_exec, against `ssh -S`", &single, &master, Aim::Faster(2.5));
}

/// Commands at once, and the logins that carry them: sshd takes ten sessions a login, and ours keeps one free.
const AT_ONCE: usize = 50;
const MASTERS: usize = AT_ONCE.div_ceil(9);

/// Fifty commands at once; the time until the last answer. OpenSSH's are fifty clients of as many masters as ours
/// has logins.
pub fn at_once(bed: &Bed, report: &mut Report, samples: usize) {
    let command = "sleep 0.05; echo hi";
    let arguments = json!({ "target": "h1", "command": command });
    let ours = || {
        let start = Instant::now();
        let pending: Vec<_> = (0..AT_ONCE).map(|_| bed.client.start("ssh_exec", arguments.clone())).collect();
        pending.into_iter().for_each(|pending| assert_eq!(pending.wait().expect_ok().text("stdout"), "hi\n"));
        start.elapsed()
    };
    let theirs = || {
        let start = Instant::now();
        let client = |number: usize| bed.ssh_through(number % MASTERS, command).spawn().expect("ssh starts");
        let clients: Vec<_> = (0..AT_ONCE).map(client).collect();
        for mut client in clients {
            assert!(client.wait().is_ok_and(|status| status.success()));
        }
        start.elapsed()
    };
    (1..MASTERS).for_each(|master| bed.master(master));
    // The first round logs in.
    ours();
    let (ours, theirs): (Vec<_>, Vec<_>) = (0..samples.max(2)).map(|_| (ours(), theirs())).unzip();
    // On the machine where `ssh -S` takes 5.6 ms, 230 ms for OpenSSH's and 130 ms for ours.
    report.times("50 at once of `sleep 0.05; echo hi`, against `ssh -S`", &ours, &theirs, Aim::Faster(1.77));
}
