//! Files to and from hosts: what arrives, what is refused, and that nothing else changes.
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{Account, Sshd, SshdOptions, World, account, process, run, terminal};
use serde_json::{Value, json};

/// A world with a host, a directory on that host, and a client whose transfer root is the world's home.
struct Bed {
    client: McpClient,
    remote: PathBuf,
    _sshd: Sshd,
    world: World,
}

impl Bed {
    fn new() -> Self {
        Self::with(|world| world.ready_host("web1"))
    }

    fn with(host: impl FnOnce(&World) -> Sshd) -> Self {
        let world = World::new();
        let sshd = host(&world);
        let remote = world.fresh("remote");
        fs::create_dir(&remote).unwrap();
        Self { client: world.mcp(), remote, _sshd: sshd, world }
    }

    fn local(&self, name: &str) -> PathBuf {
        self.world.home().join(name)
    }

    fn remote(&self, name: &str) -> String {
        self.remote.join(name).to_str().unwrap().to_owned()
    }

    fn ask(&self, local: &str, remote: &str, more: Value) -> Value {
        let mut arguments = json!({ "target": "web1", "local_path": local, "remote_path": remote });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    }

    fn upload(&self, local: &str, remote: &str, more: Value) -> sallyport_tests::mcp::Reply {
        self.client.call("ssh_upload", self.ask(local, &self.remote(remote), more))
    }

    fn download(&self, remote: &str, local: &str, more: Value) -> sallyport_tests::mcp::Reply {
        self.client.call("ssh_download", self.ask(local, &self.remote(remote), more))
    }
}

/// Everything below a directory: path and content, directories without.
fn tree(root: &Path) -> Vec<(String, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            match entry.file_type().unwrap().is_dir() {
                true => {
                    found.push((name, None));
                    folders.push(path);
                }
                false => found.push((name, Some(fs::read(path).unwrap_or_default()))),
            }
        }
    }
    found.sort();
    found
}

fn sha256(path: &Path) -> String {
    let printed = run(process::bare("sha256sum").arg(path), b"").expect_success();
    printed.split_whitespace().next().unwrap().to_owned()
}

/// Bytes that look like nothing and never repeat within a block.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..bytes.div_ceil(8)).flat_map(|_| next()).take(bytes).collect()
}

#[test]
fn a_file_arrives_byte_for_byte_in_both_directions() {
    let bed = Bed::new();
    for size in [0, 1, 32 * 1024, 3_000_001] {
        let content = noise(size);
        fs::write(bed.local("up"), &content).unwrap();
        let overwrite = json!({ "overwrite": true });
        let up = bed.upload("up", "file", overwrite.clone()).expect_ok();
        assert_eq!((&up["files"], &up["bytes"], &up["skipped"]), (&json!(1), &json!(size), &json!(0)));
        assert_eq!(up.text("sha256"), sha256(&bed.local("up")));
        assert!(fs::read(bed.remote("file")).unwrap() == content);
        let down = bed.download("file", "down", overwrite).expect_ok();
        assert_eq!((&down["files"], &down["bytes"]), (&json!(1), &json!(size)));
        assert_eq!(down.text("sha256"), up.text("sha256"));
        assert!(fs::read(bed.local("down")).unwrap() == content);
    }
    assert_eq!(tree(&bed.remote).len(), 1, "no temporary file stays");
}

#[test]
fn nothing_is_replaced_unless_it_is_asked_for() {
    let bed = Bed::new();
    fs::write(bed.local("a"), "new").unwrap();
    fs::write(bed.remote("a"), "old").unwrap();
    bed.upload("a", "a", json!({})).expect_code("file_exists");
    assert_eq!(fs::read_to_string(bed.remote("a")).unwrap(), "old");
    bed.download("a", "a", json!({})).expect_code("file_exists");
    assert_eq!(fs::read_to_string(bed.local("a")).unwrap(), "new");
    fs::set_permissions(bed.remote("a"), fs::Permissions::from_mode(0o640)).unwrap();
    bed.upload("a", "a", json!({ "overwrite": true })).expect_ok();
    assert_eq!(fs::read_to_string(bed.remote("a")).unwrap(), "new");
    assert_eq!(fs::metadata(bed.remote("a")).unwrap().mode() & 0o777, 0o640, "its permissions are kept");
}

#[test]
fn a_missing_directory_is_told_or_made_on_either_side() {
    let bed = Bed::new();
    fs::write(bed.local("a"), "x").unwrap();
    bed.upload("a", "no/such/a", json!({})).expect_code("missing_parent");
    bed.upload("a", "no/such/a", json!({ "create_parents": true })).expect_ok();
    bed.download("no/such/a", "not/there/a", json!({})).expect_code("missing_parent");
    bed.download("no/such/a", "not/there/a", json!({ "create_parents": true })).expect_ok();
    assert_eq!(fs::read(bed.local("not/there/a")).unwrap(), b"x");
    bed.download("nothing", "b", json!({})).expect_code("file_not_found");
    bed.upload("nothing", "b", json!({})).expect_code("file_not_found");
    assert!(!bed.local("b").exists());
}

#[test]
fn local_paths_stay_below_the_root_and_follow_no_link() {
    let bed = Bed::new();
    fs::write(bed.world.dir().join("outside"), "x").unwrap();
    fs::write(bed.remote("a"), "x").unwrap();
    fs::create_dir(bed.local("in")).unwrap();
    symlink("../outside", bed.local("link")).unwrap();
    symlink("..", bed.local("in/up")).unwrap();
    let outside = bed.world.dir().join("outside");
    for local in
        ["../outside", "in/../../outside", outside.to_str().unwrap(), "link", "in/up/x", "/etc/hostname"]
    {
        bed.upload(local, "b", json!({})).expect_code("path_outside_root");
        bed.download("a", local, json!({ "overwrite": true })).expect_code("path_outside_root");
    }
    assert_eq!(fs::read_to_string(outside).unwrap(), "x");
    assert!(!Path::new(&bed.remote("b")).exists());
    bed.world.settings(&format!("transfer_roots = [{:?}]\n", bed.local("in")));
    bed.upload("../home/in/up", "b", json!({})).expect_code("path_outside_root");
    fs::write(bed.local("in/c"), "x").unwrap();
    bed.upload(bed.local("in/c").to_str().unwrap(), "c", json!({})).expect_ok();
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let bed = Bed::new();
    fs::write(bed.local("a"), "x").unwrap();
    for folder in [bed.remote.clone(), bed.world.home()] {
        nix_fifo(&folder.join("pipe"));
        fs::create_dir(folder.join("folder")).unwrap();
    }
    bed.download("pipe", "b", json!({})).expect_code("unsupported_operation");
    bed.download("folder", "b", json!({})).expect_code("unsupported_operation");
    bed.upload("pipe", "b", json!({})).expect_code("unsupported_operation");
    bed.upload("folder", "b", json!({})).expect_code("unsupported_operation");
    bed.upload("a", "pipe", json!({ "overwrite": true })).expect_code("unsupported_operation");
    symlink("elsewhere", bed.remote("link")).unwrap();
    bed.upload("a", "link", json!({ "overwrite": true })).expect_code("unsupported_operation");
    assert!(!Path::new(&bed.remote("elsewhere")).exists(), "nothing is written through a link");
}

fn nix_fifo(path: &Path) {
    run(process::bare("mkfifo").arg(path), b"").expect_success();
}

#[test]
fn a_directory_arrives_whole_with_odd_names_and_its_links_are_reported() {
    let bed = Bed::new();
    let top = bed.local("tree");
    for name in [
        "-rf",
        "two words",
        "line\nbreak",
        "'quoted'\"",
        "ünïcödé",
        "sub/deep/er/file",
        "empty dir/.keep",
        "$(x)",
    ] {
        let path = top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    fs::write(top.join(OsStr::from_bytes(b"bytes-\xff\xfe")), "raw").unwrap();
    symlink("/etc/passwd", top.join("link")).unwrap();
    nix_fifo(&top.join("pipe"));
    fs::write(top.join("big"), noise(700_000)).unwrap();
    let up = bed.upload("tree", "tree", json!({ "recursive": true })).expect_ok();
    assert_eq!((&up["files"], &up["skipped"]), (&json!(10), &json!(2)), "{:#}", up.raw);
    let told: Vec<_> =
        up["changes"].as_array().unwrap().iter().map(|c| (c["path"].clone(), c["what"].clone())).collect();
    assert_eq!(told, [(json!("link"), json!("link")), (json!("pipe"), json!("special"))]);
    fs::remove_file(top.join("link")).unwrap();
    fs::remove_file(top.join("pipe")).unwrap();
    assert!(tree(&top) == tree(Path::new(&bed.remote("tree"))));
    symlink("/etc/shadow", bed.remote("tree/link")).unwrap();
    let down = bed.download("tree", "back", json!({ "recursive": true })).expect_ok();
    assert_eq!((&down["files"], &down["skipped"]), (&json!(10), &json!(1)), "{:#}", down.raw);
    assert!(tree(&top) == tree(&bed.local("back")));
    bed.upload("tree", "tree", json!({ "recursive": true })).expect_code("file_exists");
    bed.download("tree", "back", json!({ "recursive": true })).expect_code("file_exists");
    bed.download("tree", "back", json!({ "recursive": true, "overwrite": true })).expect_ok();
    assert!(tree(&top) == tree(&bed.local("back")));
}

#[test]
fn a_mirror_sends_what_differs_and_removes_only_when_asked() {
    let bed = Bed::new();
    let top = bed.local("site");
    fs::create_dir_all(top.join("a")).unwrap();
    for name in ["a/one", "a/two", "three", "skip.log"] {
        fs::write(top.join(name), name).unwrap();
    }
    let mirror = |more: Value| json!({ "mirror": more });
    let exclude = json!({ "exclude": ["*.log"] });
    let first = bed.upload("site", "site", mirror(exclude.clone())).expect_ok();
    assert_eq!((&first["files"], &first["skipped"]), (&json!(3), &json!(0)), "{:#}", first.raw);
    let again = bed.upload("site", "site", mirror(exclude.clone())).expect_ok();
    assert_eq!((&again["files"], &again["skipped"], &again["bytes"]), (&json!(0), &json!(3), &json!(0)));
    fs::write(top.join("a/one"), "changed!").unwrap();
    fs::write(bed.remote("site/kept.log"), "x").unwrap();
    fs::create_dir(bed.remote("site/old")).unwrap();
    fs::write(bed.remote("site/old/gone"), "x").unwrap();
    let delete = json!({ "exclude": ["*.log"], "delete": true, "dry_run": true });
    let before = tree(Path::new(&bed.remote("site")));
    let dry = bed.upload("site", "site", mirror(delete)).expect_ok();
    assert_eq!((&dry["files"], &dry["removed"]), (&json!(1), &json!(2)), "{:#}", dry.raw);
    assert!(before == tree(Path::new(&bed.remote("site"))), "a dry run changes nothing");
    let real = json!({ "exclude": ["*.log"], "delete": true });
    let reply = bed.upload("site", "site", mirror(real.clone()));
    let reply = match reply.status() {
        // Removing is held back by the policy, as `rm` is.
        "needs_confirmation" => {
            let id = reply["confirmation"]["id"].as_str().unwrap().to_owned();
            terminal::run(&bed.world.sallyport(&["approve", &id]), &[("[y/N]", "y\n")]).expect_success();
            let mut more = mirror(real);
            more["confirmation_id"] = id.into();
            bed.upload("site", "site", more).expect_ok()
        }
        _ => reply.expect_ok(),
    };
    assert_eq!((&reply["files"], &reply["removed"]), (&json!(1), &json!(2)), "{:#}", reply.raw);
    let names: Vec<_> = tree(Path::new(&bed.remote("site"))).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "a/one", "a/two", "kept.log", "three"]);
    let down = bed.download("site", "copy", mirror(exclude.clone())).expect_ok();
    assert_eq!(down["files"], 3);
    fs::write(bed.local("copy/three"), "THREE").unwrap();
    fs::write(bed.local("copy/extra"), "x").unwrap();
    let by_content = json!({ "by_content": true, "delete": true, "exclude": ["*.log"] });
    let down = bed.download("site", "copy", mirror(by_content)).expect_ok();
    assert_eq!((&down["files"], &down["skipped"], &down["removed"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!(fs::read_to_string(bed.local("copy/three")).unwrap(), "three");
    assert!(!bed.local("copy/extra").exists());
}

#[test]
fn permissions_and_times_are_kept_only_on_request() {
    let bed = Bed::new();
    fs::write(bed.local("tool"), "x").unwrap();
    fs::set_permissions(bed.local("tool"), fs::Permissions::from_mode(0o751)).unwrap();
    run(process::bare("touch").args(["-d", "2001-02-03T04:05:06Z"]).arg(bed.local("tool")), b"")
        .expect_success();
    let seen = |path: &Path| fs::metadata(path).map(|meta| (meta.mode() & 0o777, meta.mtime())).unwrap();
    bed.upload("tool", "plain", json!({})).expect_ok();
    assert_ne!(seen(Path::new(&bed.remote("plain"))), (0o751, 981_173_106));
    let keep = json!({ "keep_permissions": true, "keep_times": true });
    bed.upload("tool", "kept", keep.clone()).expect_ok();
    assert_eq!(seen(Path::new(&bed.remote("kept"))), (0o751, 981_173_106));
    bed.download("kept", "back", keep).expect_ok();
    assert_eq!(seen(&bed.local("back")), (0o751, 981_173_106));
}

#[test]
fn a_file_is_copied_from_host_to_host() {
    let bed = Bed::new();
    let second = bed.world.sshd();
    let key = bed.world.key("ed25519", None);
    second.authorize(&key);
    bed.world.record("ssh", &second.place(), &own_name(), "key", key.private().as_bytes());
    bed.world.host("web2", &second, "");
    bed.world.trust(&second);
    let content = noise(2_000_003);
    fs::write(bed.remote("a"), &content).unwrap();
    let copy = |overwrite: bool| {
        let arguments = json!({ "from_target": "web1", "from_path": bed.remote("a"), "to_target": "web2",
            "to_path": bed.remote("b"), "overwrite": overwrite });
        bed.client.call("ssh_copy", arguments)
    };
    let copied = copy(false).expect_ok();
    assert_eq!(
        (&copied["bytes"], copied.text("sha256")),
        (&json!(2_000_003), &*sha256(Path::new(&bed.remote("a"))))
    );
    assert!(fs::read(bed.remote("b")).unwrap() == content);
    copy(false).expect_code("file_exists");
    copy(true).expect_ok();
}

#[test]
fn the_policy_judges_a_write_as_the_shells_and_readonly_has_none() {
    let bed = Bed::new();
    fs::write(bed.local("a"), "x").unwrap();
    let to = |path: &str| bed.client.call("ssh_upload", bed.ask("a", path, json!({ "overwrite": true })));
    let by_shell = |path: &str| {
        let command = format!("tee -- {path}");
        bed.client
            .call("ssh_check_command", json!({ "target": "web1", "command": command }))
            .text("verdict")
            .to_owned()
    };
    bed.world.policy("mode = \"guarded\"\nconfirmation = \"operator\"\n");
    assert_eq!((by_shell("/etc/sudoers").as_str(), to("/etc/sudoers").status()), ("block", "blocked"));
    assert_eq!(by_shell("/etc/sudoers.d/app"), "confirm");
    let asked = to("/etc/sudoers.d/app");
    assert_eq!(asked.status(), "needs_confirmation", "{:#}", asked.raw);
    let waiting = bed.world.run(&["approve", "list", "--json"]).expect_success();
    assert!(
        waiting.contains("/etc/sudoers.d/app") && waiting.contains("sha256"),
        "the content is part of it: {waiting}"
    );
    bed.world.policy("mode = \"readonly\"\n");
    let refused = to(&bed.remote("a"));
    assert_eq!((refused.status(), refused.code()), ("blocked", "policy_blocked"), "{:#}", refused.raw);
    fs::write(bed.remote("b"), "x").unwrap();
    bed.download("b", "b", json!({})).expect_ok();
}

#[test]
fn a_host_without_uploads_takes_no_file_and_gives_some() {
    let bed = Bed::new();
    bed.world.write_hosts(&format!(
        "[hosts.web1]\nhostname = \"127.0.0.1\"\nport = {}\nupload = false\n",
        bed._sshd.port()
    ));
    fs::write(bed.local("a"), "x").unwrap();
    fs::write(bed.remote("b"), "x").unwrap();
    assert_eq!(bed.upload("a", "a", json!({})).code(), "policy_blocked");
    bed.download("b", "b", json!({})).expect_ok();
    assert!(!Path::new(&bed.remote("a")).exists());
}

#[test]
fn a_confirmation_is_for_one_content() {
    let bed = Bed::new();
    let rule = format!(
        "confirmation = \"operator\"\n[[rule]]\nname = \"ask\"\ndecision = \"confirm\"\ncommands = [[\"tee\"]]\nreason = \"{}\"\n",
        "a test says so"
    );
    bed.world.policy(&rule);
    fs::write(bed.local("a"), "good").unwrap();
    let asked = bed.upload("a", "a", json!({}));
    assert_eq!(asked.status(), "needs_confirmation", "{:#}", asked.raw);
    let id = asked["confirmation"]["id"].as_str().unwrap().to_owned();
    terminal::run(&bed.world.sallyport(&["approve", &id]), &[("[y/N]", "y\n")]).expect_success();
    fs::write(bed.local("a"), "evil").unwrap();
    let other = bed.upload("a", "a", json!({ "confirmation_id": id }));
    assert_ne!(other.status(), "ok", "{:#}", other.raw);
    fs::write(bed.local("a"), "good").unwrap();
    bed.upload("a", "a", json!({ "confirmation_id": id })).expect_ok();
    assert_eq!(fs::read_to_string(bed.remote("a")).unwrap(), "good");
}

#[test]
fn a_jump_host_and_an_sftp_server_of_its_own_make_no_difference() {
    let bed = Bed::with(|world| {
        let bastion = world.ready_host("bastion");
        // Kept until the world ends.
        std::mem::forget(bastion);
        let inner = world.sshd_with(&SshdOptions {
            extra: "Subsystem sftp /usr/lib/openssh/sftp-server\n".into(),
            ..SshdOptions::default()
        });
        let key = world.key("ed25519", None);
        inner.authorize(&key);
        world.record("ssh", &inner.place(), &own_name(), "key", key.private().as_bytes());
        world.host("web1", &inner, "jump = \"bastion\"");
        world.trust(&inner);
        inner
    });
    let content = noise(600_000);
    fs::write(bed.local("a"), &content).unwrap();
    bed.upload("a", "a", json!({})).expect_ok();
    bed.download("a", "b", json!({})).expect_ok();
    assert!(fs::read(bed.local("b")).unwrap() == content);
}

#[test]
fn a_chrooted_account_that_has_nothing_but_sftp_can_transfer() {
    if !account::possible() {
        eprintln!("skipped: only root can make accounts");
        return;
    }
    let world = World::new();
    let account: Account = world.account("correct horse battery");
    let jail = Jail::make(&account.name);
    let jail = &jail.0;
    fs::create_dir(jail.join("box")).unwrap();
    run(process::bare("chown").arg(&account.name).arg(jail.join("box")), b"").expect_success();
    let sshd = world.sshd_with(&SshdOptions {
        passwords: true,
        extra: format!("ForceCommand internal-sftp\nChrootDirectory {}\n", jail.display()),
        ..SshdOptions::default()
    });
    world.record("ssh", &sshd.place(), &account.name, "password", account.password.as_bytes());
    world.host("web1", &sshd, &format!("user = \"{}\"", account.name));
    world.trust(&sshd);
    let client = world.mcp();
    fs::write(world.home().join("a"), "in the box").unwrap();
    let ask =
        |local: &str, remote: &str| json!({ "target": "web1", "local_path": local, "remote_path": remote });
    client.call("ssh_upload", ask("a", "/box/a")).expect_ok();
    client.call("ssh_upload", ask("a", "/a")).expect_code("permission_denied");
    client.call("ssh_download", ask("b", "/box/a")).expect_ok();
    assert_eq!(fs::read_to_string(world.home().join("b")).unwrap(), "in the box");
    assert_eq!(fs::read_dir(jail).unwrap().count(), 1);
}

/// Where an account is locked in: nobody else may write to any directory above, so it cannot be in `/tmp`.
struct Jail(PathBuf);

impl Jail {
    fn make(name: &str) -> Self {
        let path = Path::new("/run").join(format!("{name}.jail"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn the_command_line_puts_and_gets() {
    let bed = Bed::new();
    fs::write(bed.local("a"), "x").unwrap();
    let sallyport = |arguments: &[&str]| bed.world.run(arguments);
    let folder = format!("{}/", bed.remote.display());
    assert_eq!(sallyport(&["put", "web1", "a", &folder]).code(), 0);
    assert_eq!(sallyport(&["put", "web1", "a", &folder]).code(), 1, "it is there already");
    let put = sallyport(&["put", "web1", "a", &folder, "--overwrite", "--json"]).expect_success();
    let put: Value = serde_json::from_str(&put).unwrap();
    assert_eq!((&put["status"], &put["files"], &put["bytes"]), (&json!("ok"), &json!(1), &json!(1)));
    fs::create_dir(bed.local("into")).unwrap();
    assert_eq!(sallyport(&["get", "web1", &bed.remote("a"), "into"]).code(), 0);
    assert_eq!(fs::read(bed.local("into/a")).unwrap(), b"x");
    let missing = sallyport(&["get", "web1", &bed.remote("none"), "into"]);
    assert_eq!(missing.code(), 1);
    assert!(
        missing.stderr.contains("no such file") && missing.stderr.contains("hint:"),
        "{}",
        missing.stderr
    );
    assert_eq!(sallyport(&["get", "nowhere", "/x", "into"]).code(), 255);
    assert_eq!(sallyport(&["get", "web1"]).code(), 2);
    let shown = terminal::run(&bed.world.sallyport(&["get", "web1", &bed.remote("a"), "again"]), &[])
        .expect_success();
    assert!(shown.contains("downloaded 1 file, 1 bytes"), "{shown}");
}
