//! Tunnels that listen on a Unix socket.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::{Sshd, World, eventually};
use serde_json::{Value, json};

use super::forwards::{Service, forwards};

/// A host that leads to a service, and a client in the world's home, which is its transfer root.
fn ready(world: &World) -> (Service, Sshd, McpClient) {
    let service = Service::start("hello\n");
    let sshd = world.ready_host_with("web1", &format!("forward = [\"127.0.0.1:{}\"]", service.port));
    let client = world.mcp();
    (service, sshd, client)
}

fn open(service: &Service, path: &str) -> Value {
    json!({
        "action": "open", "target": "web1", "dest_host": "127.0.0.1", "dest_port": service.port, "listen_path": path
    })
}

fn talk(path: &Path, text: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let text = text.to_vec();
    let sending = std::thread::spawn(move || {
        writer.write_all(&text).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    sending.join().unwrap();
    answer
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}

#[test]
fn a_forward_on_a_unix_socket_carries_bytes_for_its_owner_alone_and_goes_when_closed() {
    let world = World::new();
    let (service, _sshd, client) = ready(&world);
    let path: PathBuf = world.home().join("db.sock");
    let opened = client.call("ssh_forward", open(&service, "db.sock")).expect_ok();
    assert_eq!((opened.text("listen_address"), &opened["listen_port"]), ("unix:db.sock", &Value::Null));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    let bulk: Vec<u8> = (0..3_000_000_u32).map(|i| (i ^ (i >> 8)) as u8).collect();
    let answer = talk(&path, &bulk);
    assert!(answer.starts_with(b"hello\n") && answer[6..] == bulk, "{} bytes came back", answer.len());
    assert!(forwards(&client)[0]["detail"].as_str().unwrap().contains("unix:db.sock"));
    client.call("ssh_forward", open(&service, "db.sock")).expect_code("file_exists");
    assert_eq!(talk(&path, b"still there"), b"hello\nstill there");
    client.call("ssh_forward", json!({ "action": "close", "id": opened["id"] })).expect_ok();
    assert!(!path.exists());
    client.call("ssh_forward", open(&service, path.to_str().unwrap())).expect_ok();
    assert_eq!(talk(&path, b"again"), b"hello\nagain");
}

#[test]
fn what_is_at_the_path_is_never_replaced_and_nothing_is_made_outside_the_roots() {
    let world = World::new();
    let (service, _sshd, client) = ready(&world);
    let at = |name: &str| world.home().join(name);
    fs::write(at("file"), "mine").unwrap();
    symlink("nowhere", at("link")).unwrap();
    symlink(world.dir(), at("out")).unwrap();
    for (path, code) in [
        ("file", "file_exists"),
        ("link", "file_exists"),
        ("no/s", "missing_parent"),
        ("../s", "path_outside_root"),
        ("out/s", "path_outside_root"),
        ("/tmp/sallyport-never", "path_outside_root"),
        (&"x".repeat(81), "invalid_argument"),
        ("", "invalid_argument"),
    ] {
        client.call("ssh_forward", open(&service, path)).expect_code(code);
    }
    assert_eq!(fs::read(at("file")).unwrap(), b"mine");
    assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink() && !at("nowhere").exists());
    let mut elsewhere = open(&service, "s");
    elsewhere["dest_port"] = 1.into();
    client.call("ssh_forward", elsewhere).expect_code("policy_blocked");
    assert!(!at("s").exists(), "a refused forward leaves no socket");
    assert!(forwards(&client).is_empty());
}

#[test]
fn a_killed_broker_leaves_no_socket_and_what_took_its_place_stays() {
    let world = World::new();
    let (service, _sshd, mut client) = ready(&world);
    let at = |name: &str| world.home().join(name);
    for name in ["one", "two"] {
        client.call("ssh_forward", open(&service, name)).expect_ok();
        assert!(is_socket(&at(name)));
    }
    fs::remove_file(at("two")).unwrap();
    fs::write(at("two"), "mine").unwrap();
    client.kill();
    eventually("the socket is gone", || (!at("one").exists()).then_some(()));
    assert_eq!(fs::read(at("two")).unwrap(), b"mine");
}
