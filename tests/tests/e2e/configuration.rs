//! The configuration files: one that others may change decides nothing, and one that cannot be taken allows nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sallyport_tests::mcp::Reply;
use sallyport_tests::world::{World, account};
use serde_json::json;

/// A command that `readonly` blocks and `guarded` lets through.
const CHANGE: &str = "touch made";

fn call(world: &World, target: &str) -> Reply {
    world.mcp().call("ssh_exec", json!({ "target": target, "command": CHANGE, "cwd": world.home() }))
}

fn let_everybody_write(world: &World, file: &str) {
    fs::set_permissions(world.config().join(file), fs::Permissions::from_mode(0o646)).unwrap();
}

fn chmod(world: &World, file: &str) {
    fs::set_permissions(world.config().join(file), fs::Permissions::from_mode(0o644)).unwrap();
}

#[test]
fn a_policy_that_others_may_change_is_not_taken_and_the_last_good_one_stays() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.policy("mode = \"readonly\"\n");
    call(&world, "web1").expect_code("policy_blocked");
    world.policy("mode = \"unrestricted\"\n");
    let_everybody_write(&world, "policy.toml");
    call(&world, "web1").expect_code("policy_blocked");
    let status = world.run(&["status"]).stdout;
    assert!(status.contains("others may change it (mode 646); chmod go-w"), "{status}");
    assert!(status.contains("the last good version stays in force"), "{status}");
    chmod(&world, "policy.toml");
    call(&world, "web1").expect_ok();
}

#[test]
fn a_policy_that_cannot_be_taken_at_the_start_leaves_agents_only_reading() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    for text in ["mode = \"unrestricted\"\n", "mode = \"wild\"\n"] {
        world.policy(text);
        let_everybody_write(&world, "policy.toml");
        call(&world, "web1").expect_code("policy_blocked");
        let reads = world.mcp().call("ssh_exec", json!({ "target": "web1", "command": "uptime" }));
        reads.expect_ok();
        let status = world.run(&["status"]).stdout;
        assert!(status.contains("only reading is allowed until it is corrected"), "{status}");
    }
    world.policy("mode = \"unrestricted\"\n");
    chmod(&world, "policy.toml");
    call(&world, "web1").expect_ok();
}

#[test]
fn hosts_that_others_may_change_are_not_taken() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    call(&world, "web1").expect_ok();
    world.host("web2", &sshd, "");
    let_everybody_write(&world, "hosts.toml");
    call(&world, "web2").expect_code("unknown_host");
    call(&world, "web1").expect_ok();
    chmod(&world, "hosts.toml");
    call(&world, "web2").expect_ok();
}

#[test]
fn a_helper_whose_settings_others_may_change_does_not_start() {
    let world = World::new();
    let_everybody_write(&world, "sallyport.toml");
    let refused = world.run(&["status"]);
    assert_eq!(refused.code(), 1, "{refused:?}");
    assert!(refused.stderr.contains("others may change it (mode 646)"), "{refused:?}");
}

#[test]
fn a_file_of_another_users_is_not_taken() {
    if !account::possible() {
        return println!("skipped: only root can give a file away");
    }
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.policy("mode = \"unrestricted\"\n");
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let file = world.config().join("policy.toml");
    std::os::unix::fs::chown(&file, Some(nobody.uid.as_raw()), None).unwrap();
    call(&world, "web1").expect_code("policy_blocked");
    assert!(world.run(&["status"]).stdout.contains("it belongs to another user"));
}

#[test]
fn what_is_tightened_holds_in_sessions_that_are_open_already() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    let client = world.mcp();
    let opened = client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok();
    let session = opened.text("session");
    let run = || client.call("ssh_exec", json!({ "session": session, "command": CHANGE }));
    client
        .call("ssh_exec", json!({ "session": session, "command": format!("cd {}", world.home().display()) }));
    run().expect_ok();
    world.write_hosts("");
    world.host("web1", &sshd, "mode = \"readonly\"");
    run().expect_code("policy_blocked");
    world.policy("[[principal]]\nname = \"local\"\nhosts = [\"web2\"]\n");
    run().expect_code("unknown_host");
    let attach = json!({ "session": session, "action": "attach", "name": "app" });
    assert!(client.call("ssh_secrets", attach).is_error());
}

#[test]
fn the_command_line_runs_nothing_in_a_session_that_is_elsewhere() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    world.host("web2", &sshd, "");
    let client = world.mcp();
    let named = json!({ "target": "web1", "name": "build" });
    client.call("ssh_session_open", named).expect_ok();
    let run = |target: &str| world.run(&["exec", target, "-n", "--session", "build", "--", "echo here"]);
    assert_eq!(run("web1").expect_success(), "here\n");
    let done = run("web2");
    assert_eq!((done.code(), done.stdout.as_str()), (2, ""), "{done:?}");
    assert!(
        done.stderr.contains("the session build is on ") && done.stderr.contains("not on web2"),
        "{done:?}"
    );
    assert!(done.stderr.contains("sallyport exec web1 --session build"), "{done:?}");
}
