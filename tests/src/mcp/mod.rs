//! A small MCP client over a child process: JSON-RPC, one message a line, as the stdio transport says.
//!
//! It does what a client must and no more, so that what the tests see is what the server sent: no retries, no
//! repairs, no validation on the server's behalf. A line that is not JSON on the server's standard output fails the test.

mod client;
pub mod http;
mod reply;

pub use client::{McpClient, Pending};
pub use reply::Reply;
