//! The broker never holds a secret: its memory is searched for them.

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{KeyPair, SshdOptions, World, account, memory, process};
use serde_json::json;

/// Something the broker is certain to hold, in its environment: were it not found, the search would be broken.
const CONTROL: &[u8] = b"SALLYPORT_RUNTIME_DIR=";

/// Lines of a private key's file that hold private parts (the first lines repeat the public key).
fn private_lines(key: &KeyPair) -> Vec<String> {
    let lines: Vec<String> =
        key.private().lines().filter(|line| !line.starts_with('-')).map(str::to_owned).collect();
    lines[lines.len() - 2..].to_vec()
}

/// A secret as it is, in hexadecimal digits, and in base64 at its three alignments.
fn forms(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = |before: &str| {
        let encoded =
            process::run(process::bare("base64").arg("-w0"), format!("{before}{secret}").as_bytes());
        // The first characters and the last hold bits of what is beside the secret.
        let text = encoded.expect_success();
        text.trim_end_matches('=')[before.len() * 4 / 3..].to_owned()
    };
    vec![secret.to_owned(), hex.to_uppercase(), hex, base64(""), base64("."), base64("..")]
}

/// Panics when any run of bytes of `secrets` by which one is recognised is in the memory of the client's server.
fn assert_without(client: &McpClient, secrets: &[impl AsRef<str>]) {
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    let runs = secrets.iter().flat_map(|secret| memory::runs(secret.as_ref().as_bytes()));
    let needles: Vec<&[u8]> = std::iter::once(CONTROL).chain(runs).collect();
    match memory::find(client.pid(), &needles) {
        Ok(found) => {
            let held: Vec<_> =
                found.iter().skip(1).map(|index| String::from_utf8_lossy(needles[*index])).collect();
            assert!(held.is_empty(), "the broker holds parts of secrets: {held:?}");
            assert_eq!(found.first(), Some(&0), "the control: its environment is found");
        }
        Err(error) if !account::possible() => {
            println!("skipped: a broker that hides its memory can be read by root alone ({error})")
        }
        Err(error) => panic!("root can read all memory: {error}"),
    }
}

#[test]
fn after_a_login_by_password_and_a_command_that_prints_it() {
    if !account::possible() {
        println!("skipped: only root can make accounts");
        return;
    }
    let password = "Tr0ub4dor-and-3-horses";
    let world = World::new();
    let sshd = world.sshd_with(&SshdOptions { passwords: true, ..SshdOptions::default() });
    let account = world.account(password);
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &account.name, "password", format!("{password}\n").as_bytes());
    let client = world.mcp();
    let secrets = forms(password);
    assert_without(&client, &secrets);
    let file = world.dir().join("note");
    std::fs::write(&file, format!("before {password} after\n")).unwrap();
    let cat = format!("cat {0}; cat {0} >&2; base64 -w0 {0}", file.display());
    let reply = client.call("ssh_exec", json!({ "target": "web1", "command": cat })).expect_ok();
    assert!(
        reply.text("stdout").starts_with("before ") && reply.text("stdout").contains(" after\n"),
        "{:#}",
        reply.raw
    );
    assert!(reply["redactions"].as_u64() >= Some(2), "{:#}", reply.raw);
    assert!(!reply.raw.to_string().contains(password));
    assert_without(&client, &secrets);
}

#[test]
fn after_a_login_by_an_encrypted_key_and_a_command_that_prints_both() {
    let passphrase = "a passphrase of the key";
    let world = World::new();
    let sshd = world.sshd();
    let key = world.key("ed25519", Some(passphrase));
    sshd.authorize(&key);
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.record("ssh", &sshd.place(), &own_name(), "passphrase", format!("{passphrase}\n").as_bytes());
    let client = world.mcp();
    let lines = private_lines(&key);
    let secrets = [passphrase, lines[0].as_str(), lines[1].as_str()];
    assert_without(&client, &secrets);
    std::fs::write(world.dir().join("note"), format!("{passphrase}\n")).unwrap();
    let cat = format!("cat {} {}", key.path().display(), world.dir().join("note").display());
    let reply = client.call("ssh_exec", json!({ "target": "web1", "command": cat })).expect_ok();
    secrets.iter().for_each(|secret| assert!(!reply.raw.to_string().contains(secret)));
    assert_without(&client, &secrets);
}

#[test]
fn after_a_login_by_a_plain_key() {
    let world = World::new();
    let sshd = world.sshd();
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    let client = world.mcp();
    let lines = private_lines(&key);
    assert_without(&client, &lines);
}

#[test]
fn the_search_finds_what_a_process_holds() {
    let mut child = std::process::Command::new("sh")
        .args(["-c", "needle=held-by-the-shell; echo ready; read -r _"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    let found = memory::find(child.id() as i32, &[b"held-by-the-shell", b"held-by-nobody-at-all"]);
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(found.unwrap(), [0]);
}
