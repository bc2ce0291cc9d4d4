//! Every line `doctor` prints, as people read it: for a world in order, and for each trouble the lines that it brings.
//!
//! They are kept in `doctor.txt`; `UPDATE_LINES=1 scripts/test --test e2e doctor_lines` writes it anew. Left out are those of
//! the home, which have a test of their own; and, where it is not root that runs this, those that only root can make.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};
use sallyport_tests::world::{Sshd, World, account, eventually, process, run};
use serde_json::Value;

/// A trouble: its name, what makes it, and what `doctor` is asked.
type Trouble = (&'static str, fn(&World, &Sshd), &'static [&'static str]);

const TROUBLES: &[Trouble] = &[
    ("files that others may read or change", open_to_others, &[]),
    ("mistakes in the three files", mistakes, &[]),
    ("hosts that cannot be logged in to", unready_hosts, &[]),
    ("records that cannot be used, and one too many", bad_records, &["--unlock"]),
    ("a GPG home without the secret key", without_secret_key, &[]),
    ("a store without recipients", without_recipients, &[]),
    ("no store", without_store, &[]),
    ("a pinentry that is none, and a clock that is behind", pinentry_and_clock, &[]),
    ("clients whose entries lead elsewhere", strange_clients, &[]),
    ("a gpg-agent that does not start", agent_without_a_socket, &["--unlock"]),
    ("a gpg-agent that hangs", hanging_agent, &["--unlock"]),
    ("host keys that a host announced", announced_keys, &[]),
];

/// Those that only root can make.
const ROOT_TROUBLES: &[Trouble] = &[
    ("files of another user", foreign_files, &[]),
    ("sockets of another user", foreign_sockets, &[]),
    ("a full disk", full_disk, &[]),
];

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

fn open_to_others(world: &World, _: &Sshd) {
    fs::write(world.config().join("policy.toml"), "").unwrap();
    mode(&world.config().join("policy.toml"), 0o666);
    mode(&world.state(), 0o755);
    mode(&world.state().join("known_hosts"), 0o666);
    mode(world.gpg().home(), 0o755);
    mode(&world.runtime(), 0o755);
    mode(&world.runtime().join("admin.sock"), 0o666);
}

fn mistakes(world: &World, _: &Sshd) {
    world.policy("mode = \"wild\"\n");
    world.write_hosts("[hosts.web1]\nport = 0\n");
    world.settings("no_such_key = 1\n");
}

fn unready_hosts(world: &World, sshd: &Sshd) {
    world.host("by-agent", sshd, "identity = [\"agent\"]");
    let (gone, public) = (world.home().join(".ssh/gone"), world.home().join(".ssh/public"));
    fs::create_dir_all(world.home().join(".ssh")).unwrap();
    fs::write(&public, world.key("ed25519", None).public()).unwrap();
    mode(&public, 0o600);
    let files = format!("identity = [\"file:{}\", \"file:{}\"]", gone.display(), public.display());
    world.host("by-file", sshd, &files);
    let text = fs::read_to_string(world.config().join("hosts.toml")).unwrap();
    let more = "[hosts.new]\nhostname = \"new.example\"\nuser = \"me\"\n";
    let account = "[[default_account]]\nuser = \"me\"\nhosts = \"*\"\n";
    world.write_hosts(&format!("{text}{more}{account}"));
}

fn bad_records(world: &World, _: &Sshd) {
    world.store().insert_garbage("sallyport/ssh/cut.example/me/password", b"not gpg");
    world.store().insert_garbage("sallyport/ssh/web1.example/me/colour", b"not ours");
    world.record("ssh", "weak.example", "me", "password", b"abcde\n");
    world.record("ssh", "short.example", "me", "password", b"abc\n");
    world.record("ssh", "public.example", "me", "key", world.key("ed25519", None).public().as_bytes());
}

fn without_secret_key(world: &World, _: &Sshd) {
    fs::remove_dir_all(world.gpg().home().join("private-keys-v1.d")).unwrap();
    run(world.gpg().command("gpgconf").args(["--kill", "gpg-agent"]), b"").expect_success();
}

fn without_recipients(world: &World, _: &Sshd) {
    fs::remove_file(world.store().dir().join(".gpg-id")).unwrap();
}

fn without_store(world: &World, _: &Sshd) {
    fs::remove_dir_all(world.store().dir()).unwrap();
}

fn pinentry_and_clock(world: &World, _: &Sshd) {
    fs::write(world.gpg().home().join("gpg-agent.conf"), "pinentry-program /nonexistent/pinentry\n").unwrap();
    let audit = world.state().join("audit/audit.jsonl");
    let ahead = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    fs::File::options().append(true).open(audit).unwrap().set_modified(ahead).unwrap();
}

fn strange_clients(world: &World, _: &Sshd) {
    let entry = "[mcp_servers.sallyport]\ncommand = \"/nonexistent/sallyport\"\n\
                 [mcp_servers.sallyport.env]\nGNUPGHOME = \"/nonexistent/gpg\"\n";
    fs::create_dir(world.home().join(".codex")).unwrap();
    fs::write(world.home().join(".codex/config.toml"), entry).unwrap();
    fs::write(world.home().join(".claude.json"), "{\"mcpServers\":{\"sallyport\":{}}}").unwrap();
}

fn agent_without_a_socket(world: &World, _: &Sshd) {
    world.gpg().end_agent();
    // A folder that is not empty is not cleared away.
    fs::create_dir_all(world.gpg().home().join("S.gpg-agent/taken")).unwrap();
}

fn hanging_agent(world: &World, _: &Sshd) {
    let said = run(world.gpg().command("gpg-connect-agent").args(["GETINFO pid", "/bye"]), b"");
    let said = said.expect_success();
    let pid = said.lines().find_map(|line| line.strip_prefix("D ")).unwrap().parse().unwrap();
    process::signal(pid, Signal::SIGSTOP);
}

fn announced_keys(world: &World, _: &Sshd) {
    let (sshd, _) = super::hosts::rotating(world, "rotating", "");
    world.run(&["exec", "rotating", "--", "true"]).expect_success();
    // It serves no more than this, and ends when nobody knows it any more.
    drop(sshd);
    eventually("the keys' report", || {
        world.run(&["doctor"]).stdout.contains("it has new host keys").then_some(())
    });
}

/// Nobody's.
fn give_away(path: &Path) {
    let nobody = User::from_name("nobody").unwrap().unwrap();
    std::os::unix::fs::chown(path, Some(nobody.uid.as_raw()), None).unwrap();
}

fn foreign_files(world: &World, _: &Sshd) {
    let store = world.store().dir().to_owned();
    for path in [
        world.gpg().home().to_owned(),
        store.join(".gpg-id"),
        world.state(),
        world.config().join("hosts.toml"),
    ] {
        give_away(&path);
    }
}

fn foreign_sockets(world: &World, _: &Sshd) {
    give_away(&world.runtime());
    give_away(&world.runtime().join("admin.sock"));
}

fn full_disk(world: &World, _: &Sshd) {
    process::signal(world.helper().unwrap(), Signal::SIGTERM);
    eventually("the helper's end", || world.helper().is_none().then_some(()));
    // Its mark has the warden end it with the world.
    drop(super::audit::helper_with_audit_on(world, "mount -t tmpfs -o size=64k,mode=700 none \"$AUDIT\""));
    eventually("the helper on a small disk", || world.helper());
}

/// The lines, without what is another's in each run.
fn lines(world: &World, sshd: &Sshd, arguments: &[&str]) -> Vec<String> {
    let done = world.run(&[&["doctor", "--json"], arguments].concat());
    let report: Value =
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    let field = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let line = |check: &Value| {
        let fix = field(check, "fix");
        let fix = if fix.is_empty() { fix } else { format!("\n    fix: {fix}") };
        let text =
            format!("{} {}: {}{fix}", field(check, "level"), field(check, "name"), field(check, "text"));
        let own = User::from_uid(geteuid()).unwrap().unwrap();
        let pid = world.helper().unwrap_or_default();
        let text = text
            .replace(world.dir().to_str().unwrap(), "WORLD")
            .replace(&format!(":{}", sshd.port()), ":PORT")
            .replace(&format!("process {pid}"), "process PID")
            .replace(&format!("kill {pid}"), "kill PID")
            .replace(&format!("://{}@", own.name), "://ME@")
            .replace(&format!("account's is {}:", own.dir.display()), "account's is HOME:")
            .replace(&format!("HOME={} here", own.dir.display()), "HOME=HOME here");
        masked(&text)
    };
    report["checks"].as_array().unwrap().iter().map(line).collect()
}

/// What the machine or the moment decides: digests, numbers before a unit, how far the kernel lets the helper harden.
fn masked(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let word = |(at, word): (usize, &&str)| {
        let next = words.get(at + 1).copied().unwrap_or_default();
        match *word {
            digest if digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) => "DIGEST",
            // The fix begins on the next line.
            print if print.starts_with("SHA256:") => "SHA256:PRINT\n",
            other if other.starts_with("127.0.0.1:") && at > 0 => "127.0.0.1:PORT",
            number if is_number(number) && ["MiB", "s"].contains(&next) => "N",
            pid if at > 0 && words[at - 1] == "-KILL" && is_number(pid.trim_end_matches(");")) => "PID);",
            level if at > 0 && words[at - 1] == "level" && is_number(level.trim_end_matches(';')) => "N;",
            other => other,
        }
        .to_owned()
    };
    words.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_line_is_as_it_is_kept() {
    let mut shown = String::new();
    let mut tell =
        |name: &str, lines: Vec<String>| shown.push_str(&format!("# {name}\n{}\n\n", lines.join("\n")));
    let world = World::new();
    let sshd = world.ready_host("web1");
    let well = lines(&world, &sshd, &["--unlock"]);
    tell("a world in order", well.clone());
    let well: BTreeSet<String> = well.into_iter().collect();
    let troubles = TROUBLES.iter().chain(if account::possible() { ROOT_TROUBLES } else { &[] });
    for (name, make, arguments) in troubles {
        let world = World::new();
        let sshd = world.ready_host("web1");
        world.run(&["status"]).expect_success();
        make(&world, &sshd);
        let all = lines(&world, &sshd, arguments).into_iter();
        tell(name, all.filter(|line| !well.contains(line)).collect());
    }
    let world = World::with_passphrase();
    let sshd = world.ready_host("web1");
    tell("a locked vault, and nobody there", {
        let all = lines(&world, &sshd, &["--unlock"]).into_iter();
        all.filter(|line| !well.contains(line)).collect()
    });
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/doctor.txt");
    if std::env::var_os("UPDATE_LINES").is_some() {
        fs::write(file, shown).unwrap();
        return;
    }
    let mut kept = fs::read_to_string(file).unwrap();
    for (name, ..) in ROOT_TROUBLES.iter().filter(|_| !account::possible()) {
        let from = kept.find(&format!("# {name}\n")).unwrap();
        let to = kept[from..].find("\n\n").unwrap();
        kept.replace_range(from..from + to + 2, "");
    }
    assert_eq!(shown.lines().collect::<Vec<_>>(), kept.lines().collect::<Vec<_>>());
}
