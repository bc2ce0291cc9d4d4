//! Much at once, and much of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{SshdOptions, World, eventually, process};
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

#[test]
fn more_sessions_than_one_connection_carries_are_open_at_once_on_a_server_that_drops_logins() {
    let world = World::new();
    // sshd's own limits are 10:30:100 and 10; here a third connection at once is always dropped.
    let extra = "MaxStartups 2:100:2\nMaxSessions 4\n".to_owned();
    let sshd = world.sshd_with(&SshdOptions { extra, ..SshdOptions::default() });
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    let client = world.mcp();
    let opening: Vec<_> =
        (0..72).map(|_| client.start("ssh_session_open", json!({ "target": "web1" }))).collect();
    let sessions: Vec<String> =
        opening.into_iter().map(|reply| reply.wait().expect_ok().text("session").to_owned()).collect();
    let running: Vec<_> = sessions
        .iter()
        .map(|session| client.start("ssh_exec", json!({ "session": session, "command": "echo here" })))
        .collect();
    running.into_iter().for_each(|reply| assert_eq!(reply.wait().expect_ok().text("stdout"), "here\n"));
    assert!(sshd.connections() >= 18, "{} connections carry four sessions each", sshd.connections());
}

#[test]
fn a_server_that_goes_down_and_comes_up_under_load_loses_no_answer_silently() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    let session =
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok().text("session").to_owned();
    let file = world.dir().join("done");
    for round in 0..4 {
        let command =
            |number: usize| format!("echo {round}.{number} >> {}; sleep 0.2; echo end", file.display());
        let pending: Vec<_> = (0..12)
            .map(|number| client.start("ssh_exec", json!({ "target": "web1", "command": command(number) })))
            .collect();
        eventually("commands that run", || world.remote_processes().len().ge(&3).then_some(()));
        sshd.cut();
        for (number, pending) in pending.into_iter().enumerate() {
            let reply = pending.wait();
            let ran = std::fs::read_to_string(&file)
                .unwrap_or_default()
                .lines()
                .filter(|line| *line == format!("{round}.{number}"))
                .count();
            assert!(ran <= 1, "what may have run is not run again");
            match reply.status() {
                // The end of what it ran may have come through before the connection's.
                "ok" => assert!(
                    ran == 1 && (reply.text("stdout") == "end\n" || reply["exit_code"] != 0),
                    "{:#}",
                    reply.raw
                ),
                _ => drop(reply.expect_code("ssh_connection_failed")),
            }
        }
    }
    let lost = client.call("ssh_exec", json!({ "session": session, "command": "true" }));
    let lost = lost.expect_code("session_not_found");
    assert!(lost.text("message").contains("has ended: "), "{:#}", lost.raw);
    let again = client.call("ssh_exec", json!({ "target": "web1", "command": "echo again" })).expect_ok();
    assert_eq!(again.text("stdout"), "again\n", "new work logs in again");
}

/// Processes that stand still until this is dropped: nobody ends one that does.
struct Silenced(Vec<i32>);

impl Silenced {
    fn of(processes: Vec<i32>) -> Self {
        processes.iter().for_each(|pid| process::signal(*pid, Signal::SIGSTOP));
        Self(processes)
    }
}

impl Drop for Silenced {
    fn drop(&mut self) {
        self.0.iter().for_each(|pid| process::signal(*pid, Signal::SIGCONT));
    }
}

#[test]
fn a_host_that_falls_silent_is_noticed_and_what_ran_there_hears_of_it() {
    let world = World::new();
    world.settings("keepalive_s = 1\n");
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    let session =
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok().text("session").to_owned();
    let running =
        client.start("ssh_exec", json!({ "session": session, "command": "sleep 600", "timeout_s": 900 }));
    eventually("the command", || (!world.remote_processes().is_empty()).then_some(()));
    // The kernel still acknowledges what is sent: only the server's silence tells. New connections are served.
    let _silenced = Silenced::of(process::descendants(sshd.pid()));
    let lost = running.wait().expect_code("ssh_connection_failed");
    assert!(lost.text("message").contains("the connection broke"), "{:#}", lost.raw);
    let gone = client.call("ssh_exec", json!({ "session": session, "command": "true" }));
    assert!(gone.expect_code("session_not_found").text("message").contains("the connection broke"));
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
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

#[test]
fn what_one_principal_may_have_is_bounded_and_what_ends_makes_room() {
    let world = World::new();
    world.settings("sessions_max = 2\nterminals_max = 2\njobs_max = 2\n");
    let _sshd = world.ready_host_with("web1", "terminal = \"allow\"");
    let client = world.mcp();
    let session = |kind: &str| ("ssh_session_open", json!({ "target": "web1", "kind": kind }), "session");
    let sleep = json!({ "target": "web1", "command": "sleep 600", "background": true });
    let kinds = [
        (session("shell"), "ssh_session_close", "session"),
        (session("terminal"), "ssh_session_close", "session"),
        (("ssh_exec", sleep, "job_id"), "ssh_stop", "id"),
    ];
    for ((tool, arguments, id), end, of) in kinds {
        let open = |client: &McpClient| client.call(tool, arguments.clone());
        let ids = [open(&client), open(&client)].map(|reply| reply.text(id).to_owned());
        let full = open(&client).expect_code("quota_exceeded");
        assert!(full.text("hint").contains(end), "{:#}", full.raw);
        open(&world.mcp()).expect_code("quota_exceeded");
        client.call(end, json!({ of: ids[0] })).expect_ok();
        assert!(!open(&client).text(id).is_empty(), "{tool}: room again");
        open(&client).expect_code("quota_exceeded");
    }
}
