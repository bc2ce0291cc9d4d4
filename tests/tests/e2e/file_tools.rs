//! What holds for all file tools: secrets, policy, audit log, hostile names, jump hosts, the command line.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{World, terminal};
use serde_json::{Value, json};

use super::file_desk::{Desk, desk, desk_with, names, sha256sum};

#[test]
fn a_secret_is_masked_in_text_refused_in_base64_and_never_written_over_by_its_mask() {
    let desk = desk();
    let key = fs::read_to_string(key_file(&desk)).unwrap();
    let content = format!("# the deploy key\n{key}\nport = 80\n");
    let path = desk.put("deploy.conf", &content);
    let read = desk.read(&path, json!({})).expect_ok();
    let seen = read.text("content").to_owned();
    let middle = key.lines().nth(2).unwrap();
    assert!(seen.contains("[redacted]") && !seen.contains(middle), "{seen}");
    assert_eq!(read["sha256_keyed"], true);
    assert_ne!(
        read.text("sha256"),
        sha256sum(Path::new(&path)),
        "no digest that guesses could be tested with"
    );
    desk.read(&path, json!({ "encoding": "base64" })).expect_code("secret_in_file");
    let refused = desk.write(&path, &seen, json!({ "mode": "overwrite" })).expect_code("invalid_argument");
    assert!(refused.text("hint").contains("ssh_file_edit"), "{:#}", refused.raw);
    let masked =
        desk.edit(&path, json!([{ "old": "key\n[redacted]", "new": "gone" }])).expect_code("no_unique_match");
    assert!(masked.text("message").contains("stands for a secret"), "{:#}", masked.raw);
    let over = json!([{ "replace_lines": [2, 4], "text": "[redacted]" }]);
    desk.edit(&path, over).expect_code("invalid_argument");
    assert_eq!(desk.get("deploy.conf"), content, "nothing was changed so far");
    let expected = json!({
        "edits": [{ "old": "port = 80", "new": "port = 81" }], "expected_sha256": read.text("sha256")
    });
    let edited = desk.call("ssh_file_edit", &path, expected).expect_ok();
    assert_eq!(
        desk.get("deploy.conf"),
        content.replace("port = 80", "port = 81"),
        "the secret stayed as it was"
    );
    assert!(!edited.text("diff").contains(middle), "{}", edited.text("diff"));
    let found =
        desk.call("ssh_search", desk.dir.to_str().unwrap(), json!({ "kind": "text", "pattern": middle }));
    assert_eq!(found.expect_ok()["matches"], json!([]), "a search tests no guesses");
}

/// The private key the world's host is logged in to with.
fn key_file(desk: &Desk) -> PathBuf {
    let mut files: Vec<_> =
        fs::read_dir(desk.world.dir()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.file_name().unwrap().to_str().unwrap().starts_with("key-") && path.extension().is_none()
    });
    files.remove(0)
}

#[test]
fn readonly_and_hosts_without_uploads_take_no_files_but_give_them() {
    for more in ["mode = \"readonly\"", "upload = false"] {
        let desk = desk_with(more);
        let path = desk.put("a.txt", "x\n");
        let blocked = desk.write(&path, "y\n", json!({ "mode": "overwrite" }));
        assert_eq!((blocked.status(), blocked.code()), ("blocked", "policy_blocked"), "{:#}", blocked.raw);
        desk.edit(&path, json!([{ "old": "x", "new": "y" }])).expect_code("policy_blocked");
        assert_eq!(desk.get("a.txt"), "x\n");
        assert_eq!(desk.read(&path, json!({})).expect_ok().text("content"), "x\n");
        desk.call("ssh_list_dir", desk.dir.to_str().unwrap(), json!({})).expect_ok();
    }
}

#[test]
fn what_a_shell_would_have_to_ask_for_a_file_tool_has_to_ask_for_too() {
    let desk = desk();
    desk.world.policy("confirmation = \"operator\"\n");
    let home = desk.dir.join("home");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    let path = home.join(".ssh/authorized_keys").to_str().unwrap().to_owned();
    let request = json!({ "content": "ssh-ed25519 AAAA me\n" });
    let held = desk.call("ssh_file_write", &path, request.clone());
    assert_eq!(held.status(), "needs_confirmation", "{:#}", held.raw);
    let id = held["confirmation"]["id"].as_str().unwrap().to_owned();
    // Another way to the same place is the same place.
    symlink(home.join(".ssh"), desk.dir.join("harmless")).unwrap();
    let around = desk.call("ssh_file_write", &desk.path("harmless/authorized_keys"), request.clone());
    assert_eq!(around.status(), "needs_confirmation", "{:#}", around.raw);
    terminal::run(&desk.world.sallyport(&["approve", &id]), &[("[y/N]", "y\n")]).expect_success();
    let other = json!({ "content": "ssh-ed25519 BBBB somebody else\n", "confirmation_id": id });
    let swapped = desk.call("ssh_file_write", &path, other);
    assert_ne!(swapped.status(), "ok", "agreed to another content: {:#}", swapped.raw);
    let mut agreed = request;
    agreed["confirmation_id"] = id.into();
    desk.call("ssh_file_write", &path, agreed).expect_ok();
    assert!(fs::read_to_string(&path).unwrap().contains("AAAA"));
    assert!(!Path::new("/etc/sudoers.d/sallyport-test").exists());
    let sudoers = desk.write("/etc/sudoers.d/sallyport-test", "x\n", json!({}));
    assert_ne!(sudoers.status(), "ok", "{:#}", sudoers.raw);
}

#[test]
fn everything_that_is_done_to_files_is_in_the_audit_log() {
    let desk = desk();
    let path = desk.path("a.txt");
    desk.write(&path, "x\n", json!({})).expect_ok();
    desk.edit(&path, json!([{ "old": "x", "new": "y" }])).expect_ok();
    desk.read(&path, json!({})).expect_ok();
    desk.write(&path, "x\n", json!({})).expect_code("file_exists");
    let log = fs::read_to_string(desk.world.state().join("audit/audit.jsonl")).unwrap();
    for action in ["file_write", "file_edit", "file_read"] {
        assert!(log.contains(&format!("\"{action}\"")), "{action}: {log}");
    }
    assert!(log.contains(&path) && log.contains("\"file_exists\""), "{log}");
}

#[test]
fn names_that_are_hostile_or_no_text_can_be_told_and_asked_for() {
    let desk = desk();
    use std::os::unix::ffi::OsStrExt;
    let odd = [&b"-rf"[..], b"a\nb", b"sp ace", b"\xff\xfe", b"$(id)", b"'"];
    for name in odd {
        fs::write(desk.dir.join(std::ffi::OsStr::from_bytes(name)), name).unwrap();
    }
    let dir = desk.dir.to_str().unwrap().to_owned();
    let list = desk.call("ssh_list_dir", &dir, json!({})).expect_ok();
    let told = names(&list, "entries", "name");
    assert_eq!(told.len(), odd.len());
    let size = |name| desk.read(&format!("{dir}/{name}"), json!({})).expect_ok()["size"].as_u64().unwrap();
    let mut sizes: Vec<u64> = told.into_iter().map(size).collect();
    let mut expected: Vec<u64> = odd.iter().map(|name| name.len() as u64).collect();
    sizes.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sizes, expected, "each name leads to its own file, which holds it");
}

#[test]
fn file_tools_work_through_a_jump_host_and_on_a_path_in_the_home_directory() {
    let world = World::new();
    let _bastion = world.ready_host("bastion");
    let sshd = world.sshd();
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("web1", &sshd, "jump = \"bastion\"");
    world.trust(&sshd);
    let client = world.mcp();
    let path = world.fresh("far").to_str().unwrap().to_owned();
    client
        .call("ssh_file_write", json!({ "target": "web1", "path": path, "content": "far away\n" }))
        .expect_ok();
    let read = client.call("ssh_file_read", json!({ "target": "web1", "path": path })).expect_ok();
    assert_eq!(read.text("content"), "far away\n");
    client.call("ssh_list_dir", json!({ "target": "web1" })).expect_ok();
}

#[test]
fn the_command_line_shows_files_and_directories() {
    let desk = desk();
    let path = desk.put("a.txt", "one\ntwo");
    let shown = desk.world.run(&["cat", "web1", &path]);
    assert_eq!((shown.code(), shown.stdout.as_str()), (0, "one\ntwo"));
    let listed = desk.world.run(&["ls", "web1", desk.dir.to_str().unwrap()]).expect_success();
    assert!(listed.contains("a.txt"), "{listed}");
    let json: Value = serde_json::from_str(
        &desk.world.run(&["ls", "--json", "web1", desk.dir.to_str().unwrap()]).expect_success(),
    )
    .unwrap();
    assert_eq!(json["entries"][0]["name"], "a.txt");
    let json: Value =
        serde_json::from_str(&desk.world.run(&["cat", "--json", "web1", &path]).expect_success()).unwrap();
    assert_eq!(json["status"], "ok");
    assert_eq!((&json["content"], &json["size"]), (&json!("one\ntwo"), &json!(7)));
    let missing = desk.world.run(&["cat", "web1", &desk.path("nothing")]);
    assert_eq!((missing.code(), missing.stdout.as_str()), (1, ""));
    assert!(missing.stderr.contains("hint:"), "{}", missing.stderr);
    assert_eq!(desk.world.run(&["cat", "nowhere", "/x"]).code(), 255);
    assert_eq!(desk.world.run(&["ls"]).code(), 2);
}
