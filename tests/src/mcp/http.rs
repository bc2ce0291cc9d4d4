//! A small HTTP client for the server's HTTP side: one request a connection, nothing clever, so that a test can say
//! exactly what goes over the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::Reply;
use crate::world::process::{self, PATIENCE};

/// A server over HTTP; killed when dropped.
#[derive(Debug)]
pub struct HttpServer {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header lines, lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body, put together.
    pub body: String,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The messages in it: one JSON document, or the data of a stream's events.
    pub fn messages(&self) -> Vec<Value> {
        if self.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            return serde_json::from_str(&self.body).into_iter().collect();
        }
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
    }

    /// The answer to a tool call; panics when there is none.
    #[track_caller]
    pub fn reply(&self) -> Reply {
        let raw = self
            .messages()
            .into_iter()
            .find(|message| message.get("id").is_some() && message.get("method").is_none());
        Reply { raw: raw.unwrap_or_else(|| panic!("no answer: {self:?}")) }
    }
}

/// How a client shows itself.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// Its token.
    pub token: Option<String>,
    /// Its session, in the older generation.
    pub session: Option<String>,
}

impl HttpServer {
    /// Starts `serve --http` on a free port of loopback, with more arguments.
    pub fn start(mut command: Command) -> Self {
        command.args(["--http", "127.0.0.1:0"]);
        let mut child =
            command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("http://")?.1.strip_suffix("/mcp")?.parse().ok())
            .expect("it says where it listens");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Sends a request as it is and reads until the server closes.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a positive time");
        // A server that has heard enough hangs up.
        drop(stream.write_all(request));
        let mut bytes = Vec::new();
        drop(stream.read_to_end(&mut bytes));
        parse(&bytes)
    }

    /// A request with these headers.
    pub fn request(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut text =
            format!("{method} /mcp HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            text.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        self.raw(format!("{text}\r\n{body}").as_bytes())
    }

    /// Posts a message as `client`.
    pub fn post(&self, client: &Client, more: &[(&str, &str)], message: &Value) -> Answer {
        let bearer = client.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers =
            vec![("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
        headers.extend(bearer.as_deref().map(|value| ("Authorization", value)));
        headers.extend(client.session.as_deref().map(|value| ("Mcp-Session-Id", value)));
        headers.extend(more);
        self.request("POST", &headers, &message.to_string())
    }

    /// Opens a session of the older generation.
    pub fn initialize(&self, token: Option<&str>) -> Client {
        let mut client = Client { token: token.map(str::to_owned), session: None };
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
        let answer = self.post(
            &client,
            &[],
            &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }),
        );
        client.session =
            Some(answer.header("mcp-session-id").unwrap_or_else(|| panic!("{answer:?}")).to_owned());
        let done =
            self.post(&client, &[], &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        assert_eq!(done.status, 202, "{done:?}");
        client
    }

    /// Calls a tool: within the client's session when it has one, else as a request of its own.
    pub fn call(&self, client: &Client, tool: &str, arguments: Value) -> Answer {
        let mut params = json!({ "name": tool, "arguments": arguments });
        if client.session.is_some() {
            let message = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
            return self.post(client, &[("MCP-Protocol-Version", "2025-06-18")], &message);
        }
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "0" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
        let standard =
            [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool)];
        self.post(client, &standard, &message)
    }

    /// Asks it to stop; how it ends.
    pub fn stop(mut self) -> ExitStatus {
        process::signal(self.pid(), Signal::SIGTERM);
        process::wait(&mut self.child).expect("it ends when told to")
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { dechunked(body) } else { body.to_owned() };
    Answer { status, headers, body }
}

/// RFC 9112, section 7.1, without extensions and trailers.
fn dechunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        let Some(chunk) = after.get(..size) else { break };
        if size == 0 {
            break;
        }
        body.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    body
}
