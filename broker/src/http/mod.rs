//! MCP over HTTP: Streamable HTTP at `/mcp`, on a loopback port, a Unix socket or a socket systemd holds.
//!
//! This part decides who asks: a request's token names its principal, and everything the request does is done in that
//! principal's name. It reads the token file and touches no other file, and no network but its own listening socket.
//! A token's text is never kept, logged or compared as text.
//!
//! | module | what it holds |
//! |---|---|
//! | [`tokens`] | the token file: names and hashes |
//! | [`place`] | where to listen |
//! | [`door`] | one request: path, token, limits, whose session |
//! | [`seat`] | which link to the helper a request uses |
//! | [`serve`] | accepting, and stopping without cutting answers off |

mod door;
mod place;
mod seat;
mod serve;
pub mod tokens;

pub use place::Address;
pub use serve::{Options, serve};
