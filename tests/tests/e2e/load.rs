//! Much at once, and much of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sallyport_tests::world::{World, process};
use serde_json::json;

#[test]
fn fifty_commands_at_once_get_their_own_answers() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    let command = |number: usize| json!({ "target": "web1", "command": format!("sleep 0.2; echo {number}") });
    let pending: Vec<_> = (0..50).map(|number| client.start("ssh_exec", command(number))).collect();
    for (number, pending) in pending.into_iter().enumerate() {
        assert_eq!(pending.wait().expect_ok().text("stdout"), format!("{number}\n"));
    }
    // sshd allows ten channels a connection: fewer than five would mean waiting, many more a login a command.
    assert!((5..=10).contains(&sshd.connections()), "{} connections", sshd.connections());
}

#[test]
fn sessions_side_by_side_do_not_mix() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let open = || {
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok().text("session").to_owned()
    };
    let sessions: Vec<String> = (0..12).map(|_| open()).collect();
    let run = |session: &str, command: String| {
        client.start("ssh_exec", json!({ "session": session, "command": command }))
    };
    let set: Vec<_> =
        sessions.iter().enumerate().map(|(n, session)| run(session, format!("mine={n}"))).collect();
    set.into_iter().for_each(|pending| drop(pending.wait().expect_ok()));
    let got: Vec<_> = sessions.iter().map(|session| run(session, "echo $mine".into())).collect();
    for (number, pending) in got.into_iter().enumerate() {
        assert_eq!(pending.wait().expect_ok().text("stdout"), format!("{number}\n"));
    }
}

/// Growth that one gigabyte may cause in each process.
const GROWTH: u64 = 30 << 20;

#[test]
fn a_gigabyte_of_output_keeps_both_processes_small_and_other_sessions_answering() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let session =
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok().text("session").to_owned();
    let echo =
        || client.call("ssh_exec", json!({ "session": session, "command": "echo still here" })).expect_ok();
    echo();
    let pids = [client.pid(), world.helper().unwrap()];
    let before = pids.map(process::resident);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let command = "head -c 1000000000 /dev/zero | tr '\\0' x; echo; echo the end";
            let arguments = json!({ "target": "web1", "command": command, "timeout_s": 600 });
            let reply =
                client.start_with_progress("ssh_exec", arguments, "flood").wait_for(Duration::from_secs(600));
            ended.store(true, Ordering::SeqCst);
            reply
        });
        let (mut largest, mut echoes) = (before, 0);
        while !ended.load(Ordering::SeqCst) {
            assert_eq!(echo().text("stdout"), "still here\n");
            echoes += 1;
            for (largest, pid) in largest.iter_mut().zip(pids) {
                *largest = process::resident(pid).max(*largest);
            }
        }
        let reply = flood.join().unwrap().expect_ok();
        assert_eq!(reply["truncated"], true);
        assert!(reply.text("stdout").ends_with("x\nthe end\n"), "the tail is kept");
        for (largest, before) in largest.iter().zip(before) {
            assert!(largest - before < GROWTH, "grew from {before} to {largest}");
        }
        assert!(echoes > 3, "the flood left no room for others: {echoes} echoes");
    });
}
