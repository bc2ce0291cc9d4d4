//! Jobs: output of any size is read back by cursors that keep their meaning, and stopping stops.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use sallyport_tests::world::{World, eventually, process};
use serde_json::{Value, json};

#[test]
fn all_of_a_large_output_is_read_in_pages_and_nothing_lies_on_the_disk_afterwards() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let arguments = json!({ "target": "web1", "command": "seq 1 600000", "background": true });
    let job = client.call("ssh_exec", arguments).text("job_id").to_owned();
    let (mut cursor, mut all) = (0, String::new());
    loop {
        let page = json!({ "id": job, "cursor": cursor, "wait_s": 10, "max_chars": 200_000 });
        let reply = client.call("ssh_output", page).expect_ok();
        assert_eq!(reply["dropped"], 0);
        all.push_str(reply.text("text"));
        cursor = reply["next_cursor"].as_u64().unwrap();
        if reply["running"] == false && reply.text("text").is_empty() {
            break;
        }
    }
    let expected: String = (1..=600_000).map(|number| format!("{number}\n")).collect();
    assert!(all == expected, "{} bytes of {}", all.len(), expected.len());
    let reply =
        client.call("ssh_output", json!({ "id": job, "cursor": 1_000_000, "max_chars": 10 })).expect_ok();
    assert_eq!(reply.text("text"), &expected[1_000_000..1_000_010], "a cursor means the same for ever");
    let kept = fs::read_dir(world.state().join("jobs")).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "the file has no name");
}

#[test]
fn what_outlives_its_time_goes_on_as_a_job_and_is_stopped_for_good() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let command = "trap '' INT TERM; echo begun; sleep 600 & sleep 600; wait";
    let arguments = json!({ "target": "web1", "command": command, "timeout_s": 1 });
    let reply = client.call("ssh_exec", arguments);
    assert_eq!((reply.status(), reply.text("stdout")), ("timeout", "begun\n"), "{:#}", reply.raw);
    let job = reply.text("job_id").to_owned();
    assert_eq!(client.call("ssh_stop", json!({ "id": job })).expect_ok()["stopped"], true);
    eventually("their end", || world.remote_processes().is_empty().then_some(()));
    let reply = client.call("ssh_output", json!({ "id": job })).expect_ok();
    assert_eq!((reply.text("text"), &reply["running"]), ("begun\n", &json!(false)));
    assert!(process::alive(client.pid()));
}

#[test]
fn a_job_whose_connection_breaks_says_that_its_end_was_not_seen() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    let arguments = json!({ "target": "web1", "command": "echo begun; sleep 600", "background": true });
    let job = client.call("ssh_exec", arguments).text("job_id").to_owned();
    let read = || client.call("ssh_output", json!({ "id": job })).expect_ok();
    eventually("the command", || (read().text("text") == "begun\n").then_some(()));
    sshd.cut();
    let reply = eventually("its end", || (read()["running"] == false).then(read));
    assert!(reply.text("text").starts_with("begun\n[its end was not seen: "), "{:#}", reply.raw);
}

#[test]
fn what_is_read_by_nobody_is_stopped_like_anything_else() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let mut exec = world.sallyport(&["exec", "web1", "-n", "--", "yes"]);
    // A pager that was left alone.
    let mut pager = exec.stdout(Stdio::piped()).spawn().unwrap();
    let jobs = || client.call("ssh_list_active", json!({ "kind": "job" })).expect_ok();
    let job = eventually("the job", || jobs()["items"][0]["id"].as_str().map(str::to_owned));
    let mut cursor = json!(0);
    eventually("that nothing more is taken", || {
        let page = json!({ "id": job, "cursor": cursor, "max_chars": 200_000, "wait_s": 1 });
        let reply = client.call("ssh_output", page).expect_ok();
        cursor = reply["next_cursor"].clone();
        reply.text("text").is_empty().then_some(())
    });
    let stopped = client.call("ssh_stop", json!({ "id": job })).expect_ok()["stopped"].clone();
    assert_eq!(stopped, true);
    eventually("its end", || world.remote_processes().is_empty().then_some(()));
    pager.kill().unwrap();
    pager.wait().unwrap();
}

#[test]
fn a_slow_reader_gets_all_of_it() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    // Less than is on the way at once, and more.
    for size in [600_000, 3_000_000] {
        let session = client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok();
        for place in [vec![], vec!["--session", session.text("session")]] {
            let command = format!("head -c {size} /dev/zero | tr '\\0' x; exit 3");
            let arguments = [&["exec", "web1", "-n"], &place[..], &["--", &command]].concat();
            let mut exec = world.sallyport(&arguments).stdout(Stdio::piped()).spawn().unwrap();
            let mut all = vec![0; 1];
            let mut out = exec.stdout.take().unwrap();
            out.read_exact(&mut all).unwrap();
            // A reader that is slow: longer than a silence that is taken for the end.
            std::thread::sleep(Duration::from_millis(700));
            out.read_to_end(&mut all).unwrap();
            assert_eq!((all.len(), exec.wait().unwrap().code()), (size, Some(3)), "{place:?}");
        }
    }
}

#[test]
fn what_floods_is_closed_like_anything_else_and_holds_up_nothing() {
    let world = World::new();
    let _sshd = world.ready_host_with("web1", "terminal = \"allow\"");
    let client = world.mcp();
    let open = |kind: &str| {
        let opened = client.call("ssh_session_open", json!({ "target": "web1", "kind": kind })).expect_ok();
        opened.text("session").to_owned()
    };
    let flood = "while :; do head -c 1000000 /dev/zero | tr '\\0' x; done";
    let sessions = ["shell", "shell", "terminal", "terminal"].map(|kind| (kind, open(kind)));
    for (kind, session) in &sessions {
        if *kind == "shell" {
            let arguments = json!({ "session": session, "command": flood, "background": true });
            let job = client.call("ssh_exec", arguments).text("job_id").to_owned();
            let flows = json!({ "id": job, "cursor": 10_000_000, "wait_s": 30, "max_chars": 1 });
            assert_eq!(client.call("ssh_output", flows).expect_ok().text("text"), "x");
        } else {
            let arguments = json!({ "session": session, "text": flood, "until": "xxxxxxxx", "wait_s": 30 });
            assert_eq!(client.call("ssh_session_send", arguments).expect_ok()["matched"], true);
        }
    }
    for (_, session) in sessions {
        client.call("ssh_session_close", json!({ "session": session })).expect_ok();
    }
    let reply = client.call("ssh_exec", json!({ "target": "web1", "command": "echo on" })).expect_ok();
    assert_eq!(reply.text("stdout"), "on\n");
    eventually("their end", || world.remote_processes().is_empty().then_some(()));
}

#[test]
fn megabytes_on_one_stream_hold_up_neither_the_other_nor_the_end() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    for (flooded, other) in [("stderr", "stdout"), ("stdout", "stderr")] {
        let (flood, word) = if flooded == "stderr" { (">&2", "") } else { ("", ">&2") };
        let command = format!("head -c 5000000 /dev/zero | tr '\\0' x {flood}; echo word {word}");
        let reply = client.call("ssh_exec", json!({ "target": "web1", "command": command })).expect_ok();
        assert_eq!((reply.text(other), &reply["exit_code"]), ("word\n", &json!(0)), "{:#}", reply.raw);
        assert!(reply["truncated"] == true && reply.text(flooded).ends_with("xxx"), "{:#}", reply.raw);
    }
}

#[test]
fn a_command_line_whose_time_is_over_says_that_the_command_stops_and_it_does() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let done = world.run(&["exec", "web1", "-n", "--timeout", "1", "--", "sleep 600"]);
    assert_eq!(done.code(), 255, "{done:?}");
    assert!(done.stderr.contains("the time is over; the command is told to stop"), "{done:?}");
    eventually("the command is gone", || world.remote_processes().is_empty().then_some(()));
}

#[test]
fn what_start_up_files_print_is_no_process_number() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    // Somebody else's process group.
    let mut other = process::bare("sleep").arg("600").process_group(0).spawn().unwrap();
    fs::write(sshd.home().join(".bashrc"), format!("echo {}; echo welcome\n", other.id())).unwrap();
    let run = |more: Value| {
        let mut call = json!({ "command": "echo out; sleep 601", "background": true });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let job = client.call("ssh_exec", call).text("job_id").to_owned();
        eventually("the command", || (world.running("sleep 601") > 0).then_some(()));
        assert_eq!(client.call("ssh_stop", json!({ "id": job })).expect_ok()["stopped"], true);
        client.call("ssh_output", json!({ "id": job })).expect_ok().text("text").to_owned()
    };
    let printed = run(json!({ "target": "web1" }));
    assert!(printed.ends_with("out\n"), "{printed:?}");
    let session = client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok();
    assert_eq!(run(json!({ "session": session.text("session") })), "out\n");
    eventually("the end of all but the shell", || {
        world.remote_processes().iter().all(|one| !one.command.contains("sleep")).then_some(())
    });
    assert!(other.try_wait().unwrap().is_none(), "the other process lives");
    other.kill().unwrap();
    other.wait().unwrap();
}
