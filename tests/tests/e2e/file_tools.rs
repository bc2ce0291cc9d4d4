//! Reading, writing, editing, listing and searching files of a host, over a real SFTP server.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{Sshd, SshdOptions, World, process, terminal};
use serde_json::{Value, json};

/// A world with a ready host, a client, and a directory for files.
struct Desk {
    world: World,
    _sshd: Sshd,
    client: McpClient,
    dir: PathBuf,
}

fn desk() -> Desk {
    desk_with("")
}

fn desk_with(more: &str) -> Desk {
    desk_on(World::new(), more, &SshdOptions::default())
}

fn desk_on(world: World, more: &str, options: &SshdOptions) -> Desk {
    let sshd = world.sshd_with(options);
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("web1", &sshd, more);
    world.trust(&sshd);
    let client = world.mcp();
    let dir = world.fresh("files");
    fs::create_dir(&dir).unwrap();
    Desk { world, _sshd: sshd, client, dir }
}

impl Desk {
    fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.dir.join(name), content).unwrap();
        self.path(name)
    }

    fn get(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap()
    }

    fn call(&self, tool: &str, path: &str, more: Value) -> Reply {
        let mut arguments = json!({ "target": "web1", "path": path });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.client.call(tool, arguments)
    }

    fn read(&self, path: &str, more: Value) -> Reply {
        self.call("ssh_file_read", path, more)
    }

    fn write(&self, path: &str, content: &str, more: Value) -> Reply {
        let mut more = more;
        more["content"] = content.into();
        self.call("ssh_file_write", path, more)
    }

    fn edit(&self, path: &str, edits: Value) -> Reply {
        self.call("ssh_file_edit", path, json!({ "edits": edits }))
    }

    /// Nothing was left behind by a write.
    fn is_tidy(&self) {
        let parts: Vec<_> = fs::read_dir(&self.dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("sallyport"))
            .collect();
        assert!(parts.is_empty(), "{parts:?}");
    }
}

fn names(reply: &Reply, list: &str, field: &str) -> Vec<String> {
    let items = reply[list].as_array().unwrap_or_else(|| panic!("{:#}", reply.raw));
    items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

fn sha256sum(path: &Path) -> String {
    let out = std::process::Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(out.stdout).unwrap()[..64].to_owned()
}

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
    assert_eq!(desk.get("deploy.conf"), content.replace("80", "81"), "the secret stayed as it was");
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
fn a_file_is_created_replaced_or_appended_to_only_as_asked() {
    let desk = desk();
    let path = desk.path("app.txt");
    let made = desk.write(&path, "one\n", json!({ "perm": "0640" })).expect_ok();
    assert_eq!((&made["bytes"], made.text("sha256")), (&json!(4), sha256sum(Path::new(&path)).as_str()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(made.text("diff").contains("+one"), "{}", made.text("diff"));
    desk.write(&path, "two\n", json!({})).expect_code("file_exists");
    desk.write(&path, "two\n", json!({ "mode": "append" })).expect_ok();
    assert_eq!(desk.get("app.txt"), "one\ntwo\n");
    let replaced = desk.write(&path, "three\n", json!({ "mode": "overwrite" })).expect_ok();
    assert_eq!(desk.get("app.txt"), "three\n");
    assert!(replaced.text("diff").contains("-two\n+three"), "{}", replaced.text("diff"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640, "permissions are kept");
    desk.write(&path, "x", json!({ "mode": "overwrite", "perm": "4755" })).expect_code("invalid_argument");
    desk.is_tidy();
}

#[test]
fn a_missing_directory_is_told_and_made_when_asked() {
    let desk = desk();
    let path = desk.path("a/b/c.txt");
    desk.write(&path, "x", json!({})).expect_code("missing_parent");
    desk.write(&path, "x", json!({ "dry_run": true })).expect_code("missing_parent");
    assert!(!desk.dir.join("a").exists());
    desk.write(&path, "x", json!({ "create_parents": true })).expect_ok();
    assert_eq!(desk.get("a/b/c.txt"), "x");
    desk.write(&desk.path("a"), "x", json!({ "mode": "overwrite" })).expect_code("unsupported_operation");
}

#[test]
fn a_directory_that_cannot_be_there_is_told_with_what_stands_in_its_way() {
    let desk = desk();
    let file = desk.put("file", "in the way");
    symlink("nowhere", desk.dir.join("link")).unwrap();
    for (below, what) in
        [("file/x", "is no directory"), ("file/a/b/x", "is no directory"), ("link/x", "leads nowhere")]
    {
        for more in [json!({}), json!({ "dry_run": true }), json!({ "create_parents": true })] {
            let told = desk.write(&desk.path(below), "x", more.clone()).expect_code("missing_parent");
            assert!(told.text("message").contains(what), "{below} {more}: {:#}", told.raw);
            assert!(!told.text("hint").contains("create_parents"), "{below} {more}: {:#}", told.raw);
        }
    }
    fs::write(desk.world.home().join("up"), "x").unwrap();
    for (remote, local) in [("file/x", "up"), ("file/x", ".")] {
        let told = desk
            .client
            .call(
                "ssh_upload",
                json!({ "target": "web1", "local_path": local, "remote_path": desk.path(remote), "recursive": local == "." }),
            )
            .expect_code("missing_parent");
        assert!(told.text("message").contains(&format!("{file} is no directory")), "{:#}", told.raw);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
}

/// A file's access control list, or a directory's.
fn list_of(path: &str) -> String {
    process::run(process::bare("getfacl").args(["-cp", path]), b"").expect_success()
}

/// Sets it; false, with a sentence, where the file system has none.
fn set_list(path: &str, list: &str) -> bool {
    let can = process::run(process::bare("setfacl").args(["-m", list, path]), b"").code() == 0;
    if !can {
        println!("skipped: no access control lists here");
    }
    can
}

#[test]
fn an_access_control_list_is_kept_and_none_comes_from_the_directory() {
    let desk = desk();
    let path = desk.put("it's -- listed", "one\n");
    if !set_list(&path, "u:nobody:rw,m:rwx") {
        return;
    }
    let before = list_of(&path);
    assert!(before.contains("user:nobody:rw-"), "{before}");
    let edited = desk.edit(&path, json!([{ "old": "one", "new": "two" }])).expect_ok();
    assert_eq!(
        (list_of(&path), edited.raw.to_string().contains("could not be kept")),
        (before.clone(), false)
    );
    desk.write(&path, "three\n", json!({ "mode": "overwrite" })).expect_ok();
    assert_eq!((list_of(&path), desk.get("it's -- listed")), (before, "three\n".to_owned()));
    // What the directory gives new files is not for one that is replaced.
    let plain = desk.put("plain", "one\n");
    let before = list_of(&plain);
    assert!(set_list(desk.dir.to_str().unwrap(), "d:u:nobody:rwx"));
    desk.edit(&plain, json!([{ "old": "one", "new": "two" }])).expect_ok();
    assert_eq!(list_of(&plain), before);
    desk.is_tidy();
}

#[test]
fn an_access_control_list_that_cannot_be_kept_is_said_to_be_lost() {
    let world = World::new();
    let (bin, home) = (world.fresh("bin"), world.fresh("home"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&home).unwrap();
    for tool in ["ls", "readlink", "stat", "getfacl"] {
        symlink(Path::new("/usr/bin").join(tool), bin.join(tool)).unwrap();
    }
    // No setfacl there.
    let (mark, dir, home, path) = (process::MARK, world.dir().display(), home.display(), bin.display());
    let extra = format!("SetEnv {mark}={dir} HOME={home} PATH={path}\n");
    let desk = desk_on(world, "", &SshdOptions { extra, ..SshdOptions::default() });
    let path = desk.put("listed", "one\n");
    let plain = desk.put("plain", "one\n");
    if !set_list(&path, "u:nobody:rw") {
        return;
    }
    let edited = desk.edit(&path, json!([{ "old": "one", "new": "two" }])).expect_ok();
    assert!(edited.rendering().contains("its access control list could not be kept"), "{:#}", edited.raw);
    let edited = desk.edit(&plain, json!([{ "old": "one", "new": "two" }])).expect_ok();
    assert!(!edited.rendering().contains("could not be kept"), "{:#}", edited.raw);
}

#[test]
fn a_host_for_sftp_alone_has_its_files_written_all_the_same() {
    let extra = "ForceCommand internal-sftp\n".to_owned();
    let desk = desk_on(World::new(), "", &SshdOptions { extra, ..SshdOptions::default() });
    let path = desk.put("file", "one\n");
    desk.edit(&path, json!([{ "old": "one", "new": "two" }])).expect_ok();
    desk.write(&path, "three\n", json!({ "mode": "overwrite" })).expect_ok();
    assert_eq!(desk.get("file"), "three\n");
}

#[test]
fn a_dry_run_tells_the_difference_and_changes_nothing() {
    let desk = desk();
    let path = desk.put("a.txt", "old\n");
    let before = fs::metadata(&path).unwrap().ino();
    let told = desk.write(&path, "new\n", json!({ "mode": "overwrite", "dry_run": true })).expect_ok();
    assert!(told.text("diff").contains("-old\n+new"), "{}", told.text("diff"));
    let edits = json!({ "edits": [{ "old": "old", "new": "x" }], "dry_run": true });
    desk.call("ssh_file_edit", &path, edits).expect_ok();
    assert_eq!((desk.get("a.txt").as_str(), fs::metadata(&path).unwrap().ino()), ("old\n", before));
}

#[test]
fn a_file_that_changed_meanwhile_is_not_written() {
    let desk = desk();
    let path = desk.put("a.txt", "one\n");
    let digest = desk.read(&path, json!({})).expect_ok().text("sha256").to_owned();
    fs::write(&path, "somebody else was here\n").unwrap();
    let stale = json!({ "mode": "overwrite", "expected_sha256": digest });
    desk.write(&path, "two\n", stale.clone()).expect_code("hash_mismatch");
    let edits = json!({ "edits": [{ "insert_at": 1, "text": "x" }], "expected_sha256": digest });
    desk.call("ssh_file_edit", &path, edits).expect_code("hash_mismatch");
    desk.write(&desk.path("b.txt"), "two\n", stale).expect_code("hash_mismatch");
    assert_eq!(desk.get("a.txt"), "somebody else was here\n");
    assert!(!desk.dir.join("b.txt").exists());
    desk.write(&path, "x", json!({ "expected_sha256": "abc" })).expect_code("invalid_argument");
}

#[test]
fn what_would_be_broken_is_not_written() {
    let desk = desk();
    for (name, bad) in [
        ("a.json", "{\"a\": 1,}"),
        ("a.yaml", "a: 1\n---\nb: [1\n"),
        ("a.toml", "a = \n"),
        ("a.xml", "<a><b></a>"),
        ("a.ini", "[a\nb = 1\n"),
        (".env", "A='open\n"),
        ("Dockerfile", "FROM x\nRNU y\n"),
    ] {
        let refused = desk.write(&desk.path(name), bad, json!({})).expect_code("validation_failed");
        assert!(refused.text("message").contains("line "), "{:#}", refused.raw);
        assert!(!desk.dir.join(name).exists(), "{name}");
    }
    let path = desk.put("b.json", "{\"a\": 1}");
    let edits = json!([{ "old": "1}", "new": "1" }]);
    desk.edit(&path, edits.clone()).expect_code("validation_failed");
    assert_eq!(desk.get("b.json"), "{\"a\": 1}");
    let anyway = json!({ "edits": edits, "validate": "none" });
    desk.call("ssh_file_edit", &path, anyway).expect_ok();
    let nginx = "server {\n  listen 80;\n}\n";
    let fine = desk.write(&desk.path("nginx.conf"), nginx, json!({})).expect_ok();
    assert_eq!(fine["validation"], Value::Null);
    let valid = desk.write(&desk.path("c.yaml"), "a: 1\n---\nb: 2\n", json!({})).expect_ok();
    assert_eq!(valid["validation"], "yaml");
    desk.write(&desk.path("d"), "x", json!({ "validate": "python" })).expect_code("invalid_argument");
}

#[test]
fn edits_are_made_exactly_once_and_all_or_none() {
    let desk = desk();
    let path = desk.put("a.txt", "one one two\r\nthree");
    desk.edit(&path, json!([{ "old": "one", "new": "1" }])).expect_code("no_unique_match");
    let half = json!([{ "old": "two", "new": "2" }, { "old": "four", "new": "4" }]);
    desk.edit(&path, half).expect_code("no_unique_match");
    assert_eq!(desk.get("a.txt"), "one one two\r\nthree");
    let batch = json!([
        { "old": "one", "new": "1", "count": 2 },
        { "regex": "t(w)o", "new": "<$1>" },
        { "insert_at": 2, "text": "between" },
    ]);
    let done = desk.edit(&path, batch).expect_ok();
    assert_eq!(
        (done["edits_applied"].clone(), desk.get("a.txt")),
        (json!(4), "1 1 <w>\r\nbetween\r\nthree".into())
    );
    desk.edit(&path, json!([{ "replace_lines": [1, 2], "text": "x\n" }, { "delete_lines": 2 }])).expect_ok();
    assert_eq!(desk.get("a.txt"), "x\r\n");
    desk.edit(&path, json!([{ "delete_lines": [1, 9] }])).expect_code("invalid_argument");
    desk.edit(&path, json!([{ "regex": "(", "new": "" }])).expect_code("invalid_argument");
    desk.edit(&path, json!([])).expect_code("invalid_argument");
    desk.edit(&desk.path("nothing"), json!([{ "old": "a", "new": "b" }])).expect_code("file_not_found");
    desk.edit(&desk.put("bin", [b'a', 0, b'b']), json!([{ "old": "a", "new": "b" }]))
        .expect_code("unsupported_operation");
    desk.is_tidy();
}

#[test]
fn a_link_is_not_written_through() {
    let desk = desk();
    let real = desk.put("real", "x");
    symlink(&real, desk.dir.join("link")).unwrap();
    desk.write(&desk.path("link"), "y", json!({ "mode": "overwrite" })).expect_code("unsupported_operation");
    assert_eq!(desk.get("real"), "x");
    assert!(fs::symlink_metadata(desk.dir.join("link")).unwrap().file_type().is_symlink());
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

#[test]
fn a_tree_is_searched_for_lines_and_names() {
    let desk = desk();
    fs::create_dir_all(desk.dir.join("src/deep")).unwrap();
    desk.put("src/main.rs", "fn main() {\n    todo!();\n}\n");
    desk.put("src/deep/lib.rs", "// TODO: later\n");
    desk.put("notes.txt", "todo\n");
    desk.put("bin", [b't', b'o', b'd', b'o', 0]);
    let dir = desk.dir.to_str().unwrap().to_owned();
    let search = |more: Value| desk.call("ssh_search", &dir, more);
    let lines =
        search(json!({ "kind": "text", "pattern": "todo!?", "glob": "*.rs", "context": 1 })).expect_ok();
    assert_eq!(
        lines["matches"],
        json!([{ "path": "src/main.rs", "line": 2, "text": "    todo!();", "before": ["fn main() {"], "after": ["}"] }])
    );
    let every = search(json!({ "kind": "text", "pattern": "^.*todo", "ignore_case": true })).expect_ok();
    assert_eq!(names(&every, "matches", "path"), ["notes.txt", "src/deep/lib.rs", "src/main.rs"]);
    let cut =
        search(json!({ "kind": "text", "pattern": "todo", "ignore_case": true, "limit": 1 })).expect_ok();
    assert_eq!((cut["matches"].as_array().unwrap().len(), &cut["truncated"]), (1, &json!(true)));
    let found = search(json!({ "kind": "files", "pattern": "*.{rs,txt}" })).expect_ok();
    assert_eq!(names(&found, "matches", "path"), ["notes.txt", "src/deep/lib.rs", "src/main.rs"]);
    let below = search(json!({ "kind": "files", "pattern": "src/**/*.rs" })).expect_ok();
    assert_eq!(names(&below, "matches", "path"), ["src/deep/lib.rs", "src/main.rs"]);
    let one = desk.call("ssh_search", &desk.path("notes.txt"), json!({ "kind": "text", "pattern": "o" }));
    assert_eq!(one.expect_ok()["matches"][0]["line"], 1);
    assert_eq!(search(json!({ "kind": "text", "pattern": "nowhere" })).expect_ok()["matches"], json!([]));
    search(json!({ "kind": "text", "pattern": "(" })).expect_code("invalid_argument");
    search(json!({ "kind": "files", "pattern": "{a" })).expect_code("invalid_argument");
    desk.call("ssh_search", &desk.path("x"), json!({ "kind": "text", "pattern": "o" }))
        .expect_code("file_not_found");
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
