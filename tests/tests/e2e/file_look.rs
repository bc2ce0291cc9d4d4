//! Reading and listing files of a host, over a real SFTP server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sallyport_tests::world::{SshdOptions, World};
use serde_json::{Value, json};

use super::file_desk::{desk, names, sha256sum};

#[test]
fn a_file_is_read_whole_in_lines_or_from_its_end() {
    let desk = desk();
    let path = desk.put("log", "one\ntwo\nthree\nfour");
    let all = desk.read(&path, json!({})).expect_ok();
    assert_eq!(all.text("content"), "one\ntwo\nthree\nfour");
    assert_eq!(
        (&all["size"], &all["total_lines"], &all["truncated"]),
        (&json!(18), &json!(4), &json!(false))
    );
    assert_eq!(all.text("sha256"), sha256sum(Path::new(&path)));
    assert_eq!(desk.read(&path, json!({ "lines": [2, 3] })).expect_ok().text("content"), "two\nthree\n");
    let tail = desk.read(&path, json!({ "tail": 2 })).expect_ok();
    assert_eq!((tail.text("content"), &tail["first_line"]), ("three\nfour", &json!(3)));
    let cut = desk.read(&path, json!({ "max_bytes": 5 })).expect_ok();
    assert_eq!((cut.text("content"), &cut["truncated"]), ("one\nt", &json!(true)));
    let beyond = desk.read(&path, json!({ "lines": [9, 10] })).expect_ok();
    assert_eq!(beyond.text("content"), "");
    desk.read(&path, json!({ "lines": [3, 2] })).expect_code("invalid_argument");
}

#[test]
fn a_host_without_an_sftp_server_is_said_to_have_none() {
    let world = World::new();
    let extra = "# no Subsystem sftp".to_owned();
    let _sshd = world.ready_host_on(&SshdOptions { extra, ..SshdOptions::default() }, "web1", "");
    let reply = world.mcp().call("ssh_list_dir", json!({ "target": "web1" }));
    let reply = reply.expect_code("unsupported_operation");
    assert!(reply.text("message").contains("offers no SFTP"), "{:#}", reply.raw);
}

#[test]
fn what_is_no_readable_file_is_told_apart() {
    let desk = desk();
    desk.read(&desk.path("nothing"), json!({})).expect_code("file_not_found");
    desk.read(desk.dir.to_str().unwrap(), json!({})).expect_code("unsupported_operation");
    nix::unistd::mkfifo(&desk.dir.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    desk.read(&desk.path("pipe"), json!({})).expect_code("unsupported_operation");
    desk.client
        .call("ssh_file_read", json!({ "target": "nowhere", "path": "/etc/hostname" }))
        .expect_code("unknown_host");
    desk.read("/x\0y", json!({})).expect_code("invalid_argument");
    let empty = desk.read(&desk.put("empty", ""), json!({})).expect_ok();
    assert_eq!((empty.text("content"), &empty["total_lines"]), ("", &json!(0)));
    let made_up = desk.read("/proc/self/status", json!({})).expect_ok();
    assert!(made_up.text("content").contains("Pid:"), "{:#}", made_up.raw);
}

#[test]
fn bytes_that_are_no_text_are_told_and_come_as_base64() {
    let desk = desk();
    let path = desk.put("image", [0x89, b'P', 0, 0xff, 1, 2]);
    let told = desk.read(&path, json!({})).expect_ok();
    assert_eq!((told.text("content"), &told["binary"]), ("", &json!(true)));
    let exact = desk.read(&path, json!({ "encoding": "base64" })).expect_ok();
    assert_eq!(exact.text("content"), "iVAA/wEC");
    let back = desk.path("copy");
    desk.write(&back, "iVAA/wEC", json!({ "encoding": "base64" })).expect_ok();
    assert_eq!(fs::read(back).unwrap(), fs::read(path).unwrap());
    desk.write(&desk.path("x"), "no base64!", json!({ "encoding": "base64" }))
        .expect_code("invalid_argument");
}

#[test]
fn a_directory_is_listed_with_types_sizes_and_link_targets() {
    let desk = desk();
    desk.put("b.txt", "12345");
    desk.put(".hidden", "");
    fs::create_dir_all(desk.dir.join("sub/deep")).unwrap();
    desk.put("sub/c", "");
    symlink("b.txt", desk.dir.join("link")).unwrap();
    symlink("..", desk.dir.join("sub/loop")).unwrap();
    let dir = desk.dir.to_str().unwrap().to_owned();
    let list = |more: Value| desk.call("ssh_list_dir", &dir, more).expect_ok();
    let plain = list(json!({}));
    assert_eq!(names(&plain, "entries", "name"), ["b.txt", "link", "sub"]);
    assert_eq!(names(&plain, "entries", "type"), ["file", "symlink", "directory"]);
    let entry = &plain["entries"][0];
    assert_eq!((&entry["size"], &entry["mode"]), (&json!(5), &json!("0644")), "{entry:#}");
    assert!(entry["mtime"].as_u64().unwrap() > 1_600_000_000);
    assert_eq!(plain["entries"][1]["target"], "b.txt");
    let deep = list(json!({ "depth": 3, "hidden": true }));
    assert_eq!(
        names(&deep, "entries", "name"),
        [".hidden", "b.txt", "link", "sub", "sub/c", "sub/deep", "sub/loop"],
        "links are not followed"
    );
    let cut = list(json!({ "limit": 2 }));
    assert_eq!((cut["entries"].as_array().unwrap().len(), &cut["truncated"]), (2, &json!(true)));
    desk.call("ssh_list_dir", &desk.path("nothing"), json!({})).expect_code("file_not_found");
}
