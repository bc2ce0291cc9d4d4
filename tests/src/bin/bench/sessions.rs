//! Five hundred sessions on one host, and how soon a terminal's output is told.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{SshdOptions, World};
use serde_json::json;

use crate::bed::{Bed, timed};
use crate::report::{Aim, Report, median};

/// How many are open at once.
const SESSIONS: usize = 500;
/// How many are opened one after another.
const IN_TURN: usize = 100;
/// How many in a row, before it is OpenSSH's turn.
const TURN: usize = 10;
/// How often the terminal is waited for.
const WAITS: usize = 50;
/// Time for buffers of the openings to be given back.
const SETTLE: Duration = Duration::from_secs(5);

/// Opens them all, on a server with sshd's own limits, and looks at the helper while they are idle.
pub fn many(bed: &Bed, report: &mut Report) {
    let world = World::new();
    let limits = "MaxStartups 10:30:100\nMaxSessions 10\n".to_owned();
    let sshd = world.sshd_with(&SshdOptions { quiet: true, extra: limits, ..SshdOptions::default() });
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("many", &sshd, "terminal = \"allow\"");
    world.trust(&sshd);
    let client = world.mcp();
    client.call("ssh_exec", json!({ "target": "many", "command": "true" })).expect_ok();
    let before = world.helper_memory();
    let open = json!({ "target": "many" });
    let ours = || {
        let start = Instant::now();
        client.call("ssh_session_open", open.clone()).expect_ok();
        start.elapsed()
    };
    // The same shell, started by OpenSSH, that finds its input at its end.
    let theirs = || timed(&mut bed.ssh_through_master("exec \"$SHELL\" -s"));
    let (mut turns, mut shells) = (Vec::new(), Vec::new());
    for _ in 0..IN_TURN / TURN {
        turns.extend((0..TURN).map(|_| ours()));
        shells.extend((0..TURN).map(|_| theirs()));
    }
    report.time("a session opened, one after another (logins among them)", median(&turns), 5.0);
    report.times("the same, against a shell by `ssh -S`", &turns, &shells, Aim::Faster(1.0));
    let start = Instant::now();
    let pending: Vec<_> =
        (IN_TURN..SESSIONS).map(|_| client.start("ssh_session_open", open.clone())).collect();
    for reply in pending {
        reply.wait_for(Duration::from_secs(300)).expect_ok();
    }
    let each = start.elapsed() / (SESSIONS - IN_TURN) as u32;
    report.time("a session opened, 400 at once (time for all by 400)", each, 5.0);
    thread::sleep(SETTLE);
    let grown = world.helper_memory().saturating_sub(before);
    report.each("helper memory for an idle session, 500 of them", grown / SESSIONS as u64, Aim::Under(24.0));
    let listed = client.call("ssh_list_active", json!({ "kind": "session" })).expect_ok();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(SESSIONS), "all of them are open");
    until(&client, report);
}

/// From the moment a program writes to the moment its reader has the answer: the program tells its clock.
fn until(client: &McpClient, report: &mut Report) {
    let open = json!({ "target": "many", "kind": "terminal" });
    let session = client.call("ssh_session_open", open).expect_ok().text("session").to_owned();
    let plain = json!({ "session": session, "text": "exec bash --norc", "quiet_s": 1, "wait_s": 5 });
    client.call("ssh_session_send", plain).expect_ok();
    let mut waits = Vec::new();
    for _ in 0..WAITS {
        let text = "sleep 0.2; echo \"at:$EPOCHREALTIME:\"";
        let sent = client
            .call("ssh_session_send", json!({ "session": session, "text": text, "wait_s": 0 }))
            .expect_ok();
        let read = json!({ "session": session, "cursor": sent["next_cursor"], "until": "at:[0-9.]+:",
                           "regex": true, "wait_s": 10 });
        let reply = client.call("ssh_session_read", read).expect_ok();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock behind 1970 is broken");
        let told = reply.text("output").split("at:").last().and_then(|rest| rest.split(':').next());
        let told: f64 = told.and_then(|text| text.parse().ok()).expect("the program tells its clock");
        waits.push(Duration::from_secs_f64((now.as_secs_f64() - told).max(0.0)));
    }
    report.time("`ssh_session_read until`, from the byte to the answer", median(&waits), 20.0);
}
