//! The inventory: taken over from OpenSSH, tried step by step, and its host keys kept current.

use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{KeyPair, SshdOptions, World, eventually};
use serde_json::{Value, json};

/// The steps of `host test`, as `name` for done ones and `name!` for the one it stopped at.
fn walk(world: &World, alias: &str) -> (Vec<String>, Value) {
    let done = world.run(&["host", "test", alias, "--json"]);
    let report: Value =
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    assert_eq!(report["ok"] == true, done.code() == 0, "{report:#}");
    let steps = report["steps"].as_array().unwrap().iter().map(|step| {
        let name = step["name"].as_str().unwrap();
        if step["ok"] == true { name.to_owned() } else { format!("{name}!") }
    });
    (steps.collect(), report)
}

#[test]
fn a_test_of_a_host_walks_the_steps_and_says_where_it_stops() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    assert_eq!(walk(&world, "web1").0, ["resolve", "connect", "key", "login", "shell"]);
    let (stranger, mut down) = (world.sshd(), world.sshd());
    world.host("unknown", &stranger, "");
    world.host("down", &down, "");
    world.host("nobody", &sshd, "user = \"nobody\"");
    world.trust(&down);
    down.stop();
    for (alias, server) in [("unknown", &stranger), ("down", &down)] {
        world.record("ssh", &server.place(), "me", "password", format!("a password of {alias}\n").as_bytes());
    }
    for (alias, steps, code) in [
        ("down", &["resolve", "connect!"][..], "ssh_connection_failed"),
        ("unknown", &["resolve", "connect", "key!"], "host_key_unknown"),
        ("nobody", &["resolve", "connect", "key", "login!"], "missing_credential"),
        ("nowhere", &["resolve!"], "unknown_host"),
    ] {
        let (walked, report) = walk(&world, alias);
        assert_eq!(
            (walked.as_slice(), &report["code"]),
            (&steps.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..], &json!(code)),
            "{report:#}"
        );
        assert_ne!(report["hint"], "", "{report:#}");
    }
    let text = world.run(&["host", "test", "web1"]).expect_success();
    assert!(text.contains("ok      login") && text.contains("web1 works."), "{text}");
}

#[test]
fn an_ssh_config_is_taken_over_and_used() {
    let world = World::new();
    let (sshd, key) = (world.sshd(), world.key("ed25519", None));
    sshd.authorize(&key);
    let folder = world.home().join(".ssh");
    std::fs::create_dir(&folder).unwrap();
    let config = format!(
        "Host gate\n HostName 127.0.0.1\n Port {port}\n User {user}\n IdentityFile {key}\n HostKeyAlias gatekey\n\
         Host inner\n HostName localhost\n Port {port}\n User {user}\n ProxyJump gate\n IdentityFile {key}\n\
         Host odd\n ProxyCommand nc %h %p\nHost *\n ForwardAgent yes\n",
        port = sshd.port(),
        user = own_name(),
        key = key.path().display(),
    );
    std::fs::write(folder.join("config"), config).unwrap();
    std::fs::write(folder.join("known_hosts"), format!("gatekey {}\n", sshd.host_key().public())).unwrap();
    let before = world.config().join("hosts.toml");
    let dry = world.run(&["host", "import-ssh-config", "--dry-run"]).expect_success();
    assert!(dry.contains("would add gate") && dry.contains("not carried over: odd"), "{dry}");
    assert!(dry.contains("forwardagent yes") && !before.exists(), "{dry}");
    world.run(&["host", "import-ssh-config"]).expect_success();
    assert_eq!(walk(&world, "gate").0.last().unwrap(), "shell", "its key was known by another name");
    world.known_hosts(
        &(std::fs::read_to_string(world.state().join("known_hosts")).unwrap()
            + &format!("[localhost]:{} {}\n", sshd.port(), sshd.host_key().public())),
    );
    assert_eq!(walk(&world, "inner").0.last().unwrap(), "shell", "through the jump host");
    let again = world.run(&["host", "import-ssh-config"]).expect_success();
    assert!(again.contains("there is a host gate already"), "{again}");
}

#[test]
fn a_chain_of_jump_hosts_uses_each_hops_own_record_and_checks_each_hops_key() {
    let world = World::new();
    let hops: Vec<_> = ["one", "two", "three"]
        .iter()
        .enumerate()
        .map(|(number, alias)| {
            let (sshd, key) = (world.sshd(), world.key("ed25519", None));
            sshd.authorize(&key);
            world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
            let more = if number == 0 {
                String::new()
            } else {
                format!("jump = \"{}\"", ["one", "two"][number - 1])
            };
            world.host(alias, &sshd, &more);
            sshd
        })
        .collect();
    world.trust(&hops[0]);
    world.trust(&hops[2]);
    let client = world.mcp();
    let call = || client.call("ssh_exec", json!({ "target": "three", "command": "echo far" }));
    call().expect_code("host_key_unknown");
    assert_eq!(
        (hops[1].attempts(), hops[2].connections()),
        (vec![], 0),
        "the hop nobody vouches for sees no login"
    );
    world.trust(&hops[1]);
    assert_eq!(call().expect_ok().text("stdout"), "far\n");
    assert!(hops.iter().all(|sshd| sshd.logins() == [format!("{} publickey", own_name())]));
}

#[test]
fn the_inventory_is_read_anew_and_a_broken_edit_leaves_the_last_good_one() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    let aliases = || {
        let listed = client.call("ssh_list_hosts", json!({})).expect_ok();
        let hosts = listed["hosts"].as_array().unwrap().clone();
        hosts.iter().map(|host| host["alias"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let works = || client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    assert_eq!(aliases(), ["web1"]);
    works();
    world.host("web2", &sshd, "");
    assert_eq!(aliases(), ["web1", "web2"]);
    works();
    world.write_hosts("[hosts.web1]\nprot = 22\n");
    assert_eq!(aliases(), ["web1", "web2"]);
    works();
    assert_eq!(sshd.connections(), 1, "a host that did not change keeps its connection");
    let status = world.run(&["status"]).expect_success();
    assert!(status.contains("line 2") && status.contains("last good"), "{status}");
}

/// A server with a second host key, of which only the first is pinned.
pub fn rotating(world: &World, alias: &str, more: &str) -> (sallyport_tests::world::Sshd, KeyPair) {
    let second = world.key("ecdsa", None);
    let extra = format!("HostKey {}", second.path().display());
    let sshd = world.sshd_with(&SshdOptions { extra, ..SshdOptions::default() });
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host(alias, &sshd, more);
    world.trust(&sshd);
    (sshd, second)
}

fn pinned(world: &World) -> String {
    std::fs::read_to_string(world.state().join("known_hosts")).unwrap()
}

#[test]
fn proven_new_host_keys_are_pinned_where_new_ones_are_accepted() {
    let world = World::new();
    let (_sshd, second) = rotating(&world, "web1", "host_key = \"accept-new\"");
    let blob = second.public().split_whitespace().nth(1).unwrap().to_owned();
    assert!(!pinned(&world).contains(&blob));
    world.mcp().call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    eventually("the second key", || pinned(&world).contains(&blob).then_some(()));
}

#[test]
fn proven_new_host_keys_are_only_reported_where_keys_are_strict() {
    let world = World::new();
    let (_sshd, second) = rotating(&world, "web1", "");
    let client = world.mcp();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    eventually("the report", || {
        let shown = world.run(&["doctor"]);
        shown.stdout.contains(&second.fingerprint()).then_some(())
    });
    assert!(!pinned(&world).contains(second.public().split_whitespace().nth(1).unwrap()));
}
