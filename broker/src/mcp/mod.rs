//! The MCP server: what an agent sees.
//!
//! This part turns tool calls into the protocol's requests and outcomes into
//! structured answers with a readable rendering. It must never touch the admin
//! socket, decide what may run, or see anything the helper has not redacted.
//! stdout carries MCP and nothing else.
//!
//! | module | what it holds |
//! |---|---|
//! | [`server`] | the life of a server: start, both protocol generations, end |
//! | [`table`] | every tool: name, texts, hints, schemas, handler |
//! | [`schema`] | JSON schemas from the types that are parsed and answered |
//! | [`call`] | one tool call: its arguments, its cancellation, the helper |
//! | [`answer`] | the one shape of all results |
//! | [`confirm`] | asking the client's user |
//! | [`progress`] | progress notifications |
//! | [`hosts`], [`exec`], [`output`], [`session`], [`terminal`], [`forward`], [`file`], [`transfer`], [`fleet`], [`ops`] | the tools |

mod answer;
mod call;
mod confirm;
mod exec;
pub mod file;
mod fleet;
mod forward;
mod hosts;
mod ops;
mod output;
mod progress;
mod schema;
mod secrets;
mod server;
mod session;
mod sudo;
pub mod table;
mod terminal;
#[cfg(test)]
mod tests;
pub mod transfer;

pub use answer::misplaced;
pub use server::{Chair, Seat, Server, serve};
pub use table::Toolset;
