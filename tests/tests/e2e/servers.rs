//! The file tools against other servers than OpenSSH's usual one, and through a chain of hosts.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::{Account, SshdOptions, World, account, eventually, process, run};
use serde_json::{Value, json};

/// A dropbear on a free port of loopback, which starts OpenSSH's `sftp-server`.
struct Dropbear {
    port: u16,
    child: Child,
}

impl Dropbear {
    fn start(world: &World) -> Self {
        let key = world.fresh("dropbear");
        let make = run(process::bare("dropbearkey").args(["-t", "ed25519", "-f"]).arg(&key), b"");
        let public = make.expect_success();
        let public = public.lines().find(|line| line.starts_with("ssh-ed25519")).unwrap().to_owned();
        let (port, child) = eventually("dropbear finds a free port", || {
            let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            let mut dropbear = process::bare("dropbear");
            dropbear
                .args(["-F", "-E", "-p", &format!("127.0.0.1:{port}"), "-P", "/dev/null", "-r"])
                .arg(&key);
            dropbear.env(process::MARK, world.dir()).stdin(Stdio::null()).stderr(Stdio::null());
            let mut child = dropbear.spawn().unwrap();
            eventually("dropbear listens or ends", || match child.try_wait().unwrap() {
                Some(_) => Some(false),
                None => TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true),
            })
            .then_some((port, child))
        });
        world.known_hosts(&format!("[127.0.0.1]:{port} {public}\n"));
        Self { port, child }
    }
}

impl Drop for Dropbear {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_dropbear_with_an_sftp_server_is_as_good_as_an_openssh() {
    if !account::possible() {
        eprintln!("skipped: only root can make accounts");
        return;
    }
    let world = World::new();
    let account: Account = world.account("correct horse battery");
    let server = Dropbear::start(&world);
    let place = format!("127.0.0.1:{}", server.port);
    world.record("ssh", &place, &account.name, "password", account.password.as_bytes());
    world.write_hosts(&format!(
        "[hosts.web1]\nhostname = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\n",
        server.port, account.name
    ));
    let client = world.mcp();
    let content: Vec<u8> = (0..700_000_u32).map(|n| (n ^ (n >> 7)) as u8).collect();
    fs::write(world.home().join("a"), &content).unwrap();
    let ask = |local: &str, more: Value| with(json!({ "local_path": local, "remote_path": "a" }), more);
    call(&client, "ssh_upload", ask("a", json!({}))).expect_ok();
    call(&client, "ssh_upload", ask("a", json!({}))).expect_code("file_exists");
    call(&client, "ssh_upload", ask("a", json!({ "overwrite": true }))).expect_ok();
    call(&client, "ssh_download", ask("b", json!({}))).expect_ok();
    assert!(fs::read(world.home().join("b")).unwrap() == content);
    call(&client, "ssh_file_write", json!({ "path": "t", "content": "one\n" })).expect_ok();
    let edit = json!({ "path": "t", "edits": [{ "old": "one", "new": "two" }] });
    call(&client, "ssh_file_edit", edit).expect_ok();
    assert_eq!(call(&client, "ssh_file_read", json!({ "path": "t" })).expect_ok().text("content"), "two\n");
    let listed = call(&client, "ssh_list_dir", json!({})).expect_ok();
    let names: Vec<_> = listed["entries"].as_array().unwrap().iter().map(|e| e["name"].clone()).collect();
    assert_eq!(names, ["a", "t"], "no temporary file is left");
}

#[test]
fn an_sftp_server_that_ends_at_its_start_is_started_once_more_and_no_oftener() {
    let world = World::new();
    let (server, starts) = (world.fresh("fickle-sftp-server"), world.fresh("starts"));
    // Counts its starts in bytes, and ends at once where it is the first or the third and later.
    let script = format!(
        "#!/bin/sh\nprintf x >>{0}\ncase $(cat {0}) in xx) exec /usr/lib/openssh/sftp-server;; esac\n",
        starts.display()
    );
    fs::write(&server, script).unwrap();
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
    let extra = format!("Subsystem sftp {}\n", server.display());
    let _sshd = world.ready_host_on(&SshdOptions { extra, ..SshdOptions::default() }, "web1", "");
    let client = world.mcp();
    let read = || call(&client, "ssh_file_read", json!({ "path": "/etc/hostname" }));
    read().expect_ok();
    assert_eq!(fs::read_to_string(&starts).unwrap(), "xx");
    let refused = read().expect_code("unsupported_operation");
    assert!(refused.text("message").ends_with("ended at once"), "{:#}", refused.raw);
    assert_eq!(fs::read_to_string(&starts).unwrap(), "xxxx");
}

#[test]
fn a_call_cancelled_while_an_sftp_server_is_silent_leaves_none_waiting() {
    let world = World::new();
    let server = world.fresh("silent-sftp-server");
    // The shell keeps standard output open: closed, it would be a server that has ended.
    fs::write(&server, "#!/bin/sh\ncat >/dev/null\nexit 0\n").unwrap();
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
    let extra = format!("Subsystem sftp {}\n", server.display());
    let sshd = world.ready_host_on(&SshdOptions { extra, ..SshdOptions::default() }, "web1", "");
    let client = world.mcp();
    let waiting = || world.running("cat") > 0;
    let read = client.start("ssh_file_read", json!({ "target": "web1", "path": "/etc/hostname" }));
    eventually("the server", || waiting().then_some(()));
    client.cancel(read.id);
    eventually("its end", || (!waiting()).then_some(()));
    assert!(!process::descendants(sshd.pid()).is_empty(), "the connection stays");
}

#[test]
fn a_limit_of_the_account_is_told_apart_from_a_full_disk() {
    let world = World::new();
    let server = world.fresh("limited-sftp-server");
    // As a quota does it: writing fails while the disk has room. 1000 blocks of 512 bytes.
    let script = "#!/bin/sh\ntrap '' XFSZ\nulimit -f 1000\nexec /usr/lib/openssh/sftp-server\n";
    fs::write(&server, script).unwrap();
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
    let extra = format!("Subsystem sftp {}\n", server.display());
    let _sshd = world.ready_host_on(&SshdOptions { extra, ..SshdOptions::default() }, "web1", "");
    let remote = world.fresh("remote");
    fs::create_dir(&remote).unwrap();
    fs::write(world.home().join("large"), vec![b'x'; 3_000_000]).unwrap();
    let client = world.mcp();
    let upload = json!({ "local_path": "large", "remote_path": remote.join("large") });
    let refused = call(&client, "ssh_upload", upload).expect_code("quota_exceeded");
    assert!(refused.text("message").contains("its disk is not full"), "{:#}", refused.raw);
    assert!(refused.text("hint").contains("quota"), "{:#}", refused.raw);
    assert_eq!(fs::read_dir(&remote).unwrap().count(), 0, "nothing half written stays");
}

#[test]
fn every_file_and_forward_tool_works_through_two_jump_hosts() {
    let world = World::new();
    let greeter = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = greeter.local_addr().unwrap().port();
    let outer = world.ready_host("outer");
    let middle = world.ready_host_with("middle", "jump = \"outer\"");
    let more = format!("jump = \"middle\"\nforward = [\"127.0.0.1:{port}\"]");
    let inner = world.ready_host_with("web1", &more);
    let remote = world.fresh("remote");
    fs::create_dir(&remote).unwrap();
    let at = |name: &str| remote.join(name).display().to_string();
    fs::write(world.home().join("up"), "from here\n").unwrap();
    let client = world.mcp();
    let tool = |tool: &str, arguments: Value| call(&client, tool, arguments).expect_ok();

    tool("ssh_file_write", json!({ "path": at("t"), "content": "one\n" }));
    tool("ssh_file_edit", json!({ "path": at("t"), "edits": [{ "old": "one", "new": "two" }] }));
    assert_eq!(tool("ssh_file_read", json!({ "path": at("t") })).text("content"), "two\n");
    tool("ssh_upload", json!({ "local_path": "up", "remote_path": at("up") }));
    let copy =
        json!({ "from_target": "web1", "from_path": at("up"), "to_target": "middle", "to_path": at("copy") });
    client.call("ssh_copy", copy).expect_ok();
    tool("ssh_download", json!({ "local_path": "down", "remote_path": at("copy") }));
    assert_eq!(fs::read_to_string(world.home().join("down")).unwrap(), "from here\n");
    let listed = tool("ssh_list_dir", json!({ "path": remote }));
    assert_eq!(listed["entries"].as_array().unwrap().len(), 3, "{:#}", listed.raw);
    let found = tool("ssh_search", json!({ "path": remote, "kind": "text", "pattern": "^from" }));
    assert_eq!(found["matches"].as_array().unwrap().len(), 2, "{:#}", found.raw);
    let open = json!({ "action": "open", "dest_host": "127.0.0.1", "dest_port": port });
    let listens = tool("ssh_forward", open)["listen_port"].as_u64().unwrap();
    let mut through = TcpStream::connect(("127.0.0.1", u16::try_from(listens).unwrap())).unwrap();
    std::io::Write::write_all(&mut greeter.accept().unwrap().0, b"hello").unwrap();
    let mut heard = String::new();
    through.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hello");
    for (hop, sshd) in [("outer", &outer), ("middle", &middle), ("inner", &inner)] {
        assert!(sshd.connections() > 0, "{hop} was not on the way");
    }
}

#[test]
fn a_path_that_ends_like_a_directory_names_no_file_to_write() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let remote = world.fresh("remote");
    fs::create_dir(&remote).unwrap();
    fs::write(remote.join("file"), "old").unwrap();
    let client = world.mcp();
    let ask = |path: &str| {
        let path = format!("{}/{path}", remote.display());
        call(&client, "ssh_file_write", json!({ "path": path, "content": "x", "mode": "overwrite" }))
    };
    ask("new/").expect_code("invalid_argument");
    ask("file/").expect_code("invalid_argument");
    ask("").expect_code("unsupported_operation");
    assert_eq!(fs::read_to_string(remote.join("file")).unwrap(), "old");
    assert_eq!(fs::read_dir(&remote).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn numbers_outside_their_bounds_are_refused_and_not_bent() {
    let world = World::new();
    let client = world.mcp();
    let path = Path::new("/etc/hostname");
    for (tool, arguments) in [
        ("ssh_file_read", json!({ "path": path, "tail": 0 })),
        ("ssh_file_read", json!({ "path": path, "max_bytes": 0 })),
        ("ssh_file_read", json!({ "path": path, "max_bytes": 1_048_577 })),
        ("ssh_list_dir", json!({ "depth": 0 })),
        ("ssh_list_dir", json!({ "depth": 33 })),
        ("ssh_list_dir", json!({ "limit": 0 })),
        ("ssh_search", json!({ "kind": "text", "pattern": "x", "limit": 2001 })),
        ("ssh_search", json!({ "kind": "text", "pattern": "x", "context": 21 })),
    ] {
        call(&client, tool, arguments).expect_code("invalid_argument");
    }
}

fn call(client: &McpClient, tool: &str, arguments: Value) -> Reply {
    client.call(tool, with(json!({ "target": "web1" }), arguments))
}

fn with(mut arguments: Value, more: Value) -> Value {
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    arguments
}
