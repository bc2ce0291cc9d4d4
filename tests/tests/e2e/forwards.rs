//! Tunnels: where they lead, what goes through, and how they end.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{SshdOptions, World, eventually, terminal};
use serde_json::{Value, json};

/// A service on loopback that answers every connection with `greeting`, then with everything it was sent.
pub struct Service {
    pub port: u16,
    _thread: JoinHandle<()>,
}

impl Service {
    pub fn start(greeting: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let greeting = greeting.to_owned();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, greeting) = (stream.unwrap(), greeting.clone());
                std::thread::spawn(move || {
                    // A client that goes away early is its own business.
                    drop(stream.write_all(greeting.as_bytes()));
                    let mut buffer = [0; 8192];
                    while let Ok(n @ 1..) = stream.read(&mut buffer) {
                        if stream.write_all(&buffer[..n]).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { port, _thread: thread }
    }
}

fn local(port: u16) -> Value {
    json!({ "action": "open", "target": "web1", "dest_host": "127.0.0.1", "dest_port": port })
}

fn port_of(reply: &Reply) -> u16 {
    let address = reply.text("listen_address");
    let port = address.strip_prefix("127.0.0.1:").unwrap_or_else(|| panic!("{address}")).parse().unwrap();
    assert_eq!(reply["listen_port"], port);
    port
}

/// Connects, says `text` and that this is all, and reads to the end.
fn talk(port: u16, text: &[u8]) -> Vec<u8> {
    exchange(TcpStream::connect(("127.0.0.1", port)).unwrap(), text)
}

fn exchange(mut stream: TcpStream, text: &[u8]) -> Vec<u8> {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let text = text.to_vec();
    let sending = std::thread::spawn(move || {
        drop(writer.write_all(&text));
        drop(writer.shutdown(Shutdown::Write));
    });
    let mut answer = Vec::new();
    // A connection that is cut ends with an error or without; what came is what counts.
    let mut buffer = [0; 8192];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..n]);
    }
    sending.join().unwrap();
    answer
}

pub fn forwards(client: &McpClient) -> Vec<Value> {
    let active = client.call("ssh_list_active", json!({ "kind": "forward" })).expect_ok();
    active["items"].as_array().unwrap().clone()
}

#[test]
fn a_local_forward_carries_bytes_both_ways_unchanged_and_frees_its_port_when_closed() {
    let world = World::new();
    let service = Service::start("hello\n");
    let sshd = world.ready_host_with("web1", &format!("forward = [\"127.0.0.1:{}\"]", service.port));
    let client = world.mcp();
    let reply = client.call("ssh_forward", local(service.port)).expect_ok();
    let port = port_of(&reply);
    assert_eq!(talk(port, b"ping\0\xff\r\n"), b"hello\nping\0\xff\r\n");
    // More than any window or queue on the way holds.
    let bulk: Vec<u8> = (0..6_000_000_u32).map(|i| (i ^ (i >> 8)) as u8).collect();
    let answer = talk(port, &bulk);
    assert!(answer[6..] == bulk, "{} bytes came back", answer.len());
    let listed = forwards(&client);
    assert_eq!(listed[0]["id"], reply["id"], "{listed:#?}");
    assert!(listed[0]["detail"].as_str().unwrap().contains(&format!("127.0.0.1:{port}")), "{listed:#?}");
    let closed = client.call("ssh_forward", json!({ "action": "close", "id": reply["id"] })).expect_ok();
    assert!(closed["bytes"].as_u64().unwrap() > 12_000_000, "{:#}", closed.raw);
    drop(TcpListener::bind(("127.0.0.1", port)).expect("the port is free again"));
    assert!(forwards(&client).is_empty());
    client
        .call("ssh_forward", json!({ "action": "close", "id": reply["id"] }))
        .expect_code("forward_not_found");
    assert_eq!(sshd.connections(), 1, "one login served all of it");
    let log = std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
    assert!(log.contains("\"forward_open\"") && log.contains("\"forward_connection\""), "{log}");
}

#[test]
fn only_places_the_host_lists_are_reached() {
    let world = World::new();
    let service = Service::start("secretly\n");
    let _sshd = world.ready_host_with("web1", "forward = [\"db.internal:5432\"]");
    let client = world.mcp();
    let refused = client.call("ssh_forward", local(service.port));
    assert_eq!((refused.status(), refused.code()), ("blocked", "policy_blocked"), "{:#}", refused.raw);
    let line = format!("forward = [\"127.0.0.1:{}\"]", service.port);
    assert!(refused.text("hint").contains(&line), "the hint names the line: {:#}", refused.raw);
    let other_port =
        json!({ "action": "open", "target": "web1", "dest_host": "db.internal", "dest_port": 22 });
    client.call("ssh_forward", other_port).expect_code("policy_blocked");
    let remote = json!({
        "action": "open", "target": "web1", "direction": "remote", "listen_port": 9, "dest_port": service.port
    });
    let refused = client.call("ssh_forward", remote).expect_code("policy_blocked");
    assert!(refused.text("hint").contains("remote_forward = [9]"), "{:#}", refused.raw);
    assert!(forwards(&client).is_empty());
}

#[test]
fn readonly_has_no_tunnels_and_a_rule_can_ask_before_one() {
    let world = World::new();
    let service = Service::start("hello\n");
    let listed = format!("forward = [\"127.0.0.1:{}\"]", service.port);
    let _one = world.ready_host_with("web1", &format!("{listed}\nmode = \"readonly\""));
    let _two = world.ready_host_with("web2", &listed);
    world.policy(
        "confirmation = \"operator\"\n[[rule]]\nname = \"ask-first\"\ndecision = \"confirm\"\n\
         commands = [[\"ssh_forward\", \"local\"]]\nreason = \"a tunnel is opaque\"\n",
    );
    let client = world.mcp();
    let blocked = client.call("ssh_forward", local(service.port));
    assert_eq!((blocked.status(), blocked.code()), ("blocked", "policy_blocked"), "{:#}", blocked.raw);
    let mut request = local(service.port);
    request["target"] = "web2".into();
    let held = client.call("ssh_forward", request.clone());
    assert_eq!(held.status(), "needs_confirmation", "{:#}", held.raw);
    let id = held["confirmation"]["id"].as_str().unwrap();
    assert_eq!(held["confirmation"]["rules"], json!(["ask-first"]));
    terminal::run(&world.sallyport(&["approve", id]), &[("[y/N]", "y\n")]).expect_success();
    request["confirmation_id"] = id.into();
    let reply = client.call("ssh_forward", request).expect_ok();
    assert_eq!(talk(port_of(&reply), b""), b"hello\n");
}

#[test]
fn a_connection_that_carries_a_vault_secret_is_cut_before_the_secret() {
    let world = World::new();
    let secret = "a-password-nobody-may-read-7781";
    let service = Service::start(&format!("before\n{secret}\nafter\n"));
    let sshd = world.ready_host_with("web1", &format!("forward = [\"127.0.0.1:{}\"]", service.port));
    // The login enrols the password record beside the key it logs in with.
    world.record("ssh", &sshd.place(), &own_name(), "password", secret.as_bytes());
    let client = world.mcp();
    let reply = client.call("ssh_forward", local(service.port)).expect_ok();
    let enrolled = client.call("ssh_exec", json!({ "target": "web1", "command": format!("echo {secret}") }));
    if !enrolled.text("stdout").contains("[redacted]") {
        println!("skipped: this login enrols keys only");
        return;
    }
    let answer = String::from_utf8_lossy(&talk(port_of(&reply), b"")).into_owned();
    assert!(!answer.contains("nobody-may-read") && !answer.contains("after"), "{answer}");
    let detail = forwards(&client)[0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("1 cut because they carried a vault secret"), "{detail}");
}

#[test]
fn a_login_key_in_a_tunnel_is_cut_too() {
    let world = World::new();
    let (sshd, key) = (world.sshd(), world.key("ed25519", None));
    let body: String = key.private().lines().filter(|line| !line.starts_with('-')).collect();
    let service = Service::start(&format!("before\n{body}\nafter\n"));
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("web1", &sshd, &format!("forward = [\"127.0.0.1:{}\"]", service.port));
    world.trust(&sshd);
    let client = world.mcp();
    let reply = client.call("ssh_forward", local(service.port)).expect_ok();
    let answer = String::from_utf8_lossy(&talk(port_of(&reply), b"")).into_owned();
    assert!(!answer.contains("after"), "{answer}");
    let leaked = (0..body.len() - 12).any(|at| answer.contains(&body[at..at + 12]));
    assert!(!leaked, "a piece of the key came through: {answer}");
}

#[test]
fn a_forward_ends_with_its_client_even_when_that_is_killed() {
    let world = World::new();
    let service = Service::start("hello\n");
    let _sshd = world.ready_host_with("web1", &format!("forward = [\"127.0.0.1:{}\"]", service.port));
    let mut client = world.mcp();
    let port = port_of(&client.call("ssh_forward", local(service.port)).expect_ok());
    let other = world.mcp();
    assert_eq!(forwards(&other).len(), 1, "one principal sees its forwards");
    client.kill();
    eventually("the forward is gone", || forwards(&other).is_empty().then_some(()));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "nobody listens there any more");
}

#[test]
fn another_client_of_the_principal_can_close_it() {
    let world = World::new();
    let service = Service::start("hello\n");
    let _sshd = world.ready_host_with("web1", &format!("forward = [\"127.0.0.1:{}\"]", service.port));
    let (client, other) = (world.mcp(), world.mcp());
    let reply = client.call("ssh_forward", local(service.port)).expect_ok();
    other.call("ssh_forward", json!({ "action": "close", "id": reply["id"] })).expect_ok();
    let port = port_of(&reply);
    eventually("the port is free", || TcpStream::connect(("127.0.0.1", port)).is_err().then_some(()));
}

#[test]
fn a_lost_connection_is_made_anew_by_the_next_one_through_the_tunnel() {
    let world = World::new();
    let service = Service::start("hello\n");
    let sshd = world.ready_host_with("web1", &format!("forward = [\"127.0.0.1:{}\"]", service.port));
    let client = world.mcp();
    let port = port_of(&client.call("ssh_forward", local(service.port)).expect_ok());
    let mut held = TcpStream::connect(("127.0.0.1", port)).unwrap();
    held.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut greeting = [0; 6];
    held.read_exact(&mut greeting).unwrap();
    sshd.cut();
    assert!(!matches!(held.read(&mut greeting), Ok(1..)), "a connection under way ends with the transport");
    assert_eq!(talk(port, b"again"), b"hello\nagain");
}

#[test]
fn a_destination_that_does_not_answer_closes_the_connection_and_is_told_in_the_listing() {
    let world = World::new();
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let _sshd = world.ready_host_with("web1", &format!("forward = [\"127.0.0.1:{port}\"]"));
    let client = world.mcp();
    let reply = client.call("ssh_forward", local(port)).expect_ok();
    assert_eq!(talk(port_of(&reply), b"anybody there?"), b"");
    let detail = forwards(&client)[0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("cannot reach 127.0.0.1"), "{detail}");
}

#[test]
fn a_host_that_cannot_be_reached_opens_no_forward_and_leaves_no_port() {
    let world = World::new();
    let mut sshd = world.ready_host_with("web1", "forward = [\"127.0.0.1:9\"]");
    sshd.stop();
    let client = world.mcp();
    client.call("ssh_forward", local(9)).expect_code("ssh_connection_failed");
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut request = local(9);
    request["listen_port"] = taken.local_addr().unwrap().port().into();
    client.call("ssh_forward", request).expect_code("invalid_argument");
    assert!(forwards(&client).is_empty());
}

#[test]
fn a_remote_forward_leads_from_a_listed_port_of_the_host_to_loopback_here_and_comes_back_after_a_loss() {
    let world = World::new();
    let service = Service::start("here\n");
    let exposed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let sshd = world.ready_host_with("web1", &format!("remote_forward = [{exposed}]"));
    let client = world.mcp();
    let request = json!({
        "action": "open", "target": "web1", "direction": "remote", "listen_port": exposed, "dest_port": service.port
    });
    let reply = client.call("ssh_forward", request.clone()).expect_ok();
    assert_eq!(reply.text("listen_address"), format!("localhost:{exposed}"));
    assert_eq!(talk(exposed, b"bytes"), b"here\nbytes");
    let again = client.call("ssh_forward", request.clone());
    assert!(again.is_error(), "the port is taken: {:#}", again.raw);
    sshd.cut();
    eventually("the host listens again", || {
        let stream = TcpStream::connect(("127.0.0.1", exposed)).ok()?;
        (exchange(stream, b"again") == b"here\nagain").then_some(())
    });
    let mut outside = request;
    outside["dest_host"] = "192.0.2.1".into();
    client.call("ssh_forward", outside).expect_code("policy_blocked");
    client.call("ssh_forward", json!({ "action": "close", "id": reply["id"] })).expect_ok();
    eventually("nobody listens over there", || {
        TcpStream::connect(("127.0.0.1", exposed)).is_err().then_some(())
    });
}

#[test]
fn a_forward_that_carried_too_much_or_stood_still_too_long_is_closed() {
    let world = World::new();
    world.settings("forward_idle_s = 1\nforward_max_bytes = 100000\n");
    let service = Service::start("hello\n");
    let _sshd = world.ready_host_with("web1", &format!("forward = [\"127.0.0.1:{}\"]", service.port));
    let client = world.mcp();
    let idle = port_of(&client.call("ssh_forward", local(service.port)).expect_ok());
    eventually("the idle one is closed", || forwards(&client).is_empty().then_some(()));
    eventually("and its port", || TcpStream::connect(("127.0.0.1", idle)).is_err().then_some(()));
    let busy = port_of(&client.call("ssh_forward", local(service.port)).expect_ok());
    assert!(talk(busy, &vec![b'x'; 1_000_000]).len() < 200_000);
    eventually("the busy one is closed", || TcpStream::connect(("127.0.0.1", busy)).is_err().then_some(()));
}

#[test]
fn a_tunnel_that_nobody_reads_does_not_hold_up_commands() {
    let world = World::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let flood = listener.local_addr().unwrap().port();
    let _flooding = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let block = [b'x'; 65_536];
        while stream.write_all(&block).is_ok() {}
    });
    let _sshd = world.ready_host_with("web1", &format!("forward = [\"127.0.0.1:{flood}\"]"));
    let client = world.mcp();
    let port = port_of(&client.call("ssh_forward", local(flood)).expect_ok());
    let stalled = TcpStream::connect(("127.0.0.1", port)).unwrap();
    eventually("it is full", || {
        let bytes = |items: Vec<Value>| items[0]["detail"].as_str().unwrap().to_owned();
        let before = bytes(forwards(&client));
        let reply = client.call("ssh_exec", json!({ "target": "web1", "command": "echo alive" })).expect_ok();
        assert_eq!(reply.text("stdout"), "alive\n");
        (!before.contains(" 0 bytes") && before == bytes(forwards(&client))).then_some(())
    });
    drop(stalled);
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
}

#[test]
fn a_forward_works_through_a_jump_host() {
    let world = World::new();
    let service = Service::start("hello\n");
    let _bastion = world.ready_host("bastion");
    let inner = world
        .ready_host_with("web1", &format!("jump = \"bastion\"\nforward = [\"127.0.0.1:{}\"]", service.port));
    let client = world.mcp();
    let reply = client.call("ssh_forward", local(service.port)).expect_ok();
    assert_eq!(talk(port_of(&reply), b"far"), b"hello\nfar");
    assert_eq!(inner.connections(), 1);
}

#[test]
fn a_server_that_forbids_forwarding_is_told_apart() {
    let world = World::new();
    let sshd =
        world.sshd_with(&SshdOptions { extra: "AllowTcpForwarding no".into(), ..SshdOptions::default() });
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("web1", &sshd, "remote_forward = [18000]");
    world.trust(&sshd);
    let client = world.mcp();
    let request = json!({
        "action": "open", "target": "web1", "direction": "remote", "listen_port": 18000, "dest_port": 1
    });
    let refused = client.call("ssh_forward", request).expect_code("ssh_connection_failed");
    assert!(refused.text("hint").contains("AllowTcpForwarding"), "{:#}", refused.raw);
}
