//! Bad input of every kind gets its documented code; nothing crashes, hangs, or reaches a host.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::{World, eventually, process, run};
use serde_json::{Value, json};

/// Whether the client's server still does its work.
#[track_caller]
fn assert_works(client: &McpClient) {
    let reply = client.call("ssh_exec", json!({ "target": "web1", "command": "echo fine" })).expect_ok();
    assert_eq!(reply.text("stdout"), "fine\n");
}

#[test]
fn bad_arguments_are_refused_by_code() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    assert_works(&client);
    let megabyte = "x".repeat(1 << 20);
    let table: Vec<(&str, &str, Value, &str)> = vec![
        (
            "a field nobody knows",
            "ssh_exec",
            json!({ "target": "web1", "command": "true", "colour": 1 }),
            "invalid_argument",
        ),
        ("a field too few", "ssh_exec", json!({ "target": "web1" }), "invalid_argument"),
        ("neither target nor session", "ssh_exec", json!({ "command": "true" }), "invalid_argument"),
        ("a wrong type", "ssh_exec", json!({ "target": "web1", "command": 7 }), "invalid_argument"),
        ("an empty command", "ssh_exec", json!({ "target": "web1", "command": "" }), "invalid_argument"),
        (
            "a megabyte",
            "ssh_exec",
            json!({ "target": "web1", "command": format!("echo {megabyte}") }),
            "too_large",
        ),
        ("a NUL", "ssh_exec", json!({ "target": "web1", "command": "echo a\0b" }), "invalid_argument"),
        ("a megabyte of target", "ssh_exec", json!({ "target": megabyte, "command": "true" }), "too_large"),
        (
            "a line end in a target",
            "ssh_exec",
            json!({ "target": "web1\n", "command": "true" }),
            "invalid_argument",
        ),
        (
            "a bad variable",
            "ssh_exec",
            json!({ "target": "web1", "command": "true", "env": { "A=B": "c" } }),
            "invalid_argument",
        ),
        (
            "a NUL in a variable",
            "ssh_exec",
            json!({ "target": "web1", "command": "true", "env": { "A": "\0" } }),
            "invalid_argument",
        ),
        (
            "a negative timeout",
            "ssh_exec",
            json!({ "target": "web1", "command": "true", "timeout_s": -1 }),
            "invalid_argument",
        ),
        (
            "a session that never was",
            "ssh_exec",
            json!({ "session": "nope", "command": "true" }),
            "session_not_found",
        ),
        ("a job that never was", "ssh_stop", json!({ "id": "nope" }), "job_not_found"),
        ("arguments that are no object", "ssh_exec", json!(["web1", "true"]), "invalid_argument"),
    ];
    let commands = sshd.connections();
    for (what, tool, arguments, code) in table {
        let reply = client.call(tool, arguments);
        // What has not even the shape of a call is refused by the protocol itself (JSON-RPC 2.0).
        let by_protocol = reply.refusal()["code"].is_i64();
        assert!(
            reply.code() == code || (code == "invalid_argument" && by_protocol),
            "{what}: {:#}",
            reply.raw
        );
    }
    assert_eq!(sshd.connections(), commands);
    assert_works(&client);
}

#[test]
fn lines_that_are_no_requests_do_not_end_the_server() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    for line in [
        "",
        "not json",
        "{",
        "[]",
        "null",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"no/such\"}",
    ] {
        client.send_line(line);
    }
    let unknown = client.call("no_such_tool", json!({}));
    assert!(unknown.refusal().is_object() || unknown.is_error(), "{:#}", unknown.raw);
    assert_works(&client);
}

#[test]
fn output_that_is_not_text_comes_through_and_harms_nothing() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let run =
        |command: &str| client.call("ssh_exec", json!({ "target": "web1", "command": command })).expect_ok();
    let reply = run("printf 'a\\377\\376b\\303'; printf '\\200' >&2");
    assert_eq!((reply.text("stdout"), reply.text("stderr")), ("a\\xff\\xfeb\\xc3", "\\x80"));
    assert_eq!(run("printf 'a\\0b'").text("stdout"), "a\0b");
    assert!(run("head -c 100000 /dev/urandom").text("stdout").len() > 1000);
    let parts = run("printf '\\303'; sleep 0.05; printf '\\274'");
    assert_eq!(parts.text("stdout"), "\u{fc}", "a letter in two pieces stays a letter");
}

#[test]
fn a_dead_socket_is_replaced_or_named() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    // Bound and dropped: the file stays, nobody listens.
    drop(UnixListener::bind(world.runtime().join("broker.sock")).unwrap());
    let mut lonely = world.sallyport(&["serve"]);
    lonely.env("SALLYPORT_NO_AUTOSTART", "1");
    let client = McpClient::initialize(lonely);
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_code("helper_unavailable");
    drop(client);
    assert_works(&world.mcp());
}

#[test]
fn arguments_that_are_no_text_are_misuse_in_both_programs() {
    let world = World::new();
    let no_text = OsStr::from_bytes(b"\xff\xfe");
    let cases: [(&str, &[&str]); 8] = [
        ("sallyport", &[]),
        ("sallyport", &["exec", "web1", "--"]),
        ("sallyport", &["exec"]),
        ("sallyport", &["credential", "show"]),
        ("sallyport", &["host", "add", "--hostname", "h"]),
        ("sallyport", &["policy", "check"]),
        ("sallyport", &["approve"]),
        ("sallyport-vault-helper", &[]),
    ];
    for (program, arguments) in cases {
        let mut command = world.command(process::built(program));
        let done = run(command.args(arguments).arg(no_text), b"");
        assert_eq!((done.code(), done.stdout.as_str()), (2, ""), "{program} {arguments:?}: {done:?}");
        let lines: Vec<&str> = done.stderr.lines().collect();
        assert!(lines.len() == 2 && lines[0].starts_with(program), "{done:?}");
        assert!(lines[1].starts_with("hint: "), "{done:?}");
    }
}

#[test]
fn a_helper_that_is_none_or_of_another_time_is_named() {
    // What a listener says instead of a welcome: nothing and gone, noise, a frame longer than any frame may be.
    for noise in [b"".as_slice(), b"SSH-2.0-something\r\n", &[0xff; 64], &[0, 0, 0, 0]] {
        let world = World::new();
        let _sshd = world.ready_host("web1");
        let listener = UnixListener::bind(world.runtime().join("broker.sock")).unwrap();
        let answerer = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // The broker may hang up first.
            drop(stream.write_all(noise));
        });
        let mut serve = world.sallyport(&["serve"]);
        serve.env("SALLYPORT_NO_AUTOSTART", "1");
        let client = McpClient::initialize(serve);
        client
            .call("ssh_exec", json!({ "target": "web1", "command": "true" }))
            .expect_code("helper_unavailable");
        answerer.join().unwrap();
    }
}

#[test]
fn a_setting_nobody_knows_is_named_with_its_file_and_line() {
    let world = World::new();
    world.settings("\nno_such_key = 1\n");
    let done = world.run(&["status"]);
    assert_ne!(done.code(), 0, "{done:?}");
    for word in ["sallyport.toml", "no_such_key", "line 3"] {
        assert!(done.stderr.contains(word), "{word}: {}", done.stderr);
    }
}

#[test]
fn a_change_of_the_policy_and_one_that_cannot_be_taken_are_in_the_audit_log() {
    let world = World::new();
    world.run(&["status"]).expect_success();
    let told = |what: &str| {
        eventually("the audit log tells of the change", || {
            let log = world.run(&["audit", "export"]).expect_success();
            let mut lines = log.lines().filter(|line| line.contains("\"event\":\"configuration\""));
            lines.next_back().filter(|line| line.contains(what)).map(drop)
        });
    };
    world.policy("mode = \"redonly\"\n");
    told("unknown value `redonly`");
    world.policy("mode = \"readonly\"\n");
    told("\"problems\":[]");
}

#[test]
fn a_bad_edit_of_the_hosts_leaves_the_last_good_ones_and_is_shown_by_status() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    assert_works(&client);
    world.write_hosts("\n[hosts.web1]\nprot = 22\n");
    assert_works(&client);
    let shown = world.run(&["status"]);
    let shown = format!("{}{}", shown.stdout, shown.stderr);
    for word in ["hosts.toml", "prot", "line 3"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}
