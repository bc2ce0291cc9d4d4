//! The path itself: a person sets a host up, a model runs commands on it.

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{FORBIDDEN, POLICY_THAT_FORBIDS, World, terminal};
use serde_json::{Value, json};

#[test]
fn a_person_sets_up_a_host_in_two_commands_and_a_model_runs_a_command_on_it() {
    let world = World::with_passphrase();
    let (sshd, key) = (world.sshd(), world.key("ed25519", None));
    sshd.authorize(&key);
    let (port, user) = (sshd.port().to_string(), own_name());
    let add = world.sallyport(&[
        "host",
        "add",
        "web1",
        "--hostname",
        "127.0.0.1",
        "--port",
        &port,
        "--user",
        &user,
    ]);
    let shown = terminal::run(&add, &[("[y/N]", "y\n")]).expect_success();
    assert!(shown.contains(&sshd.host_key().fingerprint()), "the key is shown before it is pinned: {shown}");
    let slug = format!("ssh://{user}@web1");
    world.run(&["credential", "add", &slug, "--key", key.path().to_str().unwrap()]).expect_success();
    assert_eq!(sshd.attempts(), [""; 0], "setting up logs in nowhere");

    let entry = format!("sallyport/ssh/{}/{user}/key", sshd.place());
    world.gpg().person_types_the_passphrase();
    let record = world.store().pass(world.gpg(), &["show", &entry], b"").expect_success();
    assert_eq!(record, key.private(), "the record is a plain one that pass can read");
    world.run(&["unlock"]).expect_success();

    let client = world.mcp();
    let hosts = client.call("ssh_list_hosts", json!({})).expect_ok();
    assert_eq!(hosts["hosts"][0]["alias"], "web1");
    assert_eq!(hosts["hosts"][0]["port"], sshd.port());
    assert_eq!(hosts["vault"]["locked"], false);
    let reply =
        client.call("ssh_exec", json!({ "target": "web1", "command": "echo out; echo err >&2; exit 5" }));
    let reply = reply.expect_ok();
    assert_eq!(
        (reply.text("stdout"), reply.text("stderr"), &reply["exit_code"]),
        ("out\n", "err\n", &json!(5))
    );
    assert_eq!(sshd.logins(), [format!("{user} publickey")]);
}

#[test]
fn both_generations_of_the_protocol_run_a_command() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let every = [
        McpClient::discover(world.sallyport(&["serve"])),
        McpClient::initialize_as(world.sallyport(&["serve"]), "2025-11-25", json!({})),
        McpClient::initialize_as(world.sallyport(&["serve"]), "2025-06-18", json!({})),
        McpClient::initialize_as(world.sallyport(&["serve"]), "2025-03-26", json!({})),
    ];
    for client in every {
        assert_eq!(client.server_name(), "sallyport", "{:#}", client.server);
        let reply =
            client.call("ssh_exec", json!({ "target": "web1", "command": "echo $((6 * 7))" })).expect_ok();
        assert_eq!(reply.text("stdout"), "42\n");
        let (status, errors) = client.close();
        assert!(status.success(), "{status}: {errors}");
    }
}

#[test]
fn a_shell_session_keeps_its_directory_variables_and_functions() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    let session =
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok().text("session").to_owned();
    let run = |command: &str| {
        client.call("ssh_exec", json!({ "session": session, "command": command })).expect_ok()
    };
    run("cd /usr/bin");
    run("greet() { echo \"hello $1\"; }");
    run("word='two words'");
    assert_eq!(run("pwd").text("stdout"), "/usr/bin\n");
    assert_eq!(run("greet \"$word\"").text("stdout"), "hello two words\n");
    let apart = run("echo a; echo b >&2; (exit 9)");
    assert_eq!((apart.text("stdout"), apart.text("stderr"), &apart["exit_code"]), ("a\n", "b\n", &json!(9)));
    assert_eq!(run("printf 'no line end'").text("stdout"), "no line end");
    assert_eq!(run("cat").text("stdout"), "", "standard input is empty");
    let active = client.call("ssh_list_active", json!({ "kind": "session" })).expect_ok();
    assert_eq!(active["items"].as_array().map(Vec::len), Some(1), "{:#}", active.raw);
    client.call("ssh_session_close", json!({ "session": session })).expect_ok();
    client.call("ssh_exec", json!({ "session": session, "command": "pwd" })).expect_code("session_not_found");
    assert_eq!(sshd.connections(), 1, "one login served all of it");
}

#[test]
fn a_command_gets_its_standard_input_environment_and_directory() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let arguments = json!({
        "target": "web1", "command": "cat; echo \"$GREETING\"; pwd", "stdin": "first\n", "cwd": "/usr",
        "env": { "GREETING": "it's $HOME; \"quoted\"" },
    });
    let reply = client.call("ssh_exec", arguments).expect_ok();
    assert_eq!(reply.text("stdout"), "first\nit's $HOME; \"quoted\"\n/usr\n");
}

#[test]
fn a_command_that_outlives_its_timeout_goes_on_as_a_job_that_can_be_read_and_stopped() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let slow = json!({ "target": "web1", "command": "echo begun; sleep 600; echo done", "timeout_s": 1 });
    let reply = client.call("ssh_exec", slow);
    assert_eq!((reply.status(), reply.text("stdout")), ("timeout", "begun\n"), "{:#}", reply.raw);
    let job = reply.text("job_id").to_owned();
    let output = client.call("ssh_output", json!({ "id": job, "wait_s": 0 })).structured().clone();
    assert_eq!((&output["running"], &output["text"]), (&json!(true), &json!("begun\n")), "{output:#}");
    let stopped = client.call("ssh_stop", json!({ "id": job })).expect_ok();
    assert_eq!(stopped["stopped"], true);
    assert_eq!(world.remote_processes(), [], "and it really stopped");
    client.call("ssh_output", json!({ "id": "no-such-job" })).expect_code("job_not_found");
}

#[test]
fn a_cancelled_call_stops_the_remote_command() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let pending = client.start("ssh_exec", json!({ "target": "web1", "command": "sleep 600" }));
    let running = || world.running("sleep 600") > 0;
    sallyport_tests::world::eventually("the command", || running().then_some(()));
    client.cancel(pending.id);
    sallyport_tests::world::eventually("its end", || (!running()).then_some(()));
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
}

#[test]
fn every_tool_says_what_it_takes_gives_and_does() {
    let world = World::new();
    let client = world.mcp();
    let tools = client.tools();
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    for name in ["ssh_list_hosts", "ssh_check_command", "ssh_exec", "ssh_output", "ssh_stop"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    for tool in &tools {
        assert_eq!(
            tool["inputSchema"]["additionalProperties"], false,
            "unknown fields are refused: {tool:#}"
        );
        assert!(tool["outputSchema"]["properties"]["status"].is_object(), "{tool:#}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{hint}: {tool:#}");
        }
        assert!(tool["description"].as_str().is_some_and(|text| text.len() > 40), "{tool:#}");
    }
    let destructive = |name: &str| {
        tools.iter().find(|tool| tool["name"] == name).map(|tool| &tool["annotations"]["destructiveHint"])
    };
    assert_eq!(destructive("ssh_exec"), Some(&Value::Bool(true)));
    assert_eq!(destructive("ssh_list_hosts"), Some(&Value::Bool(false)));
}

#[test]
fn what_the_policy_blocks_or_holds_back_is_not_run() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.policy(&format!("mode = \"guarded\"\nconfirmation = \"operator\"\n{POLICY_THAT_FORBIDS}"));
    let dir = world.fresh("victim");
    std::fs::create_dir(&dir).unwrap();
    let client = world.mcp();
    let held = format!("rm -r {}", dir.display());
    let reply = client.call("ssh_exec", json!({ "target": "web1", "command": held }));
    assert_eq!(reply.status(), "needs_confirmation", "{:#}", reply.raw);
    let id = reply["confirmation"]["id"].as_str().unwrap().to_owned();
    let again = |command: &str| json!({ "target": "web1", "command": command, "confirmation_id": id });
    let still = client.call("ssh_exec", again(&held));
    assert_eq!(still.status(), "needs_confirmation", "nobody agreed yet: {:#}", still.raw);
    terminal::run(&world.sallyport(&["approve", &id]), &[("[y/N]", "y\n")]).expect_success();
    let other = client.call("ssh_exec", again(&format!("rm -r {}/", dir.display())));
    assert_ne!(other.status(), "ok", "agreed for another command: {:#}", other.raw);
    assert!(dir.exists());
    client.call("ssh_exec", again(&held)).expect_ok();
    assert!(!dir.exists());
    let twice = client.call("ssh_exec", again(&held));
    assert_ne!(twice.status(), "ok", "a confirmation is good for once: {:#}", twice.raw);
    let blocked = client.call("ssh_exec", json!({ "target": "web1", "command": FORBIDDEN }));
    assert_eq!((blocked.status(), blocked.code()), ("blocked", "policy_blocked"), "{:#}", blocked.raw);
    assert!(blocked.is_error());
}

#[test]
fn the_command_line_runs_a_command_and_exits_as_it_did() {
    let world = World::new();
    world.policy(POLICY_THAT_FORBIDS);
    let _sshd = world.ready_host("web1");
    let done = world.run(&["exec", "web1", "--", "echo out; echo err >&2; exit 3"]);
    assert_eq!((done.code(), done.stdout.as_str(), done.stderr.as_str()), (3, "out\n", "err\n"));
    assert_eq!(world.run(&["exec", "web1", "--", FORBIDDEN]).code(), 126);
    assert_eq!(world.run(&["exec", "nowhere", "--", "true"]).code(), 255);
    assert_eq!(world.run(&["exec"]).code(), 2);
}
