//! Searching files of a host: the same answers whether its own tools gather the names or SFTP does.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::{KeyPair, Sshd, SshdOptions, World, account, process};
use serde_json::{Value, json};

use super::file_desk::{desk, names};

/// Hosts that hold the same files and differ in what they run for the account.
struct Ways {
    world: World,
    hosts: Vec<(&'static str, Sshd)>,
    client: McpClient,
}

impl Ways {
    /// Everybody logs in as `user`.
    fn of(world: World, user: &str) -> Self {
        let key: KeyPair = world.key("ed25519", None);
        let (mark, dir) = (process::MARK, world.dir().display().to_string());
        // A PATH with these names alone, each a link to a program.
        let only = |tools: &[(&str, &str)]| {
            let (bin, home) = (world.fresh("bin"), world.fresh("home"));
            [&bin, &home].into_iter().for_each(|dir| fs::create_dir(dir).unwrap());
            for (name, program) in tools {
                symlink(Path::new("/usr/bin").join(program), bin.join(name)).unwrap();
            }
            format!("SetEnv {mark}={dir} PATH={} HOME={}\n", bin.display(), home.display())
        };
        let busybox = ["sh", "find", "grep", "printf"].map(|name| (name, "busybox"));
        let extras = [
            ("sftp", "ForceCommand internal-sftp\n".to_owned()),
            ("tools", String::new()),
            ("busybox", only(&busybox)),
            ("no-tools", only(&[("printf", "printf")])),
        ];
        let hosts = extras.map(|(alias, extra)| {
            let sshd = world.sshd_with(&SshdOptions { extra, ..SshdOptions::default() });
            sshd.authorize(&key);
            world.record("ssh", &sshd.place(), user, "key", key.private().as_bytes());
            world.trust(&sshd);
            (alias, sshd)
        });
        let entry = |(alias, sshd): &(&str, Sshd)| {
            format!("[hosts.{alias}]\nhostname = \"127.0.0.1\"\nport = {}\nuser = \"{user}\"\n", sshd.port())
        };
        world.write_hosts(&hosts.iter().map(entry).collect::<String>());
        let client = world.mcp();
        Self { world, hosts: hosts.into(), client }
    }

    /// The answer of all hosts, which is one.
    #[track_caller]
    fn search(&self, path: &Path, more: Value) -> Value {
        let answer = |alias: &str| {
            let mut arguments = json!({ "target": alias, "path": path.to_str().unwrap() });
            arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            self.client.call("ssh_search", arguments).structured().clone()
        };
        let over_sftp = answer("sftp");
        for (alias, _) in &self.hosts {
            assert_eq!(answer(alias), over_sftp, "{alias}: {more}");
        }
        over_sftp
    }

    /// Commands that the host of this name was asked to run.
    fn commands(&self, alias: &str) -> usize {
        let (_, sshd) = self.hosts.iter().find(|(name, _)| *name == alias).unwrap();
        sshd.log().lines().filter(|line| line.starts_with("Starting session: command")).count()
    }
}

fn own() -> Ways {
    Ways::of(World::new(), &sallyport_tests::world::sshd::own_name())
}

/// A tree with all that is odd in trees.
fn odd_tree(world: &World) -> std::path::PathBuf {
    let dir = world.fresh("it's a tree");
    let put = |name: &[u8], content: &[u8]| {
        let path = dir.join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    put(b"a/b.txt", b"Hallo Welt\nto be found\r\nlast");
    put(b"a.txt", b"to be FOUND\n");
    put(b"a/-rf", b"to be found\n");
    put(b"new\nline", b"to be found\n");
    put(b"new\n./line", b"nothing\n");
    put(b"no utf \xff\xfe", b"to be \xff found, to be found\n");
    put(b"$(id) 'quoted'", b"to be found\n");
    put(b"\"", b"nothing\n");
    put(b".hidden/.file", b"to be found\n");
    put(b"binary", b"to be found\0\n");
    put(b"late binary", &[&[b'x'; 9000][..], b"\0\nto be found\n"].concat());
    put(b"empty", b"");
    put(b"kelvin", "12 \u{212a} \u{17f}\n".as_bytes());
    put(b"large", &vec![b'x'; (16 << 20) + 1]);
    put(b"deep/1/2/3/4", b"to be found\n");
    fs::create_dir(dir.join("hollow")).unwrap();
    put(b"outside/secret", b"never to be found this way\n");
    fs::rename(dir.join("outside"), world.fresh("outside")).unwrap();
    symlink("../outside-never", dir.join("nowhere")).unwrap();
    symlink("/etc", dir.join("etc")).unwrap();
    symlink("..", dir.join("a/loop")).unwrap();
    symlink("a.txt", dir.join("file-link")).unwrap();
    nix::unistd::mkfifo(&dir.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    dir
}

#[test]
fn every_search_has_one_answer_with_and_without_tools_on_the_host() {
    let ways = own();
    let dir = odd_tree(&ways.world);
    let text = |pattern: &str, more: Value| {
        let mut all = json!({ "kind": "text", "pattern": pattern });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = ways.search(&dir, all);
        assert_eq!(answer["status"], "ok", "{answer:#}");
        answer["matches"].as_array().unwrap().len()
    };
    assert_eq!(text("to be found", json!({})), 8);
    assert_eq!(text("to be found", json!({ "ignore_case": true })), 9);
    assert_eq!(text("to be found", json!({ "glob": "*.txt", "context": 3 })), 1);
    assert_eq!(text("found", json!({ "glob": "a/**" })), 2);
    assert_eq!(text("^(Hallo|last|nothing)$", json!({})), 3);
    assert_eq!(text("^to.be.found$", json!({})), 7);
    assert_eq!(text("\u{fffd}", json!({})), 1, "what is no UTF-8 is shown as this, and found as this");
    assert_eq!(text("12 k s", json!({ "ignore_case": true })), 1, "case as Unicode has it");
    assert_eq!(text("this way", json!({})), 0, "links are not followed");
    assert_eq!(text("x{500}", json!({})), 1, "in a file that is small enough");
    for limit in [1, 4, 7, 8, 9] {
        assert_eq!(text("to be found", json!({ "limit": limit })), limit.min(8));
    }
    ways.search(&dir, json!({ "kind": "text", "pattern": "(" }));
    let files = |pattern: &str, more: Value| {
        let mut all = json!({ "kind": "files", "pattern": pattern });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ways.search(&dir, all)["matches"].as_array().unwrap().len()
    };
    assert_eq!(files("*", json!({})), 28);
    assert_eq!(files("*.TXT", json!({ "ignore_case": true })), 2);
    assert_eq!(files("deep/**/*", json!({})), 4);
    assert_eq!(files("new*", json!({})), 2);
    assert_eq!(files("?", json!({ "limit": 3 })), 3);
    assert_eq!(files("{a,e}*", json!({})), 4);
    ways.search(&dir.join("a.txt"), json!({ "kind": "text", "pattern": "found", "ignore_case": true }));
    ways.search(&dir.join("a.txt"), json!({ "kind": "files", "pattern": "*" }));
    ways.search(&dir.join("etc"), json!({ "kind": "files", "pattern": "passwd" }));
    ways.search(&dir.join("hollow"), json!({ "kind": "files", "pattern": "*" }));
    ways.search(&dir.join("not there"), json!({ "kind": "files", "pattern": "*" }));
    for (alias, least, most) in [("tools", 20, 99), ("busybox", 20, 99), ("sftp", 0, 0), ("no-tools", 1, 1)] {
        let commands = ways.commands(alias);
        assert!((least..=most).contains(&commands), "{alias} was asked {commands} times");
    }
}

#[test]
fn what_an_account_may_not_read_is_told_alike() {
    if !account::possible() {
        println!("skipped: only root can make accounts");
        return;
    }
    let world = World::new();
    let account = world.account("correct horse battery");
    let ways = Ways::of(world, &account.name);
    let dir = ways.world.fresh("tree");
    for name in ["open/a", "shut/a", "seen/a", "passed/a", "shut/deep/a"] {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "to be found\n").unwrap();
    }
    fs::write(dir.join("unread"), "to be found\n").unwrap();
    let mode =
        |name: &str, mode| fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
    let modes = [("unread", 0), ("shut", 0o700), ("seen", 0o744), ("passed", 0o711)];
    modes.into_iter().for_each(|(name, bits)| mode(name, bits));
    let found = ways.search(&dir, json!({ "kind": "text", "pattern": "to be found" }));
    assert_eq!(found["matches"].as_array().unwrap().len(), 1, "{found:#}");
    let notes = found["notes"].to_string();
    assert!(notes.contains("1 more directories could not be listed"), "{notes}");
    assert!(notes.contains("1 files could not be read"), "{notes}");
    ways.search(&dir, json!({ "kind": "files", "pattern": "*" }));
    ways.search(&dir.join("shut"), json!({ "kind": "files", "pattern": "*" }));
    ways.search(&dir.join("seen"), json!({ "kind": "files", "pattern": "*" }));
    assert!(ways.commands("tools") >= 2);
}

#[test]
fn a_masked_secret_is_found_by_its_mask_alone_both_ways() {
    let ways = own();
    let dir = ways.world.fresh("tree");
    fs::create_dir(&dir).unwrap();
    let key = fs::read_dir(ways.world.dir()).unwrap().map(|entry| entry.unwrap().path()).find(|path| {
        path.file_name().unwrap().to_str().unwrap().starts_with("key-") && path.extension().is_none()
    });
    let key = fs::read_to_string(key.unwrap()).unwrap();
    fs::write(dir.join("conf"), format!("key:\n{key}\nport = 80\n")).unwrap();
    let matches = |pattern: &str| {
        let answer = ways.search(&dir, json!({ "kind": "text", "pattern": pattern }));
        answer["matches"].as_array().unwrap().len()
    };
    assert_eq!(matches(key.lines().nth(2).unwrap()), 0, "no guess is tested");
    for mask in ["redacted", r"\[redacted\]"] {
        assert!(matches(mask) > 0, "{mask}");
    }
    assert_eq!(matches("port = 80"), 1);
}

#[test]
fn a_readonly_host_is_searched_with_its_tools_and_one_whose_rules_forbid_them_without() {
    for (policy, commands) in [
        ("mode = \"readonly\"\n", 1),
        (
            "[[rule]]\nname = \"no-find\"\ndecision = \"block\"\ncommands = [[\"find\"]]\nreason = \"slow disks\"\n",
            0,
        ),
    ] {
        let world = World::new();
        world.policy(policy);
        let ways = Ways::of(world, &sallyport_tests::world::sshd::own_name());
        let dir = ways.world.fresh("tree");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("a"), "to be found\n").unwrap();
        let found = ways.search(&dir, json!({ "kind": "text", "pattern": "found" }));
        assert_eq!(found["matches"].as_array().unwrap().len(), 1, "{found:#}");
        assert_eq!(ways.commands("tools"), commands, "{policy}");
    }
}

#[test]
fn tools_that_see_another_tree_than_sftp_are_not_believed() {
    if !account::possible() {
        println!("skipped: only root can give an SFTP server a tree of its own");
        return;
    }
    let world = World::new();
    let (shell, sftp, server) = (world.fresh("tree"), world.fresh("other"), world.fresh("sftp-server"));
    for (dir, name) in [(&shell, "shell"), (&sftp, "sftp")] {
        fs::create_dir(dir).unwrap();
        fs::write(dir.join(name), "to be found\n").unwrap();
    }
    let script = format!(
        "#!/bin/sh\nexec unshare --mount --propagation private sh -c 'mount --bind \"{}\" \"{}\" && exec /usr/lib/openssh/sftp-server'\n",
        sftp.display(),
        shell.display()
    );
    fs::write(&server, script).unwrap();
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
    let extra = format!("Subsystem sftp {}\n", server.display());
    let _sshd = world.ready_host_on(&SshdOptions { extra, ..SshdOptions::default() }, "web1", "");
    let client = world.mcp();
    let asked =
        json!({ "target": "web1", "path": shell.to_str().unwrap(), "kind": "text", "pattern": "found" });
    let found = client.call("ssh_search", asked).expect_ok();
    assert_eq!(names(&found, "matches", "path"), ["sftp"]);
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
