//! Either process killed, at any moment: the other says so, nothing runs on unnoticed, the next start works.

use std::time::Duration;

use nix::sys::signal::Signal;
use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::{POLICY_THAT_ASKS, World, eventually, process};
use serde_json::{Value, json};

fn sleeping(world: &World) -> bool {
    world.running("sleep 600") > 0
}

fn assert_works(client: &McpClient) {
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
}

#[test]
fn a_killed_broker_takes_its_commands_and_sessions_along() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let mut client = world.mcp();
    let session =
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok().text("session").to_owned();
    let running = [
        client.start("ssh_exec", json!({ "target": "web1", "command": "sleep 600" })),
        client.start("ssh_exec", json!({ "session": session, "command": "sleep 600" })),
    ];
    eventually("both commands", || (world.running("sleep 600") == 2).then_some(()));
    client.kill();
    running.into_iter().for_each(|pending| assert!(pending.wait_or_end().is_none()));
    eventually("the end of both", || world.remote_processes().is_empty().then_some(()));
    let next = world.mcp();
    assert_works(&next);
    next.call("ssh_exec", json!({ "session": session, "command": "true" })).expect_code("session_not_found");
}

#[test]
fn a_killed_broker_takes_along_as_many_commands_as_a_connection_has() {
    assert_nine_end("sleep 600");
}

#[test]
fn a_killed_broker_takes_along_as_many_commands_that_print_without_end() {
    assert_nine_end("yes");
}

fn assert_nine_end(command: &str) {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let mut client = world.mcp();
    assert_works(&client);
    for _ in 0..9 {
        let call = json!({ "target": "web1", "command": command, "background": true });
        assert_eq!(client.call("ssh_exec", call).status(), "running");
    }
    eventually("all commands", || (world.running(command) == 9).then_some(()));
    client.kill();
    // One channel is left to signal all of them, root's for one by commands of their own.
    eventually("their end", || world.remote_processes().is_empty().then_some(()));
    assert_works(&world.mcp());
}

#[test]
fn a_broker_whose_client_goes_away_ends_with_it() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let _running = client.start("ssh_exec", json!({ "target": "web1", "command": "sleep 600" }));
    eventually("the command", || sleeping(&world).then_some(()));
    let (status, errors) = client.close();
    assert!(status.success(), "{status}: {errors}");
    eventually("its end", || world.remote_processes().is_empty().then_some(()));
}

#[test]
fn a_killed_helper_is_named_and_what_it_left_running_is_known_to_the_next() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let running = client.start("ssh_exec", json!({ "target": "web1", "command": "sleep 600" }));
    eventually("the command", || sleeping(&world).then_some(()));
    let helper = world.helper().unwrap();
    process::signal(helper, Signal::SIGKILL);
    running.wait().expect_code("helper_unavailable");
    eventually("a new helper", || {
        client
            .call("ssh_exec", json!({ "target": "web1", "command": "true" }))
            .status()
            .eq("ok")
            .then_some(())
    });
    assert_ne!(world.helper(), Some(helper));
    let status = world.run(&["status", "--json"]).expect_success();
    assert!(!sleeping(&world) || status.contains("sleep 600"), "an orphan nobody knows of: {status}");
}

#[test]
fn a_broker_killed_at_any_moment_leaves_nothing_on_the_host() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    assert_works(&world.mcp());
    // From before the request is read to well into the command, in steps smaller than any stage of it.
    for moment in (0..40).step_by(4).map(Duration::from_millis) {
        let mut client = world.mcp();
        let _running = client.start("ssh_exec", json!({ "target": "web1", "command": "sleep 600" }));
        std::thread::sleep(moment);
        client.kill();
    }
    eventually("the end of all", || world.remote_processes().is_empty().then_some(()));
    assert_works(&world.mcp());
}

#[test]
fn a_helper_killed_at_any_moment_is_an_error_and_never_a_hang() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let mut errors = 0;
    for moment in (0..40).step_by(8).map(Duration::from_millis) {
        eventually("a helper", || {
            client
                .call("ssh_exec", json!({ "target": "web1", "command": "true" }))
                .status()
                .eq("ok")
                .then_some(())
        });
        let call = json!({ "target": "web1", "command": "sleep 600", "timeout_s": 3 });
        let running = client.start("ssh_exec", call);
        std::thread::sleep(moment);
        process::signal(world.helper().unwrap(), Signal::SIGKILL);
        let reply = running.wait();
        // What had not yet left the broker is done by the next helper.
        let carried_out = reply.status() == "timeout";
        assert!(carried_out || reply.code() == "helper_unavailable", "{:#}", reply.raw);
        errors += usize::from(!carried_out);
    }
    assert!(errors > 0, "no call was under way when its helper was killed");
}

#[test]
fn a_helper_killed_with_everything_open_honours_nothing_of_it_and_leaves_no_plaintext() {
    let token = "tok-5f3a9c0e77b1d2-canary";
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.store().insert(world.gpg(), "sallyport/env/app/dotenv", format!("TOKEN={token}\n").as_bytes());
    world.policy(POLICY_THAT_ASKS);
    let client = world.mcp();
    let call = |tool: &str, arguments: Value| client.call(tool, arguments);
    let ran = world.dir().join("ran");
    let asked =
        |word: &str| json!({ "target": "web1", "command": format!("touch {} {word}", ran.display()) });
    let confirmation = |word: &str| {
        let reply = call("ssh_exec", asked(word));
        assert_eq!(reply.status(), "needs_confirmation", "{:#}", reply.raw);
        reply["confirmation"]["id"].as_str().unwrap().to_owned()
    };
    // A confirmation that waits and one that was given; a shell, a terminal and a job, with a secret in each.
    let (waiting, given) = (confirmation("a"), confirmation("b"));
    world.run(&["approve", &given, "--yes"]).expect_success();
    let open = |kind: &str| json!({ "target": "web1", "kind": kind, "name": kind, "secrets": ["app"], "confirm": true });
    for kind in ["shell", "terminal"] {
        let mut reply = call("ssh_session_open", open(kind));
        if reply.status() == "needs_confirmation" {
            let id = reply["confirmation"]["id"].as_str().unwrap().to_owned();
            world.run(&["approve", &id, "--yes"]).expect_success();
            let mut again = open(kind);
            again["confirmation_id"] = id.into();
            reply = call("ssh_session_open", again);
        }
        reply.expect_ok();
    }
    call("ssh_exec", json!({ "session": "shell", "command": "echo \"$TOKEN\"" })).expect_ok();
    let job = json!({ "target": "web1", "command": "while :; do echo $TOKEN; sleep 0.1; done", "secrets": ["app"], "background": true });
    let job = call("ssh_exec", job).text("job_id").to_owned();
    process::signal(world.helper().unwrap(), Signal::SIGKILL);
    eventually("a new helper", || {
        let reply = call("ssh_exec", json!({ "target": "web1", "command": "true" }));
        reply.status().eq("ok").then_some(())
    });
    for (word, id) in [("a", &waiting), ("b", &given)] {
        let mut again = asked(word);
        again["confirmation_id"] = id.as_str().into();
        call("ssh_exec", again).expect_code("confirmation_expired");
    }
    assert!(!ran.exists(), "nothing ran on a confirmation of before");
    for session in ["shell", "terminal"] {
        let typed = json!({ "session": session, "command": "true" });
        call("ssh_exec", typed).expect_code("session_not_found");
    }
    assert!(call("ssh_output", json!({ "id": job })).is_error());
    let plain = process::run(process::bare("grep").args(["-rlF", token]).arg(world.dir()), b"");
    assert_eq!(plain.stdout, "", "plaintext that was left behind");
}

#[test]
fn a_helper_that_nobody_needs_ends_by_itself_and_a_needed_one_does_not() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.settings("idle_exit_s = 1\n");
    let client = world.mcp();
    assert_works(&client);
    let helper = world.helper().unwrap();
    // Longer than the idle time: what is connected keeps it.
    let slow = json!({ "target": "web1", "command": "sleep 2.5; echo done" });
    assert_eq!(client.call("ssh_exec", slow).expect_ok().text("stdout"), "done\n");
    assert!(process::alive(helper));
    client.close();
    eventually("its end", || (!process::alive(helper)).then_some(()));
    assert!(!world.runtime().join("broker.sock").exists(), "it takes its sockets along");
    assert_works(&world.mcp());
}

#[test]
fn a_helper_started_wrongly_says_why_and_what_to_do() {
    let world = World::new();
    let start = |arguments: &[&str]| {
        let mut helper = world.command(process::built("sallyport-vault-helper"));
        process::run(helper.args(arguments), b"")
    };
    let hint = "hint: `sallyport` starts it by itself; by hand it takes nothing, or --detach\n";
    for (arguments, wrong) in [
        (vec!["--no-such"], "unexpected argument '--no-such' found"),
        (vec!["serve"], "unexpected argument 'serve' found"),
        (vec!["--detach", "--daemon"], "the argument '--detach' cannot be used with '--daemon'"),
    ] {
        let done = start(&arguments);
        assert_eq!(done.stderr, format!("sallyport-vault-helper: {wrong}\n{hint}"), "{arguments:?}");
        assert_eq!((done.code(), done.stdout.as_str()), (2, ""), "{arguments:?}");
    }
    let mut helper = world.command(process::built("sallyport-vault-helper"));
    let done = process::run(helper.env("SALLYPORT_RUNTIME_DIR", "/proc/none"), b"");
    assert!(done.stderr.contains("/proc/none") && done.stderr.contains("set one of the two"), "{done:?}");
    assert!(start(&["--help"]).expect_success().contains("Usage: sallyport-vault-helper"));
    world.settings("no_such_key = 1\n");
    let done = start(&[]);
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert!(lines[0].contains("sallyport.toml: line 2: no_such_key: unknown key"), "{done:?}");
    assert!(lines.len() == 2 && lines[1].starts_with("hint: "), "{done:?}");
    assert_eq!(done.code(), 1);
}

#[test]
fn many_clients_at_once_start_one_helper() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_works(&world.mcp()));
        }
    });
    let helpers = process::marked(world.dir());
    let helpers: Vec<_> = helpers.iter().filter(|process| process.command.contains("vault-helper")).collect();
    assert!(helpers.len() <= 1, "{helpers:?}");
}
