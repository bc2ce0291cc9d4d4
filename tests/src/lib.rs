//! What the end-to-end tests, the demo and the benchmark stand on.
//!
//! * [`world`]: a throwaway world made of real parts: `gpg`, `pass`, `sshd`, accounts.
//! * [`mcp`]: a small MCP client that speaks JSON lines to a child process.
//! * [`raw`]: a peer of the helper that keeps to no rule.
//! * [`embedded`]: an SSH server on loopback for the demo, where no `sshd` is asked for.
//!
//! This crate is never part of what is shipped: neither program depends on it. It may start processes, make keys and
//! accounts, but only such as the warden ([`world::warden`]) can find again and remove.
//!
//! A world that cannot be built fails whoever asked for it: the functions here panic with a sentence instead of
//! returning errors that every test would have to unwrap.
#![expect(
    clippy::expect_used,
    reason = "support code of tests: a broken world must fail the test that asked for it, with the reason"
)]

pub mod embedded;
pub mod mcp;
pub mod raw;
pub mod world;
