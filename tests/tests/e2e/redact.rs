//! What a host must not get a secret out by: a stall in the middle of one, and every other text of its own.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Server, Session};
use russh::{Channel, ChannelId, Disconnect, MethodKind, MethodSet, Sig};
use sallyport_tests::embedded::fresh_key;
use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::{Sshd, SshdOptions, World, account, eventually, process};
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
struct Parrot {
    said: String,
    /// It asks for more than the password, and repeats it in the questions.
    curious: bool,
}

impl Server for Parrot {
    type Handler = Self;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Self {
        self.clone()
    }
}

impl Handler for Parrot {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        self.said = password.to_owned();
        let more = MethodSet::from(&[MethodKind::KeyboardInteractive][..]);
        Ok(match self.curious {
            true => Auth::Reject { proceed_with_methods: Some(more), partial_success: true },
            false => Auth::Accept,
        })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        _: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let said = &self.said;
        Ok(Auth::Partial {
            name: format!("name {said}").into(),
            instructions: format!("instructions {said}").into(),
            prompts: vec![(format!("code for {said}: ").into(), true)].into(),
        })
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
        let said = self.said.clone();
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
fn parrot(key: PrivateKey, curious: bool) -> (u16, tokio::runtime::Runtime) {
    let config = Arc::new(Config {
        methods: MethodSet::from(&[MethodKind::Password][..]),
        auth_rejection_time: Duration::ZERO,
        keys: vec![key],
        ..Config::default()
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime
        .spawn(async move { Parrot { curious, ..Parrot::default() }.run_on_socket(config, &listener).await });
    (port, runtime)
}

/// A world with such a host, whose key's comment in `known_hosts` is the password too.
fn with_parrot(curious: bool) -> (World, tokio::runtime::Runtime) {
    let world = World::new();
    let key = fresh_key();
    let public = key.public_key().to_openssh().unwrap();
    let (port, running) = parrot(key, curious);
    let place = format!("127.0.0.1:{port}");
    // What it is told is no command of any host.
    let host = "[hosts.web1]\nmode = \"unrestricted\"\nhostname = \"127.0.0.1\"";
    world.write_hosts(&format!("{host}\nport = {port}\n"));
    world.known_hosts(&format!("[127.0.0.1]:{port} {public} {PASSWORD}\n"));
    world.record("ssh", &place, "somebody", "password", format!("{PASSWORD}\n").as_bytes());
    (world, running)
}

#[test]
fn no_text_of_a_host_that_repeats_its_password_everywhere_shows_it() {
    let (world, _running) = with_parrot(false);
    let client = world.mcp();
    let say = |command: &str| -> Reply {
        client.call("ssh_exec", json!({ "target": "web1", "command": command, "timeout_s": 20 }))
    };
    let signalled = say("echo hello");
    assert!(signalled.text("stdout").contains("out [redacted]"), "{:#}", signalled.raw);
    assert!(signalled.text("stderr").contains("err [redacted]"), "{:#}", signalled.raw);
    let gone = say("echo bye");
    assert!(gone.is_error(), "{:#}", gone.raw);
    let opened = client.call("ssh_session_open", json!({ "target": "web1" }));
    let listed = client.call("ssh_list_active", json!({}));
    for reply in [signalled, gone, opened, listed] {
        assert!(!reply.raw.to_string().contains("Tr0ub4dor"), "{:#}", reply.raw);
    }
    assert!(no_file_shows(&world, "Tr0ub4dor") > 0, "the audit log and the helper's log are there");
}

/// How many files of the state directory there are, in none of which `secret` can be read.
#[track_caller]
fn no_file_shows(world: &World, secret: &str) -> usize {
    let mut files = 0;
    for folder in ["", "audit", "transcripts"] {
        for entry in std::fs::read_dir(world.state().join(folder)).into_iter().flatten().map(Result::unwrap) {
            // The keys of hosts are a person's own file.
            if let Ok(text) = std::fs::read(entry.path())
                && entry.file_name() != "known_hosts"
            {
                assert!(!String::from_utf8_lossy(&text).contains(secret), "{}", entry.path().display());
                files += 1;
            }
        }
    }
    files
}

#[test]
fn the_questions_of_a_host_that_repeats_the_password_in_them_are_shown_masked_to_a_person() {
    let (world, _running) = with_parrot(true);
    let client = world.mcp();
    let asked = client.call("ssh_exec", json!({ "target": "web1", "command": "true", "timeout_s": 20 }));
    let listed = world.run(&["approve", "list"]);
    let listing = world.run(&["approve", "list", "--json"]);
    let all = format!("{:#} {listed:?} {listing:?}", asked.raw);
    assert!(!all.contains("Tr0ub4dor"), "{all}");
    assert!(all.contains("code for [redacted]"), "{all}");
    let doctor = world.run(&["doctor"]);
    assert!(!format!("{doctor:?}").contains("Tr0ub4dor"), "{doctor:?}");
    no_file_shows(&world, "Tr0ub4dor");
}

/// A value that a host is given, and so may repeat wherever it likes.
const TOKEN: &str = "tok-5f3a9c0e77b1d2-Zq";

/// A host whose session `work` has been given the value; the helper tells all it can in its log.
fn told() -> (World, Sshd, McpClient) {
    let world = World::new();
    world.policy("confirmation = \"operator\"\nextra_denylist = [\"touch\"]\n");
    let sshd = world.ready_host("web1");
    world.store().insert(world.gpg(), "sallyport/env/app/dotenv", format!("TOKEN={TOKEN}\n").as_bytes());
    let mut server = world.sallyport(&["serve"]);
    server.env("SALLYPORT_LOG", "trace");
    let client = McpClient::initialize(server);
    let open = json!({ "target": "web1", "name": "work", "record": true, "secrets": ["app"] });
    client.call("ssh_session_open", open).expect_ok();
    (world, sshd, client)
}

/// Asserts that a mask is there and the value is not.
#[track_caller]
fn masked(what: &str, text: &str) {
    assert!(!text.contains("tok-5f3a9c"), "{what} shows the value: {text}");
    assert!(text.contains("[redacted]"), "{what} does not even hold the mask: {text}");
}

#[test]
fn names_targets_matches_diffs_and_refusals_of_files_mask_what_a_host_was_given() {
    let (world, _sshd, client) = told();
    let dir = world.fresh("files");
    std::fs::create_dir(&dir).unwrap();
    let note = dir.join(format!("{TOKEN}.txt"));
    std::fs::write(&note, format!("before {TOKEN} after\n")).unwrap();
    std::os::unix::fs::symlink(format!("/srv/{TOKEN}"), dir.join("link")).unwrap();
    let plain = dir.join("plain");
    std::fs::copy(&note, &plain).unwrap();
    let [dir, note, plain] = [&dir, &note, &plain].map(|path| path.to_str().unwrap());
    let call = |tool: &str, more: serde_json::Value| {
        let mut call = json!({ "target": "web1" });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.call(tool, call)
    };
    let listed = call("ssh_list_dir", json!({ "path": dir })).expect_ok();
    let targets = listed["entries"].as_array().unwrap().iter().filter_map(|entry| entry["target"].as_str());
    assert_eq!(targets.filter(|target| *target == "/srv/[redacted]").count(), 1, "{:#}", listed.raw);
    assert!(listed["entries"].to_string().contains("[redacted].txt"), "{:#}", listed.raw);
    for (what, tool, more) in [
        ("a listing", "ssh_list_dir", json!({ "path": dir })),
        ("a listing of one file", "ssh_list_dir", json!({ "path": note })),
        ("a refused listing", "ssh_list_dir", json!({ "path": format!("{dir}/no-{TOKEN}") })),
        ("a match", "ssh_search", json!({ "kind": "text", "pattern": "before", "path": dir })),
        ("a found name", "ssh_search", json!({ "kind": "files", "pattern": "*.txt", "path": dir })),
        ("the content of a file", "ssh_file_read", json!({ "path": note })),
        ("a refused read", "ssh_file_read", json!({ "path": format!("{dir}/no-{TOKEN}") })),
        ("a refused write", "ssh_file_write", json!({ "path": note, "content": "x" })),
        (
            "a diff",
            "ssh_file_edit",
            json!({ "path": plain, "edits": [{ "old": "before", "new": "then" }], "dry_run": true }),
        ),
    ] {
        masked(what, &call(tool, more).raw.to_string());
    }
    let download = json!({ "remote_path": dir, "local_path": "copy", "recursive": true });
    let refused = call("ssh_download", download);
    assert!(!refused.raw.to_string().contains("tok-5f3a9c"), "{:#}", refused.raw);
    assert!(no_file_shows(&world, "tok-5f3a9c") > 1);
}

#[test]
fn a_session_its_recording_its_watcher_the_audit_log_and_the_log_mask_what_a_host_was_given() {
    let (world, _sshd, client) = told();
    let dir = world.fresh("files").join(TOKEN);
    std::fs::create_dir_all(&dir).unwrap();
    let exec = |command: &str| client.call("ssh_exec", json!({ "session": "work", "command": command }));
    let shown = world.fresh("shown");
    let mut watch = world.sallyport(&["session", "watch", "work"]);
    watch.stdin(Stdio::null()).stdout(std::fs::File::create(&shown).unwrap()).stderr(Stdio::null());
    let mut watch = watch.spawn().unwrap();
    let seen = || std::fs::read_to_string(&shown).unwrap_or_default();
    eventually("the watcher sees it", || {
        masked("the answer", &exec("echo out $TOKEN; echo err $TOKEN >&2").expect_ok().raw.to_string());
        (seen().contains("out ") && seen().contains("err ")).then_some(())
    });
    let said = exec(&format!("echo out {TOKEN}; echo err $TOKEN >&2; cd {}", dir.display())).expect_ok();
    assert_eq!((said.text("stdout"), said.text("stderr")), ("out [redacted]\n", "err [redacted]\n"));
    masked("the working directory", said.text("cwd"));
    let checked = json!({ "target": "web1", "command": format!("grep -r {TOKEN} /etc; frobnicate {TOKEN}") });
    masked("what is judged", &client.call("ssh_check_command", checked).raw.to_string());
    let asked = exec(&format!("touch /nowhere/{TOKEN}"));
    assert_eq!(asked.status(), "needs_confirmation", "{:#}", asked.raw);
    assert!(!asked.raw.to_string().contains("tok-5f3a9c"), "{:#}", asked.raw);
    masked("what a person is asked", &world.run(&["approve", "list"]).expect_success());
    let got = client.call("ssh_transcript", json!({ "session": "work", "action": "get" })).expect_ok();
    masked("the recording", got.text("text"));
    let id = got.text("transcript");
    let cast = world.state().join(format!("transcripts/{id}.cast"));
    masked("the recording's file", &std::fs::read_to_string(cast).unwrap());
    masked("the recording a person reads", &world.run(&["transcript", "show", id]).expect_success());
    masked("the audit log", &std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap());
    masked("the audit log a person reads", &world.run(&["audit", "show"]).expect_success());
    let log = std::fs::read_to_string(world.state().join("helper.log")).unwrap();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the helper tells what it does: {log}");
    assert!(no_file_shows(&world, "tok-5f3a9c") > 2);
    world.run(&["session", "close", "work"]).expect_success();
    assert!(process::wait(&mut watch).is_some(), "watching ends with the session");
    masked("what a watcher saw", &seen());
}

#[test]
fn a_secret_that_cannot_be_masked_is_refused_a_weak_one_is_told_and_both_are_named_by_doctor() {
    let world = World::new();
    let add = |user: &str, secret: &str, more: &[&str]| {
        let slug = format!("ssh://{user}@weak.example");
        let arguments = [&["credential", "add", &slug, "--password"][..], more].concat();
        world.run_with(&arguments, format!("{secret}\n").as_bytes())
    };
    let refused = add("short", "§7", &[]);
    assert!(refused.code() != 0 && refused.stderr.contains("--allow-weak"), "{refused:?}");
    assert!(
        !world.run(&["credential", "list"]).expect_success().contains("weak.example"),
        "nothing is stored"
    );
    let weak = [
        ("short", "§7", &["--allow-weak"][..], "cannot be masked"),
        ("four", "x7q!", &[], "fewer than 8 characters"),
        ("seven", "x7q!x7q", &[], "fewer than 8 characters"),
        ("word", "letmein", &[], "a word that ordinary output is full of"),
    ];
    for (user, secret, more, why) in weak {
        let told = add(user, secret, more);
        let text = format!("{}{}", told.stdout, told.stderr);
        assert!(told.code() == 0 && text.contains("weak: ") && text.contains(why), "{user}: {told:?}");
        assert!(!text.contains(secret), "{user}: {told:?}");
    }
    let told = add("good", "Tr0ub4dor-and-3-horses", &[]);
    assert!(told.code() == 0 && !format!("{told:?}").contains("weak: "), "{told:?}");
    let doctor = world.run(&["doctor", "--unlock"]);
    for (user, secret, ..) in weak {
        let slug = format!("ssh://{user}@weak.example");
        let named = |line: &str| line.contains("weak secret") && line.contains(&slug);
        assert!(doctor.stdout.lines().any(named), "{user}: {}", doctor.stdout);
        assert!(!doctor.stdout.contains(secret), "{}", doctor.stdout);
    }
    let fine = |line: &str| line.contains("weak secret") && line.contains("ssh://good@weak.example");
    assert!(!doctor.stdout.lines().any(fine), "{}", doctor.stdout);
}
