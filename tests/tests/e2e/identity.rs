//! Who we are to a host: certificates, ssh-agent, key files, fallback accounts, several proofs, second factors.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use sallyport_tests::embedded::{Embedded, Place};
use sallyport_tests::mcp::Reply;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{
    KeyPair, Sshd, SshdOptions, World, account, eventually, process, run, terminal,
};
use serde_json::{Value, json};

fn exec(world: &World, target: &str) -> Reply {
    world.mcp().call("ssh_exec", json!({ "target": target, "command": "id -un" }))
}

/// Ends the helper, so that the next call starts one with the settings of now.
fn stop_helper(world: &World) {
    process::signal(world.helper().unwrap(), nix::sys::signal::Signal::SIGTERM);
    eventually("the helper's end", || world.helper().is_none().then_some(()));
}

/// A server that the account of [`own_name`] can log in to, known as web1, and one of that account's keys.
fn host(world: &World, options: &SshdOptions, more: &str) -> (Sshd, KeyPair) {
    let (sshd, key) = (world.sshd_with(options), world.key("ed25519", None));
    world.host("web1", &sshd, &format!("user = \"{}\"\n{more}", own_name()));
    world.trust(&sshd);
    (sshd, key)
}

/// Has `authority` certify `key` for `user`; gives the certificate's file.
fn certify(authority: &KeyPair, key: &KeyPair, user: &str, more: &[&str]) -> PathBuf {
    let mut keygen = process::bare("ssh-keygen");
    keygen
        .args(["-q", "-s"])
        .arg(authority.path())
        .args(["-I", "test", "-n", user])
        .args(more)
        .arg(key.path());
    run(&mut keygen, b"").expect_success();
    let mut certificate = key.path().to_owned().into_os_string();
    certificate.push("-cert.pub");
    certificate.into()
}

#[test]
fn a_certificate_of_the_vault_logs_in_where_the_key_alone_does_not() {
    let world = World::new();
    let authority = world.key("ed25519", None);
    let public = world.fresh("ca");
    std::fs::write(&public, authority.public()).unwrap();
    let options =
        SshdOptions { extra: format!("TrustedUserCAKeys {}", public.display()), ..SshdOptions::default() };
    let (sshd, key) = host(&world, &options, "");
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    exec(&world, "web1").expect_code("auth_failed");
    let certificate = certify(&authority, &key, &own_name(), &[]);
    let slug = format!("ssh://{}@web1", own_name());
    let added = world.run(&["credential", "add", &slug, "--certificate", certificate.to_str().unwrap()]);
    let added = added.expect_success();
    assert!(added.contains("signed by SHA256:"), "it is described: {added}");
    exec(&world, "web1").expect_ok();
    assert!(sshd.log().contains("Accepted certificate ID \"test\""), "{}", sshd.log());
}

#[test]
fn a_certificate_for_another_key_is_refused_before_it_is_stored() {
    let world = World::new();
    let (authority, other) = (world.key("ed25519", None), world.key("ed25519", None));
    let (sshd, key) = host(&world, &SshdOptions::default(), "");
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    let certificate = certify(&authority, &other, "root", &[]);
    let slug = format!("ssh://{}@web1", own_name());
    let refused = world.run(&["credential", "add", &slug, "--certificate", certificate.to_str().unwrap()]);
    assert_eq!(refused.code(), 2, "{refused:?}");
    assert!(refused.stderr.contains("issued for another key"), "{refused:?}");
    assert!(!world.run(&["credential", "show", &slug]).stdout.contains("certificate"));
}

/// A real ssh-agent of the world, holding a key.
fn agent(world: &World, key: &KeyPair) -> PathBuf {
    let socket = empty_agent(world);
    let mut add = world.command("ssh-add");
    run(add.env("SSH_AUTH_SOCK", &socket).arg(key.path()), b"").expect_success();
    socket
}

fn empty_agent(world: &World) -> PathBuf {
    let socket = world.fresh("agent");
    let mut agent = world.command("ssh-agent");
    agent.args(["-D", "-P", "/usr/lib/*", "-a"]).arg(&socket).stdout(Stdio::null()).stderr(Stdio::null());
    // Its mark has the warden end it with the world.
    drop(agent.spawn().unwrap());
    eventually("ssh-agent listens", || socket.exists().then_some(()));
    socket
}

/// OpenSSH's own stand-in for a FIDO token: what its tests sign with.
const TOKEN: &str = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

#[test]
fn keys_on_a_fido_token_sign_through_ssh_agent_and_their_files_say_that_they_cannot_alone() {
    if !std::path::Path::new(TOKEN).exists() {
        return println!("skipped: there is no stand-in for a token (openssh-tests)");
    }
    for kind in ["ed25519-sk", "ecdsa-sk"] {
        let world = World::new();
        let file = world.fresh("token");
        let mut keygen = process::bare("ssh-keygen");
        keygen.args(["-q", "-t", kind, "-w", TOKEN, "-N", "", "-f"]).arg(&file);
        run(&mut keygen, b"").expect_success();
        let (sshd, _) = host(&world, &SshdOptions::default(), "identity = [\"agent\"]");
        sshd.authorize(&KeyPair::of(&file));
        let socket = empty_agent(&world);
        let mut add = world.command("ssh-add");
        run(add.env("SSH_AUTH_SOCK", &socket).args(["-S", TOKEN]).arg(&file), b"").expect_success();
        world.settings(&format!("ssh_auth_sock = \"{}\"\n", socket.display()));
        exec(&world, "web1").expect_ok();
        assert_eq!(sshd.logins(), [format!("{} publickey", own_name())]);
        let slug = format!("ssh://{}@web1", own_name());
        let refused = world.run(&["credential", "add", &slug, "--key", file.to_str().unwrap()]);
        assert_eq!(refused.code(), 2, "{refused:?}");
        assert!(refused.stderr.contains("signs on its FIDO token"), "{refused:?}");
        assert!(refused.stderr.contains("hint: load it into ssh-agent with `ssh-add FILE`"), "{refused:?}");
        world.host("web2", &sshd, &format!("user = \"other\"\nidentity = [\"file:{}\"]", file.display()));
        let reply = exec(&world, "web2").expect_code("credential_backend_unavailable");
        let end = format!("end it (kill {})", world.helper().unwrap());
        assert!(reply.text("hint").contains(&end), "the file was not known at its start: {:#}", reply.raw);
        stop_helper(&world);
        let reply = exec(&world, "web2").expect_code("credential_backend_unavailable");
        assert!(reply.text("message").contains("signs on its FIDO token"), "{:#}", reply.raw);
    }
}

#[test]
fn keys_of_an_ssh_agent_log_in_although_the_vault_is_locked() {
    let world = World::with_passphrase();
    let (sshd, key) = host(&world, &SshdOptions::default(), "identity = [\"vault\", \"agent\"]");
    sshd.authorize(&key);
    let wrong = world.key("ed25519", None);
    world.record("ssh", &sshd.place(), &own_name(), "key", wrong.private().as_bytes());
    let without = exec(&world, "web1");
    assert_eq!(without.code(), "vault_locked", "the first trouble is told: {:#}", without.raw);
    stop_helper(&world);
    let socket = agent(&world, &key);
    world.settings(&format!("ssh_auth_sock = \"{}\"\n", socket.display()));
    exec(&world, "web1").expect_ok();
    assert_eq!(world.gpg().pinentries_started(), 0);
}

#[test]
fn an_agent_that_is_not_there_is_told_with_the_way_to_name_it() {
    let world = World::new();
    let (sshd, _) = host(&world, &SshdOptions::default(), "identity = [\"agent\"]");
    let reply = exec(&world, "web1").expect_code("credential_backend_unavailable");
    assert!(reply.text("hint").contains("ssh_auth_sock"), "{:#}", reply.raw);
    assert!(sshd.logins().is_empty());
}

#[test]
fn a_key_file_logs_in_with_the_passphrase_of_the_vault() {
    let world = World::new();
    let key = world.key("ed25519", Some("the file's own passphrase"));
    let more = format!("identity = [\"file:{}\"]", key.path().display());
    let (sshd, _) = host(&world, &SshdOptions::default(), &more);
    sshd.authorize(&key);
    let without = exec(&world, "web1").expect_code("credential_backend_unavailable");
    assert!(without.text("hint").contains("--passphrase"), "{:#}", without.raw);
    world.record("ssh", &sshd.place(), &own_name(), "passphrase", b"the file's own passphrase\n");
    exec(&world, "web1").expect_ok();
    let open = |mode| std::fs::set_permissions(key.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    open(0o644);
    world.host("web2", &sshd, &format!("user = \"other\"\n{more}"));
    let refused = exec(&world, "web2").expect_code("credential_backend_unavailable");
    assert!(refused.text("hint").contains("chmod 600"), "{:#}", refused.raw);
}

#[test]
fn a_password_of_the_vault_is_not_offered_where_identity_names_other_sources() {
    let world = World::new();
    let key = world.key("ed25519", None);
    let more = format!("identity = [\"file:{}\"]", key.path().display());
    let (sshd, _) = host(&world, &SshdOptions { passwords: true, ..SshdOptions::default() }, &more);
    world.record("ssh", &sshd.place(), &own_name(), "password", b"never to be offered\n");
    exec(&world, "web1").expect_code("auth_failed");
    assert!(!sshd.attempts().iter().any(|attempt| attempt.ends_with("password")), "{:?}", sshd.attempts());
}

/// An account whose home holds the authorised keys of sshd's own file.
fn account_host(world: &World, extra: &str) -> Option<(Sshd, sallyport_tests::world::Account)> {
    if !account::possible() {
        println!("skipped: only root can make accounts");
        return None;
    }
    let sshd =
        world.sshd_with(&SshdOptions { passwords: true, extra: extra.to_owned(), ..SshdOptions::default() });
    let account = world.account("correct horse battery");
    world.host("web1", &sshd, &format!("user = \"{}\"", account.name));
    world.trust(&sshd);
    Some((sshd, account))
}

#[test]
fn a_host_that_wants_key_and_password_gets_both_in_either_order() {
    for methods in ["publickey,password", "password,publickey"] {
        let world = World::new();
        let Some((sshd, account)) = account_host(&world, &format!("AuthenticationMethods {methods}")) else {
            return;
        };
        let key = world.key("ed25519", None);
        sshd.authorize(&key);
        world.record("ssh", &sshd.place(), &account.name, "key", key.private().as_bytes());
        let half = exec(&world, "web1").expect_code("auth_failed");
        if methods.starts_with("publickey") {
            assert!(half.text("message").contains("wants more"), "{methods}: {:#}", half.raw);
        }
        world.record("ssh", &sshd.place(), &account.name, "password", b"correct horse battery\n");
        assert_eq!(exec(&world, "web1").expect_ok().text("stdout").trim(), account.name, "{methods}");
    }
}

#[test]
fn a_host_that_asks_for_the_password_by_keyboard_interactive_gets_it() {
    let world = World::new();
    let extra = "UsePAM yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods keyboard-interactive";
    let Some((sshd, account)) = account_host(&world, extra) else { return };
    world.record("ssh", &sshd.place(), &account.name, "password", b"correct horse battery\n");
    assert_eq!(exec(&world, "web1").expect_ok().text("stdout").trim(), account.name);
    assert_eq!(sshd.logins(), [format!("{} keyboard-interactive/pam", account.name)]);
}

#[test]
fn a_fallback_account_logs_in_to_the_hosts_it_is_bound_to_and_to_no_other() {
    let world = World::new();
    let (sshd, key) = (world.sshd(), world.key("ed25519", None));
    sshd.authorize(&key);
    let names = |alias: &str, name: &str| {
        format!("[hosts.{alias}]\nhostname = \"{name}\"\nport = {}\nhost_key = \"accept-new\"\n", sshd.port())
    };
    world.write_hosts(&(names("bound", "localhost") + &names("other", "127.0.0.1")));
    let user = own_name();
    let key_file = key.path().to_str().unwrap();
    for everything in ["*", "", "!*"] {
        let refused =
            world.run(&["credential", "set-default", &user, "--hosts", everything, "--key", key_file]);
        assert_ne!(refused.code(), 0, "{everything}: {refused:?}");
    }
    world.run(&["credential", "set-default", &user, "--hosts", "local*", "--key", key_file]).expect_success();
    exec(&world, "bound").expect_ok();
    exec(&world, "other").expect_code("missing_credential");
    let listed = world.mcp().call("ssh_list_hosts", json!({})).expect_ok();
    assert!(!listed.raw.to_string().contains("default://"), "{:#}", listed.raw);
}

/// A server behind a second factor, known as web1.
fn guarded(world: &World, key: &KeyPair, code: &str) -> Embedded {
    let environment = vec![("PATH".to_owned(), process::search_path())];
    let place = Place { home: world.home(), environment };
    let server = Embedded::start_asking("guest", &key.public().parse().unwrap(), Some(code), place).unwrap();
    let port = server.port();
    world.write_hosts(&format!("[hosts.web1]\nhostname = \"127.0.0.1\"\nport = {port}\nuser = \"guest\"\n"));
    world.known_hosts(&format!("[127.0.0.1]:{port} {}\n", server.host_key().to_openssh().unwrap()));
    world.record("ssh", &format!("127.0.0.1:{port}"), "guest", "key", key.private().as_bytes());
    server
}

fn questions(world: &World) -> Vec<Value> {
    let listed = world.run(&["approve", "list", "--json"]).expect_success();
    let all: Vec<Value> = serde_json::from_str(&listed).unwrap();
    all.into_iter().filter(|waits| waits["kind"] == "question").collect()
}

#[test]
fn a_second_factor_is_asked_of_the_person_while_the_model_is_told() {
    let world = World::new();
    let key = world.key("ed25519", None);
    let _server = guarded(&world, &key, "739105");
    let client = world.mcp();
    let call = || client.call("ssh_exec", json!({ "target": "web1", "command": "echo in" }));
    let reply = call().expect_code("mfa_required");
    assert!(reply.text("hint").contains("approve watch"), "{:#}", reply.raw);
    call().expect_code("mfa_required");
    let waiting = questions(&world);
    assert_eq!(waiting.len(), 1, "asked once: {waiting:?}");
    assert_eq!(waiting[0]["prompts"][0]["text"], "Verification code: ");
    let id = waiting[0]["id"].as_str().unwrap();
    terminal::run(&world.sallyport(&["approve", id]), &[("code:", ""), ("code:", "739105\n")])
        .expect_success();
    eventually("the login", || (call().status() == "ok").then_some(()));
    let audit = std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
    assert!(audit.contains("second_factor") && !audit.contains("739105"), "{audit}");
}

#[test]
fn a_wrong_or_refused_second_factor_logs_nobody_in() {
    let world = World::new();
    let key = world.key("ed25519", None);
    let _server = guarded(&world, &key, "739105");
    let client = world.mcp();
    let call = || client.call("ssh_exec", json!({ "target": "web1", "command": "echo in" }));
    call().expect_code("mfa_required");
    let first = questions(&world)[0]["id"].as_str().unwrap().to_owned();
    let answered = world.run_with(&["approve", &first], b"000000\n");
    answered.expect_success();
    let second = eventually("the host asks anew, or gives up", || {
        call();
        questions(&world)
            .first()
            .map(|waits| waits["id"].as_str().unwrap().to_owned())
            .filter(|id| *id != first)
    });
    world.run(&["approve", "deny", &second]).expect_success();
    eventually("the refusal", || (call().code() == "mfa_required").then_some(()));
}
