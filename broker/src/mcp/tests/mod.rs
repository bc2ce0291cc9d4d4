//! The server as a client sees it, in front of a helper that does what the test says.

mod asking;
mod jobs;
mod tools;

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
        &[Toolset::Core, Toolset::Sessions, Toolset::Files, Toolset::Forward, Toolset::Fleet, Toolset::Ops],
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
