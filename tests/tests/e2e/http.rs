//! MCP over HTTP: both generations, tokens as principals, and what keeps strangers out.
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::signal::Signal;
use sallyport_tests::mcp::http::{Client, HttpServer};
use sallyport_tests::world::{FORBIDDEN, POLICY_THAT_FORBIDS, World, eventually, foreign, process};
use serde_json::{Value, json};

fn token(world: &World, name: &str) -> Client {
    let token = world.run(&["token", "add", name]).expect_success().trim().to_owned();
    Client { token: Some(token), session: None }
}

fn serve(world: &World) -> HttpServer {
    HttpServer::start(world.sallyport(&["serve"]))
}

fn exec(command: &str) -> Value {
    json!({ "target": "web1", "command": command, "confirm": true })
}

#[test]
fn both_generations_run_commands() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.policy(POLICY_THAT_FORBIDS);
    let server = serve(&world);
    for client in [Client::default(), server.initialize(None)] {
        let reply = server.call(&client, "ssh_exec", exec("echo over http; exit 3")).reply().expect_ok();
        assert_eq!((reply.text("stdout"), reply["exit_code"].as_i64()), ("over http\n", Some(3)));
        server.call(&client, "ssh_exec", exec(FORBIDDEN)).reply().expect_code("policy_blocked");
    }
}

#[test]
fn without_a_good_token_nothing_is_answered_and_a_removed_one_ends_at_once() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let ci = token(&world, "ci");
    let server = serve(&world);
    let wrong = |text: &str| Client { token: Some(text.to_owned()), session: None };
    for client in [Client::default(), wrong("guess"), wrong(&ci.token.as_ref().unwrap()[..70])] {
        let answer = server.call(&client, "ssh_list_hosts", json!({}));
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
        assert!(!answer.body.contains("web1"));
    }
    let session = server.initialize(ci.token.as_deref());
    server.call(&ci, "ssh_list_hosts", json!({})).reply().expect_ok();
    server.call(&session, "ssh_list_hosts", json!({})).reply().expect_ok();
    for client in [&ci, &session] {
        let job = json!({ "target": "web1", "command": "sleep 600", "background": true });
        assert_eq!(server.call(client, "ssh_exec", job).reply().status(), "running");
    }
    world.run(&["token", "remove", "ci"]).expect_success();
    for client in [&ci, &session] {
        assert_eq!(server.call(client, "ssh_list_hosts", json!({})).status, 401);
    }
    eventually("the end of what it ran", || world.remote_processes().is_empty().then_some(()));
    let left = world.run(&["token", "list"]).expect_success();
    assert_eq!(left, "There are no tokens; `sallyport token add NAME` makes one.\n");
}

#[test]
fn a_token_is_a_principal_with_hosts_a_mode_and_sessions_of_its_own() {
    let world = World::new();
    let (_web1, _web2) = (world.ready_host("web1"), world.ready_host("web2"));
    world.policy("[[principal]]\nname = \"ci\"\nhosts = [\"web1\"]\nmode = \"readonly\"\n");
    let (ci, ops) = (token(&world, "ci"), token(&world, "ops"));
    let server = serve(&world);
    let hosts = |client: &Client| {
        let reply = server.call(client, "ssh_list_hosts", json!({})).reply().expect_ok();
        reply["hosts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|h| h["alias"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (hosts(&ci), hosts(&ops)),
        (vec!["web1".to_owned()], vec!["web1".to_owned(), "web2".to_owned()])
    );
    server
        .call(&ci, "ssh_exec", json!({ "target": "web2", "command": "true" }))
        .reply()
        .expect_code("unknown_host");
    server.call(&ci, "ssh_exec", exec("touch /tmp/never")).reply().expect_code("policy_blocked");
    let open = json!({ "target": "web1", "name": "deploys" });
    let opened = server.call(&ops, "ssh_session_open", open).reply().expect_ok();
    let in_it = |client: &Client| {
        server
            .call(client, "ssh_exec", json!({ "session": opened.text("session"), "command": "pwd" }))
            .reply()
    };
    in_it(&ops).expect_ok();
    in_it(&ci).expect_code("session_not_found");
    let active = server.call(&ci, "ssh_list_active", json!({})).reply().expect_ok();
    assert_eq!(active["items"].as_array().map(Vec::len), Some(0), "{:#}", active.raw);
    // Nor the HTTP session of another's.
    let theirs = server.initialize(ops.token.as_deref());
    let stolen = Client { token: ci.token.clone(), session: theirs.session.clone() };
    assert_eq!(server.call(&stolen, "ssh_list_hosts", json!({})).status, 404);
    server.call(&theirs, "ssh_list_hosts", json!({})).reply().expect_ok();
    let log = world.run(&["audit", "show", "--host", "web1"]).expect_success();
    assert!(log.contains("  ops  ") && !log.contains("  local  "), "{log}");
}

#[test]
fn what_a_session_opened_without_a_name_ends_with_it_and_a_handle_lives_on_between_requests() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let server = serve(&world);
    let open = |client: &Client| {
        let reply = server.call(client, "ssh_session_open", json!({ "target": "web1" })).reply().expect_ok();
        reply.text("session").to_owned()
    };
    let stateless = Client::default();
    let handle = open(&stateless);
    let in_it = |command: &str| {
        server
            .call(&stateless, "ssh_exec", json!({ "session": handle, "command": command }))
            .reply()
            .expect_ok()
    };
    in_it("cd /usr");
    assert_eq!(in_it("pwd").text("stdout"), "/usr\n");
    let session = server.initialize(None);
    open(&session);
    assert_eq!(world.remote_processes().len(), 2, "two shells");
    let id = session.session.as_deref().unwrap();
    let ended = server.request("DELETE", &[("Mcp-Session-Id", id)], "");
    assert!(ended.status < 300, "{ended:?}");
    eventually("one shell's end", || (world.remote_processes().len() == 1).then_some(()));
    assert_eq!(server.call(&session, "ssh_list_hosts", json!({})).status, 404);
    assert_eq!(in_it("pwd").text("stdout"), "/usr\n");
    assert!(server.stop().success());
    eventually("the other's end", || world.remote_processes().is_empty().then_some(()));
}

#[test]
fn a_page_in_a_browser_cannot_ask_by_any_name() {
    let world = World::new();
    let server = serve(&world);
    let port = server.address.port();
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let ask = |headers: &[(&str, &str)]| {
        let base = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
        server.request("POST", &[&base[..], headers].concat(), &message).status
    };
    let own = format!("localhost:{port}");
    let own_origin = format!("http://{own}");
    let (own, own_origin) = (own.as_str(), own_origin.as_str());
    assert_ne!(ask(&[("Host", own), ("Origin", own_origin)]), 403);
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost:1"] {
        assert_eq!(ask(&[("Host", host)]), 403, "{host}");
    }
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "https://localhost",
        "file://",
        "http://localhost.evil.example",
    ] {
        assert_eq!(ask(&[("Host", own), ("Origin", origin)]), 403, "{origin}");
    }
}

#[test]
fn an_address_others_can_reach_is_refused_without_tokens() {
    let world = World::new();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let done = world.run(&["serve", "--http", address]);
        assert_eq!(done.code(), 2, "{done:?}");
        assert!(
            done.stderr.contains("there is no token") && done.stderr.contains("hint: make one"),
            "{done:?}"
        );
    }
    assert_eq!(world.run(&["serve", "--http", "localhost"]).code(), 2);
}

#[test]
fn what_is_too_large_too_slow_or_no_mcp_is_refused_and_others_are_served() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let server = serve(&world);
    // Clients that say nothing, half a head, half a body.
    let slow: Vec<TcpStream> = (0..30)
        .map(|number| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            let said = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{\"json";
            stream.write_all(&said.as_bytes()[..[0, 30, said.len()][number % 3]]).unwrap();
            stream
        })
        .collect();
    let large = "x".repeat(5 * 1024 * 1024);
    let base = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    assert_eq!(server.request("POST", &base, &large).status, 413);
    assert_eq!(server.request("POST", &base, "{").status / 100, 4);
    assert_eq!(server.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status, 404);
    let long = format!("GET /mcp HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    assert!(matches!(server.raw(long.as_bytes()).status, 0 | 400..=431));
    server.call(&Client::default(), "ssh_exec", exec("true")).reply().expect_ok();
    drop(slow);
}

#[test]
fn one_principal_cannot_take_all_the_room() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let (greedy, modest) = (token(&world, "greedy"), token(&world, "modest"));
    let server = serve(&world);
    let mut background = exec("sleep 600");
    background["background"] = true.into();
    let job = server.call(&greedy, "ssh_exec", background).reply();
    let job = job.text("job_id").to_owned();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..70)
            .map(|_| {
                let page = json!({ "id": job, "wait_s": 60 });
                scope.spawn(|| server.call(&greedy, "ssh_output", page).status)
            })
            .collect();
        // No call of our own may take one of the places meanwhile.
        eventually("the limit", || {
            (waiting.iter().filter(|thread| thread.is_finished()).count() == 6).then_some(())
        });
        assert_eq!(server.call(&greedy, "ssh_list_hosts", json!({})).status, 429);
        server.call(&modest, "ssh_list_hosts", json!({})).reply().expect_ok();
        // The job's end answers all of them.
        for process in world.remote_processes() {
            process::signal(process.pid, Signal::SIGKILL);
        }
        let statuses: Vec<u16> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 64);
    });
    server.call(&greedy, "ssh_list_hosts", json!({})).reply().expect_ok();
}

#[test]
fn told_to_stop_it_finishes_the_answers_under_way_and_takes_no_new_ones() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let server = serve(&world);
    let address = server.address;
    let go = world.dir().join("go");
    let wait = format!("until [ -e {} ]; do sleep 0.05; done; echo finished", go.display());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| server.call(&Client::default(), "ssh_exec", exec(&wait)).reply());
        eventually("the command", || (!world.remote_processes().is_empty()).then_some(()));
        process::signal(server.pid(), Signal::SIGTERM);
        eventually("a closed door", || TcpStream::connect(address).is_err().then_some(()));
        std::fs::write(&go, "").unwrap();
        assert_eq!(running.join().unwrap().expect_ok().text("stdout"), "finished\n");
    });
    assert!(server.stop().success());
}

#[test]
fn a_client_that_hangs_up_stops_its_command() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let server = serve(&world);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "0" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": "ssh_exec", "arguments": exec("sleep 600"), "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: ssh_exec\r\nContent-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    eventually("the command", || (!world.remote_processes().is_empty()).then_some(()));
    drop(stream);
    eventually("its end", || world.remote_processes().is_empty().then_some(()));
}

#[test]
fn over_a_unix_socket_too() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let path = world.dir().join("mcp.sock");
    let mut child =
        world.sallyport(&["serve", "--http", &format!("unix:{}", path.display())]).spawn().unwrap();
    let mut stream = eventually("the socket", || std::os::unix::net::UnixStream::connect(&path).ok());
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: anything\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut said = String::new();
    drop(stream.read_to_string(&mut said));
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("sallyport"), "{said}");
    process::signal(child.id() as i32, Signal::SIGTERM);
    assert!(process::wait(&mut child).unwrap().success());
    // Locked in it could not remove its socket; the next one takes the place.
    let mut next =
        world.sallyport(&["serve", "--http", &format!("unix:{}", path.display())]).spawn().unwrap();
    eventually("the next one", || std::os::unix::net::UnixStream::connect(&path).ok());
    process::signal(next.id() as i32, Signal::SIGTERM);
    assert!(process::wait(&mut next).unwrap().success());
}

#[test]
fn the_public_conformance_suite_passes_but_for_what_does_not_apply() {
    let (node, suite) = match foreign::conformance() {
        Ok(programs) => programs,
        Err(reason) => return println!("skipped: the conformance suite cannot be fetched: {reason}"),
    };
    let world = World::new();
    let server = serve(&world);
    let url = format!("http://{}/mcp", server.address);
    let expected = concat!(env!("CARGO_MANIFEST_DIR"), "/foreign/conformance.yml");
    let arguments = [suite.to_str().unwrap(), "server", "--url", &url, "--expected-failures", expected];
    let done = foreign::run(&world, &node, &arguments);
    assert_eq!(done.code(), 0, "{}", done.stdout);
    assert!(done.stdout.contains("Baseline check passed"), "{}", done.stdout);
}

#[test]
fn the_python_sdk_runs_a_command_over_http_in_both_generations() {
    let python = match foreign::python_sdk() {
        Ok(python) => python,
        Err(reason) => return println!("skipped: the Python SDK cannot be fetched: {reason}"),
    };
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.policy(POLICY_THAT_FORBIDS);
    let ci = token(&world, "ci");
    let server = serve(&world);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/foreign/client.py");
    let url = format!("http://{}/mcp", server.address);
    for mode in ["legacy", "2026-07-28", "auto"] {
        let done = foreign::run(&world, &python, &[script, mode, &url, ci.token.as_ref().unwrap()]);
        let said: Value = serde_json::from_str(&done.expect_success()).unwrap();
        assert_eq!(said["run"]["structuredContent"]["stdout"], "from python\n", "{mode}: {said:#}");
        assert_eq!(said["blocked"]["structuredContent"]["code"], "policy_blocked", "{mode}: {said:#}");
    }
}
