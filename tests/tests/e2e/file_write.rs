//! Writing and editing files of a host, over a real SFTP server.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use sallyport_tests::world::{SshdOptions, World, process};
use serde_json::{Value, json};

use super::file_desk::{desk, desk_on, sha256sum};

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
