//! The person in the loop: what they are asked, what their answers allow, and that nobody answers for them.

use sallyport_protocol::admin::AdminRequest;
use sallyport_protocol::envelope::{Caller, OpId, ToHelper};
use sallyport_protocol::handshake::{Hello, Reply as Greeting, Role};
use sallyport_protocol::text::{ConfirmationId, PrincipalName};
use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::raw::RawPeer;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{World, eventually, memory, terminal};
use serde_json::{Value, json};

/// A world where `touch` and its like need an operator.
fn asking(world: &World) {
    world.policy("confirmation = \"operator\"\nextra_denylist = [\"touch\"]\n");
}

fn touch(world: &World, client: &McpClient, name: &str, confirmation: Option<&str>) -> Reply {
    let mut call = json!({ "target": "web1", "command": format!("touch {}/{name}", world.dir().display()) });
    if let Some(id) = confirmation {
        call["confirmation_id"] = id.into();
    }
    client.call("ssh_exec", call)
}

fn id(reply: &Reply) -> String {
    assert_eq!(reply.status(), "needs_confirmation", "{:#}", reply.raw);
    reply["confirmation"]["id"].as_str().unwrap().to_owned()
}

fn listed(world: &World, kind: &str) -> Vec<Value> {
    let text = world.run(&["approve", "list", "--json"]).expect_success();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.into_iter().filter(|entry| entry["kind"] == kind).collect()
}

#[test]
fn three_refusals_in_a_row_pause_the_asking_until_a_person_ends_the_pause() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    asking(&world);
    let client = world.mcp();
    for name in ["a", "b", "c"] {
        let id = id(&touch(&world, &client, name, None));
        world.run(&["approve", "deny", &id]).expect_success();
        touch(&world, &client, name, Some(&id)).expect_code("confirmation_denied");
    }
    let paused = touch(&world, &client, "d", None).expect_code("confirmation_denied");
    assert!(paused.text("message").contains("nobody is asked"), "{:#}", paused.raw);
    assert_eq!(listed(&world, "confirmation"), Vec::<Value>::new());
    assert_eq!(listed(&world, "paused")[0]["principal"], "local");
    world.run(&["approve", "resume", "local"]).expect_success();
    id(&touch(&world, &client, "d", None));
}

#[test]
fn where_nobody_answers_a_request_waits_on() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    asking(&world);
    let client = world.mcp();
    let id = id(&touch(&world, &client, "a", None));
    for arguments in [&["approve"][..], &["approve", &id]] {
        let done = world.run(arguments);
        assert_eq!(done.code(), 1, "{done:?}");
        assert!(done.stderr.contains("nobody answered"), "{done:?}");
    }
    assert_eq!(listed(&world, "confirmation")[0]["id"], id.as_str());
    world.run_with(&["approve", &id], b"y\n").expect_success();
    touch(&world, &client, "a", Some(&id)).expect_ok();
}

#[test]
fn a_grant_lets_the_very_same_command_run_again_and_no_other_until_it_is_revoked() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    asking(&world);
    let client = world.mcp();
    let first = id(&touch(&world, &client, "a", None));
    let granted = terminal::run(&world.sallyport(&["approve", &first]), &[("[y/N]", "t\n")]).expect_success();
    assert!(granted.contains("ten minutes"), "{granted}");
    touch(&world, &client, "a", Some(&first)).expect_ok();
    touch(&world, &client, "a", None).expect_ok();
    let other = touch(&world, &client, "b", None);
    assert_eq!(other.status(), "needs_confirmation", "{:#}", other.raw);
    assert_eq!(listed(&world, "grant")[0]["id"], first.as_str());
    world.run(&["approve", "revoke", &first]).expect_success();
    assert_eq!(touch(&world, &client, "a", None).status(), "needs_confirmation");
    let audit = std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
    assert!(audit.contains("\"grant\"") && audit.contains("grant_revoked"), "{audit}");
}

#[test]
fn locking_takes_every_grant_back() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    asking(&world);
    let client = world.mcp();
    let first = id(&touch(&world, &client, "a", None));
    world.run(&["approve", &first, "--yes", "--ten-minutes"]).expect_success();
    assert_eq!(listed(&world, "grant").len(), 1);
    world.run(&["lock"]).expect_success();
    assert_eq!(listed(&world, "grant").len(), 0);
}

#[test]
fn a_standing_watch_asks_about_what_comes_and_says_what_is_new() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    asking(&world);
    let client = world.mcp();
    let earlier = id(&touch(&world, &client, "a", None));
    world.run(&["approve", &earlier, "--yes"]).expect_success();
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let answers = [("Waiting for requests", ""), ("[y/N]", "y\n"), ("run once now", "\x03")];
            terminal::run(&world.sallyport(&["approve", "watch"]), &answers)
        });
        let asked = id(&touch(&world, &client, "b", None));
        let shown = watching.join().unwrap();
        assert!(shown.stdout.contains("the same until word 2"), "{}", shown.stdout);
        touch(&world, &client, "b", Some(&asked)).expect_ok();
    });
}

#[test]
fn what_was_typed_before_a_question_does_not_answer_it() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    asking(&world);
    let client = world.mcp();
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            // The first answer is given twice.
            let answers =
                [("Waiting for requests", ""), ("[y/N]", "y\ny\n"), ("[y/N]", "n\n"), ("Refused", "\x03")];
            terminal::run(&world.sallyport(&["approve", "watch"]), &answers)
        });
        let first = id(&touch(&world, &client, "a", None));
        eventually("the first answer", || listed(&world, "confirmation").is_empty().then_some(()));
        let second = id(&touch(&world, &client, "b", None));
        watching.join().unwrap();
        touch(&world, &client, "a", Some(&first)).expect_ok();
        touch(&world, &client, "b", Some(&second)).expect_code("confirmation_denied");
    });
}

#[test]
fn a_refusal_in_the_client_is_noted_and_leaves_nothing_waiting() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.policy("confirmation = \"client\"\nextra_denylist = [\"touch\"]\n");
    let elicits = json!({ "elicitation": {} });
    let client = McpClient::initialize_as(world.sallyport(&["serve"]), "2025-06-18", elicits);
    client.answer_questions_with(json!({ "action": "decline" }));
    touch(&world, &client, "a", None).expect_code("confirmation_denied");
    assert_eq!(client.asked().len(), 1);
    eventually("the note", || {
        let audit = std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
        audit.contains("\"by\":\"client\"").then_some(())
    });
    assert_eq!(listed(&world, "confirmation"), Vec::<Value>::new());
}

#[test]
fn a_dialog_asks_on_desktops_where_it_is_set() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    asking(&world);
    world.settings("confirm_dialog = true\n");
    let client = world.mcp();
    // The world's pinentry says yes to everything that is no passphrase.
    let asked = id(&touch(&world, &client, "a", None));
    eventually("the dialog's yes", || {
        (touch(&world, &client, "a", Some(&asked)).status() == "ok").then_some(())
    });
    assert!(world.gpg().pinentries_started() >= 1);
}

fn greeted(world: &World, role: Role) -> (RawPeer, Option<Greeting>) {
    let mut peer = RawPeer::connect(&world.runtime().join("broker.sock"));
    peer.frame(&Hello::new(role));
    let greeting = peer.read::<Greeting>();
    (peer, greeting)
}

#[test]
fn a_hostile_broker_has_no_words_to_confirm_or_unlock() {
    let world = World::with_passphrase();
    let _sshd = world.ready_host("web1");
    asking(&world);
    world.gpg().person_types_the_passphrase();
    world.run(&["unlock"]).expect_success();
    world.run(&["lock"]).expect_success();
    let before = world.gpg().pinentries_started();
    let client = world.mcp();
    let asked = id(&touch(&world, &client, "a", None));
    let (_, refused) = greeted(&world, Role::Admin);
    assert!(matches!(refused, Some(Greeting::Refused(_))), "{refused:?}");
    let approve = AdminRequest::Approve { id: ConfirmationId::new(asked.clone()).unwrap() };
    let unlock = AdminRequest::Unlock { filter: Default::default(), surroundings: Default::default() };
    for request in [approve, unlock, AdminRequest::Status] {
        let (mut peer, greeting) = greeted(&world, Role::Broker);
        assert!(matches!(greeting, Some(Greeting::Welcome(_))));
        let caller = Caller { principal: PrincipalName::new("local").unwrap(), client: 1 };
        peer.frame(&ToHelper::Start { op: OpId(1), caller, request });
        while peer
            .read::<sallyport_protocol::ToBroker>()
            .is_some_and(|said| !matches!(said, sallyport_protocol::FromHelper::Done { .. }))
        {}
    }
    assert_eq!(touch(&world, &client, "a", Some(&asked)).status(), "needs_confirmation");
    assert_eq!(world.gpg().pinentries_started(), before, "nobody was asked for a passphrase");
}

#[test]
fn only_the_records_a_login_needs_are_ever_decrypted() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let other = "a password that no login needs";
    world.record("ssh", "elsewhere.example", "me", "password", format!("{other}\n").as_bytes());
    world.record("sudo", "elsewhere.example", "me", "password", format!("{other} sudo\n").as_bytes());
    let client = world.mcp();
    client.call("ssh_list_hosts", json!({})).expect_ok();
    client.call("ssh_exec", json!({ "target": "web1", "command": "true" })).expect_ok();
    match memory::find(world.helper().unwrap(), &[other.as_bytes()]) {
        Ok(found) => assert!(found.is_empty(), "a record nobody needed is in the helper's memory"),
        Err(error) => println!("skipped: only root reads the helper's memory ({error})"),
    }
}

#[test]
fn no_answer_names_a_record_that_the_list_of_hosts_does_not_show() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    for (purpose, place, user) in
        [("ssh", "hidden.example", "secretuser"), ("sudo", "hidden.example", "secretuser")]
    {
        world.record(purpose, place, user, "password", b"some long password\n");
    }
    world.store().insert(world.gpg(), "sallyport/env/payroll/dotenv", b"A=b long enough\n");
    let client = world.mcp();
    let mut said = String::new();
    for (tool, arguments) in [
        ("ssh_list_hosts", json!({})),
        ("ssh_list_hosts", json!({ "query": "hidden" })),
        ("ssh_list_hosts", json!({ "host": "hidden.example" })),
        ("ssh_list_active", json!({})),
        ("ssh_exec", json!({ "target": "nobody@web1", "command": "true" })),
        ("ssh_exec", json!({ "target": "hidden", "command": "true" })),
        ("ssh_exec", json!({ "target": "web9", "command": "true" })),
        ("ssh_check_command", json!({ "target": "web1", "command": "cat /etc/hidden" })),
    ] {
        said.push_str(
            &client
                .call(tool, arguments)
                .raw
                .to_string()
                .replace("cat /etc/hidden", "")
                .replace("\\\"hidden\\\"", ""),
        );
    }
    for name in ["secretuser", "payroll", "hidden.example"] {
        assert!(!said.contains(name), "{name}: {said}");
    }
    assert!(said.contains(&own_name()));
}
