//! The client: a child process, a thread that reads its lines, and a table of who waits for which answer.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use super::Reply;
use crate::world::process::{self, PATIENCE};

/// The generation of the protocol without `initialize`: every request says who asks and in which version.
const STATELESS: &str = "2026-07-28";

/// The newest version that begins with `initialize`.
const STATEFUL: &str = "2025-11-25";

#[derive(Debug, Default)]
struct Shared {
    waiting: HashMap<u64, Sender<Value>>,
    notifications: Vec<Value>,
    asked: Vec<Value>,
    answer: Option<Value>,
    closed: bool,
}

/// A client of one server process.
#[derive(Debug)]
pub struct McpClient {
    child: Child,
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    shared: Arc<Mutex<Shared>>,
    reader: Option<JoinHandle<()>>,
    errors: Option<JoinHandle<String>>,
    next: Mutex<u64>,
    stateless: bool,
    capabilities: Value,
    /// The server's answer to the handshake.
    pub server: Value,
}

/// An answer on its way.
#[derive(Debug)]
pub struct Pending {
    /// The request's id, to cancel it by.
    pub id: u64,
    receiver: Receiver<Value>,
}

impl Pending {
    /// Waits for the answer; panics when the server ends first or lets it wait too long.
    #[track_caller]
    pub fn wait(self) -> Reply {
        self.wait_for(PATIENCE)
    }

    /// Waits for the answer as long as `patience`; panics when it does not come.
    #[track_caller]
    pub fn wait_for(self, patience: Duration) -> Reply {
        match self.receiver.recv_timeout(patience) {
            Ok(raw) => Reply { raw },
            Err(error) => panic!("no answer to request {}: {error}", self.id),
        }
    }

    /// Waits for the answer; `None` when the server ended without giving one.
    pub fn wait_or_end(self) -> Option<Reply> {
        self.receiver.recv_timeout(PATIENCE).ok().map(|raw| Reply { raw })
    }

    /// Whether the answer is there already.
    pub fn ready(&self) -> Option<Reply> {
        self.receiver.try_recv().ok().map(|raw| Reply { raw })
    }
}

impl McpClient {
    /// Starts `server` and shakes hands by `initialize`.
    pub fn initialize(server: Command) -> Self {
        Self::initialize_as(server, STATEFUL, json!({}))
    }

    /// Starts `server` and shakes hands by `initialize` in `version`, with the client's `capabilities`.
    pub fn initialize_as(server: Command, version: &str, capabilities: Value) -> Self {
        let mut client = Self::spawn(server, false, capabilities);
        let hello = json!({
            "protocolVersion": version,
            "capabilities": client.capabilities,
            "clientInfo": { "name": "sallyport-tests", "version": "0" },
        });
        client.server = client.request("initialize", hello).wait().raw["result"].take();
        client.notify("notifications/initialized", json!({}));
        client
    }

    /// Starts `server` and asks it what it is, in the generation without `initialize`.
    pub fn discover(server: Command) -> Self {
        let mut client = Self::spawn(server, true, json!({}));
        client.server = client.request("server/discover", json!({})).wait().raw["result"].take();
        client
    }

    fn spawn(mut server: Command, stateless: bool, capabilities: Value) -> Self {
        let piped = server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the server starts");
        let stdin = Arc::new(Mutex::new(child.stdin.take()));
        let shared = Arc::new(Mutex::new(Shared::default()));
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut errors = child.stderr.take().expect("stderr is piped");
        let reader = thread::spawn({
            let (stdin, shared) = (Arc::clone(&stdin), Arc::clone(&shared));
            move || read(output, &stdin, &shared)
        });
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            // Ends with the process; what came until then is what there is.
            drop(errors.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        Self {
            child,
            stdin,
            shared,
            reader: Some(reader),
            errors: Some(errors),
            next: Mutex::new(1),
            stateless,
            capabilities,
            server: Value::Null,
        }
    }

    /// What the server calls itself: in `initialize`'s answer, or in the metadata of the newer generation's.
    pub fn server_name(&self) -> &str {
        let newer = &self.server["_meta"]["io.modelcontextprotocol/serverInfo"]["name"];
        self.server["serverInfo"]["name"].as_str().or(newer.as_str()).unwrap_or_default()
    }

    /// Calls `tool` and waits for the answer.
    #[track_caller]
    pub fn call(&self, tool: &str, arguments: Value) -> Reply {
        self.start(tool, arguments).wait()
    }

    /// Calls `tool` and lets the answer come when it comes.
    pub fn start(&self, tool: &str, arguments: Value) -> Pending {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Calls `tool` with a progress token.
    pub fn start_with_progress(&self, tool: &str, arguments: Value, token: &str) -> Pending {
        let meta = json!({ "progressToken": token });
        self.request("tools/call", json!({ "name": tool, "arguments": arguments, "_meta": meta }))
    }

    /// The tools, as listed.
    pub fn tools(&self) -> Vec<Value> {
        let reply = self.request("tools/list", json!({})).wait();
        reply.raw["result"]["tools"].as_array().cloned().unwrap_or_else(|| panic!("no tools: {reply:?}"))
    }

    /// Cancels a request.
    pub fn cancel(&self, id: u64) {
        self.notify("notifications/cancelled", json!({ "requestId": id, "reason": "the test says so" }));
    }

    /// Sends a request of any method.
    pub fn request(&self, method: &str, mut params: Value) -> Pending {
        if self.stateless {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": STATELESS,
                "io.modelcontextprotocol/clientInfo": { "name": "sallyport-tests", "version": "0" },
                "io.modelcontextprotocol/clientCapabilities": self.capabilities,
            });
            for (key, value) in meta.as_object().expect("an object").clone() {
                params["_meta"][key] = value;
            }
        }
        let id = {
            let mut next = self.next.lock().expect("no holder panics");
            *next += 1;
            *next
        };
        let (sender, receiver) = channel();
        let mut shared = self.shared.lock().expect("no holder panics");
        if !shared.closed {
            shared.waiting.insert(id, sender);
        }
        drop(shared);
        self.send_line(
            &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string(),
        );
        Pending { id, receiver }
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: Value) {
        self.send_line(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
    }

    /// Sends one line as it is, good or bad.
    pub fn send_line(&self, line: &str) {
        write_line(&self.stdin, line);
    }

    /// The notifications of `method` so far.
    pub fn notifications(&self, method: &str) -> Vec<Value> {
        let shared = self.shared.lock().expect("no holder panics");
        shared.notifications.iter().filter(|message| message["method"] == method).cloned().collect()
    }

    /// What the server asked of its client so far (elicitations).
    pub fn asked(&self) -> Vec<Value> {
        self.shared.lock().expect("no holder panics").asked.clone()
    }

    /// The result every further question of the server is answered with; without one they are refused.
    pub fn answer_questions_with(&self, result: Value) {
        self.shared.lock().expect("no holder panics").answer = Some(result);
    }

    /// The server's process id.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Kills the server where it stands.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child of ours can be killed");
        self.child.wait().expect("a child of ours can be waited for");
    }

    /// Closes the server's standard input, as a client that goes away, and waits for its end.
    /// Returns how it ended and what it wrote to standard error.
    pub fn close(mut self) -> (ExitStatus, String) {
        self.stdin.lock().expect("no holder panics").take();
        let status = process::wait(&mut self.child).expect("the server ends with its input");
        self.reader.take().expect("joined once").join().expect("only JSON lines on standard output");
        (status, self.errors.take().expect("joined once").join().expect("the reader does not panic"))
    }
}

impl Drop for McpClient {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn write_line(stdin: &Mutex<Option<ChildStdin>>, line: &str) {
    let mut stdin = stdin.lock().expect("no holder panics");
    // A server that was killed does not read: the waiting request tells.
    if let Some(stdin) = stdin.as_mut() {
        drop(stdin.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdin.flush()));
    }
}

fn read(output: impl BufRead, stdin: &Mutex<Option<ChildStdin>>, shared: &Mutex<Shared>) {
    for line in output.lines().map_while(Result::ok) {
        let message: Value = serde_json::from_str(&line)
            .unwrap_or_else(|e| panic!("not JSON on standard output ({e}): {line}"));
        let mut shared = shared.lock().expect("no holder panics");
        let id = message["id"].as_u64();
        if message.get("method").is_none() {
            if let Some(waiting) = id.and_then(|id| shared.waiting.remove(&id)) {
                // Whoever asked may have stopped waiting.
                drop(waiting.send(message));
            }
        } else if message.get("id").is_some() {
            let answer = match &shared.answer {
                Some(result) => json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }),
                None => json!({ "jsonrpc": "2.0", "id": message["id"],
                                "error": { "code": -32601, "message": "not supported" } }),
            };
            shared.asked.push(message);
            drop(shared);
            write_line(stdin, &answer.to_string());
        } else {
            shared.notifications.push(message);
        }
    }
    let mut shared = shared.lock().expect("no holder panics");
    shared.closed = true;
    shared.waiting.clear();
}
