//! Attacks on the boundary: a broker that asks for what it may not have, and a server that does what no server should.
use sallyport_protocol::admin::{AdminRequest, RecordFilter, RecordKind};
use sallyport_protocol::envelope::{Caller, FromHelper, OpId, ToHelper};
use sallyport_protocol::handshake::{Hello, Reply, Role};
use sallyport_protocol::list::List;
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::{OutputPage, Request};
use sallyport_protocol::text::{
    Chunk, ConfirmationId, JobId, PrincipalName, SecretBytes, SessionName, SlugText,
};
use sallyport_tests::embedded::{Hostile, Malice};
use sallyport_tests::raw::RawPeer;
use sallyport_tests::world::{FORBIDDEN, POLICY_THAT_ASKS, POLICY_THAT_FORBIDS, World, eventually, process};
use serde_json::json;

fn broker(world: &World) -> RawPeer {
    let mut peer = RawPeer::connect(&world.runtime().join("broker.sock"));
    peer.frame(&Hello::new(Role::Broker));
    assert!(matches!(peer.read::<Reply>(), Some(Reply::Welcome(_))));
    peer
}

fn start(op: u64, principal: &str, request: Request) -> ToHelper<Request> {
    ToHelper::Start { op: OpId(op), caller: caller(principal), request }
}

fn caller(principal: &str) -> Caller {
    Caller { principal: PrincipalName::new(principal).unwrap(), client: 1 }
}

/// The outcome of an operation, whatever comes before it; `None` when the helper hung up.
fn outcome(peer: &mut RawPeer) -> Option<Outcome> {
    loop {
        if let FromHelper::Done { outcome, .. } = peer.read::<FromHelper<Event, Outcome>>()? {
            return Some(outcome);
        }
    }
}

#[test]
fn no_message_of_a_broker_confirms_unlocks_or_reads_a_record() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.policy(POLICY_THAT_ASKS);
    let client = world.mcp();
    let asked = json!({ "target": "web1", "command": "printf asked" });
    let reply = client.call("ssh_exec", asked.clone());
    assert_eq!(reply.status(), "needs_confirmation", "{:#}", reply.raw);
    let id = reply["confirmation"]["id"].as_str().unwrap().to_owned();
    let records = world.run(&["credential", "list", "--json"]).expect_success();
    let slug = || SlugText::new("ssh://attacker@web1").unwrap();
    let key = || ConfirmationId::new(id.as_str()).unwrap();
    let wishes = [
        AdminRequest::Status,
        AdminRequest::Unlock { filter: RecordFilter::default(), surroundings: List::default() },
        AdminRequest::Lock,
        AdminRequest::AddRecord {
            slug: slug(),
            kind: RecordKind::Password,
            secret: SecretBytes::new(b"attackers-own-password".to_vec()).unwrap(),
            allow_weak: true,
        },
        AdminRequest::RemoveRecord { slug: slug(), kind: RecordKind::Key },
        AdminRequest::ListApprovals,
        AdminRequest::Approve { id: key() },
        AdminRequest::Deny { id: key() },
        AdminRequest::AuditHead,
    ];
    for wish in wishes {
        // A person's request in the brokers' words is another request or none, and never what it was meant to be.
        let mut peer = broker(&world);
        peer.frame(&ToHelper::Start { op: OpId(1), caller: caller("local"), request: wish.clone() });
        peer.frame(&ToHelper::<Request>::Ping { token: 1 });
        drop(peer.read::<FromHelper<Event, Outcome>>());
        // Nor does the brokers' socket take a person's greeting.
        let mut peer = RawPeer::connect(&world.runtime().join("broker.sock"));
        peer.frame(&Hello::new(Role::Admin));
        peer.frame(&ToHelper::Start { op: OpId(1), caller: caller("local"), request: wish });
        assert!(matches!(peer.read::<Reply>(), Some(Reply::Refused(_)) | None));
    }
    assert_eq!(world.run(&["credential", "list", "--json"]).expect_success(), records);
    let waiting = world.run(&["approve", "list"]).expect_success();
    assert!(waiting.contains(&id), "it still waits for a person: {waiting}");
    let mut again = asked;
    again["confirmation_id"] = id.into();
    assert_eq!(client.call("ssh_exec", again).status(), "needs_confirmation");
}

#[test]
fn a_confirmation_is_for_one_request_and_one_use() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.policy(POLICY_THAT_ASKS);
    let client = world.mcp();
    let call = |command: &str, id: Option<&str>| {
        client.call(
            "ssh_exec",
            json!({ "target": "web1", "command": command, "confirmation_id": id, "confirm": true }),
        )
    };
    let reply = call("printf asked", None);
    let id = reply["confirmation"]["id"].as_str().unwrap().to_owned();
    world.run(&["approve", &id, "--yes"]).expect_success();
    assert_eq!(call("printf asked", Some(&id)).expect_ok().text("stdout"), "asked");
    call("printf asked", Some(&id)).expect_code("confirmation_expired");
    call("printf asked-more", Some(&id)).expect_code("confirmation_expired");
    call("printf asked", Some("c-0123456789abcdef")).expect_code("confirmation_expired");
    // One that was given and not used yet is good for its own request and for no other.
    let reply = call("printf asked-anew", None);
    let id = reply["confirmation"]["id"].as_str().unwrap().to_owned();
    world.run(&["approve", &id, "--yes"]).expect_success();
    call("printf asked-more", Some(&id)).expect_code("confirmation_expired");
    assert_eq!(call("printf asked-anew", Some(&id)).expect_ok().text("stdout"), "asked-anew");
}

#[test]
fn what_belongs_to_another_principal_is_not_there() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let open = json!({ "target": "web1", "name": "mine" });
    client.call("ssh_session_open", open).expect_ok();
    let job =
        client.call("ssh_exec", json!({ "target": "web1", "command": "sleep 600", "background": true }));
    let job = job.text("job_id").to_owned();
    let job_id = || JobId::new(job.as_str()).unwrap();
    let mut peer = broker(&world);
    let wishes = [
        Request::Output(OutputPage { job: job_id(), cursor: None, wait_ms: 0, max_bytes: 1000 }),
        Request::Stop { job: job_id(), signal: None },
        Request::CloseSession { session: SessionName::new("mine").unwrap() },
    ];
    for (op, wish) in wishes.into_iter().enumerate() {
        peer.frame(&start(op as u64 + 1, "other", wish));
        let outcome = outcome(&mut peer);
        assert!(matches!(outcome, Some(Outcome::Failed(_))), "{outcome:?}");
    }
    peer.frame(&start(9, "other", Request::ListActive { kind: None }));
    assert!(
        matches!(
            peer.read::<FromHelper<Event, Outcome>>(),
            Some(FromHelper::Done { outcome: Outcome::Listed, .. })
        ),
        "nothing is listed"
    );
    client.call("ssh_exec", json!({ "session": "mine", "command": "true" })).expect_ok();
    // The job's answer comes when its shell was started, which may be before the shell has started the command.
    eventually("the job still runs", || (world.running("sleep 600") > 0).then_some(()));
}

#[test]
fn input_beyond_its_credit_ends_the_connection() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let job =
        client.call("ssh_exec", json!({ "target": "web1", "command": "sleep 600", "background": true }));
    let job = JobId::new(job.text("job_id")).unwrap();
    let mut peer = broker(&world);
    let page = OutputPage { job, cursor: None, wait_ms: 60_000, max_bytes: 1000 };
    peer.frame(&start(1, "local", Request::Output(page)));
    let piece = || Chunk::new(vec![b'x'; 32 * 1024]).unwrap();
    for _ in 0..20 {
        peer.frame(&ToHelper::<Request>::Data { op: OpId(1), bytes: piece() });
    }
    while peer.read::<FromHelper<Event, Outcome>>().is_some() {}
    client.call("ssh_list_active", json!({})).expect_ok();
    let log = std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
    assert!(log.contains("\"violation\""), "it is on record");
}

#[test]
fn a_policy_replaced_by_garbage_leaves_the_last_good_one_in_force() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    world.policy(POLICY_THAT_FORBIDS);
    let client = world.mcp();
    let blocked =
        || client.call("ssh_exec", json!({ "target": "web1", "command": FORBIDDEN, "confirm": true }));
    blocked().expect_code("policy_blocked");
    let digest = || {
        let status: serde_json::Value =
            serde_json::from_str(&world.run(&["status", "--json"]).expect_success()).unwrap();
        (status["policy_digest"].clone(), status["problems"].as_array().map_or(0, Vec::len))
    };
    let before = digest();
    for garbage in
        ["mode = \"anything goes\"", "\u{0}\u{1}", "[[rule]]", "mode = \"unrestricted\"\nunknown = 1"]
    {
        world.policy(garbage);
        blocked().expect_code("policy_blocked");
        assert_eq!(digest(), (before.0.clone(), 1), "{garbage:?}");
    }
    world.policy(POLICY_THAT_FORBIDS);
    assert_eq!(digest(), before);
}

#[test]
fn a_hostile_server_harms_nobody_but_its_own_callers() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let healthy = || client.call("ssh_exec", json!({ "target": "web1", "command": "echo well" }));
    healthy().expect_ok();
    let helper = world.helper().unwrap();
    let table = [
        Malice::NeverOpens,
        Malice::NeverAnswers,
        Malice::Floods,
        Malice::OpensChannels,
        Malice::EndsTwice,
        Malice::Escapes,
        Malice::HangsUp,
        Malice::Rekeys,
        Malice::ForgesSignals,
        Malice::ClosesUnanswered,
    ];
    let servers: Vec<_> = table.map(|malice| (malice, Hostile::start(malice).unwrap())).into_iter().collect();
    for (malice, server) in &servers {
        server.join(&world, &format!("{malice:?}"), "guest");
    }
    let pending: Vec<_> = servers
        .iter()
        .map(|(malice, _)| {
            // Those that let a command end have the time to; the others never will.
            let for_ever = [Malice::NeverOpens, Malice::NeverAnswers, Malice::Floods].contains(malice);
            let patience = if for_ever { 3 } else { 100 };
            let call = json!({ "target": format!("{malice:?}"), "command": "true", "timeout_s": patience });
            // With a token, a call on a busy machine is not turned into a job.
            (malice, client.start_with_progress("ssh_exec", call, &format!("{malice:?}")))
        })
        .collect();
    let before = process::resident(helper);
    healthy().expect_ok();
    for (malice, pending) in pending {
        let reply = pending.wait_for(std::time::Duration::from_secs(150));
        let fits = match malice {
            Malice::NeverOpens | Malice::HangsUp | Malice::ClosesUnanswered => {
                reply.is_error() || reply.status() == "timeout"
            }
            // Keys as often as it likes: what it says arrives whole, or the connection ends.
            Malice::Rekeys => reply.is_error() || reply["stdout"] == "k".repeat(4000),
            Malice::NeverAnswers | Malice::Floods => reply.status() == "timeout" || reply.is_error(),
            // However often it says that it ended, it ended once.
            Malice::EndsTwice | Malice::OpensChannels | Malice::Escapes | Malice::ForgesSignals => {
                reply.status() == "ok" || reply.is_error()
            }
            // Not of this table: they do no harm once a connection stands.
            Malice::CanBeCut | Malice::Strict => false,
        };
        assert!(fits, "{malice:?}: {:#}", reply.raw);
        if [Malice::Escapes, Malice::ForgesSignals].contains(malice) {
            let shown = reply.raw["result"]["content"][0]["text"].as_str().unwrap();
            let acts = |c: char| c.is_control() && !"\r\n\t".contains(c) || c == '\u{202e}';
            assert!(!shown.contains(acts), "what acts on a terminal is spelled out: {shown:?}");
        }
    }
    assert!(
        servers.iter().all(|(_, server)| server.accepted() == 0),
        "every channel a server opens is refused"
    );
    healthy().expect_ok();
    let grown = process::resident(helper).saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "a flood is bounded: {grown} bytes");
    assert_eq!(world.helper(), Some(helper), "the same helper goes on");
}
