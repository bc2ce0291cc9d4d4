//! What a host must not get a secret out by: a stall in the middle of one, and every other text of its own.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Server, Session};
use russh::{Channel, ChannelId, Disconnect, MethodKind, MethodSet, Sig};
use sallyport_tests::embedded::fresh_key;
use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::{SshdOptions, World, account, eventually};
use serde_json::json;
use tokio::net::TcpListener;

const PASSWORD: &str = "Tr0ub4dor-and-3-horses";

/// What of the output is there while the command still runs.
fn output(client: &McpClient, id: &str) -> Option<String> {
    let reply = client.call("ssh_output", json!({ "id": id })).expect_ok();
    assert_eq!(reply["running"], true, "{:#}", reply.raw);
    Some(reply.text("text").to_owned()).filter(|text| !text.is_empty())
}

#[test]
fn output_that_stops_inside_a_secret_is_there_while_the_command_runs() {
    if !account::possible() {
        println!("skipped: only root can make accounts");
        return;
    }
    let world = World::new();
    let sshd = world.sshd_with(&SshdOptions { passwords: true, ..SshdOptions::default() });
    let account = world.account(PASSWORD);
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &account.name, "password", format!("{PASSWORD}\n").as_bytes());
    let client = world.mcp();
    let session = client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok();
    let places = [json!({ "target": "web1" }), json!({ "session": session.text("session") })];
    for (place, (said, shown)) in places.iter().zip([("Name: Tr", "Name: Tr"), ("Tr0ub4do", "[redacted]")]) {
        for stream in ["", " >&2"] {
            let mut call = place.clone();
            call["command"] = format!("printf '{said}'{stream}; sleep 600").into();
            call["background"] = true.into();
            let job = client.call("ssh_exec", call);
            let id = job.text("job_id").to_owned();
            let mut seen = String::new();
            eventually("held output is let go", || {
                seen = output(&client, &id).unwrap_or_default();
                seen.contains(shown).then_some(())
            });
            assert!(!seen.contains("Tr0u"), "{seen}");
            client.call("ssh_stop", json!({ "id": id })).expect_ok();
        }
    }
}

#[test]
fn a_host_may_leave_tokens_that_are_not_in_the_vault_readable_and_no_secret_of_the_vault() {
    let world = World::new();
    let sshd = world.ready_host("web1");
    world.host("ci", &sshd, "redact_shapes = false");
    let client = world.mcp();
    let token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    std::fs::write(world.dir().join("note"), token).unwrap();
    let shown = |target: &str| {
        let command = format!("cat '{}'", world.dir().join("note").display());
        let reply = client.call("ssh_exec", json!({ "target": target, "command": command })).expect_ok();
        reply.text("stdout").to_owned()
    };
    assert_eq!((shown("web1"), shown("ci")), ("ghp_[redacted]".to_owned(), token.to_owned()));
}

/// A server that repeats the password it was given wherever SSH lets a server write.
#[derive(Clone, Default)]
struct Parrot(String);

impl Server for Parrot {
    type Handler = Self;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Self {
        self.clone()
    }
}

impl Handler for Parrot {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        self.0 = password.to_owned();
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let said = self.0.clone();
        session.channel_success(channel)?;
        if command.windows(3).any(|word| word == b"bye") {
            session.disconnect(Disconnect::ByApplication, &format!("no more of {said}"), "en")?;
            return Ok(());
        }
        session.data(channel, format!("out {said}\n").into_bytes())?;
        session.extended_data(channel, 1, format!("err {said}\n").into_bytes())?;
        session.exit_signal_request(channel, Sig::Custom(said.clone()), false, &said, "en")?;
        session.eof(channel)?;
        session.close(channel)
    }
}

/// Starts the server and returns its port and its runtime, which ends it.
fn parrot(key: PrivateKey) -> (u16, tokio::runtime::Runtime) {
    let config = Arc::new(Config {
        methods: MethodSet::from(&[MethodKind::Password][..]),
        auth_rejection_time: Duration::ZERO,
        keys: vec![key],
        ..Config::default()
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move { Parrot::default().run_on_socket(config, &listener).await });
    (port, runtime)
}

#[test]
fn no_text_of_a_host_that_repeats_its_password_everywhere_shows_it() {
    let world = World::new();
    let key = fresh_key();
    let public = key.public_key().to_openssh().unwrap();
    let (port, _running) = parrot(key);
    let place = format!("127.0.0.1:{port}");
    world.write_hosts(&format!("[hosts.web1]\nhostname = \"127.0.0.1\"\nport = {port}\n"));
    world.known_hosts(&format!("[127.0.0.1]:{port} {public}\n"));
    world.record("ssh", &place, "somebody", "password", format!("{PASSWORD}\n").as_bytes());
    let client = world.mcp();
    let say = |command: &str| -> Reply {
        client.call("ssh_exec", json!({ "target": "web1", "command": command, "timeout_s": 20 }))
    };
    let signalled = say("hello");
    assert!(signalled.text("stdout").contains("out [redacted]"), "{:#}", signalled.raw);
    assert!(signalled.text("stderr").contains("err [redacted]"), "{:#}", signalled.raw);
    let gone = say("bye");
    assert!(gone.is_error(), "{:#}", gone.raw);
    let opened = client.call("ssh_session_open", json!({ "target": "web1" }));
    let listed = client.call("ssh_list_active", json!({}));
    for reply in [signalled, gone, opened, listed] {
        assert!(!reply.raw.to_string().contains("Tr0ub4dor"), "{:#}", reply.raw);
    }
    let mut files = 0;
    for entry in std::fs::read_dir(world.state()).unwrap().map(Result::unwrap) {
        if let Ok(text) = std::fs::read(entry.path()) {
            assert!(!String::from_utf8_lossy(&text).contains("Tr0ub4dor"), "{}", entry.path().display());
            files += 1;
        }
    }
    assert!(files > 0, "the audit log and the helper's log are there");
}
