//! The server as a client sees it, in front of a helper that does what the test says.

use std::future::Future;

use sallyport_protocol::envelope::{FromHelper, OpId, Stream, ToHelper};
use sallyport_protocol::reply::{
    Confirmer, Detach, Event, Exited, HostEntry, NeedsConfirmation, Outcome, VaultState,
};
use sallyport_protocol::request::{Consent, Exec, Request};
use sallyport_protocol::text::Chunk;
use sallyport_protocol::{ErrorCode, Failure, List};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};

use super::Toolset;
use super::server::serve_on;
use crate::link::fake::{Client, Fake};

/// An MCP client that speaks plain JSON lines.
struct Mcp {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    to: WriteHalf<DuplexStream>,
    stateless: bool,
    capabilities: Value,
}

impl Mcp {
    async fn say(&mut self, message: Value) {
        self.to.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.lines.next_line().await.unwrap().unwrap()).unwrap()
    }

    async fn request(&mut self, id: u64, method: &str, mut params: Value) {
        if self.stateless {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
            params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({ "name": "test", "version": "1" });
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        }
        self.say(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
    }

    async fn call(&mut self, id: u64, tool: &str, arguments: Value) {
        self.request(id, "tools/call", json!({ "name": tool, "arguments": arguments })).await;
    }

    /// The result of request `id`.
    async fn result(&mut self, id: u64) -> Value {
        let message = self.hear().await;
        assert_eq!(message["id"], id, "{message}");
        message["result"].clone()
    }
}

/// Runs a client against a server whose helper is `fake`.
async fn conversation<F: Future<Output = ()>>(
    version: &str,
    capabilities: Value,
    fake: &Fake,
    talk: impl FnOnce(Mcp) -> F,
) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (read, to) = tokio::io::split(ours);
    let stateless = version == "2026-07-28";
    let mut mcp = Mcp { lines: BufReader::new(read).lines(), to, stateless, capabilities };
    let server = serve_on(
        fake.link(),
        &[Toolset::Core, Toolset::Sessions, Toolset::Files, Toolset::Forward, Toolset::Fleet],
        20_000,
        theirs,
    );
    let client = async {
        if !stateless {
            let params = json!({
                "protocolVersion": version, "capabilities": mcp.capabilities,
                "clientInfo": { "name": "test", "version": "1" }
            });
            mcp.request(0, "initialize", params).await;
            assert_eq!(mcp.result(0).await["protocolVersion"], version);
            mcp.say(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        }
        // The client hangs up when it is dropped at the end.
        talk(mcp).await;
    };
    let (ended, ()) = tokio::join!(server, client);
    ended.unwrap();
}

async fn asked(client: &mut Client) -> (OpId, Exec) {
    match client.started().await {
        (op, Request::Exec(exec)) => (op, exec),
        other => panic!("{other:?}"),
    }
}

/// Answers the question which hosts there are: one of each mode.
async fn hosts(client: &mut Client, modes: &[&str]) {
    let (op, Request::ListHosts(_)) = client.started().await else { panic!("no list of hosts is asked for") };
    for mode in modes {
        let event = Event::Host(HostEntry {
            alias: "web1".into(),
            hostname: "web1".into(),
            port: 22,
            users: List::default(),
            mode: (*mode).into(),
            tags: List::default(),
            jump: "".into(),
        });
        client.send(FromHelper::Event { op, event }).await;
    }
    client.done(op, Outcome::Hosts { vault: VaultState { locked: false, expires_in_s: None } }).await;
}

/// The client's user refused: the helper is told so, for its own count.
async fn refused(client: &mut Client) {
    let (op, request) = client.started().await;
    assert!(matches!(request, Request::Declined(declined) if declined.confirmation.as_str() == "c1"));
    client.done(op, Outcome::Noted).await;
}

fn exited(exit_code: i32) -> Outcome {
    Outcome::Exited(Exited {
        exit_code: Some(exit_code),
        signal: "".into(),
        duration_ms: 5,
        cwd: "".into(),
        session_ended: "".into(),
        job: "j1".into(),
        redactions: 0,
    })
}

fn needs(who: Confirmer) -> Outcome {
    Outcome::NeedsConfirmation(NeedsConfirmation {
        id: "c1".into(),
        reason: "deletes a tree".into(),
        rules: List::clip(["core.delete".into()]),
        expires_in_s: 120,
        who,
    })
}

async fn print(client: &mut Client, op: OpId, stream: Stream, text: &[u8]) {
    client.send(FromHelper::Data { op, stream, bytes: Chunk::new(text.to_vec()).unwrap() }).await;
}

#[tokio::test]
async fn every_generation_of_the_protocol_lists_the_tools_and_runs_one() {
    for version in ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] {
        let fake = Fake::new();
        let helper = async {
            let mut client = fake.accept().await;
            hosts(&mut client, &["readonly", "guarded"]).await;
            let (op, exec) = asked(&mut client).await;
            assert_eq!(exec.command.as_str(), "echo hi");
            print(&mut client, op, Stream::Output, b"hi\n").await;
            print(&mut client, op, Stream::ErrorOutput, b"\xff").await;
            client.done(op, exited(3)).await;
            client
        };
        let talk = |mut mcp: Mcp| async move {
            mcp.request(1, "tools/list", json!({})).await;
            let listed = mcp.result(1).await;
            assert_eq!(listed["tools"].as_array().unwrap().len(), super::table::TOOLS.len());
            mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": "echo hi" })).await;
            let result = mcp.result(2).await;
            assert_eq!(result["isError"], false);
            let fields = &result["structuredContent"];
            assert_eq!((&fields["status"], &fields["exit_code"]), (&json!("ok"), &json!(3)));
            assert_eq!((&fields["stdout"], &fields["stderr"]), (&json!("hi\n"), &json!("\\xff")));
            assert_eq!(result["content"][0]["text"], "hi\n[stderr]\n\\xff\n[exit 3, 5 ms]");
        };
        tokio::join!(helper, conversation(version, json!({}), &fake, talk));
    }
}

#[tokio::test]
async fn tools_that_every_host_refuses_by_its_mode_are_not_listed() {
    let all = super::table::TOOLS.len();
    let refused = super::table::NEVER_READONLY.len();
    for (modes, listed) in [
        (&["readonly", "readonly"][..], all - refused),
        (&["readonly", "guarded"], all),
        (&["unrestricted"], all),
        (&[], all),
    ] {
        let fake = Fake::new();
        let helper = async {
            let mut client = fake.accept().await;
            hosts(&mut client, modes).await;
            client
        };
        let talk = |mut mcp: Mcp| async move {
            mcp.request(1, "tools/list", json!({})).await;
            let tools = mcp.result(1).await["tools"].as_array().unwrap().clone();
            assert_eq!(tools.len(), listed, "{modes:?}");
            let writes = tools.iter().any(|tool| tool["name"] == "ssh_file_write");
            assert_eq!(writes, listed == all, "{modes:?}");
        };
        tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
    }
}

#[tokio::test]
async fn a_call_without_a_tool_is_a_mistake_in_it_and_an_unknown_method_is_unknown() {
    let fake = Fake::new();
    let talk = |mut mcp: Mcp| async move {
        for (id, method, code) in [(1, "tools/call", -32602), (2, "tools/forget", -32601)] {
            mcp.request(id, method, json!({ "arguments": {} })).await;
            let answer = mcp.hear().await;
            assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(code)), "{answer}");
        }
    };
    conversation("2025-11-25", json!({}), &fake, talk).await;
}

#[tokio::test]
async fn null_is_as_good_as_leaving_an_argument_out() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, exec) = asked(&mut client).await;
        assert_eq!((exec.env.len(), exec.secrets.len(), exec.background), (0, 0, false));
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        let nulls =
            json!({ "target": "web1", "command": "true", "env": null, "secrets": null, "background": null });
        mcp.call(1, "ssh_exec", nulls).await;
        assert_eq!(mcp.result(1).await["structuredContent"]["status"], "ok");
        mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": null })).await;
        assert_eq!(mcp.result(2).await["structuredContent"]["code"], "invalid_argument");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn a_call_that_makes_no_sense_never_reaches_the_helper() {
    let fake = Fake::new();
    let talk = |mut mcp: Mcp| async move {
        let wrong = [
            json!({ "target": "web1", "command": "true", "shell": "zsh" }),
            json!({ "target": "web1" }),
            json!({ "target": "web1", "command": 7 }),
            json!({ "target": "we b1", "command": "true" }),
        ];
        for (id, arguments) in (1..).zip(wrong) {
            mcp.call(id, "ssh_exec", arguments).await;
            let result = mcp.result(id).await;
            assert_eq!(result["isError"], true);
            let fields = &result["structuredContent"];
            assert_eq!(
                (&fields["status"], &fields["code"]),
                (&json!("error"), &json!("invalid_argument")),
                "{fields}"
            );
            assert_eq!(fields["retryable"], false);
        }
        mcp.call(9, "ssh_raw", json!({})).await;
        assert!(mcp.hear().await["error"]["message"].as_str().unwrap().contains("ssh_raw"));
    };
    let helper = async { assert_eq!(fake.accept().await.next().await, None) };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn a_refusal_carries_its_code_rules_and_hint() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        let failure = Failure::new(ErrorCode::PolicyBlocked, "a fork bomb", "do not");
        client.done(op, Outcome::Blocked { failure, rules: List::clip(["core.forkbomb".into()]) }).await;
        let (op, _) = asked(&mut client).await;
        client.done(op, Outcome::Failed(Failure::new(ErrorCode::VaultLocked, "locked", "unlock"))).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": ":(){ :|:& };:" })).await;
        let result = mcp.result(1).await;
        assert_eq!(result["isError"], true);
        let expected = json!({
            "status": "blocked", "code": "policy_blocked", "message": "a fork bomb", "hint": "do not",
            "retryable": false, "rules": ["core.forkbomb"]
        });
        assert_eq!(result["structuredContent"], expected);
        mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": "true" })).await;
        let result = mcp.result(2).await;
        assert_eq!(result["structuredContent"]["retryable"], true);
        assert_eq!(result["content"][0]["text"], "error (vault_locked): locked\nhint: unlock");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn the_clients_user_is_asked_and_agreement_is_for_that_confirmation() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, first) = asked(&mut client).await;
        assert_eq!((first.consent, &first.confirmation), (Consent::None, &None));
        client.done(op, needs(Confirmer::Client)).await;
        let (op, second) = asked(&mut client).await;
        assert_eq!(second.consent, Consent::Client);
        assert_eq!(second.confirmation.as_ref().unwrap().as_str(), "c1");
        assert_eq!(Exec { consent: first.consent, confirmation: None, ..second }, first, "the same request");
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "rm -r x\u{202e}" })).await;
        let question = mcp.hear().await;
        assert_eq!(question["method"], "elicitation/create");
        let text = question["params"]["message"].as_str().unwrap();
        assert!(text.contains("web1") && text.contains("  | rm -r x\\u{202e}"), "{text}");
        let answer = json!({ "action": "accept", "content": {} });
        mcp.say(json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer })).await;
        assert_eq!(mcp.result(1).await["structuredContent"]["exit_code"], 0);
    };
    tokio::join!(helper, conversation("2025-06-18", json!({ "elicitation": {} }), &fake, talk));
}

#[tokio::test]
async fn a_stateless_client_brings_its_users_answer_with_the_next_call() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        client.done(op, needs(Confirmer::Model)).await;
        refused(&mut client).await;
        let (op, second) = asked(&mut client).await;
        assert_eq!((second.consent, second.confirmation.unwrap().as_str()), (Consent::Client, "c1"));
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        let arguments = json!({ "target": "web1", "command": "rm -r x" });
        mcp.call(1, "ssh_exec", arguments.clone()).await;
        let question = mcp.result(1).await;
        assert_eq!(question["resultType"], "input_required");
        assert_eq!(question["inputRequests"]["confirm"]["method"], "elicitation/create");
        let again = |action: &str| {
            json!({
                "name": "ssh_exec", "arguments": arguments, "requestState": question["requestState"],
                "inputResponses": { "confirm": { "action": action } }
            })
        };
        mcp.request(2, "tools/call", again("decline")).await;
        assert_eq!(mcp.result(2).await["structuredContent"]["code"], "confirmation_denied");
        mcp.request(3, "tools/call", again("accept")).await;
        assert_eq!(mcp.result(3).await["structuredContent"]["exit_code"], 0);
    };
    tokio::join!(helper, conversation("2026-07-28", json!({ "elicitation": {} }), &fake, talk));
}

#[tokio::test]
async fn where_only_an_operator_may_agree_or_nobody_can_be_asked_the_call_says_how_to_go_on() {
    for (capabilities, who) in
        [(json!({ "elicitation": {} }), Confirmer::Operator), (json!({}), Confirmer::Client)]
    {
        let fake = Fake::new();
        let helper = async {
            let mut client = fake.accept().await;
            let (op, _) = asked(&mut client).await;
            client.done(op, needs(who)).await;
            client
        };
        let talk = |mut mcp: Mcp| async move {
            mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "rm -r x" })).await;
            let result = mcp.result(1).await;
            assert_eq!(result["isError"], false);
            let fields = &result["structuredContent"];
            assert_eq!(
                (&fields["status"], &fields["confirmation"]["id"]),
                (&json!("needs_confirmation"), &json!("c1"))
            );
            assert!(fields["confirmation"]["how"].as_str().unwrap().contains("sallyport approve c1"));
        };
        tokio::join!(helper, conversation("2025-06-18", capabilities, &fake, talk));
    }
}

#[tokio::test]
async fn a_user_who_says_no_ends_the_call() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        client.done(op, needs(Confirmer::Client)).await;
        refused(&mut client).await;
        assert_eq!(client.next().await, None, "nothing more is asked of the helper");
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "rm -r x" })).await;
        let question = mcp.hear().await;
        mcp.say(json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "decline" } })).await;
        assert_eq!(mcp.result(1).await["structuredContent"]["code"], "confirmation_denied");
    };
    tokio::join!(helper, conversation("2025-06-18", json!({ "elicitation": {} }), &fake, talk));
}

#[tokio::test]
async fn a_cancelled_call_stops_the_remote_command_and_is_not_answered() {
    let fake = Fake::new();
    let (running, started) = tokio::sync::oneshot::channel();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        running.send(()).unwrap();
        assert_eq!(client.next().await, Some(ToHelper::Cancel { op }));
        client.done(op, Outcome::Cancelled { gone: true }).await;
        let (op, _) = asked(&mut client).await;
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "sleep 600" })).await;
        started.await.unwrap();
        let cancelled = json!({ "requestId": 1 });
        mcp.say(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled })).await;
        mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": "true" })).await;
        assert_eq!(mcp.result(2).await["structuredContent"]["status"], "ok");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn a_command_that_outlives_its_call_is_named_as_a_job() {
    for (reason, status) in
        [(Detach::Timeout, "timeout"), (Detach::Patience, "running"), (Detach::Background, "running")]
    {
        let fake = Fake::new();
        let helper = async {
            let mut client = fake.accept().await;
            let (op, exec) = asked(&mut client).await;
            assert_eq!((exec.timeout_ms, exec.detach_ms), (2000, 45_000));
            print(&mut client, op, Stream::Output, b"so far").await;
            client
                .done(op, Outcome::Detached { job: "j9".into(), reason, duration_ms: 2000, redactions: 0 })
                .await;
            client
        };
        let talk = |mut mcp: Mcp| async move {
            mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "make", "timeout_s": 2 })).await;
            let result = mcp.result(1).await;
            let fields = &result["structuredContent"];
            assert_eq!((&fields["status"], &fields["job_id"]), (&json!(status), &json!("j9")));
            assert_eq!((&fields["stdout"], &result["isError"]), (&json!("so far"), &json!(false)));
        };
        tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
    }
}

#[tokio::test]
async fn with_a_progress_token_the_call_waits_and_its_client_hears_of_it() {
    let fake = Fake::new();
    let (heard, told) = tokio::sync::oneshot::channel();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, exec) = asked(&mut client).await;
        assert_eq!(exec.detach_ms, 0, "it may take as long as it takes");
        print(&mut client, op, Stream::Output, b"12345").await;
        told.await.unwrap();
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        let params = json!({
            "name": "ssh_exec", "arguments": { "target": "web1", "command": "make" }, "_meta": { "progressToken": "p" }
        });
        mcp.request(1, "tools/call", params).await;
        let progress = mcp.hear().await;
        assert_eq!(
            (&progress["method"], &progress["params"]["progressToken"]),
            (&json!("notifications/progress"), &json!("p"))
        );
        assert!(progress["params"]["message"].as_str().unwrap().contains("5 bytes"), "{progress}");
        heard.send(()).unwrap();
        let mut message = mcp.hear().await;
        while message["method"] == "notifications/progress" {
            message = mcp.hear().await;
        }
        assert_eq!(message["result"]["structuredContent"]["exit_code"], 0);
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn a_helper_that_dies_names_the_job_whose_end_nobody_saw() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        client.send(FromHelper::Event { op, event: Event::Started { job: "j4".into() } }).await;
        drop(client);
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "make" })).await;
        let fields = mcp.result(1).await["structuredContent"].clone();
        assert_eq!((&fields["code"], &fields["retryable"]), (&json!("helper_unavailable"), &json!(true)));
        assert!(fields["message"].as_str().unwrap().contains("job j4"), "{fields}");
        mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": "true" })).await;
        assert_eq!(mcp.result(2).await["structuredContent"]["status"], "ok");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn input_reaches_the_command_whole() {
    let fake = Fake::new();
    let text = "line\n".repeat(200_000);
    let helper = async {
        let mut client = fake.accept().await;
        let (op, exec) = asked(&mut client).await;
        let plan = exec.input.unwrap();
        let mut received = 0;
        loop {
            match client.next().await.unwrap() {
                ToHelper::Data { bytes, .. } => {
                    let taken = u32::try_from(bytes.as_bytes().len()).unwrap();
                    received += u64::from(taken);
                    client.send(FromHelper::Credit { op, bytes: taken }).await;
                }
                ToHelper::End { .. } => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(received, plan.length);
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "wc -c", "stdin": text })).await;
        assert_eq!(mcp.result(1).await["structuredContent"]["status"], "ok");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}
