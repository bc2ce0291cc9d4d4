//! Two MCP clients that are not ours run a command through a real `sshd` and a passphrase-protected vault.

use sallyport_tests::world::{POLICY_THAT_FORBIDS, World, foreign, process};
use serde_json::Value;

/// A vault with a passphrase, unlocked by a person, and a host.
fn unlocked() -> (World, sallyport_tests::world::Sshd) {
    let world = World::with_passphrase();
    let sshd = world.ready_host("web1");
    world.policy(POLICY_THAT_FORBIDS);
    world.gpg().person_types_the_passphrase();
    world.run(&["unlock"]).expect_success();
    (world, sshd)
}

fn sallyport() -> String {
    process::built("sallyport").display().to_string()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
}

#[test]
fn the_python_sdk_runs_a_command_in_both_generations() {
    let python = match foreign::python_sdk() {
        Ok(python) => python,
        Err(reason) => return println!("skipped: the Python SDK cannot be fetched: {reason}"),
    };
    let (world, sshd) = unlocked();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/foreign/client.py");
    for mode in ["legacy", "2026-07-28", "auto"] {
        let said = foreign::run(&world, &python, &[script, mode, &sallyport(), "serve"]).expect_success();
        let said = parsed(&said);
        assert!(said["tools"].as_array().unwrap().contains(&"ssh_exec".into()), "{mode}: {said:#}");
        assert_eq!(said["hosts"]["structuredContent"]["hosts"][0]["alias"], "web1", "{mode}: {said:#}");
        let run = &said["run"]["structuredContent"];
        assert_eq!(
            (&run["stdout"], &run["stderr"]),
            (&"from python\n".into(), &"apart\n".into()),
            "{mode}: {said:#}"
        );
        assert_eq!(run["exit_code"], 4);
        assert_eq!(said["blocked"]["isError"], true);
        assert_eq!(said["blocked"]["structuredContent"]["code"], "policy_blocked");
    }
    assert!(!sshd.logins().is_empty());
}

#[test]
fn the_inspector_runs_a_command() {
    let inspector = match foreign::inspector() {
        Ok(inspector) => inspector,
        Err(reason) => return println!("skipped: the inspector needs node and npm: {reason}"),
    };
    let (world, _sshd) = unlocked();
    let program = sallyport();
    let ask = |arguments: &[&str]| {
        let all = [&["--cli", &program, "serve"], arguments].concat();
        parsed(&foreign::run(&world, &inspector, &all).expect_success())
    };
    let tools = ask(&["--method", "tools/list"]);
    assert!(tools["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "ssh_exec"), "{tools:#}");
    let call =
        ["--method", "tools/call", "--tool-name", "ssh_exec", "--tool-arg", "target=web1", "--tool-arg"];
    let reply = ask(&[&call[..], &["command=echo from the inspector; exit 6"]].concat());
    assert_eq!(reply["structuredContent"]["stdout"], "from the inspector\n", "{reply:#}");
    assert_eq!(reply["structuredContent"]["exit_code"], 6);
}
