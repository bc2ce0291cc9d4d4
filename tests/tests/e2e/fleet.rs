//! One command on many hosts.

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::{FORBIDDEN, POLICY_THAT_FORBIDS, Sshd, World, eventually, sshd};
use serde_json::json;

/// Hosts that are tagged `web`, and one that is not.
fn fleet(world: &World, aliases: &[&str]) -> (Vec<Sshd>, McpClient) {
    let servers = aliases.iter().map(|alias| {
        let sshd = world.sshd();
        let key = world.key("ed25519", None);
        sshd.authorize(&key);
        world.record("ssh", &sshd.place(), &sshd::own_name(), "key", key.private().as_bytes());
        world.host(alias, &sshd, if alias.starts_with("web") { "tags = [\"web\"]" } else { "" });
        world.trust(&sshd);
        sshd
    });
    let servers = servers.collect();
    (servers, McpClient::initialize(world.sallyport(&["serve", "--toolsets", "core,fleet"])))
}

#[test]
fn a_command_runs_on_every_host_with_a_tag_and_equal_outputs_are_told_once() {
    let world = World::new();
    let (_servers, client) = fleet(&world, &["web1", "web2", "db1"]);
    let reply = client.call("ssh_fleet_exec", json!({ "tag": "web", "command": "echo same" })).expect_ok();
    assert_eq!(reply["groups"].as_array().unwrap().len(), 1, "{:#}", reply.raw);
    assert_eq!(reply["groups"][0]["stdout"], "same\n");
    assert_eq!(reply["succeeded"], 2);
    let hosts: Vec<_> =
        reply["results"].as_array().unwrap().iter().map(|result| result["target"].clone()).collect();
    assert_eq!(hosts, ["web1", "web2"]);
    let on_record = |alias| {
        world.run(&["audit", "show", "--json", "--host", alias]).expect_success().contains("echo same")
    };
    assert_eq!(["web1", "web2", "db1"].map(on_record), [true, true, false]);
}

#[test]
fn a_host_that_fails_is_told_beside_the_others_and_ends_the_rest_only_when_asked_to() {
    let world = World::new();
    let (mut servers, client) = fleet(&world, &["web1", "web2"]);
    drop(servers.remove(0));
    let call = |more: serde_json::Value| {
        let mut arguments =
            json!({ "targets": ["web1", "nobody", "web2"], "command": "echo here", "parallel": 1 });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.call("ssh_fleet_exec", arguments).expect_ok()
    };
    let all = call(json!({}));
    assert_eq!(all["results"][0]["code"], "ssh_connection_failed", "{:#}", all.raw);
    assert_eq!(all["results"][1]["code"], "unknown_host");
    assert_eq!((&all["results"][2]["exit_code"], &all["failed"]), (&json!(0), &json!(2)));
    let first = call(json!({ "fail_fast": true }));
    assert_eq!(first["results"][2]["status"], "skipped", "{:#}", first.raw);
}

#[test]
fn each_host_is_judged_for_itself() {
    let world = World::new();
    let (_servers, client) = fleet(&world, &["web1"]);
    world.policy(POLICY_THAT_FORBIDS);
    let forbidden = json!({ "tag": "web", "command": FORBIDDEN, "confirm": true });
    let reply = client.call("ssh_fleet_exec", forbidden).expect_ok();
    assert_eq!(reply["results"][0]["status"], "blocked", "{:#}", reply.raw);
    world.policy("confirmation = \"operator\"\nextra_denylist = [\"printf\"]");
    let asked = eventually("the new policy", || {
        let reply = client.call("ssh_fleet_exec", json!({ "tag": "web", "command": "printf asked" }));
        (reply["results"][0]["status"] == "needs_confirmation").then_some(reply)
    });
    let id = asked["results"][0]["confirmation"]["id"].as_str().unwrap().to_owned();
    world.run(&["approve", &id, "--yes"]).expect_success();
    let again = json!({ "target": "web1", "command": "printf asked", "confirmation_id": id });
    assert_eq!(client.call("ssh_exec", again).expect_ok().text("stdout"), "asked");
}

#[test]
fn a_cancelled_call_stops_the_command_on_every_host() {
    let world = World::new();
    let (_servers, client) = fleet(&world, &["web1", "web2"]);
    let pending = client.start("ssh_fleet_exec", json!({ "tag": "web", "command": "sleep 600" }));
    let running = || world.running("sleep 600");
    eventually("both commands", || (running() == 2).then_some(()));
    client.cancel(pending.id);
    eventually("their end", || (running() == 0).then_some(()));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let world = World::new();
    let (_servers, client) = fleet(&world, &["web1"]);
    for wrong in [
        json!({ "command": "true" }),
        json!({ "targets": ["web1"], "tag": "web", "command": "true" }),
        json!({ "tag": "nobody-has-it", "command": "true" }),
        json!({ "targets": ["web1"], "command": "true", "parallel": 0 }),
        json!({ "targets": ["web1"], "command": "true", "password": "x" }),
    ] {
        client.call("ssh_fleet_exec", wrong).expect_code("invalid_argument");
    }
}
