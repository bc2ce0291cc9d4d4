//! A hostile broker, by table: every message of the language, of either role and either direction, in every state a
//! connection can be in. The messages are those whose bytes `protocol/tests/pinned.txt` holds; a message that is not
//! there fails the tests of the protocol, so none can be left out here.

use sallyport_protocol::envelope::{Caller, FromHelper, OpId, ToHelper};
use sallyport_protocol::frame::decode;
use sallyport_protocol::handshake::{Hello, Reply, Role};
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::{OutputPage, Request};
use sallyport_protocol::text::{JobId, PrincipalName};
use sallyport_tests::embedded::{Hostile, Malice};
use sallyport_tests::mcp::McpClient;
use sallyport_tests::raw::RawPeer;
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{World, eventually, memory};
use serde_json::{Value, json};

/// The operation of the pinned messages.
const OP: OpId = OpId(7);
/// A record that nobody uses: what holds it was given by the vault.
const CANARY: &str = "canary-in-the-vault-31415926";

/// A policy under which nothing may run, so that whatever runs got past it.
const NOTHING: &str =
    "[[rule]]\nname = \"nothing\"\ndecision = \"block\"\ncommands = [[\"*\"]]\nreason = \"a test\"\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Connected, and nothing was said.
    Silent,
    /// Made welcome.
    Welcome,
    /// An operation of the messages' number is under way.
    UnderWay,
    /// An operation of that number has ended.
    Ended,
}

const STATES: [State; 4] = [State::Silent, State::Welcome, State::UnderWay, State::Ended];

/// The name and the frame of every message there is.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let digits = |hex: &str| {
        let pairs = hex.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    };
    let lines = include_str!("../../../protocol/tests/pinned.txt").lines();
    lines.filter_map(|line| line.split_once(" = ")).map(|(name, hex)| (name, digits(hex))).collect()
}

/// A connection in a state; `job` is one that runs.
fn peer_in(state: State, world: &World, job: &str) -> RawPeer {
    let mut peer = RawPeer::connect(&world.runtime().join("broker.sock"));
    if state == State::Silent {
        return peer;
    }
    peer.frame(&Hello::new(Role::Broker));
    assert!(matches!(peer.read::<Reply>(), Some(Reply::Welcome(_))));
    let caller = Caller { principal: PrincipalName::new("local").unwrap(), client: 1 };
    let page = |job| {
        let job = JobId::new(job).unwrap();
        Request::Output(OutputPage { job, cursor: None, wait_ms: 60_000, max_bytes: 1000 })
    };
    match state {
        State::UnderWay => peer.frame(&ToHelper::Start { op: OP, caller, request: page(job) }),
        State::Ended => {
            peer.frame(&ToHelper::Start { op: OP, caller, request: page("j-of-nobody") });
            assert!(matches!(peer.read::<FromHelper<Event, Outcome>>(), Some(FromHelper::Done { .. })));
        }
        State::Silent | State::Welcome => {}
    }
    peer
}

/// Says the message, asks for a sign of life, ends what was under way; gives all that came back.
fn answers(peer: &mut RawPeer, state: State, message: &[u8]) -> Vec<Vec<u8>> {
    peer.bytes(message);
    let begins = |body: &[u8]| matches!(decode(body), Ok(ToHelper::<Request>::Start { .. }));
    // What was begun is answered by one `Done`, whatever it is; what was not leaves only the sign of life.
    let begun = state == State::Welcome && begins(&message[4..]);
    let mut open = begun || state == State::UnderWay;
    let mut alive = false;
    peer.frame(&match begun {
        // It gets no input, and the time to come to its own end.
        true => ToHelper::<Request>::End { op: OP },
        false => ToHelper::Cancel { op: OP },
    });
    peer.frame(&ToHelper::<Request>::Ping { token: 41 });
    let mut said = Vec::new();
    while open || !alive {
        let Some(body) = peer.body() else { return said };
        match decode::<FromHelper<Event, Outcome>>(&body) {
            Ok(FromHelper::Done { op: OP, .. }) => open = false,
            Ok(FromHelper::Pong { token: 41 }) => alive = true,
            _ => {}
        }
        said.push(body);
    }
    said
}

fn sleeps(world: &World) -> bool {
    world.running("sleep 600") > 0
}

fn running_job(client: &McpClient) -> String {
    let call = json!({ "target": "jobs", "command": "sleep 600", "background": true });
    client.call("ssh_exec", call).text("job_id").to_owned()
}

#[test]
fn no_message_in_any_state_runs_a_command_reads_a_record_or_ends_the_helper() {
    let world = World::new();
    let sshd = world.ready_host("jobs");
    world.record("ssh", &sshd.place(), &own_name(), "password", format!("{CANARY}\n").as_bytes());
    // What the messages name is there: a host, an account, a session. Were it not for the policy, they would be obeyed.
    let server = Hostile::start(Malice::Escapes).unwrap();
    server.join(&world, "web1", "deploy");
    let client = world.mcp();
    client.call("ssh_session_open", json!({ "target": "jobs", "name": "s-1" })).expect_ok();
    for place in [json!({ "target": "deploy@web1" }), json!({ "session": "s-1" })] {
        let mut call = place;
        call["command"] = "uptime".into();
        client.call("ssh_exec", call).expect_ok();
    }
    let job = running_job(&client);
    eventually("the job", || sleeps(&world).then_some(()));
    world.policy(NOTHING);
    let call = json!({ "target": "jobs", "command": "true", "confirm": true });
    client.call("ssh_exec", call).expect_code("policy_blocked");
    let log = || std::fs::read_to_string(world.state().join("audit/audit.jsonl")).unwrap();
    let (helper, records, before) =
        (world.helper(), world.run(&["credential", "list", "--json"]).expect_success(), log().len());
    let messages = messages();
    let canary: Vec<&[u8]> = memory::runs(CANARY.as_bytes()).collect();
    for state in STATES {
        // All at once, before the first of them breaks a rule: its user's next connections have to wait.
        let peers: Vec<_> = messages.iter().map(|_| peer_in(state, &world, &job)).collect();
        for ((name, message), mut peer) in messages.iter().zip(peers) {
            let said = answers(&mut peer, state, message);
            let leak = said.iter().any(|body| body.windows(12).any(|run| canary.contains(&run)));
            assert!(!leak, "{name} in {state:?}");
        }
    }
    assert_eq!(world.helper(), helper, "the same helper goes on");
    assert_eq!(world.run(&["credential", "list", "--json"]).expect_success(), records);
    let status: Value = serde_json::from_str(&world.run(&["status", "--json"]).expect_success()).unwrap();
    assert_eq!(status["locked"], false, "{status:#}");
    let log = log();
    let begun: Vec<&str> = log[before..].lines().filter(|line| line.contains("intent")).collect();
    assert!(begun.is_empty(), "something was let through: {begun:#?}");
    assert!(sleeps(&world), "the job of another name runs on");
}
